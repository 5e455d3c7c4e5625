/**
 * Buffers of one size that are used again and again: the memory for reading files is bounded by what is being sent,
 * and the garbage collector has nothing to do.
 */

/** How many free buffers are kept. */
const FREE_MAX = 32;

/** Lends buffers to code that reads files. */
export class BufferPool {
  readonly bufferBytes: number;
  readonly #free: Buffer[] = [];

  /** @param bufferBytes the size of each */
  constructor(bufferBytes: number) {
    this.bufferBytes = bufferBytes;
  }

  /** A buffer, with whatever it held before. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.bufferBytes);
  }

  /** Gives back a buffer that nobody reads from any more: neither we nor the kernel. */
  giveBack(buffer: Buffer): void {
    if (this.#free.length < FREE_MAX) this.#free.push(buffer);
  }
}
