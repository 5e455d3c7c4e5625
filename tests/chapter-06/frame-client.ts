/**
 * A client of the frames' own tests: a handshake, bytes as they are told, and a strict reading of what comes back. It
 * does nothing by itself.
 */
import { firstDifference } from '#support/bytes.ts';
import { check, CheckFailure } from '#support/failure.ts';
import type { HttpClient } from '#support/http-client.ts';
import { fieldValue } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Random } from '#support/random.ts';
import type { Address, TcpClient, TcpClientOptions } from '#support/tcp-client.ts';
import { bytesOf, clientFrame, readServerFrame, readServerOutput } from './cases/index.ts';
import type { Frame, ServerFrame, ServerOutput } from './cases/index.ts';

/** As much of a world as is needed here. */
export interface FrameWorld {
  readonly random: Random;
  http: (address: Address, options?: TcpClientOptions) => Promise<HttpClient>;
  settle: () => Promise<void>;
}

/** The fields of a right handshake, with a new key. */
export function handshakeFields(random: Random): [name: string, value: string][] {
  return [
    ['Upgrade', 'websocket'],
    ['Connection', 'Upgrade'],
    ['Sec-WebSocket-Key', random.bytes(16).toString('base64')],
    ['Sec-WebSocket-Version', '13'],
  ];
}

export class FrameClient {
  readonly tcp: TcpClient;
  readonly response: HttpTestResponse;
  readonly random: Random;
  readonly #start: number;
  /** Whole frames that have come so far. */
  readonly #frames: ServerFrame[] = [];
  #at = 0;

  private constructor(tcp: TcpClient, response: HttpTestResponse, random: Random) {
    this.tcp = tcp;
    this.response = response;
    this.random = random;
    this.#start = response.end;
  }

  /** Opens a WebSocket; fails where the answer is not 101. */
  static async open(world: FrameWorld, address: Address, fields: readonly (readonly [string, string])[] = []): Promise<FrameClient> {
    const http = await world.http(address);
    http.send('GET', '/', { fields: [...handshakeFields(world.random), ...fields] });
    const response = await http.response({ sent: 'a handshake', expected: '101 Switching Protocols' });
    check(response.status === 101, { sent: 'a handshake', received: `${response.status} ${response.body.toString('latin1')}`.trim(), expected: '101 Switching Protocols' });
    return new FrameClient(http.tcp, response, world.random);
  }

  /** Sec-WebSocket-Extensions of the 101. */
  get extensions(): string | undefined {
    return fieldValue(this.response, 'sec-websocket-extensions');
  }

