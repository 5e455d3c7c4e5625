/**
 * Conditional requests: whether the client's copy, or its idea of ours, is still right (RFC 9110 §13).
 */

import { NotImplemented } from '#course/not-implemented.ts';
import type { HttpHeaders } from '../02-http/index.ts';
import { matchesStrongly, matchesWeakly, parseEntityTags } from './entity-tag.ts';
import { parseHttpDate } from './parse-http-date.ts';

/** What the current representation is recognised by. */
export interface Validators {
  /** As it is sent, with its quotes. */
  readonly etag: string | null;
  /** In whole seconds, as it is sent. */
  readonly lastModifiedMs: number | null;
}

/** Whether the request has any precondition: most have none, and then nothing else has to be looked up. */
export function hasPreconditions(headers: HttpHeaders): boolean {
  return (
    headers.has('if-none-match') || headers.has('if-modified-since') || headers.has('if-match') || headers.has('if-unmodified-since')
  );
}

/**
 * Evaluates the preconditions in the order of RFC 9110 §13.2.2. Call it only if the answer would otherwise be 2xx.
 * Range and If-Range, steps 5 and 6 there, come after it.
 *
 * @returns the status that answers the request, 304 or 412; `null` to go on
 */
export function evaluatePreconditions(method: string, headers: HttpHeaders, current: Validators): 304 | 412 | null {
  // TODO 3.4  Four questions, in the order of the lesson's picture. `listMatches` and `modifiedSince` are below.
  throw new NotImplemented('3.4');
}

function listMatches(list: string, etag: string | null, matches: (a: string, b: string) => boolean): boolean {
  const tags = parseEntityTags(list);
  if (tags === '*') return true;
  return etag !== null && tags.some((tag) => matches(tag, etag));
}

/** `undefined` if there is nothing to compare. RFC 9110 §13.1.3, §13.1.4: an invalid date MUST be ignored. */
function modifiedSince(date: string | undefined, current: Validators): boolean | undefined {
  // TODO 3.4  Whether our version is newer than that date; `undefined` if there is no date, or no valid one, or nothing
  //           to compare it with.
  throw new NotImplemented('3.4');
}
