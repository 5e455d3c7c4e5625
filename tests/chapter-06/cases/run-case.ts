/**
 * Runs a case: delivers its bytes to an echo server, whatever that is, and compares what came back.
 */

import { bytesOf, clientFrame } from './frames.ts';
import type { FrameCase, Reply } from './frames.ts';
import { readServerOutput } from './server-frames.ts';
import type { ServerOutput } from './server-frames.ts';

/** An echo server that takes bytes and gives bytes, without a wire between. */
export interface EchoSubject {
  receive(bytes: Buffer): void;
  /** Everything that it has sent so far. */
  output(): Buffer;
  /** Whether it reads no more. */
  readonly done: boolean;
}

/** How the bytes arrive. */
export type Delivery = 'whole' | 'byte by byte' | 'in parts';

/** Cases beyond this are delivered in odd parts and not byte by byte. */
const BYTE_BY_BYTE_MAX = 512 * 1024;
const ODD_PART_BYTES = 1021;

export function wireBytesOf(frameCase: FrameCase): Buffer {
  return Buffer.concat(frameCase.frames().map((frame) => clientFrame(frame)));
}

/** What is wrong; `null` if nothing is. */
export function runCase(frameCase: FrameCase, subject: EchoSubject, delivery: Delivery): string | null {
  const bytes = wireBytesOf(frameCase);
  const partBytes = partBytesOf(frameCase, bytes.length, delivery);
  let sentBytes = 0;
  while (sentBytes < bytes.length && !subject.done) {
    // A copy: a subject may unmask where the bytes lie.
    subject.receive(Buffer.from(bytes.subarray(sentBytes, sentBytes + partBytes)));
    sentBytes += partBytes;
  }
  if (partBytes === 1 && frameCase.failsAtByte !== undefined && sentBytes > frameCase.failsAtByte) {
    return `failed after ${sentBytes} bytes, and byte ${frameCase.failsAtByte} could not be right`;
  }
  return compareOutput(frameCase, readServerOutput(subject.output()));
}

function partBytesOf({ partBytes }: FrameCase, length: number, delivery: Delivery): number {
  if (delivery === 'whole') return length;
  if (delivery === 'in parts') return partBytes ?? ODD_PART_BYTES;
  return length > BYTE_BY_BYTE_MAX ? ODD_PART_BYTES : 1;
}

/** What is wrong; `null` if nothing is. */
export function compareOutput(frameCase: FrameCase, { replies, close, restBytes }: ServerOutput): string | null {
  const expected = typeof frameCase.replies === 'function' ? frameCase.replies() : frameCase.replies;
  for (const [i, reply] of expected.entries()) {
    const given = replies[i];
    if (given === undefined) return `reply ${i + 1} is missing: ${show(reply)}`;
    if (given.type !== reply.type || !bytesOf(given.data).equals(bytesOf(reply.data))) {
      return `reply ${i + 1} is ${show(given)} and should be ${show(reply)}`;
    }
  }
  if (replies.length > expected.length) return `a reply too many: ${show(replies[expected.length]!)}`;
  if (close === null) return 'there is no Close frame';
  if (!frameCase.close.includes(close)) return `the close code is ${close} and should be ${frameCase.close.join(' or ')}`;
  return restBytes > 0 ? `${restBytes} bytes after the Close frame` : null;
}

function show({ type, data }: Reply): string {
  const bytes = bytesOf(data);
  return `${type} of ${bytes.length} bytes ${bytes.subarray(0, 16).toString('hex')}`;
}
