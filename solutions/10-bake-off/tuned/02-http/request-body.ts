/**
 * A request's body: an async iterable of bytes that is never held whole unless asked.
 *
 * Nothing is read from the client before a part is asked for, and then no more than is asked for: a handler that reads
 * slowly makes the client's writes stall.
 */

import { LocalProtocolError, RemoteProtocolError } from './errors.ts';
import { noHeaders } from './headers.ts';
import type { HttpHeaders } from './headers.ts';

/** Where a body comes from. */
export interface BodySource {
  /**
   * The next part; `null` at the end; `undefined` if it is not here yet.
   *
   * @throws RemoteProtocolError when the body is broken or the client has gone
   */
  readBody(): Buffer | null | undefined;
  /** Resolves when {@link BodySource.readBody} may have something new. */
  bodyArrives(): Promise<void>;
  /** The trailer fields, once the body has ended. */
  readonly trailers: HttpHeaders;
}

export class RequestBody implements AsyncIterableIterator<Buffer> {
  readonly #source: BodySource;
  readonly #heldBytesMax: number;
  #ended = false;
  #detached = false;
  #trailers: HttpHeaders = noHeaders;

  constructor(source: BodySource, heldBytesMax: number) {
    this.#source = source;
    this.#heldBytesMax = heldBytesMax;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** @throws RemoteProtocolError when the body is broken, too long or too slow, or the client has gone */
  async next(): Promise<IteratorResult<Buffer, undefined>> {
    const value = await this.#read();
    return value === null ? { done: true, value: undefined } : { done: false, value };
  }

  /** Reads no further. What is left is dropped by the server. */
  return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#ended = true;
    return Promise.resolve({ done: true, value: undefined });
  }

  /**
   * The rest of the body as a whole.
   *
   * @param bytesMax default `limits.heldBytesMax`
   * @throws RemoteProtocolError 413 when it is longer
   */
  async bytes(bytesMax: number = this.#heldBytesMax): Promise<Buffer> {
    const parts: Buffer[] = [];
    let length = 0;
    for (let part = await this.#read(); part !== null; part = await this.#read()) {
      length += part.length;
      if (length > bytesMax) throw new RemoteProtocolError(413, 'body too large');
      parts.push(part);
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts, length);
  }

  /** The rest of the body as UTF-8 text; invalid bytes become U+FFFD. */
  async text(bytesMax?: number): Promise<string> {
    return (await this.bytes(bytesMax)).toString();
  }

  /** The trailer fields; none before the body has been read to its end. */
  get trailers(): HttpHeaders {
    return this.#trailers;
  }

  /** From now on the connection belongs to the next request. For the server. @internal */
  detach(): void {
    this.#detached = true;
  }

  /** The next part, or `null` at the end. */
  async #read(): Promise<Buffer | null> {
    while (!this.#ended) {
      if (this.#detached) throw new LocalProtocolError('the body was read after the response was complete');
      const part = this.#source.readBody();
      if (part === undefined) await this.#source.bodyArrives();
      else if (part !== null) return part;
      else this.#end();
    }
    return null;
  }

  #end(): void {
    this.#ended = true;
    this.#trailers = this.#source.trailers;
  }
}
