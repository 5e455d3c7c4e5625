/**
 * The page that a learner sees after a check.
 *
 * Nothing is said by colour or by a sign alone: it reads the same in a pipe, in
 * 80 columns and aloud.
 */
import { styleText } from 'node:util';
import type { FailureReport } from '#support/failure.ts';
import type { CheckResult, ExerciseResult, RuleResult, Status } from './check-result.ts';
import { effortOf, nextCore } from './effort.ts';
import { findExercise } from './manifest.ts';
import { listed } from './screen.ts';

export interface ReportOptions {
  columns: number;
  colors: boolean;
}

const SIGNS: Readonly<Record<Status, string>> = { passed: '✓', failed: '✗', busy: '?', skipped: '–', 'not run': '·' };
const COLORS = { passed: 'green', failed: 'red', busy: 'yellow', skipped: 'yellow', 'not run': 'gray' } as const;
const LABEL_COLUMNS = 10;
const INDENT = '      ';

/** The report as text, its last line ended. */
export function renderReport(result: CheckResult, options: ReportOptions): string {
  return new Report(result, options).text();
}

class Report {
  readonly #result: CheckResult;
  readonly #columns: number;
  readonly #colors: boolean;
  readonly #lines: string[] = [];

  constructor(result: CheckResult, options: ReportOptions) {
    this.#result = result;
    this.#columns = Math.max(60, Math.min(options.columns, 100));
    this.#colors = options.colors;
  }

  text(): string {
    const { exercises, problem } = this.#result;
    this.#heading();
    this.#overview();
    const failing = exercises.find((exercise) => exercise.status === 'failed');
    if (failing) this.#exercise(failing);
    for (const exercise of exercises) if (exercise.status === 'busy') this.#busy(exercise);
    this.#skipped();
    this.#types();
    if (problem !== undefined) this.#problem(problem);
    this.#last(failing);
    return `${this.#lines.join('\n')}\n`;
  }

