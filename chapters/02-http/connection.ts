/**
 * One HTTP/1.1 connection, without I/O: bytes go in through `receiveData` and events come out of `nextEvent`; events go
 * into `send` and bytes come out. It never sees a socket, a timer or a promise (after h11).
 *
 * `nextEvent` consumes and returns an event, returns `need-more-data` or `paused`, or throws a RemoteProtocolError,
 * after which the machine stays dead: it reads nothing more, and a server may only answer and close.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { append, BodyReader, needMoreData } from './body.ts';
import { defaultLimits, type HttpLimits, LocalProtocolError, RemoteProtocolError } from './errors.ts';
import { transitions } from './events.ts';
import type {
  EventToSend, InformationalToSend, ReceivedEvent, RequestEvent, RequestToSend, ResponseEvent, ResponseToSend, Role,
  State, Transition,
} from './events.ts';
import { expectsContinue, headBytesMax, persists, readRequestHead, readResponseHead } from './head.ts';
import {
  BodyWriter, fieldLines, head, join, mayHaveBody, requestFraming, requestLine, responseFraming, statusLine, toBytes,
} from './writer.ts';
import type { Answered, HeadParts, WireData } from './writer.ts';

/** The role is `server` by default, and the limits are {@link defaultLimits}. */
export interface HttpConnectionOptions { readonly role?: Role; readonly limits?: Partial<HttpLimits> }

/** What shapes an answer when the request could not be read. */
const unreadable: Answered = { method: 'GET', httpVersion: '1.1' };

/** One side of a connection: a server's by default. */
export class HttpConnection {
  readonly role: Role;
  readonly limits: HttpLimits;
  readonly #peer: Role;
  readonly #states: Record<Role, State> = { client: 'idle', server: 'idle' };
  #input: Buffer = Buffer.alloc(0);
  #inputEnded = false;
  /** How many bytes of the input have been searched already and hold no complete head. */
  #bytesSearched = 0;
  #reader: BodyReader | null = null;
  #writer: BodyWriter | null = null;
  /** The request of this exchange: received by a server, sent by a client. */
  #request: Answered = unreadable;
  #persistent = true;
  #awaitsContinue = false;
  #error: RemoteProtocolError | null = null;

  constructor(options: HttpConnectionOptions = {}) {
    this.role = options.role ?? 'server';
    this.#peer = this.role === 'server' ? 'client' : 'server';
    this.limits = { ...defaultLimits, ...options.limits };
  }

