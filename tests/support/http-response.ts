/**
 * A strict reader of HTTP/1.1 responses, written for testing alone.
 *
 * It shares no code with any server under test. What the grammar of RFC 9112
 * does not allow is a fault with its offset and its section; what it leaves
 * open (reason phrases, the order and case of field names, length or chunks,
 * further fields) is accepted and never judged.
 */
import { markBytes } from './bytes.ts';

export interface HttpField {
  /** As it was sent. */
  readonly name: string;
  readonly value: string;
}

/** One response, interim (1xx) or final. */
export interface HttpTestResponse {
  readonly version: '1.0' | '1.1';
  readonly status: number;
  readonly reason: string;
  readonly fields: readonly HttpField[];
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  readonly body: Buffer;
  /** The sizes of its chunks, where it was chunked. */
  readonly chunks: readonly number[];
  readonly trailers: readonly HttpField[];
  /** Where it begins and ends in the stream. */
  readonly start: number;
  readonly end: number;
}

/** The response breaks a rule of the protocol. */
export class HttpFault extends Error {
  /** Where in the stream, in bytes from its beginning. */
  readonly offset: number;
  /** The rule, with its section. */
  readonly rule: string;

  constructor(rule: string, offset: number) {
    super(rule);
    this.name = 'HttpFault';
    this.rule = rule;
    this.offset = offset;
  }

  /** The bytes around the fault with a mark under it. */
  show(bytes: Uint8Array): { received: string; mark: string } {
    const { text, mark } = markBytes(bytes, this.offset);
    return { received: text, mark };
  }
}

/** What is known when the bytes do not suffice yet. */
export interface Incomplete {
  readonly incomplete: 'status line' | 'header' | 'body' | 'chunk' | 'trailers';
  /** The status, where the head is there. */
  readonly status?: number;
  /** Body bytes that are there. */
  readonly bodyBytes?: number;
  /** Body bytes that were promised by Content-Length. */
  readonly promisedBytes?: number;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** The values of a field, in order; empty where there is none. */
export function fieldValues(response: HttpTestResponse, name: string): string[] {
  const wanted = name.toLowerCase();
  return response.fields.filter((field) => field.name.toLowerCase() === wanted).map((field) => field.value);
}

/** The field's values joined by commas, as RFC 9110 §5.3 allows; undefined where there is none. */
export function fieldValue(response: HttpTestResponse, name: string): string | undefined {
  const values = fieldValues(response, name);
  return values.length === 0 ? undefined : values.join(', ');
}

/** The members of a list-valued field, in lower case. */
export function fieldTokens(response: HttpTestResponse, name: string): string[] {
  return (fieldValue(response, name) ?? '').split(',').map((token) => token.trim().toLowerCase()).filter((token) => token !== '');
}

/** Whether the server says that this is its last response on the connection. */
export function saysClose(response: HttpTestResponse): boolean {
  const tokens = fieldTokens(response, 'connection');
  return tokens.includes('close') || (response.version === '1.0' && !tokens.includes('keep-alive'));
}

/**
 * Reads the response that begins at `start`.
 *
 * @param method of the request that it answers: HEAD and CONNECT change its framing
 * @param ended the server has sent its FIN: a body without a length ends there
 * @throws {HttpFault} where the bytes break a rule
 */
export function readResponse(bytes: Buffer, start: number, method: string, ended: boolean): HttpTestResponse | Incomplete {
  const head = readHead(bytes, start);
  if ('incomplete' in head) return head;
  const framing = framingOf(head, method);
  const { version, status, reason, fields } = head;
  const base = { version, status, reason, fields, framing: framing.type, start };
  const none = { chunks: [], trailers: [] };
  switch (framing.type) {
    case 'none':
      return { ...base, ...none, body: Buffer.alloc(0), end: head.end };
    case 'length': {
      const end = head.end + framing.length;
      if (bytes.length < end) {
        return { incomplete: 'body', status, bodyBytes: bytes.length - head.end, promisedBytes: framing.length };
      }
      return { ...base, ...none, body: bytes.subarray(head.end, end), end };
    }
    case 'close':
      if (!ended) return { incomplete: 'body', status, bodyBytes: bytes.length - head.end };
      return { ...base, ...none, body: bytes.subarray(head.end), end: bytes.length };
    case 'chunked': {
      const chunked = readChunked(bytes, head.end);
      return 'incomplete' in chunked ? { ...chunked, status } : { ...base, ...chunked };
    }
  }
}

interface Head {
  readonly version: '1.0' | '1.1';
  readonly status: number;
  readonly reason: string;
  readonly fields: readonly HttpField[];
  readonly start: number;
  readonly end: number;
}

/** The line that begins at `start`, without its CRLF. RFC 9112 §2.2: a sender generates CRLF and no bare CR or LF. */
function readLine(bytes: Buffer, start: number): { text: string; next: number } | undefined {
  const lf = bytes.indexOf(0x0a, start);
  const end = lf < 0 ? bytes.length : lf;
  if (lf >= 0 && (lf === start || bytes[lf - 1] !== 0x0d)) {
    throw new HttpFault('a line ends in CRLF, not in a bare LF (RFC 9112 §2.2)', lf);
  }
  const bareCr = bytes.subarray(start, Math.max(start, end - 1)).indexOf(0x0d);
  if (bareCr >= 0) throw new HttpFault('a CR outside of a CRLF is not allowed (RFC 9112 §2.2)', start + bareCr);
  return lf < 0 ? undefined : { text: bytes.toString('latin1', start, lf - 1), next: lf + 1 };
}

function readHead(bytes: Buffer, start: number): Head | Incomplete {
  const prefix = bytes.toString('latin1', start, Math.min(start + 7, bytes.length));
  if (!'HTTP/1.'.startsWith(prefix)) {
    throw new HttpFault('a response begins with its status line: HTTP/1.1, a space, three digits (RFC 9112 §4)', start);
  }
  const line = readLine(bytes, start);
  if (!line) return { incomplete: 'status line' };
  const match = /^HTTP\/(1\.[01]) ([1-9]\d\d) ([\t \x21-\x7e\x80-\xff]*)$/.exec(line.text);
  if (!match) throw new HttpFault('a status line is HTTP/1.1, a space, three digits, a space, a reason (RFC 9112 §4)', start);
  const fields = readFields(bytes, line.next);
  if (!fields) return { incomplete: 'header', status: Number(match[2]) };
  return {
    version: match[1] as '1.0' | '1.1',
    status: Number(match[2]),
    reason: match[3] ?? '',
    fields: fields.fields,
    start,
    end: fields.next,
  };
}

/** Field lines up to and including the empty line. */
function readFields(bytes: Buffer, start: number): { fields: HttpField[]; next: number } | undefined {
  const fields: HttpField[] = [];
  for (let at = start; ; ) {
    const line = readLine(bytes, at);
    if (!line) return undefined;
    if (line.text === '') return { fields, next: line.next };
    const colon = line.text.indexOf(':');
    if (colon < 0) throw new HttpFault('a field line is a name, a colon and a value (RFC 9112 §5)', at);
    const name = line.text.slice(0, colon);
    if (!TOKEN.test(name)) throw new HttpFault('a field name is a token, with no space before the colon (RFC 9112 §5.1)', at);
    const value = line.text.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, '');
    const bad = /[^\t\x20-\x7e\x80-\xff]/.exec(value);
    if (bad) throw new HttpFault('a field value has no control characters (RFC 9110 §5.5)', at + line.text.indexOf(bad[0]));
    fields.push({ name, value });
    at = line.next;
  }
}

