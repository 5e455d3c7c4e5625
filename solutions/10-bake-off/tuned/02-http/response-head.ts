/**
 * A response's head: how its body is framed, and the lines that say so (RFC 9112 §4, §6; RFC 9110 §6.4).
 */

import { chunkedBody, closeDelimitedBody, noBody } from './body-framing.ts';
import type { BodyFraming } from './body-framing.ts';
import type { FieldLines } from './field-lines.ts';
import { dateLine } from './http-date.ts';
import type { HttpVersion } from './request-line.ts';
import { statusLine } from './response-status.ts';

/** What a response answers: the part of the request that shapes it. */
export interface Answered {
  readonly method: string;
  readonly httpVersion: HttpVersion;
}

/** Whether a response may have content: not to HEAD, and not with 1xx, 204, 205, 304 (RFC 9110 §6.4.1, §15.3.6). */
export function mayHaveBody(status: number, method: string): boolean {
  return method !== 'HEAD' && status >= 200 && status !== 204 && status !== 205 && status !== 304;
}

/**
 * How the body of a response is framed: by its length if that is known; else in chunks or, for HTTP/1.0, by the end of
 * the connection. For a response to HEAD it is what GET would have had, as far as that is known.
 *
 * @param declared the Content-Length that the response came with, or `null`
 * @param bodyBytes how long its body is, or `null` if that is not known
 */
export function responseFraming(
  status: number,
  declared: number | null,
  bodyBytes: number | null,
  answered: Answered,
): BodyFraming {
  // RFC 9110 §8.6: no Content-Length in 1xx and 204. §15.3.6: 205 has no content, and says so with a length of 0.
  if (status < 200 || status === 204) return noBody;
  if (status === 205) return { kind: 'length', length: 0 };
  if (declared !== null) return { kind: 'length', length: declared };
  // An empty body given for HEAD or 304 says nothing about the length that GET would have.
  const unknown = bodyBytes === null || (bodyBytes === 0 && answered.method === 'HEAD') || status === 304;
  if (!unknown) return { kind: 'length', length: bodyBytes };
  if (!mayHaveBody(status, answered.method)) return noBody;
  // RFC 9112 §6.1: Transfer-Encoding MUST NOT be sent unless the request was HTTP/1.1.
  return answered.httpVersion === '1.1' ? chunkedBody : closeDelimitedBody;
}

/** The field line that announces a framing, with its CRLF. */
export function framingLine(framing: BodyFraming): string {
  if (framing.kind === 'length') return 'Content-Length: ' + framing.length + '\r\n';
  return framing.kind === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : '';
}

/**
 * Writes a response's head, from the status line to the empty line.
 *
 * @param connection the value of Connection, or `''` for none
 * @throws LocalProtocolError for a status or reason that cannot be sent
 */
export function responseHead(
  status: number,
  reason: string | undefined,
  fields: FieldLines,
  framing: BodyFraming,
  connection: '' | 'close' | 'keep-alive',
): string {
  // RFC 9110 §6.6.1: an origin server with a clock MUST send Date in 2xx, 3xx and 4xx.
  const date = fields.hasDate || status < 200 ? '' : dateLine();
  const connectionLine = connection === '' ? '' : 'Connection: ' + connection + '\r\n';
  return statusLine(status, reason) + date + fields.text + framingLine(framing) + connectionLine + '\r\n';
}
