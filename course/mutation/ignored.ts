/**
 * Mutants that no hidden test can or should notice, each with the reason.
 *
 * What belongs here: a change that cannot be told apart from outside, a word in
 * a message whose wording is free, a step that only saves time. What does not:
 * behaviour for which a rule is missing.
 */
import type { Ignored } from './ignored/entry.ts';
import { ignoredInChapter01 } from './ignored/01-echo.ts';
import { ignoredInChapter02 } from './ignored/02-http.ts';
import { ignoredInChapter03 } from './ignored/03-static.ts';
import { ignoredInChapter04 } from './ignored/04-workers.ts';
import { ignoredInChapter05 } from './ignored/05-gateway.ts';
import { ignoredInChapter06Gateway } from './ignored/06-gateway.ts';
import { ignoredInChapter06Connection } from './ignored/06-connection.ts';
import type { Mutant } from './mutants.ts';

export const ignored: readonly Ignored[] = [
  ...ignoredInChapter01, ...ignoredInChapter02, ...ignoredInChapter03, ...ignoredInChapter04, ...ignoredInChapter05,
  ...ignoredInChapter06Gateway, ...ignoredInChapter06Connection,
];

/** The entry that excuses a mutant, if there is one. */
export function excuseOf(mutant: Mutant): Ignored | undefined {
  return ignored.find((entry) =>
    (entry.file.endsWith('/') ? mutant.file.startsWith(entry.file) : entry.file === mutant.file)
    && [entry.line].flat().some((part) => mutant.sourceLine.includes(part))
    && (entry.mutators?.includes(mutant.mutator) ?? true)
    && (entry.replacements?.includes(mutant.replacement) ?? true)
    && isOriginal(entry.original, mutant.original));
}

function isOriginal(wanted: Ignored['original'], original: string): boolean {
  return wanted === undefined || (typeof wanted === 'string' ? wanted === original : wanted.test(original));
}