  /** What has come since the handshake. */
  get bytes(): Buffer {
    return this.tcp.received.subarray(this.#start);
  }

  /** The whole frames that have come so far. */
  get frames(): readonly ServerFrame[] {
    try {
      for (let frame = this.#next(); frame !== null; frame = this.#next()) this.#frames.push(frame);
    } catch (error) {
      throw this.#broken(error);
    }
    return this.#frames;
  }

  /** The replies and the Close frame of a server without extensions. */
  get output(): ServerOutput {
    try {
      return readServerOutput(this.bytes);
    } catch (error) {
      throw this.#broken(error);
    }
  }

  /** Sends frames in one write, each with a key of its own. */
  send(...frames: readonly Frame[]): this {
    this.tcp.write(this.encode(frames));
    return this;
  }

  encode(frames: readonly Frame[]): Buffer {
    return Buffer.concat(frames.map((frame) => clientFrame(frame, this.random.bytes(4))));
  }

  /** Waits until this many frames are there. */
  async untilFrames(count: number, sent: string): Promise<readonly ServerFrame[]> {
    await this.tcp.until(() => this.frames.length >= count, { sent, expected: count === 1 ? 'a frame' : `${count} frames` });
    return this.frames;
  }

  /** Waits until a Close frame is there, or the end of the connection. */
  async untilClosed(sent: string, expected = 'a Close frame'): Promise<void> {
    const over = (): boolean => this.tcp.ended || this.tcp.closed || this.frames.some(({ opcode }) => opcode === 8);
    await this.tcp.until(over, { sent, expected });
  }

  /** Waits for a Close frame with one of these codes. */
  async expectClose(codes: readonly number[], sent: string): Promise<void> {
    const expected = `a Close frame with ${codes.join(' or ')}`;
    await this.untilClosed(sent, expected);
    const close = this.closeCode;
    const [first] = this.frames;
    check(close !== null && codes.includes(close), {
      sent,
      received: close === null ? (first === undefined ? 'no Close frame' : `${NAMES[first.opcode] ?? 'a frame'} of ${first.payload.length} bytes, and no Close frame`) : `a Close frame with ${close}`,
      expected,
    });
  }

  /** The code of the Close frame that has come: 1005 where it has none, `null` where there is no Close frame. */
  get closeCode(): number | null {
    const payload = this.frames.find(({ opcode }) => opcode === 8)?.payload;
    if (payload === undefined) return null;
    return payload.length < 2 ? 1005 : payload.readUInt16BE(0);
  }

  /** Sends a message and waits for it to come back as it was. */
  async expectEcho(opcode: 1 | 2, payload: string | Uint8Array, sent: string, frames?: readonly Frame[]): Promise<void> {
    const before = this.output.replies.length;
    this.send(...(frames ?? [{ opcode, payload }]));
    await this.expectReply(before, opcode, payload, sent);
  }

  /** Waits for the reply of this number, counted from 0, and looks at it. */
  async expectReply(number: number, opcode: 1 | 2 | 10, payload: string | Uint8Array, sent: string): Promise<void> {
    const wanted = { type: ({ 1: 'text', 2: 'binary', 10: 'pong' } as const)[opcode], data: bytesOf(payload) };
    const ready = (): boolean => this.frames.filter((frame) => frame.fin && frame.opcode !== 9).length > number || this.frames.some((frame) => frame.opcode === 8);
    await this.tcp.until(ready, { sent, expected: describe(wanted) });
    const { replies, close } = this.output;
    const reply = replies[number];
    check(reply !== undefined, { sent, received: `a Close frame with ${close ?? 'no code'}`, expected: describe(wanted) });
    const at = firstDifference(bytesOf(reply.data), wanted.data);
    check(reply.type === wanted.type && at === undefined, {
      sent,
      received: describe(reply),
      expected: at === undefined ? describe(wanted) : `${describe(wanted)} (byte ${at + 1} is the first that differs)`,
    });
  }

  /** Fails if anything comes, or if the connection ends. */
  async expectSilence(world: FrameWorld, sent: string, expected = 'nothing: the message can still become right'): Promise<void> {
    await world.settle();
    const { close } = this.output;
    check(this.bytes.length === 0 && !this.tcp.ended && !this.tcp.closed, {
      sent,
      received: close === null ? this.tcp.describe() : `a Close frame with ${close}`,
      expected,
    });
  }

  #next(): ServerFrame | null {
    const frame = readServerFrame(this.bytes, this.#at);
    if (frame === null) return null;
    if (frame.opcode === 8 && frame.payload.length > 0 && !mayBeSent(frame.payload)) throw new Error('a Close frame with a code that must not be sent');
    this.#at = frame.end;
    return frame;
  }

  #broken(error: unknown): unknown {
    if (!(error instanceof Error) || error instanceof CheckFailure) return error;
    return new CheckFailure({ kind: 'wrong bytes', sent: this.tcp.describeSent(), received: `${error.message}: ${hex(this.bytes)}`, expected: 'frames as RFC 6455 §5.2 has them' });
  }
}

const NAMES: Readonly<Record<number, string>> = { 0: 'continuation', 1: 'text', 2: 'binary', 8: 'Close', 9: 'ping', 10: 'pong' };

/** RFC 6455 §7.4: 1005, 1006 and 1015 are for telling an application, and 1004 means nothing. */
function mayBeSent(payload: Buffer): boolean {
  if (payload.length === 1) return false;
  const code = payload.readUInt16BE(0);
  return code >= 1000 && code <= 4999 && ![1004, 1005, 1006, 1015].includes(code);
}

/** `text (5 bytes, more to come), ping (0 bytes)`. */
export function showFrames(frames: readonly Frame[]): string {
  const shown = frames.slice(0, 4).map(({ opcode, payload, fin = true, rsv = 0 }) => {
    const bytes = bytesOf(payload);
    const what = [`${bytes.length} bytes${bytes.length > 0 ? ` ${hex(bytes)}` : ''}`, ...(fin ? [] : ['FIN clear']), ...(rsv === 0 ? [] : [`RSV ${rsv.toString(2).padStart(3, '0')}`])];
    return `${NAMES[opcode] ?? `opcode ${opcode.toString(16).toUpperCase()}`} (${what.join(', ')})`;
  });
  return `${shown.join(', ')}${frames.length > 4 ? ` … ${frames.length} frames in all` : ''}`;
}

/** The first bytes, in pairs of digits. */
export function hex(bytes: Uint8Array, most = 16): string {
  const digits = Buffer.from(bytes.subarray(0, most)).toString('hex').replace(/(..)(?!$)/g, '$1 ');
  return bytes.length > most ? `${digits} …` : digits;
}

function describe({ type, data }: { readonly type: string; readonly data: string | Uint8Array }): string {
  const bytes = bytesOf(data);
  return `a ${type} of ${bytes.length} bytes${bytes.length > 0 ? `: ${hex(bytes)}` : ''}`;
}
