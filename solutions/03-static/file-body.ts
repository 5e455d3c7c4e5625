/**
 * A part of a file as a response's body: read piece by piece into one buffer from the pool, each piece when the one
 * before it has gone to the kernel. However large the file and however slow the client, one buffer is all it takes.
 */

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
    const wanted = Math.min(this.#pool.bufferBytes, this.#end - this.#position);
    if (wanted <= 0) return this.#done();
    this.#buffer ??= this.#pool.take();
    // Never beyond the range: a file that has grown is sent with the length that was promised.
    const bytesRead = await this.#file.read(this.#buffer, wanted, this.#position);
    // The file has shrunk. The body ends too early, and so does the connection: that is how the client knows.
    if (bytesRead === 0) return this.#done();
    this.#position += bytesRead;
    return { done: false, value: this.#buffer.subarray(0, bytesRead) };
  }

  #done(): IteratorResult<Uint8Array, undefined> {
    // Only here is it certain that the kernel has taken the last piece: a buffer that is given back while it is on its
    // way would show one client the file of another.
    if (this.#buffer !== null) this.#pool.giveBack(this.#buffer);
    this.#buffer = null;
    return { done: true, value: undefined };
  }

  /** Called in every case, even if the client has left or nothing was ever read. */
  close(): void {
    // A read into the buffer may be under way, so it does not go back to the pool. After that read nobody has it.
    this.#close();
  }
}
