/** A Transform: bytes in; heads, data and ends out. */

import { Transform } from 'node:stream';
import type { TransformCallback } from 'node:stream';

import { bodyFraming } from './body-framing.ts';
import type { BodyFraming } from './body-framing.ts';
import { ChunkedDecoder } from './chunked-decoder.ts';
import { RemoteProtocolError } from './errors.ts';
import { parseFieldSection } from './field-line.ts';
import { HttpHeaders } from './headers.ts';
import { checkHost } from './host.ts';
import type { HttpLimits } from './limits.ts';
import { expectsContinue } from './persistence.ts';
import { parseRequestLine } from './request-line.ts';
import type { RequestLine } from './request-line.ts';

export type Item =
  | { readonly type: 'head'; readonly line: RequestLine; readonly headers: HttpHeaders; readonly framing: BodyFraming; readonly waits: boolean }
  | { readonly type: 'data'; readonly data: Buffer }
  | { readonly type: 'end'; readonly trailers: HttpHeaders }
  | { readonly type: 'error'; readonly error: unknown };

/** Errors come out as items, so that what was right before them is answered first. */
export class RequestStream extends Transform {
  bytes: Buffer = Buffer.alloc(0);
  dead = false;
  inBody = false;
  readonly #limits: HttpLimits;
  #left = 0;
  #holding = false;
  #decoder: ChunkedDecoder | null = null;

  constructor(limits: HttpLimits) {
    super({ readableObjectMode: true, readableHighWaterMark: 8 });
    this.#limits = limits;
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    if (!this.dead) this.bytes = Buffer.concat([this.bytes, chunk]);
    this.#read();
    done();
  }

  override _flush(done: TransformCallback): void {
    this.goOn();
    if (!this.dead && (this.inBody || this.bytes.toString('latin1').trim() !== '')) {
      this.push({ type: 'error', error: new RemoteProtocolError(400, 'the request breaks off') } satisfies Item);
    }
    done();
  }

  /** No other protocol followed. */
  goOn(): void {
    if (!this.#holding) return;
    this.#holding = false;
    this.#read();
  }

  #read(): void {
    try {
      while (!this.dead && !this.#holding && this.bytes.length > 0) {
        const item = !this.inBody ? this.#head() : this.#decoder ? this.#chunks(this.#decoder) : this.#data();
        if (item === null) return;
        this.push(item);
      }
    } catch (error) {
      this.dead = true;
      this.push({ type: 'error', error } satisfies Item);
    }
  }

  #data(): Item {
    const data = this.bytes.subarray(0, this.#left);
    this.bytes = this.bytes.subarray(data.length);
    this.#left -= data.length;
    if (this.#left > 0) return { type: 'data', data };
    this.inBody = false;
    this.push({ type: 'data', data } satisfies Item);
    return { type: 'end', trailers: new HttpHeaders() };
  }

  #chunks(decoder: ChunkedDecoder): Item | null {
    decoder.receiveData(this.bytes);
    this.bytes = Buffer.alloc(0);
    for (;;) {
      const event = decoder.nextEvent();
      if (event.type === 'need-more-data') return null;
      if (event.type === 'data') this.push({ type: 'data', data: event.data } satisfies Item);
      else {
        this.bytes = decoder.unread();
        this.inBody = false;
        return { type: 'end', trailers: event.trailers };
      }
    }
  }

  #head(): Item | null {
    const limits = this.#limits;
    const text = this.bytes.toString('latin1', 0, limits.requestLineBytesMax + limits.headerBytesMax + 100);
    let start = 0;
    while (text.startsWith('\r\n', start)) start += 2;
    if (start > 2 * limits.emptyLinesMax) throw new RemoteProtocolError(400, 'too many empty lines');
    const lineFeed = text.indexOf('\n', start);
    if ((lineFeed === -1 ? text.length : lineFeed) - start > limits.requestLineBytesMax + 1) throw new RemoteProtocolError(414, 'too long');
    if (lineFeed === -1) return null;
    if (text[lineFeed - 1] !== '\r') throw new RemoteProtocolError(400, 'a line without CRLF');
    const line = parseRequestLine(text.slice(start, lineFeed - 1), limits);
    const offsets: number[] = [];
    const end = parseFieldSection(text, lineFeed + 1, limits.headerBytesMax, limits.headerCountMax, offsets);
    if (end === -1) return null;
    const headers = new HttpHeaders(text, offsets);
    const head = { httpVersion: line.httpVersion, headers };
    checkHost(line, headers);
    if (line.method === 'CONNECT') throw new RemoteProtocolError(501, 'no tunnels here');
    const framing = bodyFraming(head, limits);
    const waits = expectsContinue(head) && framing.kind !== 'none';
    this.bytes = this.bytes.subarray(end);
    this.inBody = framing.kind !== 'none';
    this.#left = framing.kind === 'length' ? framing.length : 0;
    this.#decoder = framing.kind === 'chunked' ? new ChunkedDecoder(limits) : null;
    // Another protocol may follow: its bytes are not ours to parse.
    if (headers.has('upgrade')) this.#holding = true;
    return { type: 'head', line, headers, framing, waits };
  }
}
