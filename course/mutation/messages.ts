/** What `run.ts` and its test processes say to each other. */

/** Run these rules, in this order, until one fails. */
export interface Job {
  /** The mutant to switch on; none for the reference as it is. */
  mutant?: string;
  rules: readonly string[];
  /** The file to write down the reached mutants in. */
  coverageFile?: string;
  /** Milliseconds that one rule may take. */
  ruleMs: number;
}

/** A rule that failed. */
export interface Failure {
  rule: string;
  /** As in the course's reports, or `timeout`: the rule came to no verdict. */
  kind: string;
  received: string;
}

export type FromWorker =
  | { readonly type: 'ready'; readonly rules: readonly string[] }
  | { readonly type: 'done'; readonly failure?: Failure; readonly skipped: readonly string[]; readonly ms: number };
