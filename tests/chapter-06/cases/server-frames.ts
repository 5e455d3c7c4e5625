/**
 * A server's frames, read strictly (RFC 6455 §5.2), and what they say: an echo server's replies and its Close frame.
 *
 * Independent of any subject. A server may fragment what it sends.
 */

import { inflateRawSync } from 'node:zlib';

import type { Reply } from './frames.ts';

export interface ServerOutput {
  readonly replies: readonly Reply[];
  /** The code of the Close frame: 1005 for one without, `null` where there is no Close frame. */
  readonly close: number | null;
  readonly reason: string;
  /** Bytes after the last whole frame. */
  readonly restBytes: number;
}

export interface ServerFrame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly payload: Buffer;
  /** Where the next frame begins. */
  readonly end: number;
}

/** What inflates a message whose first frame has RSV1; `null` where no extension was agreed on. */
export type Inflate = ((bytes: Buffer) => Buffer) | null;

/** Inflates messages that do not refer to earlier ones. */
export function inflateAlone(bytes: Buffer): Buffer {
  return inflateRawSync(Buffer.concat([bytes, Buffer.from([0, 0, 0xff, 0xff])]), { finishFlush: 2 });
}

/** @throws Error for what a server must not send */
export function readServerOutput(bytes: Buffer, inflate: Inflate = null): ServerOutput {
  const replies: Reply[] = [];
  let message: { opcode: number; deflated: boolean; parts: Buffer[] } | null = null;
  let at = 0;
  for (;;) {
    const frame = readServerFrame(bytes, at);
    if (frame === null) return { replies, close: null, reason: '', restBytes: bytes.length - at };
    at = frame.end;
    const { opcode, payload } = frame;
    if (frame.rsv1 && (inflate === null || opcode === 0 || opcode > 2)) throw new Error('RSV1 without an extension');
    if (opcode === 8) {
      const { close, reason } = readClose(payload);
      return { replies, close, reason, restBytes: bytes.length - at };
    }
    if (opcode === 10) {
      replies.push({ type: 'pong', data: payload });
    } else if (opcode <= 2) {
      if ((opcode === 0) !== (message !== null)) throw new Error('a fragment out of place');
      message ??= { opcode, deflated: frame.rsv1, parts: [] };
      message.parts.push(payload);
      if (!frame.fin) continue;
      const whole = Buffer.concat(message.parts);
      replies.push({
        type: message.opcode === 1 ? 'text' : 'binary',
        data: message.deflated ? inflate!(whole) : whole,
      });
      message = null;
    } else if (opcode !== 9) {
      throw new Error(`the reserved opcode ${opcode}`);
    }
  }
}

/** The frame that begins here; `null` where it is not whole yet. */
export function readServerFrame(bytes: Buffer, at: number): ServerFrame | null {
  if (bytes.length < at + 2) return null;
  const first = bytes[at]!;
  const second = bytes[at + 1]!;
  if ((first & 0x30) !== 0) throw new Error('RSV2 or RSV3 is set');
  if ((second & 0x80) !== 0) throw new Error('a masked frame from a server');
  const opcode = first & 0x0f;
  const fin = (first & 0x80) !== 0;
  if (opcode >= 8 && (!fin || second > 125)) throw new Error('a control frame that is too long or fragmented');
  const lengthEnd = at + (second < 126 ? 2 : second === 126 ? 4 : 10);
  if (bytes.length < lengthEnd) return null;
  const length = second < 126 ? second : second === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
  if ((second === 126 && length < 126) || (second === 127 && length < 65536)) {
    throw new Error('a length that is not in its shortest form');
  }
  const end = lengthEnd + length;
  if (bytes.length < end) return null;
  return { opcode, fin, rsv1: (first & 0x40) !== 0, payload: bytes.subarray(lengthEnd, end), end };
}

function readClose(payload: Buffer): { close: number; reason: string } {
  if (payload.length === 0) return { close: 1005, reason: '' };
  if (payload.length === 1) throw new Error('half a close code');
  const reason = new TextDecoder('utf-8', { fatal: true }).decode(payload.subarray(2));
  return { close: payload.readUInt16BE(0), reason };
}
