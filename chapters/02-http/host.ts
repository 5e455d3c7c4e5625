/**
 * Which host a request is for: RFC 9112 §3.2, RFC 9110 §7.2.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { isAuthority } from './authority.ts';
import { RemoteProtocolError } from './errors.ts';
import type { HttpHeaders } from './headers.ts';
import type { RequestLine } from './request-line.ts';

/**
 * Checks the Host field of a request.
 *
 * @throws RemoteProtocolError 400 when it is missing (from HTTP/1.1 on), repeated or invalid: all three a MUST
 */
export function checkHost(line: RequestLine, headers: HttpHeaders): void {
  // TODO 2.2  Is there no Host field, one, or several? From which version on must there be one? `isAuthority` knows
  //           what a host with an optional port looks like; an empty value is allowed too.
  throw new NotImplemented('2.2');
}
