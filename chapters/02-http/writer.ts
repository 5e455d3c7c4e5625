/**
 * Messages on their way out: heads and bodies as bytes (RFC 9112 §3, §4, §6, §7.1).
 *
 * No I/O. Throws a LocalProtocolError for what the caller must not send; then nothing has changed.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { isAllowedTrailer } from './body.ts';
import { LocalProtocolError } from './errors.ts';
import type { BodyFraming, HttpVersion } from './events.ts';
import { TARGET } from './head.ts';
import { FIELD_VALUE, type HeaderPair, listHas, TOKEN } from './headers.ts';

/** Bytes for the wire; in a string, each character is one byte (latin1). */
export type WireData = string | Uint8Array;
/** What a response answers: the part of the request that shapes it. */
export interface Answered { readonly method: string; readonly httpVersion: HttpVersion }
/** A body as a whole; `undefined` for one that comes in parts. */
type WholeBody = string | Uint8Array | undefined;
/**
 * Field lines to be sent, and what was among them: all but `hasDate` is left out of the text, since the connection
 * decides about it.
 */
export interface FieldLines {
  text: string;
  contentLength: number | null;
  chunked: boolean;
  close: boolean;
  hasDate: boolean;
}
/**
 * What a head is written from. `line` is the start line with its CRLF; `connection` is '' where no such field is due.
 */
export interface HeadParts {
  readonly line: string;
  readonly fields: FieldLines;
  readonly framing: BodyFraming;
  readonly connection: '' | 'close' | 'keep-alive';
}

const REASONS: Readonly<Record<number, string>> = {
  100: 'Continue', 101: 'Switching Protocols', 103: 'Early Hints', 200: 'OK', 201: 'Created', 202: 'Accepted',
  204: 'No Content', 205: 'Reset Content', 206: 'Partial Content', 301: 'Moved Permanently', 302: 'Found',
  303: 'See Other', 304: 'Not Modified', 307: 'Temporary Redirect', 308: 'Permanent Redirect', 400: 'Bad Request',
  401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed', 406: 'Not Acceptable',
  408: 'Request Timeout', 409: 'Conflict', 410: 'Gone', 412: 'Precondition Failed', 413: 'Content Too Large',
  414: 'URI Too Long', 415: 'Unsupported Media Type', 416: 'Range Not Satisfiable', 417: 'Expectation Failed',
  421: 'Misdirected Request', 422: 'Unprocessable Content', 426: 'Upgrade Required', 429: 'Too Many Requests',
  431: 'Request Header Fields Too Large', 500: 'Internal Server Error', 501: 'Not Implemented', 502: 'Bad Gateway',
  503: 'Service Unavailable', 504: 'Gateway Timeout', 505: 'HTTP Version Not Supported',
};

/** The registered reason phrase (RFC 9110 §15), or `''`, which is allowed (RFC 9112 §4). */
export const reasonPhrase = (status: number): string => REASONS[status] ?? '';

/**
 * Writes field lines. RFC 9110 §5.5 forbids CR, LF and NUL in a value: a server that lets them through turns every
 * reflected value into a forged field.
 */
export function fieldLines(headers: readonly HeaderPair[]): FieldLines {
  // TODO 2.6  Content-Length, Transfer-Encoding and a Connection that only says close or keep-alive are noted, and left
  //           out of the text. A second length, a length that is not digits, and a coding other than chunked cannot be
  //           sent.
  throw new NotImplemented('2.6');
}

/** Whether a response may have content: not to HEAD, and not with 1xx, 204, 205, 304 (RFC 9110 §6.4.1, §15.3.6). */
export function mayHaveBody(status: number, method: string): boolean {
  throw new NotImplemented('2.6');
}

/**
 * How the body of a response is framed: by its length if that is known; else in chunks or, for HTTP/1.0, by the end of
 * the connection. For a response to HEAD it is what GET would have had, as far as that is known.
 */
export function responseFraming(status: number, fields: FieldLines, body: WholeBody, answered: Answered): BodyFraming {
  throw new NotImplemented('2.6');
}

/** The framing of a request to be sent: what its fields say, or else the length of its body. */
export function requestFraming(method: string, fields: FieldLines, body: WholeBody): BodyFraming {
  // TODO 2.12 A body of no bytes has a Content-Length only where the method expects content (RFC 9110 §8.6). A length
  //           beside a coding cannot be sent.
  throw new NotImplemented('2.12');
}

/** A status line. The version is ours, whatever the request's was (RFC 9110 §2.5). */
export function statusLine(status: number, reason: string = reasonPhrase(status)): string {
  throw new NotImplemented('2.6');
}

/** A request line. */
export function requestLine(method: string, target: string): string {
  throw new NotImplemented('2.12');
}

/** A head, from its start line to the empty line. */
export function head({ line, fields, framing, connection }: HeadParts): string {
  throw new NotImplemented('2.6');
}

/** A body being sent. */
export class BodyWriter {
  readonly #framing: BodyFraming;
  readonly #dropped: boolean;
  #bytesLeft: number;

  /** @param dropped for HEAD, 304: it is taken and not sent, so that no handler needs a case for it */
  constructor(framing: BodyFraming, dropped: boolean) {
    this.#framing = framing;
    this.#dropped = dropped;
    this.#bytesLeft = framing.kind === 'length' ? framing.length : framing.kind === 'none' ? 0 : Infinity;
  }

  /** What is left of the promised length, or Infinity. */
  get bytesLeft(): number { return this.#bytesLeft; }

  data(bytes: Uint8Array): WireData {
    // TODO 2.7  The bytes of one part, as the framing wants them.
    throw new NotImplemented('2.7');
  }

  end(trailers: readonly HeaderPair[]): WireData {
    // TODO 2.7  What ends the body. A LocalProtocolError for a body that is shorter than promised, and for a field that
    //           cannot be a trailer.
    throw new NotImplemented('2.7');
  }
}

/** Joins what belongs together on the wire. */
export function join(...parts: readonly WireData[]): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
}

/** What a handler gives as a body, or as a part of one: text goes out as UTF-8. */
export function toBytes(data: string | Uint8Array): Uint8Array {
  throw new NotImplemented('2.7');
}
