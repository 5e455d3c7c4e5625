/**
 * Masking (RFC 6455 §5.3): each octet of a client's payload is XORed with one of the key's four. Doing it twice undoes
 * it. It hides nothing; it keeps a page's script from choosing the bytes that a proxy on the way sees.
 */

import { isAscii } from 'node:buffer';

/** Below this many bytes a view of words costs more to make than it saves. */
const WORDS_FROM_BYTES = 192;
const WORD_BYTES = 8;

const littleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/**
 * Masks or unmasks `bytes[start, end)` in place.
 *
 * @param key the four octets, the first one highest
 * @param phase how many bytes of the payload came before `start`
 * @returns whether every byte, as it is now, is ASCII; known for next to nothing here, and half of what a text needs
 */
export function applyMask(bytes: Uint8Array, start: number, end: number, key: number, phase: number): boolean {
  // The key, turned so that its highest octet is for `start`.
  const turned = rotated(key, phase);
  if (end - start < WORDS_FROM_BYTES) return maskBytes(bytes, start, end, turned);
  // A word must lie at a multiple of its size in the underlying memory: the bytes before the first one go alone.
  const wordsStart = start + (-(bytes.byteOffset + start) & (WORD_BYTES - 1));
  const words = new BigUint64Array(bytes.buffer, bytes.byteOffset + wordsStart, Math.floor((end - wordsStart) / WORD_BYTES));
  const wordsEnd = wordsStart + words.length * WORD_BYTES;
  // A word has room for the key twice, so after the words the key goes on as it began.
  const wordsKey = rotated(turned, wordsStart - start);
  maskBytes(bytes, start, wordsStart, turned);
  maskWords(words, littleEndian ? swapped(wordsKey) : wordsKey);
  maskBytes(bytes, wordsEnd, end, wordsKey);
  return isAscii(bytes.subarray(start, end));
}

function maskBytes(bytes: Uint8Array, start: number, end: number, key: number): boolean {
  const first = key >>> 24;
  const second = (key >>> 16) & 0xff;
  const third = (key >>> 8) & 0xff;
  const fourth = key & 0xff;
  let seen = 0;
  let at = start;
  for (; at + 3 < end; at += 4) {
    seen |= bytes[at] = bytes[at]! ^ first;
    seen |= bytes[at + 1] = bytes[at + 1]! ^ second;
    seen |= bytes[at + 2] = bytes[at + 2]! ^ third;
    seen |= bytes[at + 3] = bytes[at + 3]! ^ fourth;
  }
  if (at < end) seen |= bytes[at] = bytes[at]! ^ first;
  if (at + 1 < end) seen |= bytes[at + 1] = bytes[at + 1]! ^ second;
  if (at + 2 < end) seen |= bytes[at + 2] = bytes[at + 2]! ^ third;
  return (seen & 0x80) === 0;
}

/** Eight bytes at a time, by machine words: the compiler keeps a BigInt of 64 bits in a register, and makes none. */
function maskWords(words: BigUint64Array, key: number): void {
  const word = (BigInt(key >>> 0) << 32n) | BigInt(key >>> 0);
  for (let i = 0; i < words.length; i++) words[i] = words[i]! ^ word;
}

/** The key for bytes that come this much later. */
function rotated(key: number, bytes: number): number {
  const turn = (bytes & 3) * 8;
  return turn === 0 ? key : (key << turn) | (key >>> (32 - turn));
}

function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
