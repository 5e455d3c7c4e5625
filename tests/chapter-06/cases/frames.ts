/**
 * A client's frames, and the cases that are made of them. Written from RFC 6455 alone: no subject's encoder is used, and
 * what no encoder would write can be written here.
 */

export type Bytes = string | Uint8Array;

export interface Frame {
  readonly opcode: number;
  readonly payload: Bytes;
  /** Default true. */
  readonly fin?: boolean;
  /** The three reserved bits as a number, RSV1 the highest. Default 0. */
  readonly rsv?: number;
}

/** What an echo server sends back for a frame: the message, or a pong. */
export interface Reply {
  readonly type: 'text' | 'binary' | 'pong';
  readonly data: Bytes;
}

/** Frames in, replies and a Close frame out. The server echoes messages. */
export interface FrameCase {
  /** The number that the Autobahn suite has for what this case is about. */
  readonly id: string;
  readonly title: string;
  readonly section: string;
  /** A function, since some are large. The last one is a Close frame, or the one that fails the connection. */
  readonly frames: () => readonly Frame[];
  /** All of them, in their order. */
  readonly replies: readonly Reply[] | (() => readonly Reply[]);
  /** The codes that the server's Close frame may have; 1005 for none. */
  readonly close: readonly number[];
  /** The frames arrive in parts of this many bytes, where it matters to the case. */
  readonly partBytes?: number;
  /**
   * Fail fast: the byte, counted in all that the client sends, that cannot be right; nothing after it may be needed.
   */
  readonly failsAtByte?: number;
}

export function bytesOf(data: Bytes): Buffer {
  return typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

export const continuation = (payload: Bytes, fin = true): Frame => ({ opcode: 0, payload, fin });
export const text = (payload: Bytes, fin = true): Frame => ({ opcode: 1, payload, fin });
export const binary = (payload: Bytes, fin = true): Frame => ({ opcode: 2, payload, fin });
export const ping = (payload: Bytes = ''): Frame => ({ opcode: 9, payload });
export const pong = (payload: Bytes = ''): Frame => ({ opcode: 10, payload });

/** A Close frame; without a code, one without a payload. */
export function close(code?: number, reason: Bytes = ''): Frame {
  if (code === undefined) return { opcode: 8, payload: '' };
  return { opcode: 8, payload: Buffer.concat([Buffer.from([code >>> 8, code & 0xff]), bytesOf(reason)]) };
}

export const textReply = (data: Bytes): Reply => ({ type: 'text', data });
export const binaryReply = (data: Bytes): Reply => ({ type: 'binary', data });
export const pongReply = (data: Bytes = ''): Reply => ({ type: 'pong', data });

/** A message cut into frames of this many bytes. */
export function fragments(opcode: 1 | 2, message: Bytes, fragmentBytes: number): Frame[] {
  const bytes = bytesOf(message);
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; at += fragmentBytes) {
    const payload = bytes.subarray(at, at + fragmentBytes);
    frames.push({ opcode: at === 0 ? opcode : 0, payload, fin: at + fragmentBytes >= bytes.length });
  }
  return frames;
}

/** A case that ends well: the client closes with 1000, and is answered by the same code, or by none (RFC 6455 §5.5.1). */
export function answered(
  id: string,
  title: string,
  section: string,
  frames: () => readonly Frame[],
  replies: FrameCase['replies'],
  partBytes?: number,
): FrameCase {
  const all = (): Frame[] => [...frames(), close(1000)];
  return { id, title, section, frames: all, replies, close: [1000, 1005], ...(partBytes !== undefined && { partBytes }) };
}

/** A case that ends with the server failing the connection. */
export function failed(
  id: string,
  title: string,
  section: string,
  frames: readonly Frame[],
  code: number,
  replies: readonly Reply[] = [],
  failsAtByte?: number,
): FrameCase {
  const all = (): readonly Frame[] => frames;
  return { id, title, section, frames: all, replies, close: [code], ...(failsAtByte !== undefined && { failsAtByte }) };
}

/** A frame as a client sends it (RFC 6455 §5.2). The masking key is given, so that a case is the same every time. */
export function clientFrame(frame: Frame, key: Uint8Array = Buffer.from([0x37, 0xfa, 0x21, 0x3d])): Buffer {
  const payload = bytesOf(frame.payload);
  const length = payload.length;
  const first = ((frame.fin ?? true) ? 0x80 : 0) | ((frame.rsv ?? 0) << 4) | frame.opcode;
  const head = length < 126 ? Buffer.from([first, 0x80 | length]) : longHead(first, length);
  const masked = Buffer.from(payload);
  for (let i = 0; i < masked.length; i++) masked[i] = masked[i]! ^ key[i & 3]!;
  return Buffer.concat([head, key, masked]);
}

function longHead(first: number, length: number): Buffer {
  const head = Buffer.alloc(length < 65536 ? 4 : 10);
  head[0] = first;
  if (length < 65536) {
    head[1] = 0x80 | 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 0x80 | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return head;
}
