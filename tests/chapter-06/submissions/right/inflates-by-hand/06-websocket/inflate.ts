/** RFC 1951 by hand: blocks, codes and references, read from whole messages. */

export class Broken extends Error {}

export class TooLong extends Error {}

const lengthBase = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const lengthBits = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const distanceBase = [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577];
const order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** A code by its lengths: how many there are of each, and the symbols in their order. */
interface Code {
  readonly counts: number[];
  readonly symbols: number[];
}

function codeOf(lengths: readonly number[]): Code {
  const counts = Array.from({ length: 16 }, (_, bits) => (bits === 0 ? 0 : lengths.filter((length) => length === bits).length));
  const symbols = lengths.map((_, symbol) => symbol).filter((symbol) => lengths[symbol]! > 0);
  symbols.sort((one, other) => lengths[one]! - lengths[other]! || one - other);
  return { counts, symbols };
}

const fixedLiterals = codeOf(Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)));
const fixedDistances = codeOf(Array.from({ length: 30 }, () => 5));

/** Blocks that say of themselves to be the last, in one message. */
const LAST_BLOCKS_MAX = 16;

export class Inflation {
  readonly #input: Uint8Array;
  readonly #before: Uint8Array;
  readonly #bytesMax: number;
  #bit = 0;
  #lastBlocks = 0;
  #out: Buffer = Buffer.allocUnsafe(1024);
  #size = 0;

  constructor(input: Uint8Array, before: Uint8Array, bytesMax: number) {
    this.#input = input;
    this.#before = before;
    this.#bytesMax = bytesMax;
  }

  run(): Buffer {
    // A block needs three bits: what is left of the last byte may be less.
    while (this.#bit + 3 <= this.#input.length * 8) this.#block();
    return Buffer.from(this.#out.subarray(0, this.#size));
  }

  #block(): void {
    const last = this.#bits(1) === 1;
    const type = this.#bits(2);
    if (type === 0) this.#stored();
    else if (type === 1) this.#coded(fixedLiterals, fixedDistances);
    else if (type === 2) this.#coded(...this.#codes());
    else throw new Broken();
    // RFC 7692 §7.2.3.4: what follows a last block begins with a byte of its own.
    if (last) this.#align();
    if (last && ++this.#lastBlocks > LAST_BLOCKS_MAX) throw new Broken();
  }

  #align(): void {
    this.#bit = Math.ceil(this.#bit / 8) * 8;
  }

  #stored(): void {
    this.#align();
    const length = this.#bits(16);
    if ((this.#bits(16) ^ 0xffff) !== length) throw new Broken();
    for (let i = 0; i < length; i++) this.#put(this.#bits(8));
  }

  #coded(literals: Code, distances: Code): void {
    for (let symbol = this.#symbol(literals); symbol !== 256; symbol = this.#symbol(literals)) {
      if (symbol < 256) {
        this.#put(symbol);
        continue;
      }
      const length = (lengthBase[symbol - 257] ?? Number.NaN) + this.#bits(lengthBits[symbol - 257] ?? 0);
      const far = this.#symbol(distances);
      const distance = (distanceBase[far] ?? Number.NaN) + this.#bits(far < 4 ? 0 : (far >> 1) - 1);
      if (!(distance <= this.#size + this.#before.length) || !(length > 0)) throw new Broken();
      for (let i = 0; i < length; i++) {
        const at = this.#size - distance;
        this.#put(at >= 0 ? this.#out[at]! : this.#before[this.#before.length + at]!);
      }
    }
  }

  #codes(): [Code, Code] {
    const [literals, distances, used] = [this.#bits(5) + 257, this.#bits(5) + 1, this.#bits(4) + 4];
    const first = Array.from({ length: 19 }, () => 0);
    for (const place of order.slice(0, used)) first[place] = this.#bits(3);
    const code = codeOf(first);
    const lengths: number[] = [];
    while (lengths.length < literals + distances) {
      const symbol = this.#symbol(code);
      if (symbol < 16) {
        lengths.push(symbol);
        continue;
      }
      const again = symbol === 16 ? (lengths.at(-1) ?? Number.NaN) : 0;
      if (Number.isNaN(again)) throw new Broken();
      const times = symbol === 16 ? 3 + this.#bits(2) : symbol === 17 ? 3 + this.#bits(3) : 11 + this.#bits(7);
      for (let i = 0; i < times; i++) lengths.push(again);
    }
    return [codeOf(lengths.slice(0, literals)), codeOf(lengths.slice(literals))];
  }

  #symbol({ counts, symbols }: Code): number {
    let [code, first, index] = [0, 0, 0];
    for (let length = 1; length < 16; length++) {
      code |= this.#bits(1);
      const count = counts[length]!;
      if (code - count < first) return symbols[index + code - first]!;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new Broken();
  }

  #bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++, this.#bit++) {
      const byte = this.#input[this.#bit >> 3];
      if (byte === undefined) throw new Broken();
      value |= ((byte >> (this.#bit & 7)) & 1) << i;
    }
    return value;
  }

  #put(byte: number): void {
    if (this.#size >= this.#bytesMax) throw new TooLong();
    if (this.#size === this.#out.length) this.#out = Buffer.concat([this.#out], this.#size * 2);
    this.#out[this.#size++] = byte;
  }
}
