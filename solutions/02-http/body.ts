/**
 * Where a received body ends: RFC 9112 §6 and §7.1, where every ambiguity is an attack.
 *
 * No I/O: bytes in through `receiveData`, events out through `nextEvent`, which consumes and returns an event, returns
 * `need-more-data`, or throws a RemoteProtocolError. What comes after the body is never touched: `unread` gives it
 * back.
 */

import { defaultLimits, type HttpLimits, RemoteProtocolError } from './errors.ts';
import type { BodyFraming, DataEvent, EndEvent, FramedHead, NoEvent, ResponseHead } from './events.ts';
import { endOfLine, type HeaderPair, HttpHeaders, parseFieldSection, TOKEN, tokenList } from './headers.ts';

export type BodyEvent = DataEvent | EndEvent | NoEvent<'need-more-data'>;
export const needMoreData: NoEvent<'need-more-data'> = { type: 'need-more-data' };

/**
 * The framing of a request's body (RFC 9112 §6.3). `Content-Length: 0` is a body of no bytes: `none`.
 *
 * @throws RemoteProtocolError 400 if the framing is ambiguous, 501 for a transfer coding other than chunked,
 *   413 for a length beyond the limit
 */
export function bodyFraming(head: FramedHead, limits: HttpLimits = defaultLimits): BodyFraming {
  const codings = head.headers.get('transfer-encoding');
  // Two lines arrive joined by a comma, which is not a digit.
  const length = head.headers.get('content-length');
  if (codings !== undefined) {
    // RFC 9112 §6.1: both together may be a smuggling attempt, and a server MAY refuse them. We do.
    if (length !== undefined) throw new RemoteProtocolError(400, 'both Content-Length and Transfer-Encoding');
    // RFC 9112 §6.1: HTTP/1.0 has no transfer codings; its framing MUST be treated as faulty.
    if (head.httpVersion === '1.0') throw new RemoteProtocolError(400, 'Transfer-Encoding in HTTP/1.0');
    const [last, ...others] = tokenList(codings).toReversed();
    // RFC 9112 §6.3: chunked, but not last, is 400. §6.1: any other coding is 501.
    const isList = last !== '' && !others.includes('') && !others.includes('chunked');
    if (!isList) throw new RemoteProtocolError(400, 'invalid Transfer-Encoding');
    if (last !== 'chunked' || others.length > 0) throw new RemoteProtocolError(501, 'unknown transfer coding');
    return { kind: 'chunked' };
  }
  const bytes = length === undefined ? 0 : parseContentLength(length);
  if (bytes > limits.bodyBytesMax) throw new RemoteProtocolError(413, 'body too large');
  return bytes === 0 ? { kind: 'none' } : { kind: 'length', length: bytes };
}

/**
 * The framing of a response's body, which also depends on its status and on the request (RFC 9112 §6.3).
 *
 * @throws as {@link bodyFraming}
 */
export function responseBodyFraming(head: ResponseHead, requestMethod: string, limits: HttpLimits): BodyFraming {
  if (requestMethod === 'HEAD' || head.status < 200 || [204, 304].includes(head.status)) return { kind: 'none' };
  const framing = bodyFraming(head, limits);
  return framing.kind === 'none' && !head.headers.has('content-length') ? { kind: 'close' } : framing;
}

/**
 * Parses the value of Content-Length: `1*DIGIT`, nothing else, and once. RFC 9112 §6.3 would let us take `5, 5` as 5;
 * we refuse every list, since no sender has a reason to make one.
 *
 * @throws RemoteProtocolError 400 for what is not a length, 413 beyond 2^53-1
 */
export function parseContentLength(value: string): number {
  if (!/^\d+$/.test(value)) throw new RemoteProtocolError(400, 'invalid Content-Length');
  const length = Number(value);
  if (length > Number.MAX_SAFE_INTEGER) throw new RemoteProtocolError(413, 'Content-Length too large');
  return length;
}

