/** What a check found: the same data for the terminal, for `--json` and for progress. */
import type { FailureReport } from '#support/failure.ts';
import type { Busy } from '#support/judge.ts';

/** `busy`: the machine had too little time for it, so it was not judged. */
export type Status = 'passed' | 'failed' | 'busy' | 'skipped' | 'not run';

/** One hidden test. */
export interface RuleResult {
  /** `1.3/rest-after-fin`. */
  readonly id: string;
  /** The sentence that the test is named by. */
  readonly name: string;
  readonly status: Status;
  /** Wall-clock milliseconds; for the reader, never for a verdict. */
  readonly durationMs: number;
  /** The rule that a server must obey, with its source. */
  readonly rule: string;
  readonly likely?: string;
  /** The lesson's heading to reread. */
  readonly section: string;
  /** Why it was skipped. */
  readonly skipped?: string;
  /** Of a rule that failed; of one that is `busy`, what was seen and counts for nothing. */
  readonly failure?: FailureReport;
  /** Why it was not judged, of one that is `busy`. */
  readonly busy?: Busy;
}

export interface ExerciseResult {
  readonly id: string;
  readonly title: string;
  readonly status: Status;
  readonly rules: readonly RuleResult[];
}

export interface CheckResult {
  /** Grows when a field changes its meaning. */
  readonly version: 1;
  /** `chapter-01`. */
  readonly chapter: string;
  readonly title: string;
  /** `chapters`, `solutions`, or the folder that was given. */
  readonly subject: string;
  /** Replays every random choice: `--seed`. */
  readonly seed: number;
  readonly startedAt: string;
  readonly durationMs: number;
  /** Every exercise that was asked for is passed (skipped rules aside). */
  readonly passed: boolean;
  readonly exercises: readonly ExerciseResult[];
  /** Type errors in the checked files; they do not decide the verdict. */
  readonly typeErrors?: readonly string[];
  /** What kept the run from its end, where something did. */
  readonly problem?: string;
}
