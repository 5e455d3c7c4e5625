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
import { NotImplemented } from '#course/not-implemented.ts';

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

export class LineDecoder {
  readonly #lineBytesMax: number;
  /** Bytes received and not yet returned as lines. */
  #pending: Buffer = Buffer.alloc(0);

  constructor(options: LineDecoderOptions = {}) {
    this.#lineBytesMax = options.lineBytesMax ?? LINE_BYTES_MAX;
  }

  /** Takes the next bytes of the stream, cut anywhere. */
  receiveData(bytes: Uint8Array): void {
    // TODO 1.5  Keep the bytes, after those that are kept already.
    throw new NotImplemented('1.5');
  }

  /** The peer has finished sending. What follows the last LF is a last line. */
  receiveEof(): void {
    // TODO 1.5  Remember that: `nextEvent` needs to know.
    throw new NotImplemented('1.5');
  }

  /**
   * The next line, `needData` when there is no whole line yet, or `end` after
   * the last one.
   *
   * @throws {LineTooLongError} as soon as a line is known to be longer than the
   *   limit, without waiting for its end; and again on every later call.
   */
  nextEvent(): LineEvent {
    // TODO 1.5  Return the first whole line of what is kept, and keep the rest.
    //           If there is no whole line, return 'needData'; or, after the end
    //           of the stream, the rest as a last line, and then 'end'. Mind the
    //           limit either way.
    throw new NotImplemented('1.5');
  }
}
