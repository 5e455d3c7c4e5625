/**
 * Seeded randomness: the same seed gives the same data, on every machine.
 *
 * Not for secrets. The generator is `sfc32`, seeded through `splitmix32`.
 */

/** 32 bits out of any text; FNV-1a. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number | string) {
    let state = typeof seed === 'string' ? hash(seed) : seed >>> 0;
    const next = (): number => {
      state = (state + 0x9e3779b9) >>> 0;
      let mixed = state ^ (state >>> 16);
      mixed = Math.imul(mixed, 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      return (mixed ^ (mixed >>> 15)) >>> 0;
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    for (let round = 0; round < 12; round++) this.uint32();
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter++) >>> 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) >>> 0;
    return sum;
  }

  /** A whole number from `least` to `most`, both included. */
  integer(least: number, most: number): number {
    return least + (this.uint32() % (most - least + 1));
  }

  boolean(): boolean {
    return (this.uint32() & 1) === 1;
  }

  pick<T>(values: readonly T[]): T {
    if (values.length === 0) throw new RangeError('pick: nothing to pick from');
    return values[this.integer(0, values.length - 1)] as T;
  }

  /** A new array with the same values in another order. */
  shuffle<T>(values: readonly T[]): T[] {
    const shuffled = [...values];
    for (let index = shuffled.length - 1; index > 0; index--) {
      const other = this.integer(0, index);
      [shuffled[index], shuffled[other]] = [shuffled[other] as T, shuffled[index] as T];
    }
    return shuffled;
  }

  /** `length` bytes; every value from 0 to 255 turns up. */
  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    let offset = 0;
    for (; offset + 4 <= length; offset += 4) bytes.writeUInt32LE(this.uint32(), offset);
    for (; offset < length; offset++) bytes[offset] = this.uint32() & 0xff;
    return bytes;
  }

  /** Lower-case letters. */
  word(least = 3, most = 9): string {
    let word = '';
    for (let length = this.integer(least, most); length > 0; length--) {
      word += String.fromCharCode(this.integer(97, 122));
    }
    return word;
  }

  /** Words with a space between. */
  words(count: number): string {
    return Array.from({ length: count }, () => this.word()).join(' ');
  }

  /** The pieces of `bytes`, cut at random places, none empty. */
  pieces(bytes: Buffer, most: number): Buffer[] {
    const pieces: Buffer[] = [];
    for (let start = 0; start < bytes.length; ) {
      const end = Math.min(bytes.length, start + this.integer(1, most));
      pieces.push(bytes.subarray(start, end));
      start = end;
    }
    return pieces;
  }
}
