/**
 * One HTTP/1.1 connection, without I/O: bytes go in through `receiveData` and events come out of `nextEvent`; events go
 * into `send` and bytes come out. It never sees a socket, a timer or a promise (after h11).
 *
 * `nextEvent` consumes and returns an event, returns `need-more-data` or `paused`, or throws a RemoteProtocolError,
 * after which the machine stays dead: it reads nothing more, and a server may only answer and close.
 */

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
  get bufferedBytes(): number { return this.#input.length + (this.#reader?.unread().length ?? 0); }
  /** How much of our body may still be sent: what is left of its Content-Length, or Infinity. */
  get bodyBytesToSend(): number { return this.#writer?.bytesLeft ?? 0; }
  /** Whether the client waits for a 100 before it sends its body. */
  get awaitsContinue(): boolean { return this.#awaitsContinue; }
  /**
   * Whether a head has begun to arrive. Empty lines before it are not part of it (RFC 9112 §2.2), nor is a CR that may
   * begin one more: a client that has sent nothing else has not asked for anything.
   */
  get headBegun(): boolean { return !/^(?:\r\n)*\r?$/.test(this.#startOfInput()); }

  /** Bytes from the peer. They are kept, not copied: do not reuse their memory. */
  receiveData(bytes: Uint8Array): void { this.#input = append(this.#input, bytes); }
  /** The peer will send nothing more. */
  receiveEof(): void { this.#inputEnded = true; }

  /** The bytes that no event has delivered, for the code that takes over the connection (after 101). */
  takeInput(): Buffer {
    const input = this.#input;
    this.#input = input.subarray(input.length);
    return input;
  }

  /** @throws RemoteProtocolError when the peer broke the protocol; the same error on every later call */
  nextEvent(): ReceivedEvent {
    if (this.#error !== null) throw this.#error;
    try {
      if (this.theirState === 'idle' || this.theirState === 'send-response') return this.#readHead();
      if (this.#reader !== null) return this.#readBody(this.#reader);
      return { type: this.theirState === 'closed' ? 'closed' : 'paused' };
    } catch (error) {
      if (error instanceof RemoteProtocolError) this.refuse(error);
      throw error;
    }
  }

  /**
   * The peer has broken the protocol, perhaps in a way that its bytes do not show: it is too slow. Nothing more is
   * read.
   */
  refuse(error: RemoteProtocolError): void {
    this.#error = error;
    this.#states[this.#peer] = 'error';
    this.#persistent = false;
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

  // ── what they send ──

  #readHead(): ReceivedEvent {
    const bytesNew = this.#input.length - this.#bytesSearched;
    // A head is looked for once a line has ended, or is too long for any: one that comes in crumbs costs no more.
    if (this.#input.includes('\n', this.#bytesSearched) || bytesNew > this.limits.requestLineBytesMax) {
      const text = this.#input.toString('latin1', 0, headBytesMax(this.limits));
      const { limits, role } = this;
      const { method } = this.#request;
      const event = role === 'server' ? readRequestHead(text, limits) : readResponseHead(text, limits, method);
      if (event !== null) return this.#begin(event);
      this.#bytesSearched = this.#input.length;
    }
    if (!this.#inputEnded) return needMoreData;
    const isCutShort = this.headBegun || this.theirState === 'send-response';
    if (isCutShort) throw new RemoteProtocolError(400, 'the connection ended within a head');
    this.#move(this.#peer, 'closed');
    return { type: 'closed' };
  }

  #begin(event: RequestEvent | ResponseEvent): RequestEvent | ResponseEvent {
    this.#input = this.#input.subarray(event.byteLength);
    this.#bytesSearched = 0;
    if (event.type === 'request') {
      this.#request = event;
      // RFC 9110 §9.3.6: a server that is not a proxy has nothing to tunnel to. What follows would not be HTTP.
      if (event.method === 'CONNECT') throw new RemoteProtocolError(501, 'CONNECT is not supported');
      this.#awaitsContinue = expectsContinue(event) && event.framing.kind !== 'none';
    }
    this.#move(this.#peer, event.type !== 'request' && event.status === 101 ? 'switch' : event.type);
    if (event.type === 'informational') return event;
    this.#reader = new BodyReader(event.framing, this.limits);
    this.#persistent &&= persists(event) && event.framing.kind !== 'close';
    return event;
  }

  #readBody(reader: BodyReader): ReceivedEvent {
    reader.receiveData(this.takeInput());
    const event = reader.nextEvent(this.#inputEnded);
    if (event.type === 'need-more-data') return event;
    // RFC 9110 §10.1.1: a client that sends its body need not be told to.
    this.#awaitsContinue = false;
    if (event.type === 'end') {
      this.#input = reader.unread();
      this.#reader = null;
    }
    this.#move(this.#peer, event.type);
    return event;
  }

  // ── what we send ──

  #sendRequest(event: RequestToSend): WireData {
    const fields = fieldLines(event.headers);
    const framing = requestFraming(event.method, fields, event.body);
    const line = requestLine(event.method, event.target);
    const connection = fields.close ? 'close' : '';
    const wire = this.#sendHead(event, { line, fields, framing, connection, hasBody: true });
    this.#request = { method: event.method, httpVersion: '1.1' };
    return wire;
  }

  #sendResponse(event: ResponseToSend): WireData {
    if (event.status < 200) throw new LocalProtocolError('an interim status in a final response');
    // RFC 9110 §9.3.2: HEAD is answered without content, even if only the method could be read, or came in time.
    const beginsWithHead = /^(?:\r\n)*HEAD(?: |$)/.test(this.#startOfInput());
    const answered = this.#request === unreadable && beginsWithHead ? { ...unreadable, method: 'HEAD' } : this.#request;
    const fields = fieldLines(event.headers);
    const framing = responseFraming(event.status, fields, event.body, answered);
    const hasBody = mayHaveBody(event.status, answered.method);
    // Nobody knows whether a client that waits for a 100 will send its body: we could not find the next request. And a
    // long body that is not read yet is not worth waiting for.
    const lost = this.#awaitsContinue || (this.#reader?.bytesAnnounced ?? 0) > this.limits.drainedBytesMax;
    const wanted = event.close === true || fields.close || (hasBody && framing.kind === 'close');
    const close = wanted || lost || !this.#persistent || this.theirState === 'idle';
    // RFC 9110 §6.6.1: an origin server with a clock MUST send Date in 2xx, 3xx and 4xx.
    if (!fields.hasDate) fields.text = `Date: ${new Date().toUTCString()}\r\n${fields.text}`;
    const connection = close ? 'close' : answered.httpVersion === '1.0' ? 'keep-alive' : '';
    const line = statusLine(event.status, event.reason);
    return this.#sendHead(event, { line, fields, framing, connection, hasBody });
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
    const old = this.#request.httpVersion === '1.0';
    if (status < 100 || status > 199) throw new LocalProtocolError('a final status in an interim response');
    const isTooEarly = status === 101 && (old || this.theirState !== 'done');
    if (isTooEarly) throw new LocalProtocolError('101 to HTTP/1.0, or before the request has ended');
    // RFC 9110 §15.2: a server MUST NOT send a 1xx response to an HTTP/1.0 client.
    if (old) return '';
    const [line, fields] = [statusLine(status), fieldLines(headers)];
    const wire = head({ line, fields, framing: { kind: 'none' }, connection: '' });
    this.#move(this.role, status === 101 ? 'switch' : 'informational');
    if (status === 100) this.#awaitsContinue = false;
    return wire;
  }

  // ── states ──

  /**
   * Where an event leads a side.
   *
   * @throws for what is not in the table: it is the fault of the side that the event is from
   */
  #next(side: Role, transition: Transition, from: Role = side): State {
    const next = transitions[side][this.#states[side]]?.[transition];
    if (next !== undefined) return next;
    const message = `no ${transition} in the state ${this.#states[side]}`;
    throw from === this.role ? new LocalProtocolError(message) : new RemoteProtocolError(400, message);
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

  /** As much of the input as it takes to see whether a head has begun, and which method. */
  #startOfInput(): string { return this.#input.toString('latin1', 0, this.limits.emptyLinesMax * 2 + 5); }
}
