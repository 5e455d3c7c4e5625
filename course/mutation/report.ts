/** The result of a run, as data, as Markdown and as lines for the terminal. */
import { count } from '../screen.ts';
import type { Failure } from './messages.ts';
import type { Mutant } from './mutants.ts';

export type MutantStatus =
  | 'killed'
  /** Killed too: the code came to a stop, or the rule to no verdict. */
  | 'timeout'
  | 'survived'
  /** Survived too: no rule reaches it. */
  | 'not reached'
  /** Survived, and excused by `ignored.ts`. */
  | 'ignored';

export interface MutantResult extends Mutant {
  readonly status: MutantStatus;
  readonly failure?: Failure;
  /** Why it is ignored. */
  readonly reason?: string;
  /** Rules that reach it. */
  readonly reachedBy: number;
  readonly ms: number;
}

export interface MutationReport {
  readonly version: 1;
  readonly chapter: string;
  readonly seed: number;
  readonly startedAt: string;
  readonly durationMs: number;
  /** Per cent, to two decimal places. */
  readonly score: number;
  readonly rules: number;
  readonly counts: Readonly<Record<MutantStatus, number>>;
  /** Files that the learner is given as they are. */
  readonly given: readonly string[];
  /** The score without them. */
  readonly ownScore: number;
  readonly mutants: readonly MutantResult[];
}

export function countsOf(mutants: readonly MutantResult[]): Record<MutantStatus, number> {
  const counts = { killed: 0, timeout: 0, survived: 0, 'not reached': 0, ignored: 0 };
  for (const { status } of mutants) counts[status]++;
  return counts;
}

/** Killed mutants per hundred that are not ignored; 100 where there are none. */
export function scoreOf(counts: Readonly<Record<MutantStatus, number>>): number {
  const killed = counts.killed + counts.timeout;
  const all = killed + counts.survived + counts['not reached'];
  return all === 0 ? 100 : Math.round((killed / all) * 10_000) / 100;
}

export function isSurvivor({ status }: MutantResult): boolean {
  return status === 'survived' || status === 'not reached';
}

/** One line of code, however many it was. */
function oneLine(code: string, length: number): string {
  const line = code.replaceAll(/\s+/g, ' ').trim();
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}

export function placeOf(mutant: Mutant): string {
  return `solutions/${mutant.file}:${mutant.line}:${mutant.column}`;
}

/** A survivor, in three lines. */
export function describeMutant(mutant: MutantResult): string {
  const status = mutant.status === 'not reached' ? 'no rule reaches it' : `survived ${count(mutant.reachedBy, 'rule')}`;
  return `${describeChange(mutant)}\n  ${status}`;
}

export function describeChange(mutant: Mutant): string {
  return [
    `${placeOf(mutant)}  ${mutant.mutator}`,
    `  - ${oneLine(mutant.original, 110)}`,
    `  + ${oneLine(mutant.replacement, 110) || '(nothing)'}`,
  ].join('\n');
}

export function summaryOf(report: MutationReport): string {
  const { counts, mutants, durationMs } = report;
  const run = mutants.length - counts.ignored;
  const own = report.given.length === 0 ? '' : `; ${report.ownScore} % without what the learner is given (${report.given.join(', ')})`;
  return `${report.chapter}: ${report.score} % of ${run} mutants killed `
    + `(${counts.killed} killed, ${counts.timeout} by timeout, ${counts.survived} survived, ${counts['not reached']} not reached; `
    + `${counts.ignored} survived with an excuse) in ${Math.round(durationMs / 1000)} s${own}`;
}

export function toMarkdown(report: MutationReport): string {
  const code = (text: string): string => `\`${oneLine(text, 120).replaceAll('|', '\\|').replaceAll('`', 'ˋ')}\``;
  const files = [...new Set(report.mutants.map(({ file }) => file))];
  const survivors = report.mutants.filter(isSurvivor);
  const excused = report.mutants.filter(({ status }) => status === 'ignored');
  return [
    `# Mutation testing of ${report.chapter}`,
    '',
    `${summaryOf(report)}. Seed ${report.seed}, ${report.startedAt}.`,
    '',
    '| File | Score | Killed | Timeout | Survived | Not reached | Ignored |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...files.map((file) => {
      const counts = countsOf(report.mutants.filter((mutant) => mutant.file === file));
      return `| ${file} | ${scoreOf(counts)} % | ${counts.killed} | ${counts.timeout} | ${counts.survived} | ${counts['not reached']} | ${counts.ignored} |`;
    }),
    '',
    '## Survivors',
    '',
    ...(survivors.length === 0 ? ['None.'] : [
      '| Place | Change | Original | Mutant | Rules that reach it |',
      '| --- | --- | --- | --- | --- |',
      ...survivors.map((mutant) =>
        `| ${placeOf(mutant)} | ${mutant.mutator} | ${code(mutant.original)} | ${code(mutant.replacement)} | ${mutant.reachedBy} |`),
    ]),
    '',
    '## Ignored',
    '',
    ...(excused.length === 0 ? ['None.'] : [
      '| Place | Original | Mutant | Reason |',
      '| --- | --- | --- | --- |',
      ...excused.map((mutant) =>
        `| ${placeOf(mutant)} | ${code(mutant.original)} | ${code(mutant.replacement)} | ${mutant.reason ?? ''} |`),
    ]),
    '',
  ].join('\n');
}
