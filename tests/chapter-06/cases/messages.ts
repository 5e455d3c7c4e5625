/**
 * 1: messages of every form of length. 2: pings and pongs. 3: reserved bits. 4: reserved opcodes.
 */

import { answered, binary, binaryReply, close, failed, ping, pong, pongReply, text, textReply } from './frames.ts';
import type { Frame, FrameCase } from './frames.ts';

const LENGTHS = [0, 125, 126, 127, 128, 65535, 65536] as const;
const tens = Array.from({ length: 10 }, (_, i) => `payload-${i}`);
const nonText = Buffer.from([0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff]);
const hello = 'Hello, world!';

function lengths(group: string, kind: 'text' | 'binary'): FrameCase[] {
  const make = (length: number): Buffer => Buffer.alloc(length, kind === 'text' ? '*' : 0xfe);
  const frame = kind === 'text' ? text : binary;
  const reply = kind === 'text' ? textReply : binaryReply;
  const section = 'RFC 6455 §5.2';
  const cases = LENGTHS.map((length, i) => answered(`${group}.${i + 1}`, `a ${kind} message of ${length} bytes`, section,
    () => [frame(make(length))], () => [reply(make(length))]));
  cases.push(answered(`${group}.8`, `a ${kind} message of 65536 bytes, which arrives in parts of 997`, section,
    () => [frame(make(65536))], () => [reply(make(65536))], 997));
  return cases;
}

export const messageCases: readonly FrameCase[] = [...lengths('1.1', 'text'), ...lengths('1.2', 'binary')];

const PING = 'RFC 6455 §5.5.2';
const PONG = 'RFC 6455 §5.5.3';

export const pingCases: readonly FrameCase[] = [
  answered('2.1', 'a ping without data is answered with a pong without data', PING, () => [ping()], [pongReply()]),
  answered('2.2', 'a pong has the data of its ping: text', PING, () => [ping(hello)], [pongReply(hello)]),
  answered('2.3', 'a pong has the data of its ping: bytes', PING, () => [ping(nonText)], [pongReply(nonText)]),
  answered('2.4', 'a ping may have 125 bytes', 'RFC 6455 §5.5',
    () => [ping(Buffer.alloc(125, 0xfe))], [pongReply(Buffer.alloc(125, 0xfe))]),
  failed('2.5', 'a ping must not have 126 bytes', 'RFC 6455 §5.5', [ping(Buffer.alloc(126, 0xfe))], 1002),
  answered('2.6', 'a ping of 125 bytes, which arrives byte by byte', 'RFC 6455 §5.5',
    () => [ping(Buffer.alloc(125, 0xfe))], [pongReply(Buffer.alloc(125, 0xfe))], 1),
  answered('2.7', 'a pong that nobody asked for is not answered', PONG, () => [pong()], []),
  answered('2.8', 'a pong with data that nobody asked for is not answered', PONG, () => [pong(hello)], []),
  answered('2.9', 'a pong that nobody asked for, and a ping', PONG, () => [pong(hello), ping('ping')], [pongReply('ping')]),
  answered('2.10', 'ten pings are answered in their order', PING, () => tens.map((data) => ping(data)),
    tens.map((data) => pongReply(data))),
  answered('2.11', 'ten pings, which arrive byte by byte, are answered in their order', PING,
    () => tens.map((data) => ping(data)), tens.map((data) => pongReply(data)), 1),
];

const RESERVED = 'RFC 6455 §5.2';
const withRsv = (frame: Frame, rsv: number): Frame => ({ ...frame, rsv });

export const reservedBitCases: readonly FrameCase[] = [
  failed('3.1', 'RSV3 on a text', RESERVED, [withRsv(text(hello), 1)], 1002),
  failed('3.2', 'RSV2 on the second text', RESERVED, [text(hello), withRsv(text(hello), 2), ping()], 1002, [textReply(hello)]),
  failed('3.3', 'RSV2 and RSV3 on the second text', RESERVED, [text(hello), withRsv(text(hello), 3), ping()], 1002,
    [textReply(hello)]),
  failed('3.4', 'RSV1 on the second text, without an extension', RESERVED,
    [text(hello), withRsv(text(hello), 4), ping()], 1002, [textReply(hello)]),
  failed('3.5', 'RSV1 and RSV3 on a binary message', RESERVED, [withRsv(binary(nonText), 5)], 1002),
  failed('3.6', 'RSV1 and RSV2 on a ping', RESERVED, [withRsv(ping(hello), 6)], 1002),
  failed('3.7', 'all three on a Close frame', RESERVED, [withRsv(close(1000), 7)], 1002),
];

function reservedOpcodes(group: string, kind: string, first: number): FrameCase[] {
  const reserved = (opcode: number, payload = ''): Frame => ({ opcode, payload });
  const title = (n: number, rest: string): string => `the reserved ${kind} opcode ${n.toString(16).toUpperCase()}${rest}`;
  return [
    failed(`${group}.1`, title(first, ''), RESERVED, [reserved(first)], 1002),
    failed(`${group}.2`, title(first + 1, ', with a payload'), RESERVED, [reserved(first + 1, hello)], 1002),
    failed(`${group}.3`, title(first + 2, ' after a text'), RESERVED, [text(hello), reserved(first + 2), ping()], 1002,
      [textReply(hello)]),
    failed(`${group}.4`, title(first + 3, ', with a payload, after a text'), RESERVED,
      [text(hello), reserved(first + 3, hello), ping()], 1002, [textReply(hello)]),
    failed(`${group}.5`, title(first + 4, ', with a payload, after a text'), RESERVED,
      [text(hello), reserved(first + 4, hello), ping()], 1002, [textReply(hello)]),
  ];
}

export const opcodeCases: readonly FrameCase[] = [
  ...reservedOpcodes('4.1', 'data', 3),
  ...reservedOpcodes('4.2', 'control', 11),
];