  /** What may be sent now: {@link transitions}. */
  get ourState(): State { return this.#states[this.role]; }
  /** What may come now; `error` after a RemoteProtocolError. */
  get theirState(): State { return this.#states[this.#peer]; }
  /** Bytes received that no event has delivered yet. */
  get bufferedBytes(): number {
    throw new NotImplemented('2.5');
  }
  /** How much of our body may still be sent: what is left of its Content-Length, or Infinity. */
  get bodyBytesToSend(): number { return this.#writer?.bytesLeft ?? 0; }
  /** Whether the client waits for a 100 before it sends its body. */
  get awaitsContinue(): boolean { return this.#awaitsContinue; }
  /**
   * Whether a head has begun to arrive. Empty lines before it are not part of it (RFC 9112 §2.2), nor is a CR that may
   * begin one more: a client that has sent nothing else has not asked for anything.
   */
  get headBegun(): boolean {
    throw new NotImplemented('2.5');
  }

  /** Bytes from the peer. They are kept, not copied: do not reuse their memory. */
  receiveData(bytes: Uint8Array): void { this.#input = append(this.#input, bytes); }
  /** The peer will send nothing more. */
  receiveEof(): void { this.#inputEnded = true; }

  /** The bytes that no event has delivered, for the code that takes over the connection (after 101). */
  takeInput(): Buffer {
    throw new NotImplemented('2.5');
  }

  /** @throws RemoteProtocolError when the peer broke the protocol; the same error on every later call */
  nextEvent(): ReceivedEvent {
    // TODO 2.5  Their state says what may come now. A head: a request becomes the request of this exchange; CONNECT is
    //           a 501, since this server tunnels to nowhere. Then its body, as events of a BodyReader; what it has not
    //           read is the beginning of the next message. While our side has not answered, `paused`; when they have
    //           ended between two messages, `closed`. The end of the input anywhere else is a 400. A head that comes in
    //           crumbs must not be parsed anew with each of them.
    throw new NotImplemented('2.5');
  }

  /**
   * The peer has broken the protocol, perhaps in a way that its bytes do not show: it is too slow. Nothing more is
   * read.
   */
  refuse(error: RemoteProtocolError): void {
    throw new NotImplemented('2.5');
  }

  /**
   * The bytes for an event that we send.
   *
   * @throws LocalProtocolError when it is not the event's turn or it cannot be sent; then nothing has happened, and
   *   something else may be sent
   */
  send(event: EventToSend): WireData {
    this.#next(this.role, event.type);
    switch (event.type) {
      case 'request': return this.#sendRequest(event);
      case 'response': return this.#sendResponse(event);
      case 'informational': return this.#sendInformational(event);
      case 'data': return this.#writer!.data(toBytes(event.data));
      case 'end': {
        const wire = this.#writer!.end(event.trailers ?? []);
        this.#move(this.role, 'end');
        return wire;
      }
      default: return event satisfies never;
    }
  }

  // ── what we send ──

  #sendRequest(event: RequestToSend): WireData {
    // TODO 2.12 A request in the role of the client: its line, its fields, and a framing. What shapes its answer is
    //           remembered.
    throw new NotImplemented('2.12');
  }

  #sendResponse(event: ResponseToSend): WireData {
    // TODO 2.6  The last response says close: where the client, the handler or the server wants it, where its end is
    //           the end of the connection, where nobody knows whether the client will send its body, where the rest of
    //           that body is longer than `drainedBytesMax`, and where no request was read. To HTTP/1.0, keep-alive is
    //           said. HEAD is answered as HEAD even if nothing but the method could be read. One Date. `#sendHead` does
    //           the rest.
    throw new NotImplemented('2.6');
  }

  /** A head goes out; if its whole body goes with it, the message has ended. */
  #sendHead(event: RequestToSend | ResponseToSend, { hasBody, ...parts }: HeadParts & { hasBody: boolean }): WireData {
    const writer = new BodyWriter(parts.framing, !hasBody);
    const body = event.body === undefined ? '' : join(writer.data(toBytes(event.body)), writer.end([]));
    const wire = join(head(parts), body);
    this.#writer = writer;
    this.#persistent &&= parts.connection !== 'close';
    this.#move(this.role, event.type);
    if (event.body !== undefined) this.#move(this.role, 'end');
    return wire;
  }

  #sendInformational({ status, headers }: InformationalToSend): WireData {
    // TODO 2.7  An interim response, as a head and nothing more; to HTTP/1.0 no byte at all. 101 needs a request that
    //           has ended, and both sides switch. After a 100 the client does not wait any more.
    throw new NotImplemented('2.7');
  }

  // ── states ──

  /**
   * Where an event leads a side.
   *
   * @throws for what is not in the table: it is the fault of the side that the event is from
   */
  #next(side: Role, transition: Transition, from: Role = side): State {
    // TODO 2.5  As the table says. What it does not have is the fault of the side that the event is from: a
    //           RemoteProtocolError if it is theirs, a LocalProtocolError if it is ours.
    throw new NotImplemented('2.5');
  }

  #move(side: Role, transition: Transition): void {
    const both: readonly Role[] = transition === 'request' || transition === 'switch' ? ['client', 'server'] : [side];
    for (const one of both) this.#states[one] = this.#next(one, transition, side);
    // When both sides are done, the next exchange may begin; if the connection does not persist, none does.
    if (this.ourState === 'done' && !this.#persistent) this.#states[this.role] = 'must-close';
    if (this.ourState !== 'done' || this.theirState !== 'done') return;
    this.#states.client = 'idle';
    this.#states.server = 'idle';
    this.#request = unreadable;
  }
}