type Framing = { type: 'none' | 'chunked' | 'close' } | { type: 'length'; length: number };

/** How long the body is: RFC 9112 §6.3, in its order. */
function framingOf(head: Head, method: string): Framing {
  const all = (name: string): string[] =>
    head.fields.filter((field) => field.name.toLowerCase() === name).flatMap((field) => field.value.split(',').map((value) => value.trim()));
  const codings = all('transfer-encoding').map((coding) => coding.toLowerCase());
  const lengths = all('content-length');
  if (codings.length > 0 && lengths.length > 0) {
    throw new HttpFault('a message with Transfer-Encoding has no Content-Length (RFC 9112 §6.2)', head.start);
  }
  if (lengths.some((length) => !/^\d+$/.test(length)) || new Set(lengths).size > 1) {
    throw new HttpFault('Content-Length is one number (RFC 9110 §8.6)', head.start);
  }
  const bodiless = head.status < 200 || head.status === 204;
  if (bodiless && codings.length > 0) throw new HttpFault(`a ${head.status} response has no Transfer-Encoding (RFC 9112 §6.1)`, head.start);
  if (bodiless && lengths.length > 0) throw new HttpFault(`a ${head.status} response has no Content-Length (RFC 9110 §8.6)`, head.start);
  if (bodiless || method === 'HEAD' || head.status === 304) return { type: 'none' };
  if (method === 'CONNECT' && head.status < 300) return { type: 'none' };
  if (codings.length > 0) {
    if (head.version === '1.0') throw new HttpFault('a response of HTTP/1.0 has no Transfer-Encoding (RFC 9112 §6.1)', head.start);
    if (codings.at(-1) !== 'chunked' || codings.indexOf('chunked') !== codings.length - 1) {
      throw new HttpFault('chunked is the last transfer coding, and applied once (RFC 9112 §6.1)', head.start);
    }
    return { type: 'chunked' };
  }
  if (lengths.length > 0) return { type: 'length', length: Number(lengths[0]) };
  return { type: 'close' };
}

interface Chunked {
  readonly body: Buffer;
  readonly chunks: readonly number[];
  readonly trailers: readonly HttpField[];
  readonly end: number;
}

function readChunked(bytes: Buffer, start: number): Chunked | Incomplete {
  const parts: Buffer[] = [];
  const chunks: number[] = [];
  const soFar = (): number => parts.reduce((sum, part) => sum + part.length, 0);
  for (let at = start; ; ) {
    const line = readLine(bytes, at);
    if (!line) return { incomplete: 'chunk', bodyBytes: soFar() };
    const match = /^([0-9A-Fa-f]{1,13})(?:[\t ]*;.*)?$/.exec(line.text);
    if (!match) throw new HttpFault('a chunk begins with its size in hexadecimal and CRLF (RFC 9112 §7.1)', at);
    const size = Number.parseInt(match[1] as string, 16);
    if (size === 0) {
      const trailers = readFields(bytes, line.next);
      if (!trailers) return { incomplete: 'trailers', bodyBytes: soFar() };
      return { body: Buffer.concat(parts), chunks, trailers: trailers.fields, end: trailers.next };
    }
    const end = line.next + size;
    parts.push(bytes.subarray(line.next, Math.min(end, bytes.length)));
    if (bytes.length < end + 2) {
      if (bytes.length > end && bytes[end] !== 0x0d) throw new HttpFault('CRLF follows the data of a chunk (RFC 9112 §7.1)', end);
      return { incomplete: 'chunk', bodyBytes: soFar() };
    }
    if (bytes[end] !== 0x0d || bytes[end + 1] !== 0x0a) throw new HttpFault('CRLF follows the data of a chunk (RFC 9112 §7.1)', end);
    chunks.push(size);
    at = end + 2;
  }
}
