/**
 * Mutants that no hidden test can or should notice, each with the reason.
 *
 * What belongs here: a change that cannot be told apart from outside, a word in
 * a message whose wording is free, a step that only saves time. What does not:
 * behaviour for which a rule is missing.
 */
import type { Mutant } from './mutants.ts';

export interface Ignored {
  /** Below `solutions/`. */
  readonly file: string;
  /** A part of the source line in which the mutant begins. */
  readonly line: string;
  /** Narrows it to these kinds of change. */
  readonly mutators?: readonly string[];
  /** Narrows it to changes into exactly this. */
  readonly replacement?: string;
  /** Narrows it to changes of exactly this. */
  readonly original?: string;
  readonly reason: string;
}

export const ignored: readonly Ignored[] = [];

/** The entry that excuses a mutant, if there is one. */
export function excuseOf(mutant: Mutant): Ignored | undefined {
  return ignored.find((entry) =>
    entry.file === mutant.file
    && mutant.sourceLine.includes(entry.line)
    && (entry.mutators?.includes(mutant.mutator) ?? true)
    && (entry.replacement === undefined || entry.replacement === mutant.replacement)
    && (entry.original === undefined || entry.original === mutant.original));
}
