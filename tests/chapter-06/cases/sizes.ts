/**
 * 9: large messages, in one frame, in fragments and in parts; and many messages one after the other.
 */

import { answered, binary, binaryReply, fragments, text, textReply } from './frames.ts';
import type { FrameCase } from './frames.ts';

const SECTION = 'RFC 6455 §5.4';
const KB = 1024;
const MB = 1024 * KB;

const whole = [64 * KB, 256 * KB, MB, 4 * MB, 8 * MB, 16 * MB];
const fragmentSizes = [64, 256, KB, 4 * KB, 16 * KB, 64 * KB, 256 * KB, MB, 4 * MB];
const partSizes = [64, 128, 256, 512, KB, 2 * KB];
const small = [0, 16, 64, 256, KB, 4 * KB];
const MESSAGES = 1000;

/** The largest message of these cases; a subject with a lower limit has it raised for them. */
export const sizeCasesBytesMax = 16 * MB;
/** The most fragments that a message of these cases has. */
export const sizeCasesFragmentsMax = (4 * MB) / 64;

/** Groups `first`, `first + 2` and so on are of one kind. */
function sizes(kind: 'text' | 'binary', first: number): FrameCase[] {
  const make = (bytes: number): Buffer => Buffer.alloc(bytes, kind === 'text' ? '*' : 0xfe);
  const frame = kind === 'text' ? text : binary;
  const reply = kind === 'text' ? textReply : binaryReply;
  const opcode = kind === 'text' ? 1 : 2;
  return [
    ...whole.map((bytes, i) => answered(`9.${first}.${i + 1}`, `a ${kind} message of ${bytes / KB} KB`, 'RFC 6455 §5.2',
      () => [frame(make(bytes))], () => [reply(make(bytes))])),
    ...fragmentSizes.map((bytes, i) => answered(`9.${first + 2}.${i + 1}`,
      `a ${kind} message of 4 MB in fragments of ${bytes} bytes`, SECTION,
      () => fragments(opcode, make(4 * MB), bytes), () => [reply(make(4 * MB))])),
    ...partSizes.map((bytes, i) => answered(`9.${first + 4}.${i + 1}`,
      `a ${kind} message of 1 MB, which arrives in parts of ${bytes} bytes`, 'RFC 6455 §5.2',
      () => [frame(make(MB))], () => [reply(make(MB))], bytes)),
    ...small.map((bytes, i) => answered(`9.${first + 6}.${i + 1}`, `${MESSAGES} ${kind} messages of ${bytes} bytes`,
      'RFC 6455 §5.6', () => Array.from({ length: MESSAGES }, () => frame(make(bytes))),
      () => Array.from({ length: MESSAGES }, () => reply(make(bytes))))),
  ];
}

export const sizeCases: readonly FrameCase[] = [...sizes('text', 1), ...sizes('binary', 2)];
