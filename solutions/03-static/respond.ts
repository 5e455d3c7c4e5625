/**
 * Makes the response to a request for a representation: 200, 206, 304, 412 or 416.
 */

import { HttpError, HttpResponse } from '../02-http/index.ts';
import type { HeaderPair, HttpRequest } from '../02-http/index.ts';
import { rangeLength } from './byte-range.ts';
import type { ByteRange } from './byte-range.ts';
import { ifRangeHolds } from './if-range.ts';
import { contentRange, multipartByteranges } from './multipart.ts';
import { evaluatePreconditions, hasPreconditions } from './preconditions.ts';
import { parseRange } from './range.ts';
import type { Representation } from './representation.ts';

/**
 * Answers a GET or HEAD. The content is closed with the response's body, even if that is never sent.
 *
 * @throws HttpError 412, 416; the caller closes the content
 */
export function respond(request: HttpRequest, found: Representation, rangesMax: number): HttpResponse {
  const { method, headers } = request;
  const whole = { firstPos: 0, lastPos: found.content.size - 1 };
  if (hasPreconditions(headers)) {
    const status = evaluatePreconditions(method, headers, found);
    if (status === 304) return new HttpResponse(304, found.notModifiedFields, found.content.body(whole));
    if (status === 412) throw new HttpError(412);
  }
  // RFC 9110 §14.2: Range MUST be ignored for any method but GET.
  const range = method === 'GET' ? headers.get('range') : undefined;
  if (range === undefined) return part(200, found, whole, found.fields);
  const ranges = ifRangeFails(request, found) ? null : parseRange(range, found.content.size, rangesMax);
  return ranges === null ? part(200, found, whole, found.fields) : partial(found, ranges);
}

function ifRangeFails(request: HttpRequest, found: Representation): boolean {
  const ifRange = request.headers.get('if-range');
  return ifRange !== undefined && !ifRangeHolds(ifRange, found, Date.now());
}

function partial(found: Representation, ranges: readonly ByteRange[]): HttpResponse {
  const { content, mediaType, fields } = found;
  const [range] = ranges;
  if (range === undefined) throw new HttpError(416, '', [['Content-Range', `bytes */${content.size}`]]);
  if (ranges.length === 1) return part(206, found, range, [...fields, ['Content-Range', contentRange(range, content.size)]]);
  const { contentType, contentLength, body } = multipartByteranges(content, mediaType, ranges);
  // RFC 9110 §15.3.7.2: each part has the Content-Range, the response as a whole MUST NOT.
  const others = fields.filter(([name]) => name.toLowerCase() !== 'content-type');
  return new HttpResponse(206, [['Content-Type', contentType], ...others, ['Content-Length', String(contentLength)]], body);
}

function part(status: 200 | 206, found: Representation, range: ByteRange, fields: readonly HeaderPair[]): HttpResponse {
  const body = found.content.body(range);
  // Bytes that are there have a length; for bytes that are yet to be read it must be given. So must a length of 0: an
  // empty answer to HEAD might otherwise be one whose length nobody knows.
  if (body instanceof Uint8Array && body.length > 0) return new HttpResponse(status, fields, body);
  return new HttpResponse(status, [...fields, ['Content-Length', String(rangeLength(range))]], body);
}
