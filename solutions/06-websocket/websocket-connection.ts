/**
 * One WebSocket that is open, without I/O: bytes in by `receiveData`, events out by `nextEvent`, events in and bytes out
 * by `send`. It never sees a socket, a timer or a promise.
 *
 * `nextEvent` consumes and returns an event, returns `needMoreData`, or throws a WebSocketError, after which the machine
 * stays dead: it reads nothing more, and only a Close frame with the error's code may still be sent.
 *
 * Pings and Close frames are not answered here: their answers are events like others, and whoever drives the machine
 * sends them. The opening handshake is over when it begins; it is in handshake.ts. Messages are sent in one frame each.
 */

import { LocalProtocolError, needMoreData } from '../02-http/index.ts';
import type { NeedMoreData } from '../02-http/index.ts';
import { closePayload, parseClosePayload } from './close-payload.ts';
import { defaultDeflateTuning, Deflater, Inflater } from './deflate.ts';
import type { DeflateTuning } from './deflate.ts';
import type { DeflateParameters } from './deflate-parameters.ts';
import { FrameReader } from './frame-reader.ts';
import { encodeFrame, encodeHead } from './frame-writer.ts';
import { withWebSocketLimits } from './limits.ts';
import type { WebSocketLimits } from './limits.ts';
import { MessageReader } from './message-reader.ts';
import { BINARY, CLOSE, CONTROL_BYTES_MAX, FIN, FIRST_CONTROL, PING, PONG, RSV1, TEXT } from './opcodes.ts';
import { SharedMessage } from './shared-message.ts';
import { webSocketTransitions } from './states.ts';
import type { WebSocketRole, WebSocketState, WebSocketTransition } from './states.ts';
import { WebSocketError } from './websocket-error.ts';
import type {
  CloseEvent, ConnectionEndEvent, PingEvent, PongEvent, ConnectionEvent, ConnectionEventToSend,
} from './connection-events.ts';

export interface WebSocketConnectionOptions {
  /** Default `server`. */
  readonly role?: WebSocketRole;
  /** Default: {@link defaultWebSocketLimits}. */
  readonly limits?: Partial<WebSocketLimits>;
  /** What was agreed on for permessage-deflate; none without it. */
  readonly deflate?: DeflateParameters | null;
  readonly deflateTuning?: DeflateTuning;
  /** Messages below this are sent as they are: little is gained. In bytes, default 1024. */
  readonly deflateFromBytes?: number;
}

/** Copying more than this behind its head costs more than a second buffer does. */
const COPIED_BYTES_MAX = 16 * 1024;

const connectionEnd: ConnectionEndEvent = Object.freeze({ type: 'end' });

export class WebSocketConnection {
  readonly role: WebSocketRole;
  readonly limits: WebSocketLimits;
  readonly #frame: FrameReader;
  readonly #messages: MessageReader;
  readonly #deflater: Deflater | null;
  readonly #deflateFromBytes: number;
  #state: WebSocketState = 'open';
  #error: WebSocketError | null = null;
  #peerEnded = false;
  /** A frame's head has been read, and its payload not to the end. */
  #inFrame = false;
  /** What has arrived of a control frame's payload. */
  #control: Buffer | null = null;

  constructor(options: WebSocketConnectionOptions = {}) {
    const { role = 'server', deflate = null } = options;
    this.role = role;
    this.limits = withWebSocketLimits(options.limits);
    this.#frame = new FrameReader(role, deflate !== null, this.limits.frameBytesMax);
    const [inflater, deflater] = codecs(role, deflate, options.deflateTuning);
    this.#messages = new MessageReader(this.limits, inflater);
    this.#deflater = deflater;
    this.#deflateFromBytes = options.deflateFromBytes ?? 1024;
  }

  get state(): WebSocketState {
    return this.#state;
  }

  /** Bytes received and not yet looked at. */
  get bufferedBytes(): number {
    return this.#frame.bufferedBytes;
  }

