/**
 * Whether bytes are UTF-8 (RFC 3629), decided as they arrive: a text that cannot become valid any more is refused at
 * the first byte that makes it so, not at its end (RFC 6455 §8.1).
 *
 * After the first byte of a sequence, only the second one has limits of its own, and they keep out encodings that are
 * too long (E0 80 80), surrogates (ED A0 80) and anything above U+10FFFF (F4 90 80 80). So the state is how many bytes
 * are missing, and the lowest and highest value of the next one.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { isUtf8 } from 'node:buffer';

/** From this many bytes on, it pays to ask Node first, which checks many bytes at once. */
const BULK_FROM_BYTES = 64;

export class Utf8Validator {
  #missing = 0;
  #lowest = 0x80;
  #highest = 0xbf;

  /** Whether the bytes so far end with a whole character. */
  get complete(): boolean {
    return this.#missing === 0;
  }

  reset(): void {
    this.#missing = 0;
    this.#lowest = 0x80;
    this.#highest = 0xbf;
  }

  /** Takes the bytes in `[start, end)`. False if no text can begin like this; after that, {@link Utf8Validator.reset}. */
  receive(bytes: Uint8Array, start = 0, end = bytes.length): boolean {
    if (this.#missing === 0 && end - start >= BULK_FROM_BYTES && isUtf8(bytes.subarray(start, end))) return true;
    // Either a byte is wrong, or the bytes only end within a character: going byte by byte shows which.
    // TODO 6.4  Put the lesson's table into limits for the next byte: `#missing`, `#lowest` and `#highest`. `#lead`
    //           sets them at the first byte of a character. Return false at the first byte that cannot be right. A
    //           character that is cut off here goes on with the bytes of the next call.
    throw new NotImplemented('6.4');
  }

  /** The first byte of a sequence: RFC 3629 §4. */
  #lead(byte: number): boolean {
    if (byte < 0xc2 || byte > 0xf4) return false;
    this.#missing = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    if (byte === 0xe0) this.#lowest = 0xa0;
    else if (byte === 0xed) this.#highest = 0x9f;
    else if (byte === 0xf0) this.#lowest = 0x90;
    else if (byte === 0xf4) this.#highest = 0x8f;
    return true;
  }
}
