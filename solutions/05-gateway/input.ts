/**
 * `gateway.input`: a request's body as something to read from; the rules G30 to G37 of docs/gateway-spec.md.
 *
 * Its bytes come from an iterable that ends where the body ends, so nothing is ever read beyond it. No part is asked
 * for before the application reads, and none is kept that can be passed on.
 */

import { LocalProtocolError, RemoteProtocolError } from '../02-http/index.ts';
import type { GatewayInput } from './gateway.ts';

const LF = 0x0a;
const nothing: Buffer = Buffer.alloc(0);

export class BodyInput implements GatewayInput {
  readonly #parts: () => AsyncIterable<Uint8Array>;
  readonly #heldBytesMax: number;
  #iterator: AsyncIterator<Uint8Array> | null = null;
  /** What has come but was not read yet. */
  #rest = nothing;
  #ended = false;
  #error: Error | null = null;
  #reading = false;

  /**
   * @param parts called when the first byte is asked for
   * @param heldBytesMax the most that one call may hold, in bytes
   */
  constructor(parts: () => AsyncIterable<Uint8Array>, heldBytesMax: number) {
    this.#parts = parts;
    this.#heldBytesMax = heldBytesMax;
  }

  read(size = Infinity): Promise<Buffer> {
    return this.#alone(() => this.#readUntil(size, () => -1));
  }

  readline(size = Infinity): Promise<Buffer> {
    return this.#alone(() => this.#readUntil(size, (part) => part.indexOf(LF)));
  }

  async *lines(): AsyncGenerator<Buffer, void, undefined> {
    for (let line = await this.readline(); line.length > 0; line = await this.readline()) yield line;
  }

  /** The parts as they come, whatever their size. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (let part = await this.#nextPart(); part !== null; part = await this.#nextPart()) yield part;
  }

  /** Reads up to `size` bytes, or through the byte that `find` finds, or to the end. */
  async #readUntil(size: number, find: (part: Buffer) => number): Promise<Buffer> {
    checkSize(size);
    const parts: Buffer[] = [];
    let held = 0;
    for (let found = -1; held < size && found === -1 && await this.#fill();) {
      const part = this.#rest.subarray(0, Math.min(size - held, this.#rest.length));
      found = find(part);
      const taken = found === -1 ? part : part.subarray(0, found + 1);
      this.#rest = this.#rest.subarray(taken.length);
      held += taken.length;
      if (held > this.#heldBytesMax) this.#fail(new RemoteProtocolError(413, 'body too large'));
      parts.push(taken);
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts, held);
  }

  #nextPart(): Promise<Buffer | null> {
    return this.#alone(async () => {
      if (!await this.#fill()) return null;
      const part = this.#rest;
      this.#rest = nothing;
      return part;
    });
  }

  /** Makes sure that there is something to read; false at the end. */
  async #fill(): Promise<boolean> {
    if (this.#error !== null) throw this.#error;
    while (this.#rest.length === 0 && !this.#ended) {
      this.#iterator ??= this.#parts()[Symbol.asyncIterator]();
      const { done, value } = await this.#iterator.next().catch((error: unknown) => this.#fail(error));
      if (done === true) this.#ended = true;
      else this.#rest = Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    }
    return this.#rest.length > 0;
  }

  /** From now on every call fails: a body that has broken off must not look as if it had ended. */
  #fail(error: unknown): never {
    this.#error = error instanceof Error ? error : new Error(String(error));
    throw this.#error;
  }

  /** Two calls at once would each get some of the bytes, in a meaningless order. */
  async #alone<T>(read: () => Promise<T>): Promise<T> {
    if (this.#reading) throw new LocalProtocolError('gateway.input is being read already: await one read, then the next');
    this.#reading = true;
    try {
      return await read();
    } finally {
      this.#reading = false;
    }
  }
}

/**
 * Wraps a body that Node or fetch reads, so that its errors have a status (G35): if it breaks off, that is the client's
 * doing.
 */
export async function* foreignBody(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* parts;
  } catch {
    throw new RemoteProtocolError(400, 'the body breaks off');
  }
}

/** The input of a request without a body. It holds nothing, so all such requests share it. */
export const noInput: GatewayInput = Object.freeze({
  read: (size = Infinity): Promise<Buffer> => nothingOf(size),
  readline: (size = Infinity): Promise<Buffer> => nothingOf(size),
  async *lines(): AsyncGenerator<Buffer, void, undefined> {},
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {},
});

async function nothingOf(size: number): Promise<Buffer> {
  checkSize(size);
  return nothing;
}

function checkSize(size: number): void {
  if (size === Infinity || (Number.isSafeInteger(size) && size >= 0)) return;
  throw new RangeError(`a size is a whole number of bytes from 0, not ${size}`);
}
