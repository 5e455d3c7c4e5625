/**
 * A WebSocket's client over the hostile one of TCP: it shakes hands, masks, and reads a server's frames strictly. What no
 * client would send it sends too: `tcp.write` takes any bytes.
 *
 *     const client = await WsClient.open(world, server, { path: '/echo' });
 *     client.send(text('hello'), close(1000));
 *     await client.message();        the next message, whole
 *     await client.closed(1000);     the server's Close frame, and the end of the connection
 */
import { createHash } from 'node:crypto';
import { check, CheckFailure } from '#support/failure.ts';
import type { FailureReport } from '#support/failure.ts';
import { HttpClient, requestBytes } from '#support/http-client.ts';
import type { Fields } from '#support/http-client.ts';
import { showResponse } from '#support/http-exchange.ts';
import { fieldValue } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Random } from '#support/random.ts';
import type { Address, TcpClient, TcpClientOptions } from '#support/tcp-client.ts';
import { clientFrame, readServerFrame } from './cases/index.ts';
import type { Frame, ServerFrame } from './cases/index.ts';

/** As much of a world as is needed here. */
export interface WsWorld {
  connect: (address: Address, options?: TcpClientOptions) => Promise<TcpClient>;
  random: Random;
}

export interface HandshakeOptions extends TcpClientOptions {
  /** Default `/`. */
  path?: string;
  /** Replaces fields of the handshake, adds others, and leaves out those that are `null`. A list is as many lines. */
  fields?: Readonly<Record<string, string | readonly string[] | null>>;
}

/** A message, whatever it was cut into. */
export interface WsMessage {
  type: 'text' | 'binary';
  data: Buffer;
  frames: number;
}

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** The fields of a handshake that is right. */
export function handshakeFields(key: string, changes: HandshakeOptions['fields'] = {}): Fields {
  const usual: Record<string, string | readonly string[] | null> = {
    Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Key': key, 'Sec-WebSocket-Version': '13', ...changes,
  };
  return Object.entries(usual).flatMap(([name, value]) => (value === null ? [] : [value].flat().map((one): [string, string] => [name, one as string])));
}

/** The bytes of a handshake. */
export function handshakeBytes(key: string, { path = '/', fields = {} }: HandshakeOptions = {}): Buffer {
  return requestBytes('GET', path, { fields: handshakeFields(key, fields) });
}

export class WsClient {
  readonly tcp: TcpClient;
  /** The 101. */
  readonly response: HttpTestResponse;
  readonly #random: Random;
  #at: number;

  private constructor(tcp: TcpClient, response: HttpTestResponse, random: Random) {
    this.tcp = tcp;
    this.response = response;
    this.#random = random;
    this.#at = response.end;
  }

  /** Opens a WebSocket; what comes back must be a 101 that is right. */
  static async open(world: WsWorld, address: Address, options: HandshakeOptions = {}): Promise<WsClient> {
    const { paused = false, ...others } = options;
    const tcp = await world.connect(address, others);
    const key = world.random.bytes(16).toString('base64');
    const http = new HttpClient(tcp).sendBytes(handshakeBytes(key, options), ['GET']);
    const response = await http.response({ expected: 'the 101 that opens the WebSocket' });
    const sent = tcp.describeSent();
    check(response.status === 101, { sent, received: showResponse(response), expected: 'status 101' });
    const accept = createHash('sha1').update(key + GUID).digest('base64');
    check(fieldValue(response, 'sec-websocket-accept') === accept, {
      sent, received: `Sec-WebSocket-Accept: ${String(fieldValue(response, 'sec-websocket-accept'))}`, expected: `Sec-WebSocket-Accept: ${accept}`,
    });
    if (paused) tcp.pause();
    return new WsClient(tcp, response, world.random);
  }

  /** Sends frames in one write, each with a mask of its own. */
  send(...frames: Frame[]): this {
    this.tcp.write(this.bytesOf(...frames));
    return this;
  }

