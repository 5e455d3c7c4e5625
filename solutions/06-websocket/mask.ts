/**
 * Masking (RFC 6455 §5.3): each octet of a client's payload is XORed with one of the key's four. Doing it twice undoes
 * it. It hides nothing; it keeps a page's script from choosing the bytes that a proxy on the way sees.
 *
 * Long payloads are done eight bytes at a time. Such a word must begin at a multiple of eight in memory, so there are
 * three stretches: a few single bytes up to the first such place, then whole words, then the few bytes that are left.
 * For each stretch the key is turned so that it begins with the octet that is due there.
 */

import { isAscii } from 'node:buffer';

/** Below this many bytes, making a view of words costs more than it saves. */
const WORDS_FROM_BYTES = 192;
const WORD_BYTES = 8;

const littleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/**
 * Masks or unmasks `bytes[start, end)` in place.
 *
 * @param key the four octets, the first one highest
 * @param phase how many bytes of the payload came before `start`
 * @returns whether every byte is ASCII now. That costs next to nothing here, and a text that is all ASCII needs no
 *   other check
 */
export function applyMask(bytes: Uint8Array, start: number, end: number, key: number, phase: number): boolean {
  // The key, turned so that its highest octet is the one for `start`.
  const turned = rotated(key, phase);
  if (end - start < WORDS_FROM_BYTES) return maskBytes(bytes, start, end, turned);
  // The first multiple of the word's size, counted in the underlying memory.
  const wordsStart = start + (-(bytes.byteOffset + start) & (WORD_BYTES - 1));
  const words = new BigUint64Array(bytes.buffer, bytes.byteOffset + wordsStart, Math.floor((end - wordsStart) / WORD_BYTES));
  const wordsEnd = wordsStart + words.length * WORD_BYTES;
  // A word is twice as long as the key, so the bytes after the words need the same turn of the key as the words
  // themselves.
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

/** Eight bytes at a time, in machine words: the compiler keeps a 64-bit BigInt in a register, and allocates none. */
function maskWords(words: BigUint64Array, key: number): void {
  const word = (BigInt(key >>> 0) << 32n) | BigInt(key >>> 0);
  for (let i = 0; i < words.length; i++) words[i] = words[i]! ^ word;
}

/** The key for bytes that come this many places later. */
function rotated(key: number, bytes: number): number {
  const turn = (bytes & 3) * 8;
  return turn === 0 ? key : (key << turn) | (key >>> (32 - turn));
}

function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
