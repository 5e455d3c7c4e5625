/**
 * If-Range (RFC 9110 §13.1.5): "the part, if my copy of the rest is still right; else the whole".
 */

import { matchesStrongly } from './entity-tag.ts';
import { parseHttpDate } from './parse-http-date.ts';
import type { Validators } from './preconditions.ts';

/**
 * A date names one version only once its second is over (RFC 9110 §8.8.2.2); the other second is for a disk whose clock
 * is slower than ours. Whether it was over when the copy was sent is for the client to know: it has our Date.
 */
const DATE_SETTLED_MS = 2000;

/**
 * Whether Range may be applied. Parts of two versions put together would be neither, so only strong validators count:
 * a strong tag, or a date that is exactly ours (§13.1.5: not "no later than") and that names one version only.
 */
export function ifRangeHolds(value: string, current: Validators, nowMs: number): boolean {
  if (value.startsWith('"')) return current.etag !== null && matchesStrongly(value, current.etag);
  const { lastModifiedMs } = current;
  if (lastModifiedMs === null || nowMs - lastModifiedMs < DATE_SETTLED_MS) return false;
  return parseHttpDate(value, nowMs) === lastModifiedMs;
}
