/**
 * A part of a file as a response's body: read piece by piece into one buffer from the pool, each piece when the one
 * before it has gone to the kernel. However large the file and however slow the client, one buffer is all it takes.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { ByteRange } from './byte-range.ts';
import type { OpenFile } from './open-file.ts';

/** The bytes of a range of an open file, for one response. */
export class FileBody implements AsyncIterableIterator<Uint8Array> {
  readonly #file: Pick<OpenFile, 'read'>;
  readonly #pool: BufferPool;
  #position: number;
  readonly #end: number;
  readonly #close: () => void;
  #buffer: Buffer | null = null;
  #first: IteratorResult<Uint8Array, undefined> | null = null;

  /**
   * @param range within the size that the file had when it was opened
   * @param close called when the body is closed
   */
  constructor(file: Pick<OpenFile, 'read'>, pool: BufferPool, range: ByteRange, close: () => void) {
    this.#file = file;
    this.#close = close;
    this.#pool = pool;
    this.#position = range.firstPos;
    this.#end = range.lastPos + 1;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Reads the first piece before it is asked for: then it is there when the head is sent, and leaves with it. */
  async readAhead(): Promise<void> {
    this.#first = await this.#read();
  }

  /** The next piece. Its memory is valid until the piece after it is asked for. */
  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const first = this.#first;
    this.#first = null;
    return first ?? this.#read();
  }

  async #read(): Promise<IteratorResult<Uint8Array, undefined>> {
    // TODO 3.2  Read the next piece of the range into a buffer from the pool, the same one for every piece: no more
    //           than it holds, and no more than is left of the range. Yield what was read. At the end of the range,
    //           or of a file that has shrunk, return what `#done` returns.
    throw new NotImplemented('3.2');
  }

  #done(): IteratorResult<Uint8Array, undefined> {
    // TODO 3.2  Give the buffer back, once, and say that there is no more.
    throw new NotImplemented('3.2');
  }

  /** Called in every case, even if the client has left or nothing was ever read. */
  close(): void {
    // TODO 3.2  The file is no longer needed, however much of it was read. But a read into the buffer may be under way.
    throw new NotImplemented('3.2');
  }
}
