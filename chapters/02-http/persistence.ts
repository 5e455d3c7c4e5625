/**
 * Whether a connection outlives a message (RFC 9112 §9.3), and what a client expects before it sends a body
 * (RFC 9110 §10.1.1).
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { RemoteProtocolError } from './errors.ts';
import type { HttpHeaders } from './headers.ts';
import type { HttpVersion } from './request-line.ts';
import { listHas } from './token-list.ts';

interface PersistenceHead {
  readonly httpVersion: HttpVersion;
  readonly headers: HttpHeaders;
}

/** Whether the sender of this head wants the connection to persist: by default since 1.1, on request in 1.0. */
export function persists(head: PersistenceHead): boolean {
  const options = head.headers.get('connection');
  if (options !== undefined && listHas(options, 'close')) return false;
  // TODO 2.5  `close` is done. What does each version do by default, and which word changes that?
  throw new NotImplemented('2.5');
}

/**
 * Whether the client waits for a 100 before it sends the body.
 *
 * @throws RemoteProtocolError 417 for an expectation other than 100-continue
 */
export function expectsContinue(head: PersistenceHead): boolean {
  const expectation = head.headers.get('expect');
  if (expectation === undefined) return false;
  // TODO 2.5  A comma-separated list. We know one expectation, in upper or lower case. Refuse any other (417); an empty
  //           member is not one. HTTP/1.0 does not know it: from an HTTP/1.0 client it means nothing.
  throw new NotImplemented('2.5');
}
