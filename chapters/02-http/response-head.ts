/**
 * A response's head: how its body is framed, and the lines that say so (RFC 9112 §4, §6; RFC 9110 §6.4).
 */

import { NotImplemented } from '#course/not-implemented.ts';
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
  // TODO 2.4  Not in a response to HEAD, and not with 1xx, 204, 205 or 304.
  throw new NotImplemented('2.4');
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
  // TODO 2.4  Decide in this order: statuses that have no length at all, or always the same one; a declared length; a
  //           known length; a response without content; and last, for a body of unknown length, what each version has
  //           to offer. An empty body that a handler gives for HEAD, and any body with a 304, says nothing about the
  //           length that GET would have: treat that length as unknown.
  throw new NotImplemented('2.4');
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
  // TODO 2.4  A status line, Date unless the fields have one or the status is below 200, the fields, the line that
  //           announces the framing, Connection if it has a value, and the empty line. `statusLine`, `dateLine`
  //           and `framingLine` each end in CRLF.
  throw new NotImplemented('2.4');
}
