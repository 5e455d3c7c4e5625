/**
 * A request's head, written by a client (RFC 9112 §3).
 */

import { chunkedBody, noBody } from './body-framing.ts';
import type { BodyFraming } from './body-framing.ts';
import { TARGET, isAll, isToken } from './characters.ts';
import { LocalProtocolError } from './errors.ts';
import type { RequestToSend } from './events.ts';
import type { FieldLines } from './field-lines.ts';
import { framingLine } from './response-head.ts';

/** Methods that nobody expects to have content: an empty body gets no Content-Length (RFC 9110 §8.6). */
const withoutContent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']);

/** The framing of a request to be sent: what its headers say, or else the length of its body. */
export function requestFraming(method: string, fields: FieldLines, bodyBytes: number | null): BodyFraming {
  if (fields.chunked) {
    if (fields.contentLength !== null) throw new LocalProtocolError('both Content-Length and Transfer-Encoding');
    return chunkedBody;
  }
  const length = fields.contentLength ?? bodyBytes;
  if (length === null || (length === 0 && fields.contentLength === null && withoutContent.has(method))) return noBody;
  return { kind: 'length', length };
}

/** Writes a request's head. @throws LocalProtocolError for an invalid method or target */
export function requestHead(request: RequestToSend, fields: FieldLines, framing: BodyFraming): string {
  if (!isToken(request.method)) throw new LocalProtocolError('invalid method');
  if (request.target === '' || !isAll(TARGET, request.target)) throw new LocalProtocolError('invalid target');
  const connection = fields.close ? 'Connection: close\r\n' : '';
  return `${request.method} ${request.target} HTTP/1.1\r\n${fields.text}${framingLine(framing)}${connection}\r\n`;
}
