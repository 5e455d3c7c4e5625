/** An excuse: which mutants, and why no hidden test can or should notice them. */
export interface Ignored {
  /** Below `solutions/`: a file, or with a `/` at its end all files of a folder. */
  readonly file: string;
  /** Parts of the source lines in which the mutants begin: one of them is enough. */
  readonly line: string | readonly string[];
  /** Narrows it to these kinds of change. */
  readonly mutators?: readonly string[];
  /** Narrows it to changes into exactly one of these. */
  readonly replacements?: readonly string[];
  /** Narrows it to changes of exactly this, or of what this matches. */
  readonly original?: string | RegExp;
  readonly reason: string;
}
