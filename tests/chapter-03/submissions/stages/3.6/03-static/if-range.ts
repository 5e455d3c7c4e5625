/**
 * If-Range (RFC 9110 §13.1.5): "the part, if my copy of the rest is still right; else the whole".
 */

import { matchesStrongly } from './entity-tag.ts';
import { parseHttpDate } from './parse-http-date.ts';
import type { Validators } from './preconditions.ts';

/** A date is a strong validator only once its second is over. */
const SECOND_MS = 1000;

/**
 * Whether Range may be applied. Parts of two versions put together would be neither, so only strong validators count:
 * a strong tag, or a date that is exactly ours (§13.1.5: not "no later than") and that stands for one version only.
 */
export function ifRangeHolds(value: string, current: Validators, nowMs: number): boolean {
  if (value.startsWith('"') || value.startsWith('W/')) return current.etag !== null && matchesStrongly(value, current.etag);
  const { lastModifiedMs } = current;
  if (lastModifiedMs === null || nowMs - lastModifiedMs < 2 * SECOND_MS) return false;
  return parseHttpDate(value, nowMs) === lastModifiedMs;
}
