/**
 * Which host a request is for: RFC 9112 §3.2, RFC 9110 §7.2.
 */

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
  const host = headers.get('host');
  if (host === undefined) {
    if (line.httpVersion === '1.1') throw new RemoteProtocolError(400, 'no Host');
    return;
  }
  // RFC 9112 §3.2: empty if the target URI has no authority. We cannot tell here, so an empty one passes.
  // Two Host lines arrive joined by a comma and a space, and no valid host contains a space.
  if (host !== '' && !isAuthority(host)) throw new RemoteProtocolError(400, 'invalid Host');
}
