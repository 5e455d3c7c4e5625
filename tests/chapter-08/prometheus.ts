/** Reads the text format of Prometheus, version 0.0.4, as strictly as its own parser, and what its rules say of histograms. */
import { check } from '#support/failure.ts';

export interface Sample {
  name: string;
  labels: ReadonlyMap<string, string>;
  value: number;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LINE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)(?: -?\\d+)?$`);
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/;

/** All samples of a page. Fails at the first line that is wrong. */
export function readMetrics(text: string): Sample[] {
  const wrong = (line: string, expected: string): never => {
    check(false, { sent: 'GET /metrics', received: line === '' ? 'an empty line or page' : line, expected });
    throw new Error('never reached');
  };
  if (!text.endsWith('\n')) wrong(text.slice(-80), 'a page whose last line ends with a line feed');
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  const seen = new Set<string>();
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    if (line.startsWith('#')) {
      const [, name, type] = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary|untyped)$`).exec(line) ?? [];
      if (name === undefined && /^# TYPE\b/.test(line)) wrong(line, '# TYPE, a name, and counter, gauge, histogram, summary or untyped');
      if (name === undefined) continue;
      if (types.has(name) || samples.some((sample) => familyOf(sample.name, types) === name)) wrong(line, 'one TYPE for each name, before its samples');
      types.set(name, type!);
      continue;
    }
    const [, name, labelText = '', value] = LINE.exec(line) ?? wrong(line, 'a name, labels in braces, and a value');
    const labels = new Map<string, string>();
    for (let rest = labelText; rest !== '';) {
      const [whole, label, quoted] = LABEL.exec(rest) ?? wrong(line, 'labels such as method="GET", with commas between them');
      if (labels.has(label!)) wrong(line, 'each label once');
      labels.set(label!, quoted!.replace(/\\([\\"n])/g, (_, letter: string) => (letter === 'n' ? '\n' : letter)));
      rest = rest.slice(whole!.length);
    }
    const number = /^[+-]?Inf$/.test(value!) ? Infinity : Number(value);
    if (Number.isNaN(number) && value !== 'NaN') wrong(line, 'a number');
    const key = `${name}${JSON.stringify([...labels].sort())}`;
    if (seen.has(key)) wrong(line, 'each series once');
    seen.add(key);
    samples.push({ name: name!, labels, value: number });
  }
  for (const [name, type] of types) if (type === 'histogram') checkHistogram(name, samples);
  return samples;
}

function familyOf(name: string, types: ReadonlyMap<string, string>): string {
  const family = name.replace(/_(bucket|sum|count)$/, '');
  return types.get(family) === 'histogram' || types.get(family) === 'summary' ? family : name;
}

/** Buckets are cumulative, and the last one holds all. */
function checkHistogram(name: string, samples: readonly Sample[]): void {
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`);
  const bounds = buckets.map(({ labels }) => (labels.get('le') === '+Inf' ? Infinity : Number(labels.get('le'))));
  const count = samples.find((sample) => sample.name === `${name}_count`)?.value;
  const isRight = bounds.at(-1) === Infinity
    && bounds.every((bound, index) => index === 0 || bound > bounds[index - 1]!)
    && buckets.every(({ value }, index) => index === 0 || value >= buckets[index - 1]!.value)
    && buckets.at(-1)?.value === count
    && samples.some((sample) => sample.name === `${name}_sum`);
  check(isRight, {
    sent: 'GET /metrics',
    received: `${name}: ${buckets.map(({ value }, index) => `${value} up to ${bounds[index]}`).join(', ')}; a count of ${count}`,
    expected: 'buckets that each hold those before them, the last one up to +Inf and as many as the count, and a sum',
  });
}

/** The sum of all series of a name whose labels are these. */
export function valueOf(samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}): number {
  const fits = (sample: Sample): boolean => sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels.get(label) === value);
  return samples.filter(fits).reduce((sum, { value }) => sum + value, 0);
}
