/**
 * The other end of permessage-deflate: what a server answers to an offer, read strictly (RFC 7692 §7.1), and messages
 * deflated and inflated with exactly the windows that were agreed on.
 */
import { inflateRawSync } from 'node:zlib';
import { firstDifference } from '#support/bytes.ts';
import { check } from '#support/failure.ts';
import type { Address } from '#support/tcp-client.ts';
import { bytesOf, clientFrame, DeflateClient, fragments } from './cases/index.ts';
import type { AgreedParameters, ServerFrame } from './cases/index.ts';
import { FrameClient, hex } from './frame-client.ts';
import type { FrameWorld } from './frame-client.ts';

export const NAME = 'permessage-deflate';

const flushTail = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** The parameters of an answer: `true` where one has no value. */
export type Answer = ReadonlyMap<string, string | true>;

/** What an answer says; `null` where there is none. Fails where it is not one to any offer of permessage-deflate. */
export function readAnswer(extensions: string | undefined, offer: string): Answer | null {
  if (extensions === undefined) return null;
  const sent = `Sec-WebSocket-Extensions: ${offer}`;
  const [name = '', ...parameters] = extensions.split(';').map((part) => part.trim());
  const wrong = (expected: string): void => check(false, { sent, received: `Sec-WebSocket-Extensions: ${extensions}`, expected });
  if (name !== NAME) wrong(`${NAME}, once, or nothing`);
  const answer = new Map<string, string | true>();
  for (const parameter of parameters) {
    const [key = '', value] = parameter.split('=').map((part) => part.trim().replace(/^"(.*)"$/, '$1'));
    if (answer.has(key)) wrong('no parameter twice (RFC 7692 §7.1)');
    answer.set(key, value ?? true);
    if (/^(?:server|client)_no_context_takeover$/.test(key)) {
      if (value !== undefined) wrong(`${key} without a value (RFC 7692 §7.1.1)`);
    } else if (/^(?:server|client)_max_window_bits$/.test(key)) {
      if (!/^(?:[89]|1[0-5])$/.test(value ?? '')) wrong(`${key} with a value of 8 to 15 (RFC 7692 §7.1.2)`);
    } else {
      wrong('parameters of RFC 7692 and no others');
    }
  }
  return answer;
}

function agreedOn(answer: Answer): AgreedParameters {
  return {
    serverNoContextTakeover: answer.has('server_no_context_takeover'),
    clientNoContextTakeover: answer.has('client_no_context_takeover'),
    serverMaxWindowBits: Number(answer.get('server_max_window_bits') ?? 15),
    clientMaxWindowBits: Number(answer.get('client_max_window_bits') ?? 15),
  };
}

/** Inflates a server's messages with a window of the agreed size and no byte more. */
export class StrictInflater {
  readonly #windowBits: number;
  readonly #takeover: boolean;
  #window: Buffer = Buffer.alloc(0);

  constructor(agreed: AgreedParameters) {
    this.#windowBits = agreed.serverMaxWindowBits;
    this.#takeover = !agreed.serverNoContextTakeover;
  }

