/**
 * Masking (RFC 6455 §5.3): each octet of a client's payload is XORed with one of the key's four. Doing it twice undoes
 * it. It hides nothing; it keeps a page's script from choosing the bytes that a proxy on the way sees.
 */

/** Below this many bytes a view of words costs more to make than it saves. */
const WORDS_FROM_BYTES = 128;

const littleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/**
 * Masks or unmasks `bytes[start, end)` in place.
 *
 * @param key the four octets, the first one highest
 * @param phase how many bytes of the payload came before `start`
 * @returns whether every byte, as it is now, is ASCII; known for nothing here, and half of what a text needs
 */
export function applyMask(bytes: Uint8Array, start: number, end: number, key: number, phase: number): boolean {
  // The key, turned so that its highest octet is for `start`.
  const turn = (phase & 3) * 8;
  let word = turn === 0 ? key : (key << turn) | (key >>> (32 - turn));
  let at = start;
  let seen = 0;
  if (end - start >= WORDS_FROM_BYTES) {
    // Words must lie at a multiple of four in the memory behind: the bytes before the first one go alone.
    while (((bytes.byteOffset + at) & 3) !== 0) {
      seen |= bytes[at] = bytes[at]! ^ (word >>> 24);
      word = (word << 8) | (word >>> 24);
      at++;
    }
    // Whole groups of four words: what is left is fewer than 16 bytes.
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, ((end - at) >> 4) << 2);
    if ((maskWords(words, littleEndian ? swapped(word) : word) & 0x80808080) !== 0) seen = 0x80;
    at += words.length * 4;
  }
  const first = word >>> 24;
  const second = (word >>> 16) & 0xff;
  const third = (word >>> 8) & 0xff;
  const fourth = word & 0xff;
  for (; at + 3 < end; at += 4) {
    seen |= bytes[at] = bytes[at]! ^ first;
    seen |= bytes[at + 1] = bytes[at + 1]! ^ second;
    seen |= bytes[at + 2] = bytes[at + 2]! ^ third;
    seen |= bytes[at + 3] = bytes[at + 3]! ^ fourth;
  }
  for (; at < end; at++) {
    seen |= bytes[at] = bytes[at]! ^ (word >>> 24);
    word <<= 8;
  }
  return (seen & 0x80) === 0;
}

/** Masks words, four at a time: a loop of single words takes twice as long. Returns what any of them has, as bits. */
function maskWords(words: Int32Array, key: number): number {
  let seen = 0;
  for (let i = 0; i < words.length; i += 4) {
    const first = words[i]! ^ key;
    const second = words[i + 1]! ^ key;
    const third = words[i + 2]! ^ key;
    const fourth = words[i + 3]! ^ key;
    words[i] = first;
    words[i + 1] = second;
    words[i + 2] = third;
    words[i + 3] = fourth;
    seen |= first | second | third | fourth;
  }
  return seen;
}

function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
