/**
 * What a hidden test says when it fails, as data. The reporter makes the page.
 */

/**
 * The ways in which a server can disappoint. The first five are the five
 * silences; the rest is what a test can see besides.
 */
export type FailureKind =
  | 'did not start'
  | 'exited'
  | 'silent'
  | 'closed early'
  | 'wrong bytes'
  /** The event loop of the server does not turn any more. */
  | 'blocked'
  /** An exercise that has not been begun: the starter's own error. */
  | 'not started'
  /** The chapter's files do not load, or do not export what they must. */
  | 'does not load'
  /** A function returned or did something else than it should. */
  | 'wrong behaviour';

/** One failure. Every text is one or a few lines, without colours. */
export interface FailureReport {
  kind: FailureKind;
  /** What was seen, in a sentence or two. */
  received: string;
  /** A line with `^` under the first wrong byte of `received`'s first line. */
  mark?: string;
  /** What was done to the server. */
  sent?: string;
  /** What a right server does. */
  expected?: string;
  /** The likely cause, when this failure itself tells it better than the rule; empty for none. */
  likely?: string;
  /** The last lines that the server wrote to stderr, oldest first. */
  lastLines?: readonly string[];
  /** Where in the learner's files, as `file:line`. */
  at?: string;
  /** The exercise that a starter's NotImplemented names. */
  notImplemented?: string;
  /** A clock has decided, so a machine that is busy with something else may be the cause. */
  timed?: true;
}

/** Thrown by the harness and by tests; carries the report to the reporter. */
export class CheckFailure extends Error {
  readonly report: FailureReport;

  constructor(report: FailureReport) {
    super(`${report.kind}: ${report.received}`);
    this.name = 'CheckFailure';
    this.report = report;
  }
}

/** Throws a {@link CheckFailure} of kind `wrong behaviour` unless the condition holds. */
export function check(condition: boolean, report: Omit<FailureReport, 'kind'> & { kind?: FailureKind }): asserts condition {
  if (!condition) throw new CheckFailure({ kind: 'wrong behaviour', ...report });
}
