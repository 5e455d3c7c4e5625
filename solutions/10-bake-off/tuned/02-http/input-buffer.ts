/**
 * The bytes that have arrived and are not consumed yet, as bytes and, for heads, as text.
 *
 * The text is made once for all the heads in one chunk, and only from as many bytes as a head can have, so that a long
 * body after a head is not decoded for nothing.
 */

const nothing: Buffer = Buffer.alloc(0);

export class InputBuffer {
  #bytes: Buffer = nothing;
  #start = 0;
  #text = '';
  /** Where in the bytes the text begins; from there on, each character is one byte. */
  #textStart = 0;
  readonly #windowBytes: number;

  /** @param windowBytes how many bytes to decode at a time; at least as many as the longest head */
  constructor(windowBytes: number) {
    this.#windowBytes = windowBytes;
  }

  /** How many bytes are waiting to be consumed. */
  get length(): number {
    return this.#bytes.length - this.#start;
  }

  /** Adds bytes; keeps the chunk itself if nothing else is waiting. */
  append(chunk: Uint8Array): void {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#bytes = this.length === 0 ? bytes : Buffer.concat([this.#bytes.subarray(this.#start), bytes]);
    this.#start = 0;
    this.#text = '';
    this.#textStart = 0;
  }

  /** The text; {@link cursor} says where in it the unconsumed bytes begin. */
  text(): string {
    if (this.#start >= this.#textStart + this.#text.length) this.#decode();
    return this.#text;
  }

  get cursor(): number {
    return this.#start - this.#textStart;
  }

  /** Makes the text reach further, if there is more; false if it already covers everything, or as much as it may. */
  widen(): boolean {
    if (this.cursor === 0 || this.#textStart + this.#text.length === this.#bytes.length) return false;
    this.#decode();
    return true;
  }

  /** Whether a byte occurs at or after the given number of unconsumed bytes. */
  includes(byte: number, from: number): boolean {
    return this.#bytes.indexOf(byte, this.#start + from) !== -1;
  }

  consume(count: number): void {
    this.#start += count;
    if (this.#start < this.#bytes.length) return;
    // An idle connection holds on to nothing.
    this.#bytes = nothing;
    this.#start = 0;
    this.#text = '';
    this.#textStart = 0;
  }

  /** Consumes and returns up to this many bytes, without copying them. */
  take(max: number): Buffer {
    const end = Math.min(this.#bytes.length, this.#start + max);
    const taken = this.#bytes.subarray(this.#start, end);
    this.consume(end - this.#start);
    return taken;
  }

  #decode(): void {
    this.#textStart = this.#start;
    const end = Math.min(this.#bytes.length, this.#start + this.#windowBytes);
    this.#text = this.#bytes.toString('latin1', this.#start, end);
  }
}
