/**
 * Writes frames (RFC 6455 §5.2): head and payload in one buffer, masked if we are a client.
 */

import { randomFillSync } from 'node:crypto';

import { applyMask } from './mask.ts';
import { MASKED } from './opcodes.ts';

/** Lengths up to this are in the second byte itself; 126 and 127 there say that two or eight bytes follow. */
const SHORT_MAX = 125;
const MEDIUM_MAX = 0xffff;

/**
 * One frame.
 *
 * @param firstByte FIN, RSV1 and the opcode
 * @param payload a string goes out as UTF-8
 * @param masked as a client must, and a server must not (RFC 6455 §5.1)
 */
export function encodeFrame(firstByte: number, payload: string | Uint8Array, masked: boolean): Buffer {
  const text = typeof payload === 'string';
  const length = text ? Buffer.byteLength(payload) : payload.length;
  const lengthEnd = lengthEndOf(length);
  const start = masked ? lengthEnd + 4 : lengthEnd;
  const frame = Buffer.allocUnsafe(start + length);
  writeHead(frame, firstByte, length, masked ? MASKED : 0);
  if (text) frame.write(payload, start, 'utf8');
  else frame.set(payload, start);
  if (masked) {
    const key = freshKey();
    frame.writeInt32BE(key, lengthEnd);
    applyMask(frame, start, start + length, key, 0);
  }
  return frame;
}

/** The head of an unmasked frame whose payload is too long to be copied into the same buffer. */
export function encodeHead(firstByte: number, length: number): Buffer {
  const head = Buffer.allocUnsafe(lengthEndOf(length));
  writeHead(head, firstByte, length, 0);
  return head;
}

/** Where in the head the length ends. */
function lengthEndOf(length: number): number {
  return length <= SHORT_MAX ? 2 : length <= MEDIUM_MAX ? 4 : 10;
}

function writeHead(frame: Buffer, firstByte: number, length: number, maskBit: number): void {
  frame[0] = firstByte;
  if (length <= SHORT_MAX) {
    frame[1] = maskBit | length;
  } else if (length <= MEDIUM_MAX) {
    frame[1] = maskBit | 126;
    frame[2] = length >>> 8;
    frame[3] = length & 0xff;
  } else {
    frame[1] = maskBit | 127;
    frame.writeUInt32BE(Math.floor(length / 2 ** 32), 2);
    frame.writeUInt32BE(length % 2 ** 32, 6);
  }
}

const keys = new Int32Array(1024);
let keysUsed = keys.length;

/** RFC 6455 §5.3: a new key for every frame, from a strong source. We get many at a time. */
function freshKey(): number {
  if (keysUsed === keys.length) {
    randomFillSync(keys);
    keysUsed = 0;
  }
  return keys[keysUsed++]!;
}