  /** @throws Error where the message refers to what lies outside of the window */
  inflate(payload: Buffer): Buffer {
    const message = inflateRawSync(Buffer.concat([payload, flushTail]), {
      windowBits: this.#windowBits,
      // zlib finds what it refers to in the output at hand, too: that must be no second window.
      chunkSize: 64,
      finishFlush: 2,
      ...(this.#window.length > 0 && { dictionary: this.#window }),
    });
    if (this.#takeover) this.#window = Buffer.concat([this.#window, message]).subarray(-(2 ** this.#windowBits));
    return message;
  }
}

export interface PeerMessage {
  readonly opcode: 1 | 2;
  readonly data: Buffer;
  readonly deflated: boolean;
  /** On the wire. */
  readonly payload: Buffer;
}

/** A client that has agreed on permessage-deflate. */
export class DeflatePeer {
  readonly client: FrameClient;
  readonly answer: Answer;
  readonly agreed: AgreedParameters;
  readonly #inflater: StrictInflater;
  readonly #deflater: DeflateClient;
  #taken = 0;

  private constructor(client: FrameClient, answer: Answer, agreed: AgreedParameters) {
    this.client = client;
    this.answer = answer;
    this.agreed = agreed;
    this.#inflater = new StrictInflater(agreed);
    this.#deflater = new DeflateClient(agreed);
  }

  /** Opens a WebSocket with an offer; `null` where the server has declined it. */
  static async offer(world: FrameWorld, server: Address, offer: string): Promise<DeflatePeer | null> {
    const client = await FrameClient.open(world, server, [['Sec-WebSocket-Extensions', offer]]);
    const answer = readAnswer(client.extensions, offer);
    return answer === null ? null : new DeflatePeer(client, answer, agreedOn(answer));
  }

  /** As {@link DeflatePeer.offer}, of an offer that has to be accepted. */
  static async open(world: FrameWorld, server: Address, offer: string = NAME): Promise<DeflatePeer> {
    const peer = await DeflatePeer.offer(world, server, offer);
    check(peer !== null, { sent: `Sec-WebSocket-Extensions: ${offer}`, received: '101 without Sec-WebSocket-Extensions', expected: `an answer of ${NAME}` });
    return peer;
  }

  /** The frames of a message, deflated with what came before as its context. */
  async deflated(message: string | Uint8Array, fragmentBytes = 0): Promise<Buffer> {
    return await this.#deflater.frames(bytesOf(message), typeof message === 'string', fragmentBytes);
  }

  /** A message whose deflated bytes are given, in one frame or in fragments. */
  sendDeflated(opcode: 1 | 2, deflated: Uint8Array, fragmentBytes = 0): this {
    const parts = deflated.length === 0 ? [{ opcode, payload: deflated }] : fragments(opcode, deflated, fragmentBytes === 0 ? deflated.length : fragmentBytes);
    this.client.tcp.write(Buffer.concat(parts.map((part, i) => clientFrame({ ...part, rsv: i === 0 ? 4 : 0 }, this.client.random.bytes(4)))));
    return this;
  }

  /** Sends a message, deflated, and waits for it to come back. */
  async expectEcho(message: string | Uint8Array, sent: string, fragmentBytes = 0): Promise<PeerMessage> {
    this.client.tcp.write(await this.deflated(message, fragmentBytes));
    return await this.expectMessage(message, sent);
  }

  /** Waits for a message and looks at it. */
  async expectMessage(message: string | Uint8Array, sent: string): Promise<PeerMessage> {
    const expected = `a ${typeof message === 'string' ? 'text' : 'binary message'} of ${bytesOf(message).length} bytes`;
    const received = await this.message(sent, expected);
    const at = firstDifference(received.data, bytesOf(message));
    check(at === undefined && received.opcode === (typeof message === 'string' ? 1 : 2), {
      sent,
      received: `a ${received.opcode === 1 ? 'text' : 'binary message'} of ${received.data.length} bytes: ${hex(received.data)}`,
      expected: at === undefined ? expected : `${expected}: ${hex(bytesOf(message))} (byte ${at + 1} is the first that differs)`,
    });
    return received;
  }

  /** The next message of the server's, inflated. */
  async message(sent: string, expected = 'a message'): Promise<PeerMessage> {
    const { client } = this;
    const parts = (): ServerFrame[] => client.frames.slice(this.#taken).filter(({ opcode }) => opcode <= 2);
    const closed = (): boolean => client.frames.some(({ opcode }) => opcode === 8);
    await client.tcp.until(() => parts().some(({ fin }) => fin) || closed(), { sent, expected });
    const frames = parts();
    const last = frames.findIndex(({ fin }) => fin);
    check(last >= 0, { sent, received: `a Close frame with ${client.closeCode ?? 'no code'}`, expected });
    const message = frames.slice(0, last + 1);
    this.#taken = client.frames.indexOf(message.at(-1)!) + 1;
    return this.#read(message, sent);
  }

  close(): void {
    this.#deflater.close();
  }

  #read(frames: readonly ServerFrame[], sent: string): PeerMessage {
    const [first] = frames as [ServerFrame];
    check((first.opcode === 1 || first.opcode === 2) && frames.slice(1).every(({ opcode, rsv1 }) => opcode === 0 && !rsv1), {
      sent, received: `frames with the opcodes ${frames.map(({ opcode, rsv1 }) => `${opcode}${rsv1 ? ' and RSV1' : ''}`).join(', ')}`, expected: 'a first frame, and continuations without RSV1 (RFC 7692 §6.1)',
    });
    const payload = Buffer.concat(frames.map((frame) => frame.payload));
    const opcode = first.opcode as 1 | 2;
    if (!first.rsv1) return { opcode, data: payload, deflated: false, payload };
    try {
      return { opcode, data: this.#inflater.inflate(payload), deflated: true, payload };
    } catch (error) {
      const { serverMaxWindowBits: bits, serverNoContextTakeover: alone } = this.agreed;
      const window = `a window of ${2 ** bits} bytes${alone ? ', and nothing of the messages before' : ''}`;
      return check(false, { sent, received: `a message that cannot be inflated: ${error instanceof Error ? error.message : String(error)}; ${hex(payload)}`, expected: `deflated bytes that refer to nothing beyond ${window}` }) as never;
    }
  }
}

/** The frames of messages that are not deflated. */
export function plain(opcode: 1 | 2, payload: string | Uint8Array): Buffer {
  return clientFrame({ opcode, payload });
}
