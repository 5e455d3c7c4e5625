/**
 * A chunked body, decoded (RFC 9112 §7.1). No I/O: bytes in through `receiveData`, events out through `nextEvent`.
 *
 * `nextEvent` consumes and returns an event, returns `needMoreData`, or throws a RemoteProtocolError and stays dead.
 * What comes after the body is never touched: `unread()` gives it back.
 */

import { CR, HEX_DIGIT, LF, spanOf } from './characters.ts';
import { chunkLineBytesMax, parseChunkLine } from './chunk-line.ts';
import { RemoteProtocolError } from './errors.ts';
import { needMoreData } from './events.ts';
import type { DataEvent, EndEvent, NeedMoreData } from './events.ts';
import { parseFieldSection } from './field-line.ts';
import { HttpHeaders, noHeaders } from './headers.ts';
import { InputBuffer } from './input-buffer.ts';
import { defaultLimits } from './limits.ts';
import type { HttpLimits } from './limits.ts';
import { endOfLine } from './lines.ts';
import { allowedTrailers } from './trailers.ts';

/** What is expected next: a chunk's line, its data, the CRLF after that, the trailers, or nothing more. */
type DecoderState = 'line' | 'data' | 'data-end' | 'trailers' | 'end';

export class ChunkedDecoder {
  readonly #limits: HttpLimits;
  readonly #input: InputBuffer;
  #state: DecoderState = 'line';
  #chunkBytesLeft = 0;
  #bodyBytes = 0;
  #extensionBytesLeft: number;
  #error: RemoteProtocolError | null = null;

  /** @param input bytes that have arrived already; they are consumed from here on */
  constructor(limits: HttpLimits = defaultLimits, input?: InputBuffer) {
    this.#limits = limits;
    this.#input = input ?? new InputBuffer(limits.trailerBytesMax + limits.chunkExtensionBytesMax + 64);
    this.#extensionBytesLeft = limits.chunkExtensionBytesMax;
  }

  receiveData(bytes: Uint8Array): void {
    this.#input.append(bytes);
  }

  /** The bytes after the body's end. */
  unread(): Buffer {
    return this.#input.take(this.#input.length);
  }

  /** @throws RemoteProtocolError 400 for what is not a chunk, 431 for too many trailers, 413 beyond another limit */
  nextEvent(): DataEvent | EndEvent | NeedMoreData {
    if (this.#error !== null) throw this.#error;
    try {
      return this.#read();
    } catch (error) {
      if (error instanceof RemoteProtocolError) this.#error = error;
      throw error;
    }
  }

  #read(): DataEvent | EndEvent | NeedMoreData {
    for (;;) {
      switch (this.#state) {
        case 'line':
          if (!this.#readLine()) return needMoreData;
          break;
        case 'data':
          return this.#readData();
        case 'data-end':
          if (!this.#readDataEnd()) return needMoreData;
          break;
        case 'trailers':
          return this.#readTrailers();
        case 'end':
          throw new RemoteProtocolError(400, 'the body has ended');
      }
    }
  }

  #readLine(): boolean {
    const input = this.#input;
    const bytesMax = chunkLineBytesMax(this.#extensionBytesLeft);
    if (input.length === 0) return false;
    let lineEnd = endOfLine(input.text(), input.cursor, bytesMax, 413);
    if (lineEnd === -1 && input.widen()) lineEnd = endOfLine(input.text(), input.cursor, bytesMax, 413);
    if (lineEnd === -1) return false;
    const line = input.text().substring(input.cursor, lineEnd);
    const size = parseChunkLine(line);
    input.consume(line.length + 2);
    // Everything but the size counts: a client can repeat the white space before the `;`, too.
    this.#extensionBytesLeft -= line.length - spanOf(HEX_DIGIT, line, 0, line.length);
    if (this.#extensionBytesLeft < 0) throw new RemoteProtocolError(413, 'chunk extensions too large');
    this.#bodyBytes += size;
    if (this.#bodyBytes > this.#limits.bodyBytesMax) throw new RemoteProtocolError(413, 'body too large');
    this.#chunkBytesLeft = size;
    this.#state = size === 0 ? 'trailers' : 'data';
    return true;
  }

  #readData(): DataEvent | NeedMoreData {
    if (this.#input.length === 0) return needMoreData;
    const data = this.#input.take(this.#chunkBytesLeft);
    this.#chunkBytesLeft -= data.length;
    if (this.#chunkBytesLeft === 0) this.#state = 'data-end';
    return { type: 'data', data };
  }

  #readDataEnd(): boolean {
    const input = this.#input;
    if (input.length === 0) return false;
    let text = input.text();
    if (input.length > 1 && input.cursor + 1 >= text.length && input.widen()) text = input.text();
    const at = input.cursor;
    if (text.charCodeAt(at) !== CR || (input.length > 1 && text.charCodeAt(at + 1) !== LF)) {
      throw new RemoteProtocolError(400, 'chunk without CRLF');
    }
    if (input.length === 1) return false;
    input.consume(2);
    this.#state = 'line';
    return true;
  }

  #readTrailers(): EndEvent | NeedMoreData {
    const input = this.#input;
    const { trailerBytesMax, trailerCountMax } = this.#limits;
    if (input.length === 0) return needMoreData;
    do {
      const text = input.text();
      const offsets: number[] = [];
      const end = parseFieldSection(text, input.cursor, trailerBytesMax, trailerCountMax, offsets);
      if (end === -1) continue;
      input.consume(end - input.cursor);
      this.#state = 'end';
      const trailers = offsets.length === 0 ? noHeaders : allowedTrailers(new HttpHeaders(text, offsets));
      return { type: 'end', trailers };
    } while (input.widen());
    return needMoreData;
  }
}
