/**
 * Bytes in, lines out. No socket, no timer, no promise.
 *
 *     decoder.receiveData(bytes)   some bytes came
 *     decoder.receiveEof()         no more will come
 *     decoder.nextEvent()          a line, 'needData', 'end', or it throws
 *
 * A line ends in LF; one CR before it belongs to the ending. Bytes become text
 * only once the line is whole, so a character that was cut in two by the
 * network is whole again before anybody looks at it.
 */
/** The longest line that a decoder takes by default, in bytes, its ending not counted. */
export const LINE_BYTES_MAX = 8192;

export interface LineDecoderOptions {
  /** The longest line in bytes, its ending not counted. Default {@link LINE_BYTES_MAX}. */
  lineBytesMax?: number;
}

/** What `nextEvent` returns. */
export type LineEvent =
  | { readonly type: 'line'; readonly line: string }
  | { readonly type: 'needData' }
  | { readonly type: 'end' };

/** The peer sent a line longer than the limit. The decoder stays dead. */
export class LineTooLongError extends Error {
  readonly lineBytesMax: number;

  constructor(lineBytesMax: number) {
    super(`line longer than ${lineBytesMax} bytes`);
    this.name = 'LineTooLongError';
    this.lineBytesMax = lineBytesMax;
  }
}

const LF = 0x0a;
const CR = 0x0d;

export class LineDecoder {
  readonly #lineBytesMax: number;
  /** Bytes received and not yet given out as lines. */
  #pending: Buffer = Buffer.alloc(0);
  #eof = false;
  #error: LineTooLongError | undefined;

  constructor(options: LineDecoderOptions = {}) {
    this.#lineBytesMax = options.lineBytesMax ?? LINE_BYTES_MAX;
  }

  /** Takes the next bytes of the stream, cut anywhere. */
  receiveData(bytes: Uint8Array): void {
    this.#pending = Buffer.concat([this.#pending, bytes]);
  }

  /** The peer has finished sending. What follows the last LF is a last line. */
  receiveEof(): void {
    this.#eof = true;
  }

  /**
   * The next line, `needData` when there is no whole line yet, or `end` after
   * the last one.
   *
   * @throws {LineTooLongError} as soon as a line is known to be longer than the
   *   limit, without waiting for its end; and again on every later call.
   */
  nextEvent(): LineEvent {
    if (this.#error) {
      throw this.#error;
    }
    const newline = this.#pending.indexOf(LF);
    if (newline !== -1) {
      const line = this.#pending.subarray(0, newline);
      this.#pending = this.#pending.subarray(newline + 1);
      return this.#line(line.at(-1) === CR ? line.subarray(0, -1) : line);
    }
    const endsInCr = this.#pending.at(-1) === CR;
    if (this.#pending.length - (endsInCr ? 1 : 0) > this.#lineBytesMax) {
      this.#fail();
    }
    if (!this.#eof) {
      return { type: 'needData' };
    }
    if (this.#pending.length === 0) {
      return { type: 'end' };
    }
    const rest = this.#pending;
    this.#pending = Buffer.alloc(0);
    return this.#line(rest);
  }

  #line(bytes: Buffer): LineEvent {
    if (bytes.length > this.#lineBytesMax) {
      this.#fail();
    }
    return { type: 'line', line: bytes.toString('utf8') };
  }

  #fail(): never {
    this.#error = new LineTooLongError(this.#lineBytesMax);
    throw this.#error;
  }
}
