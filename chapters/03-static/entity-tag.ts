/**
 * Entity tags: made, read and compared (RFC 9110 §8.8.3).
 */

import { NotImplemented } from '#course/not-implemented.ts';

/** A file that changed less than this ago may change again unnoticed: its times are too coarse. */
const SETTLED_MS = 1000;

/** What a tag is made from. */
export interface Version {
  /** In bytes. */
  readonly size: number;
  readonly mtimeMs: number;
}

/**
 * The tag of a file: made from its size and its time of modification to the microsecond, so that every server that has
 * a copy gives the same one. Strong, unless the file was modified within the last second (RFC 9110 §8.8.1).
 *
 * @param coding `''`, or the content coding: encoded bytes are another representation and need a tag of their own
 */
export function entityTag(version: Version, coding: string, nowMs: number): string {
  // TODO 3.4  Size, time and coding, in quotes, so that two versions, or two codings of one, never have the same tag.
  //           `W/` before it, unless the time is at least SETTLED_MS ago.
  throw new NotImplemented('3.4');
}

/**
 * The tags in If-Match and If-None-Match: `*`, or a list. A tag may contain commas, so the list is not split at them.
 * What is not a tag matches nothing.
 */
export function parseEntityTags(value: string): '*' | readonly string[] {
  // TODO 3.4  `*`, or all tags of the list. A tag is `"`, any characters but `"` and blanks, and `"`, perhaps with `W/`
  //           before it. It is between commas, or the ends of the list; `w/"a"` is not a tag.
  throw new NotImplemented('3.4');
}

/** RFC 9110 §8.8.3.2, strong comparison: both are strong, and the same byte for byte. */
export function matchesStrongly(a: string, b: string): boolean {
  // TODO 3.4  The same, and not weak.
  throw new NotImplemented('3.4');
}

/** RFC 9110 §8.8.3.2, weak comparison: the same, apart from whether they are weak. */
export function matchesWeakly(a: string, b: string): boolean {
  // TODO 3.4  The same, whether or not there is a `W/` before either.
  throw new NotImplemented('3.4');
}