  /** Frames as they would be sent. */
  bytesOf(...frames: Frame[]): Buffer {
    return Buffer.concat(frames.map((frame) => clientFrame(frame, this.#random.bytes(4))));
  }

  /** The frame that is there already, without waiting; it is then read. */
  takeFrame(): ServerFrame | null {
    try {
      const frame = readServerFrame(this.tcp.received, this.#at);
      if (frame !== null) this.#at = frame.end;
      return frame;
    } catch (error) {
      throw new CheckFailure({
        kind: 'wrong bytes',
        sent: this.tcp.describeSent(),
        received: `${error instanceof Error ? error.message : String(error)}: ${this.tcp.received.subarray(this.#at, this.#at + 16).toString('hex')}`,
        expected: 'frames as RFC 6455 §5.2 describes them',
      });
    }
  }

  /** Waits for the next frame. */
  async frame(report: Partial<FailureReport> & { patienceMs?: number } = {}): Promise<ServerFrame> {
    let frame: ServerFrame | null = null;
    await this.tcp.until(() => (frame ??= this.takeFrame()) !== null, { expected: 'a frame', ...report });
    return frame!;
  }

  /** Waits for the next message. Pings and pongs before it, and between its frames, are passed over. */
  async message(report: Partial<FailureReport> & { patienceMs?: number } = {}): Promise<WsMessage> {
    const parts: ServerFrame[] = [];
    for (;;) {
      const frame = await this.frame({ expected: 'a message', ...report });
      if (frame.opcode === 9 || frame.opcode === 10) continue;
      const fits = frame.opcode === (parts.length === 0 ? frame.opcode : 0) && frame.opcode <= 2 && (parts.length > 0 || frame.opcode > 0);
      check(fits, { sent: this.tcp.describeSent(), received: showFrame(frame), expected: report.expected ?? 'a message' });
      parts.push(frame);
      if (!frame.fin) continue;
      return { type: parts[0]!.opcode === 1 ? 'text' : 'binary', data: Buffer.concat(parts.map(({ payload }) => payload)), frames: parts.length };
    }
  }

  /** Waits for the server's Close frame; what comes before it is passed over. Its code, 1005 for none. */
  async closeFrame(report: Partial<FailureReport> & { patienceMs?: number } = {}): Promise<{ code: number; reason: string }> {
    for (;;) {
      const frame = await this.frame({ expected: 'a Close frame', ...report });
      if (frame.opcode !== 8) continue;
      const { payload } = frame;
      check(payload.length !== 1, { sent: this.tcp.describeSent(), received: 'a Close frame of one byte', expected: 'no payload, or a code and a reason (RFC 6455 §5.5.1)' });
      return payload.length === 0 ? { code: 1005, reason: '' } : { code: payload.readUInt16BE(0), reason: payload.toString('utf8', 2) };
    }
  }

  /** Waits for a Close frame with one of these codes, and then for the server's end of the connection. */
  async closed(codes: number | readonly number[], report: Partial<FailureReport> = {}): Promise<void> {
    const allowed = [codes].flat();
    const { code } = await this.closeFrame(report);
    const expected = `a Close frame with ${allowed.join(' or ')}`;
    check(allowed.includes(code), { sent: this.tcp.describeSent(), received: `a Close frame with ${code}`, expected, ...report });
    await this.tcp.until(() => this.tcp.ended || this.tcp.closed, { expected: 'the server ends the connection after its Close frame (RFC 6455 §7.1.1)', ...report });
  }

  /** How many bytes have come after the last frame that was read. */
  get leftOverBytes(): number {
    return this.tcp.receivedBytes - this.#at;
  }
}

/** `text of 5 bytes`. */
export function showFrame({ opcode, fin, payload }: ServerFrame): string {
  const names: Record<number, string> = { 0: 'continuation', 1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong' };
  return `${names[opcode] ?? `opcode ${opcode}`} of ${payload.length} bytes${fin ? '' : ', not the last of its message'}`;
}
