/** Text for the terminal: 80 columns, readable without colours and aloud. */
import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** The width to write for. */
export function columns(): number {
  return Math.min(Math.max(process.stdout.columns ?? 80, 40), 100);
}

/** Whether standard output shows colours: a terminal, and nobody said NO_COLOR. */
export function colors(): boolean {
  return process.stdout.isTTY === true && !process.env['NO_COLOR'] && process.stdout.hasColors();
}

/** Text in a colour where there are colours. Never the only carrier of a meaning. */
export function paint(format: Format, text: string): string {
  return colors() ? styleText(format, text, { validateStream: false }) : text;
}

export function print(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** Breaks text between words so that no line is wider than the terminal; commands in backquotes stay whole. */
export function wrap(text: string, indent = '', width = Math.min(columns(), 80)): string {
  const words = text.match(/(?:`[^`]*`|\S)+/g) ?? [];
  const lines: string[] = [];
  let line = indent;
  for (const word of words) {
    if (line.length > indent.length && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent;
    }
    line += line.length > indent.length ? ` ${word}` : word;
  }
  return [...lines, line].join('\n');
}

/** Breaks the prose of a Markdown text into lines, and leaves its code alone. */
export function wrapMarkdown(text: string): string {
  let fenced = false;
  const lines = text.split('\n').map((line) => {
    const fence = /^\s*(?:```|~~~)/.test(line);
    if (fence) fenced = !fenced;
    if (fence || fenced || line.length <= 80) return line;
    const mark = /^\s*(?:(?:[-*]|\d+\.)\s+)?/.exec(line)?.[0] ?? '';
    return mark + wrap(line.slice(mark.length), ' '.repeat(mark.length)).trimStart();
  });
  return lines.join('\n');
}

/** On a terminal: one line that tells how far the tests are, and is gone when they are done. */
export class StatusLine {
  readonly #parts: string[] = [];
  readonly #shows = process.stderr.isTTY === true;

  /** Adds to what it says. */
  add(part: string): void {
    this.#parts.push(part);
    this.show(`  ${this.#parts.join(', ')}`);
  }

  /** Says this instead of what it said before. */
  show(line: string): void {
    if (this.#shows) process.stderr.write(`\r\x1b[K${line.slice(0, columns() - 1)}`);
  }

  clear(): void {
    if (this.#shows) process.stderr.write('\r\x1b[K');
    this.#parts.length = 0;
  }
}

/** `1 file`, `2 files`. */
export function count(value: number, noun: string): string {
  return `${value} ${noun}${value === 1 ? '' : 's'}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}
