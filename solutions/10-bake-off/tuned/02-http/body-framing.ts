/**
 * How long a body is: RFC 9112 §6, where every ambiguity is an attack.
 *
 * Looks at a head, returns the framing, or throws a RemoteProtocolError. Reads no body.
 */

import { DIGIT, isAll } from './characters.ts';
import { RemoteProtocolError } from './errors.ts';
import type { HttpHeaders } from './headers.ts';
import { defaultLimits } from './limits.ts';
import type { HttpLimits } from './limits.ts';
import type { HttpVersion } from './request-line.ts';
import { tokenList } from './token-list.ts';

/** No body; a number of bytes; chunks; or all bytes until the connection closes (responses only). */
export type BodyFraming =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' };

export const noBody: BodyFraming = Object.freeze({ kind: 'none' });
export const chunkedBody: BodyFraming = Object.freeze({ kind: 'chunked' });
export const closeDelimitedBody: BodyFraming = Object.freeze({ kind: 'close' });

/** The part of a head that decides the framing. */
export interface FramedHead {
  readonly httpVersion: HttpVersion;
  readonly headers: HttpHeaders;
}

/**
 * The framing of a request's body (RFC 9112 §6.3). `Content-Length: 0` is a body of no bytes: `none`.
 *
 * @throws RemoteProtocolError 400 if the framing is ambiguous, 501 for a transfer coding other than chunked,
 *   413 for a length beyond the limit
 */
export function bodyFraming(head: FramedHead, limits: HttpLimits = defaultLimits): BodyFraming {
  const codings = head.headers.get('transfer-encoding');
  const length = head.headers.get('content-length');
  if (codings === undefined) return length === undefined ? noBody : lengthFraming(length, limits);
  // RFC 9112 §6.1: both together may be a smuggling attempt, and a server MAY refuse them. We do.
  if (length !== undefined) throw new RemoteProtocolError(400, 'both Content-Length and Transfer-Encoding');
  // RFC 9112 §6.1: HTTP/1.0 has no transfer codings; its framing MUST be treated as faulty.
  if (head.httpVersion === '1.0') throw new RemoteProtocolError(400, 'Transfer-Encoding in HTTP/1.0');
  checkCodings(codings);
  return chunkedBody;
}

/**
 * The framing of a response's body, which also depends on its status and on the request (RFC 9112 §6.3).
 *
 * @throws RemoteProtocolError as {@link bodyFraming}
 */
export function responseBodyFraming(
  head: FramedHead & { readonly status: number },
  requestMethod: string,
  limits: HttpLimits = defaultLimits,
): BodyFraming {
  if (requestMethod === 'HEAD' || head.status < 200 || head.status === 204 || head.status === 304) return noBody;
  if (requestMethod === 'CONNECT' && head.status < 300) return noBody;
  const framing = bodyFraming(head, limits);
  const declared = head.headers.has('content-length') || framing.kind === 'chunked';
  return declared ? framing : closeDelimitedBody;
}

/**
 * Parses the value of Content-Length: `1*DIGIT`, nothing else, and once. RFC 9112 §6.3 would let us take `5, 5` as 5;
 * we refuse every list, since no sender has a reason to make one.
 *
 * @throws RemoteProtocolError 400 for what is not a length, 413 beyond 2^53-1
 */
export function parseContentLength(value: string): number {
  if (value === '' || !isAll(DIGIT, value)) throw new RemoteProtocolError(400, 'invalid Content-Length');
  const length = Number(value);
  if (length > Number.MAX_SAFE_INTEGER) throw new RemoteProtocolError(413, 'Content-Length too large');
  return length;
}

function lengthFraming(value: string, limits: HttpLimits): BodyFraming {
  const length = parseContentLength(value);
  if (length > limits.bodyBytesMax) throw new RemoteProtocolError(413, 'body too large');
  return length === 0 ? noBody : { kind: 'length', length };
}

/** Only `chunked`, once and last. Another coding is 501 (RFC 9112 §6.1); chunked, but not last, is 400 (§6.3). */
function checkCodings(value: string): void {
  if (value === 'chunked') return;
  const codings = tokenList(value);
  const chunkedAt = codings.indexOf('chunked');
  if (codings.includes('')) throw new RemoteProtocolError(400, 'invalid Transfer-Encoding');
  if (chunkedAt !== -1 && chunkedAt !== codings.length - 1) {
    throw new RemoteProtocolError(400, 'chunked is not the last transfer coding');
  }
  if (codings.length > 1 || chunkedAt === -1) throw new RemoteProtocolError(501, 'unknown transfer coding');
}
