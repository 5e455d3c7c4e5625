/**
 * Makes the response to a request for a representation: 200, 206, 304, 412 or 416.
 */

import { NotImplemented } from '#course/not-implemented.ts';
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
  // TODO 3.5  No range left: 416, with the size. One: 206, a `part` with Content-Range. Several: 206 with the body of
  //           `multipartByteranges`; mind which fields belong to the whole, and which to each part. A 416 is an HttpError;
  //           `part` is below.
  throw new NotImplemented('3.5');
}

function part(status: 200 | 206, found: Representation, range: ByteRange, fields: readonly HeaderPair[]): HttpResponse {
  const body = found.content.body(range);
  // Bytes that are there have a length; for bytes that are yet to be read it must be given. So must a length of 0: an
  // empty answer to HEAD might otherwise be one whose length nobody knows.
  if (body instanceof Uint8Array && body.length > 0) return new HttpResponse(status, fields, body);
  return new HttpResponse(status, [...fields, ['Content-Length', String(rangeLength(range))]], body);
}
