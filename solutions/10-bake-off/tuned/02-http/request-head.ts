/**
 * A request's head: empty lines, request line, fields, and what they mean together.
 *
 * Returns the event, `null` (need more), or throws a RemoteProtocolError. It is called again from the head's start
 * when more has arrived: that happens at most once for each line, so the limits bound the work.
 */

import { bodyFraming } from './body-framing.ts';
import { CR, LF, TOKEN, spanOf } from './characters.ts';
import { RemoteProtocolError } from './errors.ts';
import type { RequestEvent } from './events.ts';
import { parseFieldSection } from './field-line.ts';
import { HttpHeaders } from './headers.ts';
import { checkHost } from './host.ts';
import type { HttpLimits } from './limits.ts';
import { endOfLine } from './lines.ts';
import { parseRequestLine } from './request-line.ts';

/** The most bytes that a head can have: what must be looked at to find its end. */
export function headBytesMax(limits: HttpLimits): number {
  return limits.emptyLinesMax * 2 + limits.requestLineBytesMax + 2 + limits.headerBytesMax + 2;
}

/** Reads the head that begins at `start`. */
export function readRequestHead(text: string, start: number, limits: HttpLimits): RequestEvent | null {
  const lineStart = skipEmptyLines(text, start, limits.emptyLinesMax);
  if (lineStart === text.length) return null;
  const lineEnd = endOfLine(text, lineStart, limits.requestLineBytesMax, longLineStatus(text, lineStart, limits));
  if (lineEnd === -1) return null;
  const line = parseRequestLine(text, limits, lineStart, lineEnd);
  const offsets: number[] = [];
  const end = parseFieldSection(text, lineEnd + 2, limits.headerBytesMax, limits.headerCountMax, offsets);
  if (end === -1) return null;
  const headers = new HttpHeaders(text, offsets);
  checkHost(line, headers);
  return {
    type: 'request',
    method: line.method,
    target: line.target,
    form: line.form,
    httpVersion: line.httpVersion,
    headers,
    framing: bodyFraming({ httpVersion: line.httpVersion, headers }, limits),
    byteLength: end - start,
  };
}

/** RFC 9112 §2.2: a server SHOULD ignore at least one empty line before the request line. */
function skipEmptyLines(text: string, start: number, countMax: number): number {
  let at = start;
  for (let count = 0; text.charCodeAt(at) === CR; count++) {
    if (at + 1 === text.length) return text.length;
    if (text.charCodeAt(at + 1) !== LF || count === countMax) throw new RemoteProtocolError(400, 'invalid method');
    at += 2;
  }
  return at;
}

/**
 * The status for a request line beyond the limit. RFC 9112 §3: 414 is for a long target; a method longer than any that
 * is implemented SHOULD be answered with 501.
 */
function longLineStatus(text: string, start: number, limits: HttpLimits): number {
  const limit = start + limits.requestLineBytesMax;
  return text.length > limit && spanOf(TOKEN, text, start, limit) === limit ? 501 : 414;
}