/** 2^53-1 has 14 hexadecimal digits, and some senders put zeros before a size. */
const SIZE_DIGITS_MAX = 16;
const CHUNK_SIZE = /^[\da-f]+/i;
/**
 * `*( BWS ";" BWS chunk-ext-name [ BWS "=" BWS ( token / quoted-string ) ] )` (RFC 9112 §7.1.1). Nobody uses
 * extensions, and leniency about them smuggles: what one server takes for an extension, the next takes for the end of
 * the line.
 */
const QUOTED = /"(?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"/.source;
const NAME = TOKEN.source.slice(1, -1);
const CHUNK_EXTENSIONS = new RegExp(`^(?:[ \\t]*;[ \\t]*${NAME}(?:[ \\t]*=[ \\t]*(?:${NAME}|${QUOTED}))?)*$`);

/**
 * Parses a chunk line, `chunk-size [ chunk-ext ]`, without its CRLF.
 *
 * @returns the size; 0 is the last chunk.
 * @throws RemoteProtocolError 400
 */
export function parseChunkLine(line: string): number {
  const digits = CHUNK_SIZE.exec(line)?.[0] ?? '';
  const size = Number(`0x${digits}`);
  // RFC 9112 §7.1: a recipient MUST anticipate large sizes, and not compute with what a number cannot hold.
  const isSize = digits.length > 0 && digits.length <= SIZE_DIGITS_MAX && size <= Number.MAX_SAFE_INTEGER;
  if (!isSize) throw new RemoteProtocolError(400, 'invalid chunk size');
  if (!CHUNK_EXTENSIONS.test(line.slice(digits.length))) throw new RemoteProtocolError(400, 'invalid chunk extension');
  return size;
}

/** A body with any framing. */
export class BodyReader {
  readonly #framing: BodyFraming;
  readonly #limits: HttpLimits;
  /** What is expected next: a chunk's line, data, the CRLF after a chunk's data, the trailers, or nothing more. */
  #state: 'line' | 'data' | 'data-end' | 'trailers' | 'end';
  #input: Buffer = Buffer.alloc(0);
  /** Of this chunk; without chunks, of the body. */
  #dataBytesLeft: number;
  #bodyBytes = 0;
  #extensionBytes = 0;
  #error: unknown = null;

  constructor(framing: BodyFraming, limits: HttpLimits) {
    this.#framing = framing;
    this.#limits = limits;
    this.#state = framing.kind === 'chunked' ? 'line' : framing.kind === 'none' ? 'end' : 'data';
    this.#dataBytesLeft = framing.kind === 'length' ? framing.length : Infinity;
  }

