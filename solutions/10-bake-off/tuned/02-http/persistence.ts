/**
 * Whether a connection outlives a message (RFC 9112 §9.3), and what a client expects before it sends a body
 * (RFC 9110 §10.1.1).
 */

import { RemoteProtocolError } from './errors.ts';
import type { HttpHeaders } from './headers.ts';
import type { HttpVersion } from './request-line.ts';
import { listHas, tokenList } from './token-list.ts';

interface PersistenceHead {
  readonly httpVersion: HttpVersion;
  readonly headers: HttpHeaders;
}

/** Whether the sender of this head wants the connection to persist: by default since 1.1, on request in 1.0. */
export function persists(head: PersistenceHead): boolean {
  const options = head.headers.get('connection');
  if (options === undefined) return head.httpVersion === '1.1';
  if (listHas(options, 'close')) return false;
  return head.httpVersion === '1.1' || listHas(options, 'keep-alive');
}

/**
 * Whether the client waits for a 100 before it sends the body.
 *
 * @throws RemoteProtocolError 417 for an expectation other than 100-continue
 */
export function expectsContinue(head: PersistenceHead): boolean {
  const expectation = head.headers.get('expect');
  if (expectation === undefined) return false;
  // RFC 9110 §10.1.1: a list, so a member may be there twice, and empty ones do not count (§5.6.1.2).
  const expectations = tokenList(expectation).filter((member) => member !== '');
  if (expectations.some((member) => member !== '100-continue')) throw new RemoteProtocolError(417, 'unknown expectation');
  // From an HTTP/1.0 client it MUST be ignored.
  return expectations.length > 0 && head.httpVersion === '1.1';
}