  /** Bytes from the peer. They are kept, not copied, and unmasked where they lie: do not use their memory any more. */
  receiveData(bytes: Uint8Array): void {
    if (this.#peerEnded) throw new LocalProtocolError('data after the end of input');
    // RFC 6455 §5.5.1, §7.1.7: nothing is read after a Close frame or a failure.
    if (this.#reads && bytes.length > 0) this.#frame.append(bytes);
  }

  /** The peer's side of the connection has ended. */
  receiveEof(): void {
    this.#peerEnded = true;
  }

  /** @throws WebSocketError when the peer broke the protocol or a limit; the same one ever after */
  nextEvent(): ConnectionEvent {
    if (this.#error !== null) throw this.#error;
    try {
      return this.#next();
    } catch (error) {
      if (error instanceof WebSocketError) {
        this.#error = error;
        this.#move('fail');
        this.#frame.drop();
      }
      throw error;
    }
  }

  /**
   * The bytes for an event of ours.
   *
   * @throws LocalProtocolError for what may not be sent, or not any more; nothing has happened then
   */
  send(event: ConnectionEventToSend): Buffer {
    switch (event.type) {
      case 'message':
        this.#mayMove('send-frame');
        return this.#encode(event.data);
      case 'ping':
        return this.#sendControl(PING, event.data);
      case 'pong':
        return this.#sendControl(PONG, event.data);
      case 'close': {
        this.#mayMove('send-close');
        const frame = encodeFrame(FIN | CLOSE, closePayload(event), this.role === 'client');
        this.#move('send-close');
        return frame;
      }
      default:
        return event satisfies never;
    }
  }

  /**
   * As {@link WebSocketConnection.send}, without copying a long message of bytes: its head, and then the bytes
   * themselves, which must not be changed until they are sent.
   */
  sendParts(event: ConnectionEventToSend): readonly Uint8Array[] {
    const long = event.type === 'message' && event.data instanceof Uint8Array && event.data.length > COPIED_BYTES_MAX;
    if (!long || this.#deflater !== null || this.role === 'client') return [this.send(event)];
    this.#mayMove('send-frame');
    return [encodeHead(FIN | BINARY, event.data.length), event.data];
  }

  get #reads(): boolean {
    return this.#state === 'open' || this.#state === 'close-sent';
  }

  #next(): ConnectionEvent {
    const frame = this.#frame;
    while (this.#reads) {
      if (!this.#inFrame) {
        if (!frame.readHead()) return this.#noMore();
        if (frame.opcode < FIRST_CONTROL) this.#messages.begin(frame);
        this.#inFrame = true;
      }
      if (!frame.readPayload()) return this.#noMore();
      this.#inFrame = frame.left > 0;
      if (frame.opcode < FIRST_CONTROL) {
        const data = this.#messages.receive(frame);
        if (data !== null) return { type: 'message', data };
      } else {
        const event = this.#readControl();
        if (event !== null) return event;
      }
    }
    return this.#noMore();
  }

  #noMore(): ConnectionEndEvent | NeedMoreData {
    if (!this.#peerEnded) return needMoreData;
    this.#move('end');
    return connectionEnd;
  }

  #readControl(): PingEvent | PongEvent | CloseEvent | null {
    const frame = this.#frame;
    const part = frame.bytes.subarray(frame.start, frame.end);
    const data = this.#control === null ? part : Buffer.concat([this.#control, part]);
    if (frame.left > 0) {
      this.#control = data;
      return null;
    }
    this.#control = null;
    if (frame.opcode === PING) return { type: 'ping', data };
    if (frame.opcode === PONG) return { type: 'pong', data };
    const event = parseClosePayload(data);
    this.#move('receive-close');
    frame.drop();
    return event;
  }

  #encode(data: string | Uint8Array | SharedMessage): Buffer {
    if (data instanceof SharedMessage) return this.#encodeShared(data);
    const opcode = typeof data === 'string' ? TEXT : BINARY;
    const masked = this.role === 'client';
    if (this.#deflater === null || byteLength(data) < this.#deflateFromBytes) {
      return encodeFrame(FIN | opcode, data, masked);
    }
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    return encodeFrame(FIN | RSV1 | opcode, this.#deflater.deflate(bytes), masked);
  }

  #encodeShared(message: SharedMessage): Buffer {
    // Each of a client's frames has a mask of its own.
    if (this.role === 'client') return this.#encode(message.data);
    if (this.#deflater === null || message.byteLength < this.#deflateFromBytes) return message.frame();
    this.#deflater.forget();
    return message.deflatedFrame(this.#deflater.windowBits);
  }

  #sendControl(opcode: number, data: string | Uint8Array): Buffer {
    this.#mayMove('send-frame');
    if (byteLength(data) > CONTROL_BYTES_MAX) throw new LocalProtocolError('more than 125 bytes in a control frame');
    return encodeFrame(FIN | opcode, data, this.role === 'client');
  }

  #mayMove(transition: WebSocketTransition): void {
    if (webSocketTransitions[this.#state][transition] === undefined) {
      throw new LocalProtocolError(`no ${transition} in the state ${this.#state}`);
    }
  }

  #move(transition: WebSocketTransition): void {
    this.#state = webSocketTransitions[this.#state][transition] ?? this.#state;
  }
}

function byteLength(data: string | Uint8Array): number {
  return typeof data === 'string' ? Buffer.byteLength(data) : data.length;
}

/** What inflates the peer's messages and what deflates ours. */
function codecs(
  role: WebSocketRole,
  parameters: DeflateParameters | null,
  tuning: DeflateTuning = defaultDeflateTuning,
): [Inflater, Deflater] | [null, null] {
  if (parameters === null) return [null, null];
  const client = [parameters.clientMaxWindowBits, !parameters.clientNoContextTakeover] as const;
  const server = [parameters.serverMaxWindowBits, !parameters.serverNoContextTakeover] as const;
  return role === 'server'
    ? [new Inflater(...client), new Deflater(...server, tuning)]
    : [new Inflater(...server), new Deflater(...client, tuning)];
}