  /** Bytes that are certain to come. */
  get bytesAnnounced(): number { return this.#framing.kind === 'length' ? this.#dataBytesLeft : 0; }

  receiveData(bytes: Uint8Array): void { this.#input = append(this.#input, bytes); }

  /** The bytes after the body's end. */
  unread(): Buffer { return this.#input; }

  /**
   * @param inputEnded whether the peer will send nothing more
   * @throws RemoteProtocolError 400 for what is not a chunk and if the input ends before the body (RFC 9112 §8), 431
   *   for too many trailers, 413 beyond another limit; the same error on every later call
   */
  nextEvent(inputEnded = false): BodyEvent {
    if (this.#error !== null) throw this.#error;
    try {
      const event = this.#read();
      if (event.type !== 'need-more-data' || !inputEnded) return event;
      if (this.#framing.kind === 'close') return endOfBody();
      throw new RemoteProtocolError(400, 'the connection ended within a body');
    } catch (error) {
      this.#error = error;
      throw error;
    }
  }

  #read(): BodyEvent {
    for (;;) {
      if (this.#state === 'end') return endOfBody();
      if (this.#input.length === 0) return needMoreData;
      if (this.#state === 'data') return this.#readData();
      if (this.#state === 'trailers') return this.#readTrailers();
      if (!(this.#state === 'line' ? this.#readChunkLine() : this.#readDataEnd())) return needMoreData;
    }
  }

  #readChunkLine(): boolean {
    const { bodyBytesMax, chunkExtensionBytesMax } = this.#limits;
    const line = this.#takeLine(SIZE_DIGITS_MAX + chunkExtensionBytesMax - this.#extensionBytes, 413);
    if (line === null) return false;
    this.#dataBytesLeft = parseChunkLine(line);
    // Everything but the size counts: a client can repeat the white space before the `;`, too.
    this.#extensionBytes += line.replace(CHUNK_SIZE, '').length;
    if (this.#extensionBytes > chunkExtensionBytesMax) throw new RemoteProtocolError(413, 'chunk extensions too large');
    this.#bodyBytes += this.#dataBytesLeft;
    if (this.#bodyBytes > bodyBytesMax) throw new RemoteProtocolError(413, 'body too large');
    this.#state = this.#dataBytesLeft === 0 ? 'trailers' : 'data';
    return true;
  }

  #readData(): DataEvent {
    const data = this.#input.subarray(0, this.#dataBytesLeft);
    this.#input = this.#input.subarray(data.length);
    this.#dataBytesLeft -= data.length;
    if (this.#dataBytesLeft === 0) this.#state = this.#framing.kind === 'chunked' ? 'data-end' : 'end';
    return { type: 'data', data };
  }

  /** The size is what counts: there has to be a CRLF where the data ends, whatever the data holds. */
  #readDataEnd(): boolean {
    if (this.#input[0] !== 0x0d) throw new RemoteProtocolError(400, 'chunk without CRLF');
    if (this.#takeLine(0, 400) === null) return false;
    this.#state = 'line';
    return true;
  }

  #takeLine(bytesMax: number, status: number): string | null {
    const lineFeed = this.#input.indexOf('\n');
    const text = this.#input.toString('latin1', 0, lineFeed === -1 ? this.#input.length : lineFeed + 1);
    const lineEnd = endOfLine(text, 0, bytesMax, status);
    if (lineEnd === -1) return null;
    this.#input = this.#input.subarray(lineEnd + 2);
    return text.slice(0, lineEnd);
  }

  #readTrailers(): BodyEvent {
    const offsets: number[] = [];
    const text = this.#input.toString('latin1', 0, this.#limits.trailerBytesMax + 2);
    const end = parseFieldSection(text, 0, this.#limits.trailerBytesMax, this.#limits.trailerCountMax, offsets);
    if (end === -1) return needMoreData;
    this.#input = this.#input.subarray(end);
    this.#state = 'end';
    // Those that must not be there are dropped, and none is ever merged into the head.
    return endOfBody([...new HttpHeaders(text, offsets)].filter(([name]) => isAllowedTrailer(name)));
  }
}

/** A chunked body, decoded (RFC 9112 §7.1). */
export class ChunkedDecoder extends BodyReader {
  constructor(limits: HttpLimits = defaultLimits) { super({ kind: 'chunked' }, limits); }
}

/** RFC 9110 §6.5.1: not framing, routing, authentication or content, since they must be known before the body. */
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  'age', 'authorization', 'cache-control', 'connection', 'cookie', 'date', 'expect', 'expires', 'forwarded', 'host',
  'keep-alive', 'location', 'max-forwards', 'pragma', 'range', 'retry-after', 'set-cookie', 'te', 'trailer',
  'transfer-encoding', 'upgrade', 'vary', 'www-authenticate',
]);
export function isAllowedTrailer(name: string): boolean {
  return !NOT_IN_TRAILERS.has(name.toLowerCase()) && !/^(?:content|if|proxy)-/i.test(name);
}

function endOfBody(trailers: readonly HeaderPair[] = []): EndEvent {
  return { type: 'end', trailers: HttpHeaders.from(trailers) };
}

/** Two runs of bytes as one. Copies nothing where either is empty, as one nearly always is. */
export function append(before: Buffer, bytes: Uint8Array): Buffer {
  if (bytes.length === 0) return before;
  if (before.length > 0) return Buffer.concat([before, bytes]);
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
