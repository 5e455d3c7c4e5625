/** What a check of the course by itself finds. */

/** One thing that is wrong: a sentence that says where, what, and what to do. */
export type Fault = string;

export interface Outcome {
  /** Units that are right: rules, starter exercises, submissions, tests; 1 for a check of files. */
  readonly passed: number;
  readonly failed: number;
  /** Units that this machine cannot show, each with its reason. A failure where REQUIRE_ALL=1. */
  readonly skipped: readonly string[];
  /** At least one for each failed unit. */
  readonly faults: readonly Fault[];
  /** What a maintainer should know although it is not a failure. */
  readonly notes?: readonly string[];
  /** What was measured: shown below the check's line, whatever the outcome. */
  readonly figures?: readonly string[];
}

/** The outcome of a check that counts as one unit, whatever the number of its faults. */
export function oneUnit(faults: readonly Fault[]): Outcome {
  return { passed: faults.length === 0 ? 1 : 0, failed: faults.length === 0 ? 0 : 1, skipped: [], faults };
}

/** Several outcomes as one. */
export function sum(outcomes: readonly Outcome[]): Outcome {
  return {
    passed: outcomes.reduce((total, outcome) => total + outcome.passed, 0),
    failed: outcomes.reduce((total, outcome) => total + outcome.failed, 0),
    skipped: outcomes.flatMap((outcome) => outcome.skipped),
    faults: outcomes.flatMap((outcome) => outcome.faults),
    notes: outcomes.flatMap((outcome) => outcome.notes ?? []),
  };
}
