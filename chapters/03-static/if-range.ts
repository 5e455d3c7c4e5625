/**
 * If-Range (RFC 9110 §13.1.5): "the part, if my copy of the rest is still right; else the whole".
 */

import { NotImplemented } from '#course/not-implemented.ts';
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
  // TODO 3.5  As it says above. What begins with `"` or `W/` is a tag, anything else a date. A date counts when it is
  //           ours and at least two seconds old.
  throw new NotImplemented('3.5');
}
