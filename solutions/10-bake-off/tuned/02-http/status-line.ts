/**
 * A response's head, received: `HTTP-version SP status-code SP [ reason-phrase ]` (RFC 9112 §4) and fields.
 *
 * The client's half of request-head.ts, with the same contract: the event, `null` (need more), or an error.
 */

import { responseBodyFraming } from './body-framing.ts';
import { DIGIT, SPACE, spanOf, spanOfFieldValue } from './characters.ts';
import { RemoteProtocolError } from './errors.ts';
import type { ResponseEvent } from './events.ts';
import { parseFieldSection } from './field-line.ts';
import { HttpHeaders } from './headers.ts';
import type { HttpLimits } from './limits.ts';
import { endOfLine } from './lines.ts';
import { parseVersion } from './request-line.ts';
import type { HttpVersion } from './request-line.ts';

export interface StatusLine {
  readonly httpVersion: HttpVersion;
  readonly status: number;
  readonly reason: string;
}

/**
 * Parses one complete status line, without its CRLF. The space before an empty reason may be missing: many servers
 * leave it out.
 *
 * @throws RemoteProtocolError 400, 505
 */
export function parseStatusLine(text: string, start = 0, end: number = text.length): StatusLine {
  const httpVersion = parseVersion(text, start, Math.min(start + 8, end));
  const codeEnd = spanOf(DIGIT, text, start + 9, Math.min(start + 12, end));
  const valid =
    text.charCodeAt(start + 8) === SPACE &&
    codeEnd === start + 12 &&
    (codeEnd === end || text.charCodeAt(codeEnd) === SPACE) &&
    spanOfFieldValue(text, codeEnd, end) === end;
  const status = Number(text.substring(start + 9, codeEnd));
  if (!valid || status < 100 || status > 599) throw new RemoteProtocolError(400, 'invalid status line');
  return { httpVersion, status, reason: text.substring(codeEnd + 1, end) };
}

/** Reads the head that begins at `start`, of a response to a request with this method. */
export function readResponseHead(
  text: string,
  start: number,
  limits: HttpLimits,
  requestMethod: string,
): ResponseEvent | null {
  const lineEnd = endOfLine(text, start, limits.requestLineBytesMax, 400);
  if (lineEnd === -1) return null;
  const line = parseStatusLine(text, start, lineEnd);
  const offsets: number[] = [];
  const end = parseFieldSection(text, lineEnd + 2, limits.headerBytesMax, limits.headerCountMax, offsets);
  if (end === -1) return null;
  const head = { ...line, headers: new HttpHeaders(text, offsets) };
  return {
    type: head.status < 200 ? 'informational' : 'response',
    ...head,
    framing: responseBodyFraming(head, requestMethod, limits),
    byteLength: end - start,
  };
}
