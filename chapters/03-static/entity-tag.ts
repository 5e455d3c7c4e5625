/**
 * Entity tags: made, read and compared (RFC 9110 §8.8.3).
 */

import { NotImplemented } from '#course/not-implemented.ts';

/** A file changed so recently may change again without anything to tell by: its times are too coarse. */
const SETTLED_MS = 1000;

/** What a tag is made of. */
export interface Version {
  /** In bytes. */
  readonly size: number;
  readonly mtimeMs: number;
}

/**
 * The tag of a file: from its size and its time of modification to the microsecond, so that every server that has a
 * copy gives the same one. Strong, unless the file was modified within the last second (RFC 9110 §8.8.1).
 *
 * @param coding `''`, or the content coding: encoded bytes are another representation and need a tag of their own
 */
export function entityTag(version: Version, coding: string, nowMs: number): string {
  // TODO 3.4  Size, time and coding, in quotes, so that two versions, or two codings of one, never have the same tag.
  //           `W/` before it, unless the time is SETTLED_MS ago.
  throw new NotImplemented('3.4');
}

/**
 * The tags in If-Match and If-None-Match: `*`, or a list. Commas may be within a tag, so it is not split at them.
 * What is no tag matches nothing.
 */
export function parseEntityTags(value: string): '*' | readonly string[] {
  // TODO 3.4  `*`, or all tags of the list. A tag is `"`, any characters but `"` and blanks, and `"`, perhaps with `W/`
  //           before it. It stands between commas, or the ends; `w/"a"` is none.
  throw new NotImplemented('3.4');
}

/** RFC 9110 §8.8.3.2, strong comparison: both are strong, and the same byte for byte. */
export function matchesStrongly(a: string, b: string): boolean {
  // TODO 3.4  The same, and not weak.
  throw new NotImplemented('3.4');
}

/** RFC 9110 §8.8.3.2, weak comparison: the same but for their weakness. */
export function matchesWeakly(a: string, b: string): boolean {
  // TODO 3.4  The same, whether or not there is a `W/` before either.
  throw new NotImplemented('3.4');
}