  #style(style: Parameters<typeof styleText>[0], text: string): string {
    return this.#colors ? styleText(style, text, { validateStream: false }) : text;
  }

  #heading(): void {
    const { chapter, title, exercises, subject } = this.#result;
    const passed = exercises.filter((exercise) => exercise.status === 'passed').length;
    const of = subject === 'chapters' ? '' : ` · ${subject}`;
    const left = `${chapter} · ${title}${of}`;
    const right = exercises.length === 1 ? `exercise ${exercises[0]?.id ?? ''}` : `${passed} of ${exercises.length} exercises`;
    const gap = Math.max(2, this.#columns - left.length - right.length);
    this.#lines.push(`${this.#style('bold', left)}${' '.repeat(gap)}${right}`, '');
  }

  /** `✓ 1.1 echo every byte`: in columns as wide as the widest. */
  #overview(): void {
    const cells = this.#result.exercises.map((exercise) => {
      const word = exercise.status === 'skipped' ? ' (skipped)' : exercise.status === 'busy' ? ' (not judged)' : '';
      return { status: exercise.status, text: `${SIGNS[exercise.status]} ${exercise.id} ${exercise.title}${word}` };
    });
    const width = Math.max(...cells.map((cell) => cell.text.length)) + 3;
    const perLine = Math.max(1, Math.floor((this.#columns - 2) / width));
    for (let start = 0; start < cells.length; start += perLine) {
      const row = cells.slice(start, start + perLine);
      const shown = row.map((cell) => this.#style(COLORS[cell.status], cell.text) + ' '.repeat(width - cell.text.length));
      this.#lines.push(`  ${shown.join('')}`.trimEnd());
    }
    const extra = this.#result.exercises.filter(({ id, status }) => status !== 'passed' && findExercise(id)?.exercise.kind === 'extra');
    if (cells.length > 1 && extra.length > 0) this.#lines.push('', ...this.#wrap(`Extra, and can be skipped: ${listed(extra.map(({ id }) => id))}.`, '  '));
    this.#lines.push('');
  }

  #exercise(exercise: ExerciseResult): void {
    const failed = exercise.rules.filter((rule) => rule.status === 'failed');
    const [first, ...others] = failed;
    if (!first?.failure) return;
    const found = findExercise(exercise.id);
    const effort = found ? ` (${effortOf(found.exercise)})` : '';
    this.#lines.push(`  ${this.#style('red', `✗ ${exercise.id} ${exercise.title}`)}${effort}`);
    if (first.failure.kind === 'not started') this.#notStarted(exercise, first.failure);
    else this.#failure(first, first.failure);
    if (others.length > 0) {
      this.#lines.push('', `    ${others.length} more ${others.length === 1 ? 'rule' : 'rules'} of ${exercise.id} broken:`);
      for (const rule of others) this.#lines.push(...this.#wrap(rule.name, '      '));
    }
    this.#lines.push('');
  }

  #failure(rule: RuleResult, failure: FailureReport): void {
    this.#lines.push(...this.#wrap(rule.name, '    ').map((line) => this.#style('bold', line)));
    this.#field('rule', rule.rule);
    if (failure.sent !== undefined) this.#field('sent', failure.sent);
    this.#field('received', received(failure));
    if (failure.mark !== undefined) this.#lines.push(`${INDENT}${' '.repeat(LABEL_COLUMNS)}${failure.mark}`);
    if (failure.expected !== undefined) this.#field('expected', failure.expected);
    if (failure.at !== undefined) this.#field('at', failure.at);
    for (const line of failure.lastLines ?? []) this.#field('printed', line);
    // What a rule takes to be likely is about what a client saw, not about code that never ran.
    const guess = failure.kind === 'does not load' || failure.kind === 'did not start' ? undefined : rule.likely;
    const likely = failure.likely ?? guess;
    if (likely !== undefined && likely !== '') this.#field('likely', likely);
    this.#again(rule);
  }

  #again(rule: RuleResult): void {
    const { seed, subject } = this.#result;
    const id = rule.id.split('/')[0] ?? '';
    this.#field('reread', `${lessonOf(id)}, "${rule.section}"`);
    this.#field('hint', `npm run hint ${id}`);
    this.#field('again', `${commandFor(subject)} ${id}${subject === 'chapters' || subject === 'solutions' ? ' --' : ''} --seed ${seed}`);
  }

  /** The first red. It says what to open and what to type, and that nothing is wrong. */
  #notStarted(exercise: ExerciseResult, failure: FailureReport): void {
    const begin = failure.notImplemented ?? exercise.id;
    const found = findExercise(begin);
    const own = begin === exercise.id;
    const passed = exercise.rules.filter((rule) => rule.status === 'passed').length;
    const sentence = own && passed > 0
      ? `Half-way: ${passed} ${passed === 1 ? 'rule' : 'rules'} of ${exercise.id} pass. What comes next is not written yet.`
      : own
      ? 'Not started yet. This red is where everybody begins: the test is waiting for your code.'
      : `Exercise ${exercise.id} grows out of ${begin}, and ${begin} is not started yet.`;
    this.#lines.push(...this.#wrap(sentence, '    '));
    if (!found) return;
    const file = `chapters/${found.chapter.folder}/${found.exercise.file}`;
    this.#field('read', `${lessonOf(begin)}, "${found.exercise.section}"`);
    this.#field('open', `${failure.at ?? file}, and look for TODO ${begin}`);
    this.#field('check', `npm test ${begin}     (or, on every save: npm run watch ${begin})`);
    this.#field('stuck?', `npm run hint ${begin}`);
    const core = found.exercise.kind === 'extra' ? nextCore(found.chapter, begin) : undefined;
    if (core) this.#field('skip?', `npm test ${core.id}     (the next core exercise; the lesson says what to copy)`);
  }

  /** Neither green nor red: it says why, and what to do about it. */
  #busy(exercise: ExerciseResult): void {
    const rules = exercise.rules.filter((rule) => rule.status === 'busy');
    const lost = Math.max(...rules.map(({ busy }) => busy?.lostShare ?? 0));
    const [code, again] = this.#result.subject === 'chapters' ? ['your code', `npm test ${exercise.id}`] : ['this code', `${commandFor(this.#result.subject)} ${exercise.id}`];
    this.#lines.push(`  ${this.#style('yellow', `? ${exercise.id} ${exercise.title}`)}`);
    this.#lines.push(...this.#wrap(
      `This machine was too busy to judge ${exercise.id}: for ${Math.round(100 * lost)} % of the time, the test and the server waited for a processor that other programs were using. Nothing is wrong with ${code} as far as we saw. Close what keeps the machine busy, or wait, and run: ${again}`,
      '    ',
    ));
    this.#lines.push('', '    Not judged:');
    for (const rule of rules) this.#lines.push(...this.#wrap(rule.name, '      '));
    this.#lines.push('');
  }

  #skipped(): void {
    const skipped = this.#result.exercises.flatMap((exercise) => exercise.rules.filter((rule) => rule.status === 'skipped'));
    for (const rule of skipped) this.#lines.push(...this.#wrap(`– skipped: ${rule.name}: ${rule.skipped ?? ''}`, '  '));
    if (skipped.length > 0) this.#lines.push('');
  }

  #types(): void {
    const { typeErrors = [] } = this.#result;
    if (typeErrors.length === 0) return;
    const noun = typeErrors.length === 1 ? 'type error' : 'type errors';
    const heading = this.#wrap(`! ${typeErrors.length} ${noun} (the tests ignore types, so the verdict does not depend on this):`, '  ');
    this.#lines.push(...heading.map((line) => this.#style('yellow', line)));
    for (const error of typeErrors) this.#lines.push(...this.#wrap(error, '    '));
    this.#lines.push('');
  }

  #problem(problem: string): void {
    this.#lines.push(`  ${this.#style('red', '✗ the check itself did not finish')}`);
    for (const line of problem.split('\n').slice(0, 8)) this.#lines.push(...this.#wrap(line, '    '));
    this.#lines.push('');
  }

  #last(failing: ExerciseResult | undefined): void {
    const { passed, exercises, durationMs, seed } = this.#result;
    const seconds = `${(durationMs / 1000).toFixed(1)} s`;
    if (passed) {
      const what = exercises.length === 1 ? `Exercise ${exercises[0]?.id ?? ''} is done` : `All ${exercises.length} exercises pass`;
      this.#lines.push(`  ${this.#style('green', `${what}.`)} (${seconds}, seed ${seed})`);
    } else if (!failing && this.#result.problem === undefined) {
      const what = exercises.some(({ status }) => status === 'busy') ? 'not everything could be judged' : 'not everything was run';
      this.#lines.push(`  Nothing failed, but ${what}. (${seconds}, seed ${seed})`);
    } else {
      this.#lines.push(`  ${seconds}, seed ${seed}`);
    }
  }

  /** `      rule      a server …`, continued under itself. */
  #field(label: string, text: string): void {
    const prefix = `${INDENT}${label.padEnd(LABEL_COLUMNS)}`;
    const rest = ' '.repeat(prefix.length);
    const [first = '', ...others] = wrapText(text, this.#columns - prefix.length);
    this.#lines.push(`${INDENT}${this.#style('gray', label.padEnd(LABEL_COLUMNS))}${first}`, ...others.map((line) => rest + line));
  }

  #wrap(text: string, indent: string): string[] {
    return wrapText(text, this.#columns - indent.length).map((line) => indent + line);
  }
}

/** The five silences and what else there is, in words that say which one it was. */
function received(failure: FailureReport): string {
  switch (failure.kind) {
    case 'did not start':
    case 'exited':
    case 'blocked':
    case 'closed early':
    case 'does not load':
      return `${failure.kind}: ${failure.received}`;
    case 'silent':
      return failure.received;
    case 'wrong bytes':
    case 'wrong behaviour':
    case 'not started':
      return failure.received;
    default:
      return failure.kind satisfies never;
  }
}

function lessonOf(exerciseId: string): string {
  return `chapters/${findExercise(exerciseId)?.chapter.folder ?? '?'}/README.md`;
}

function commandFor(subject: string): string {
  if (subject === 'chapters') return 'npm test';
  if (subject === 'solutions') return 'npm run solution';
  return `npm run check -- --subject ${subject}`;
}

/** Breaks text into lines of at most `columns`, at spaces where there are any. */
function wrapText(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (let rest = text; ; ) {
    if (rest.length <= columns) return [...lines, rest];
    const space = rest.lastIndexOf(' ', columns);
    const cut = space > columns / 3 ? space : columns;
    lines.push(rest.slice(0, cut));
    rest = rest.slice(cut).trimStart();
  }
}
