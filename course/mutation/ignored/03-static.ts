/** Chapter 03: what no hidden test can or should notice. */
import type { Ignored } from './entry.ts';

export const ignoredInChapter03: readonly Ignored[] = [];
