/**
 * Messages on their way out: heads and bodies as bytes (RFC 9112 §3, §4, §6, §7.1).
 *
 * No I/O. Throws a LocalProtocolError for what the caller must not send; then nothing has changed.
 */

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
  const lines: FieldLines = { text: '', contentLength: null, chunked: false, close: false, hasDate: false };
  for (const [name, value] of headers) {
    if (!TOKEN.test(name)) throw new LocalProtocolError(`invalid field name ${JSON.stringify(name)}`);
    if (!FIELD_VALUE.test(value)) throw new LocalProtocolError(`invalid character in the value of ${name}`);
    if (!takeOut(lines, name.toLowerCase(), value)) lines.text += `${name}: ${value}\r\n`;
  }
  return lines;
}

/** Notes a field that decides about the message; true if its line is not to be written as it is. */
function takeOut(lines: FieldLines, name: string, value: string): boolean {
  const isLength = name === 'content-length';
  const isCoding = name === 'transfer-encoding';
  const isSecond = isLength && lines.contentLength !== null;
  if (isSecond || (isLength && !/^\d{1,15}$/.test(value))) throw new LocalProtocolError('invalid Content-Length');
  if (isCoding && value.toLowerCase() !== 'chunked') throw new LocalProtocolError('a coding other than chunked');
  if (isLength) lines.contentLength = Number(value);
  if (name === 'connection') lines.close ||= listHas(value, 'close');
  lines.chunked ||= isCoding;
  lines.hasDate ||= name === 'date';
  return isLength || isCoding || (name === 'connection' && /^(?:close|keep-alive)$/i.test(value));
}

/** Whether a response may have content: not to HEAD, and not with 1xx, 204, 205, 304 (RFC 9110 §6.4.1, §15.3.6). */
export function mayHaveBody(status: number, method: string): boolean {
  return method !== 'HEAD' && status >= 200 && ![204, 205, 304].includes(status);
}

/**
 * How the body of a response is framed: by its length if that is known; else in chunks or, for HTTP/1.0, by the end of
 * the connection. For a response to HEAD it is what GET would have had, as far as that is known.
 */
export function responseFraming(status: number, fields: FieldLines, body: WholeBody, answered: Answered): BodyFraming {
  // RFC 9110 §8.6: no Content-Length in 1xx and 204. §15.3.6: 205 has no content, and says so with a length of 0.
  if (status < 200 || status === 204) return { kind: 'none' };
  if (status === 205) return { kind: 'length', length: 0 };
  if (fields.contentLength !== null) return { kind: 'length', length: fields.contentLength };
  // An empty body given for HEAD or 304 says nothing about the length that GET would have.
  const saysNothing = status === 304 || (body?.length === 0 && answered.method === 'HEAD');
  if (body !== undefined && !fields.chunked && !saysNothing) return { kind: 'length', length: Buffer.byteLength(body) };
  if (!mayHaveBody(status, answered.method)) return { kind: 'none' };
  // RFC 9112 §6.1: Transfer-Encoding MUST NOT be sent unless the request was HTTP/1.1.
  return { kind: answered.httpVersion === '1.1' ? 'chunked' : 'close' };
}

/** The framing of a request to be sent: what its fields say, or else the length of its body. */
export function requestFraming(method: string, fields: FieldLines, body: WholeBody): BodyFraming {
  const { chunked, contentLength } = fields;
  if (chunked && contentLength !== null) throw new LocalProtocolError('both Content-Length and Transfer-Encoding');
  if (chunked) return { kind: 'chunked' };
  if (contentLength !== null) return { kind: 'length', length: contentLength };
  // RFC 9110 §8.6: an empty body has a Content-Length only where the method expects content.
  const none = body === undefined || (body.length === 0 && /^(?:GET|HEAD|DELETE|OPTIONS|TRACE|CONNECT)$/.test(method));
  return none ? { kind: 'none' } : { kind: 'length', length: Buffer.byteLength(body) };
}

/** A status line. The version is ours, whatever the request's was (RFC 9110 §2.5). */
export function statusLine(status: number, reason: string = reasonPhrase(status)): string {
  const isStatus = Number.isInteger(status) && status >= 100 && status <= 599;
  if (!isStatus) throw new LocalProtocolError(`invalid status ${status}`);
  if (!FIELD_VALUE.test(reason)) throw new LocalProtocolError('invalid character in the reason phrase');
  return `HTTP/1.1 ${status} ${reason}\r\n`;
}

/** A request line. */
export function requestLine(method: string, target: string): string {
  if (!TOKEN.test(method) || !TARGET.test(target)) throw new LocalProtocolError('invalid method or target');
  return `${method} ${target} HTTP/1.1\r\n`;
}

/** A head, from its start line to the empty line. */
export function head({ line, fields, framing, connection }: HeadParts): string {
  let text = line + fields.text;
  if (framing.kind === 'length') text += `Content-Length: ${framing.length}\r\n`;
  if (framing.kind === 'chunked') text += 'Transfer-Encoding: chunked\r\n';
  if (connection !== '') text += `Connection: ${connection}\r\n`;
  return `${text}\r\n`;
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
    // As a chunk, a part of no bytes would end the body.
    if (this.#dropped || bytes.length === 0) return '';
    if (bytes.length > this.#bytesLeft) throw new LocalProtocolError('the body is longer than promised');
    this.#bytesLeft -= bytes.length;
    return this.#framing.kind === 'chunked' ? join(`${bytes.length.toString(16)}\r\n`, bytes, '\r\n') : bytes;
  }

  end(trailers: readonly HeaderPair[]): WireData {
    if (this.#dropped) return '';
    const isShort = this.#framing.kind === 'length' && this.#bytesLeft > 0;
    if (isShort) throw new LocalProtocolError('the body is shorter than promised');
    if (this.#framing.kind !== 'chunked') return '';
    const areAllowed = trailers.every(([name]) => isAllowedTrailer(name));
    if (!areAllowed) throw new LocalProtocolError('a field that cannot be a trailer');
    return `0\r\n${fieldLines(trailers).text}\r\n`;
  }
}

/** Joins what belongs together on the wire. */
export function join(...parts: readonly WireData[]): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
}

/** What a handler gives as a body, or as a part of one: text goes out as UTF-8. */
export function toBytes(data: string | Uint8Array): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  if (!(data instanceof Uint8Array)) throw new LocalProtocolError('a body is made of strings and bytes');
  return data;
}
