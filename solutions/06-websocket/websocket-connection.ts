/**
 * One WebSocket that is open, without I/O: bytes in by `receiveData`, events out by `nextEvent`, events in and bytes out
 * by `send`. It never sees a socket, a timer or a promise.
 *
 * `nextEvent` consumes and returns an event, returns `needMoreData`, or throws a WebSocketError, after which the machine
 * stays dead: it reads nothing more, and only a Close frame with the error's code may still be sent.
 *
 * Pings and Close frames are not answered here: their answers are events like any others, and the driver of the machine
 * sends them. The opening handshake is over when it begins; it is in handshake.ts. Messages are sent in one frame each.
 */

import { LocalProtocolError } from '../02-http/index.ts';
import { closePayload } from './close-payload.ts';
import { ControlReader } from './control-reader.ts';
import type { DeflateTuning } from './deflate.ts';
import { deflateCodecs } from './deflate-codecs.ts';
import type { DeflateParameters } from './deflate-parameters.ts';
import { FrameReader } from './frame-reader.ts';
import { encodeFrame } from './frame-writer.ts';
import { withWebSocketLimits } from './limits.ts';
import type { WebSocketLimits } from './limits.ts';
import { MessageReader } from './message-reader.ts';
import { MessageWriter } from './message-writer.ts';
import { CLOSE, CONTROL_BYTES_MAX, FIN, FIRST_CONTROL, PING, PONG } from './opcodes.ts';
import { webSocketTransitions } from './states.ts';
import type { WebSocketRole, WebSocketState, WebSocketTransition } from './states.ts';
import { WebSocketError } from './websocket-error.ts';
import type { ConnectionEndEvent, ConnectionEvent, ConnectionEventToSend, NeedMoreData } from './connection-events.ts';

export interface WebSocketConnectionOptions {
  /** Default `server`. */
  readonly role?: WebSocketRole;
  /** Default: {@link defaultWebSocketLimits}. */
  readonly limits?: Partial<WebSocketLimits>;
  /** What was agreed on for permessage-deflate; absent without it. */
  readonly deflate?: DeflateParameters | null;
  readonly deflateTuning?: DeflateTuning;
  /** Messages below this size are not deflated: little would be gained. In bytes, default 1024. */
  readonly deflateFromBytes?: number;
}

const needMoreData: NeedMoreData = Object.freeze({ type: 'need-more-data' });
const connectionEnd: ConnectionEndEvent = Object.freeze({ type: 'end' });

export class WebSocketConnection {
  readonly role: WebSocketRole;
  readonly limits: WebSocketLimits;
  readonly #frame: FrameReader;
  readonly #messages: MessageReader;
  readonly #control = new ControlReader();
  readonly #writer: MessageWriter;
  #state: WebSocketState = 'open';
  #error: WebSocketError | null = null;
  #peerEnded = false;
  /** A frame's head has been read, but not all of its payload. */
  #inFrame = false;

  constructor(options: WebSocketConnectionOptions = {}) {
    const { role = 'server', deflate = null } = options;
    this.role = role;
    this.limits = withWebSocketLimits(options.limits);
    this.#frame = new FrameReader(role, deflate !== null, this.limits.frameBytesMax);
    const [inflater, deflater] = deflateCodecs(role, deflate, options.deflateTuning);
    this.#messages = new MessageReader(this.limits, inflater);
    this.#writer = new MessageWriter(role, deflater, options.deflateFromBytes);
  }

  get state(): WebSocketState {
    return this.#state;
  }

  /** Bytes received and not yet looked at. */
  get bufferedBytes(): number {
    return this.#frame.bufferedBytes;
  }

  /** Bytes from the peer. They are kept, not copied, and unmasked in place: do not use their memory any more. */
  receiveData(bytes: Uint8Array): void {
    if (this.#peerEnded) throw new LocalProtocolError('data after the end of input');
    // RFC 6455 §5.5.1, §7.1.7: nothing is read after a Close frame or a failure.
    if (this.#reads && bytes.length > 0) this.#frame.append(bytes);
  }

  /** The peer's side of the connection has ended. */
  receiveEof(): void {
    this.#peerEnded = true;
  }

  /** @throws WebSocketError when the peer broke the protocol or a limit; the same one on every later call */
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
   * @throws LocalProtocolError for an event that may not be sent, or not any more; then nothing has changed
   */
  send(event: ConnectionEventToSend): Buffer {
    switch (event.type) {
      case 'message':
        this.#mayMove('send-frame');
        return this.#writer.encode(event.data);
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
    if (event.type !== 'message') return [this.send(event)];
    this.#mayMove('send-frame');
    return this.#writer.encodeParts(event.data);
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
        const event = this.#control.receive(frame);
        if (event?.type === 'close') this.#closeFrameCame();
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

  /** RFC 6455 §5.5.1: nothing comes after it. */
  #closeFrameCame(): void {
    this.#move('receive-close');
    this.#frame.drop();
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
