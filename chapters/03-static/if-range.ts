/**
 * If-Range (RFC 9110 §13.1.5): "the part, if my copy of the rest is still right; else the whole".
 */

import { NotImplemented } from '#course/not-implemented.ts';
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
  // TODO 3.5  What begins with `"` or `W/` is a tag, and holds if it matches ours strongly. Anything else is a date, and
  //           holds if it equals ours and is at least DATE_SETTLED_MS ago.
  throw new NotImplemented('3.5');
}
