/**
 * Whether bytes are UTF-8 (RFC 3629), told as they arrive. What is kept is the character that is not whole yet, as text:
 * one character for each of its bytes.
 */

import { isUtf8 } from 'node:buffer';

/** What a character may begin with and still become one. */
const beginning = /^(?:[\xc2-\xf4]|[\xe1-\xec\xee\xef][\x80-\xbf]|\xe0[\xa0-\xbf]|\xed[\x80-\x9f]|\xf0[\x90-\xbf][\x80-\xbf]?|[\xf1-\xf3][\x80-\xbf]{1,2}|\xf4[\x80-\x8f][\x80-\xbf]?)$/;
/** The last bytes, where they are a lead and fewer than it asks for. */
const cut = /(?:[\xc0-\xff]|[\xe0-\xff][\x80-\xbf]|[\xf0-\xff][\x80-\xbf]{2})$/;

export class Utf8Validator {
  #pending = '';

  get complete(): boolean {
    return this.#pending.length === 0;
  }

  reset(): void {
    this.#pending = '';
  }

  receive(bytes: Uint8Array, start = 0, end = bytes.length): boolean {
    const part = bytes.subarray(start, end);
    const all = this.complete ? part : Buffer.concat([Buffer.from(this.#pending, 'latin1'), part]);
    const last = Buffer.from(all.subarray(-3)).toString('latin1');
    this.#pending = cut.exec(last)?.[0] ?? '';
    if (!this.complete && !beginning.test(this.#pending)) return false;
    return isUtf8(all.subarray(0, all.length - this.#pending.length));
  }
}
