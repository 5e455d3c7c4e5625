/**
 * Conditional requests: whether the client's copy, or its idea of ours, is still right (RFC 9110 §13).
 */

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
  const isRead = method === 'GET' || method === 'HEAD';
  const ifMatch = headers.get('if-match');
  // 1 and 2: the client wants this done only to the version that it knows. With If-Match the date does not count.
  if (ifMatch !== undefined) {
    if (!listMatches(ifMatch, current.etag, matchesStrongly)) return 412;
  } else if (modifiedSince(headers.get('if-unmodified-since'), current) === true) {
    return 412;
  }
  // 3 and 4: the client has a copy. With If-None-Match the date does not count, whatever it says.
  const ifNoneMatch = headers.get('if-none-match');
  if (ifNoneMatch !== undefined) {
    if (listMatches(ifNoneMatch, current.etag, matchesWeakly)) return isRead ? 304 : 412;
  } else if (isRead && modifiedSince(headers.get('if-modified-since'), current) === false) {
    return 304;
  }
  return null;
}

function listMatches(list: string, etag: string | null, matches: (a: string, b: string) => boolean): boolean {
  const tags = parseEntityTags(list);
  if (tags === '*') return true;
  return etag !== null && tags.some((tag) => matches(tag, etag));
}

/** `undefined` if there is nothing to compare. RFC 9110 §13.1.3, §13.1.4: an invalid date MUST be ignored. */
function modifiedSince(date: string | undefined, current: Validators): boolean | undefined {
  if (date === undefined || current.lastModifiedMs === null) return undefined;
  const timeMs = parseHttpDate(date);
  return timeMs === null ? undefined : current.lastModifiedMs > timeMs;
}
