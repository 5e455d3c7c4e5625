/** Whether bytes are UTF-8, by a table: a row for each state, a column for each class of bytes (RFC 3629 §4). */

/** 0: a whole character. 1, 2, 3: that many more bytes, any. 4 to 7: the second byte after E0, ED, F0, F4. 8: wrong. */
const WRONG = 8;

/** Classes: ASCII, 80–8F, 90–9F, A0–BF, C2–DF, E0, E1–EC and EE–EF, ED, F0, F1–F3, F4, never right. */
const classes = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte < 0x80) return 0;
  if (byte < 0xc0) return byte < 0x90 ? 1 : byte < 0xa0 ? 2 : 3;
  if (byte < 0xc2 || byte > 0xf4) return 11;
  if (byte < 0xe0) return 4;
  if (byte === 0xe0) return 5;
  if (byte < 0xf0) return byte === 0xed ? 7 : 6;
  return byte === 0xf0 ? 8 : byte === 0xf4 ? 10 : 9;
});

const table: readonly (readonly number[])[] = [
  [0, 8, 8, 8, 1, 4, 2, 5, 6, 3, 7, 8],
  [8, 0, 0, 0, 8, 8, 8, 8, 8, 8, 8, 8],
  [8, 1, 1, 1, 8, 8, 8, 8, 8, 8, 8, 8],
  [8, 2, 2, 2, 8, 8, 8, 8, 8, 8, 8, 8],
  [8, 8, 8, 1, 8, 8, 8, 8, 8, 8, 8, 8],
  [8, 1, 1, 8, 8, 8, 8, 8, 8, 8, 8, 8],
  [8, 8, 2, 2, 8, 8, 8, 8, 8, 8, 8, 8],
  [8, 2, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8],
];

export class Utf8Validator {
  #state = 0;

  get complete(): boolean {
    return this.#state === 0;
  }

  reset(): void {
    this.#state = 0;
  }

  receive(bytes: Uint8Array, start = 0, end = bytes.length): boolean {
    for (let at = start; at < end; at++) {
      this.#state = table[this.#state]![classes[bytes[at]!]!]!;
      if (this.#state === WRONG) return false;
    }
    return true;
  }
}
