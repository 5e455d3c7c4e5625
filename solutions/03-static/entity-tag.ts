/**
 * Entity tags: made, read and compared (RFC 9110 §8.8.3).
 */

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
  const opaque = `${version.size.toString(16)}-${Math.round(version.mtimeMs * 1000).toString(16)}`;
  const settled = nowMs - version.mtimeMs >= SETTLED_MS;
  return `${settled ? '' : 'W/'}"${opaque}${coding === '' ? '' : `-${coding}`}"`;
}

/**
 * The tags in If-Match and If-None-Match: `*`, or a list. A tag may contain commas, so the list is not split at them.
 * What is not a tag matches nothing.
 */
export function parseEntityTags(value: string): '*' | readonly string[] {
  if (value === '*') return '*';
  // From one comma, or end, to the next: a tag inside a member that is not a tag does not count.
  return value.match(/(?<=(?:^|,)[ \t]*)(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"(?=[ \t]*(?:,|$))/g) ?? [];
}

/** RFC 9110 §8.8.3.2, strong comparison: both are strong, and the same byte for byte. */
export function matchesStrongly(a: string, b: string): boolean {
  return a === b && !a.startsWith('W/');
}

/** RFC 9110 §8.8.3.2, weak comparison: the same, apart from whether they are weak. */
export function matchesWeakly(a: string, b: string): boolean {
  return a.replace(/^W\//, '') === b.replace(/^W\//, '');
}
