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

/** The longest line that a decoder takes by default, in bytes, not counting its ending. */
export const LINE_BYTES_MAX = 8192;

export interface LineDecoderOptions {
  /** The longest line in bytes, not counting its ending. Default {@link LINE_BYTES_MAX}. */
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
const NEED_DATA: LineEvent = { type: 'needData' };
const END: LineEvent = { type: 'end' };

export class LineDecoder {
  readonly #lineBytesMax: number;
  /** Bytes received and not yet returned as lines. At most one chunk and one line long. */
  #pending: Buffer = Buffer.alloc(0);
  /** How much of `#pending` is known to hold no LF, so that it is not searched again. */
  #scanned = 0;
  #eof = false;
  #error: LineTooLongError | undefined;

  constructor(options: LineDecoderOptions = {}) {
    this.#lineBytesMax = options.lineBytesMax ?? LINE_BYTES_MAX;
  }

  /** Takes the next bytes of the stream, cut anywhere. */
  receiveData(bytes: Uint8Array): void {
    if (this.#error) return;
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
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
    if (this.#error) throw this.#error;
    const lf = this.#pending.indexOf(LF, this.#scanned);
    if (lf >= 0) return this.#take(this.#pending[lf - 1] === CR ? lf - 1 : lf, lf + 1);
    const { length } = this.#pending;
    if (this.#eof) return length > 0 ? this.#take(length, length) : END;
    // One byte beyond the limit may be the CR of an ending whose LF is still on its way.
    const text = this.#pending.at(-1) === CR ? length - 1 : length;
    if (text > this.#lineBytesMax) this.#fail();
    this.#scanned = length;
    return NEED_DATA;
  }

  /** Gives out the bytes before `end` as a line and drops those before `next`. */
  #take(end: number, next: number): LineEvent {
    if (end > this.#lineBytesMax) this.#fail();
    const line = this.#pending.toString('utf8', 0, end);
    this.#pending = this.#pending.subarray(next);
    this.#scanned = 0;
    return { type: 'line', line };
  }

  #fail(): never {
    this.#pending = Buffer.alloc(0);
    this.#error = new LineTooLongError(this.#lineBytesMax);
    throw this.#error;
  }
}
