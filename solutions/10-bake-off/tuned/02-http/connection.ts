/**
 * One HTTP/1.1 connection, without I/O: bytes go in through `receiveData` and events come out of `nextEvent`; events go
 * into `send` and bytes come out. It never sees a socket, a timer or a promise (after h11).
 *
 * `nextEvent` consumes and returns an event, returns `needMoreData` or `paused`, or throws a RemoteProtocolError,
 * after which the machine stays dead: it reads nothing more, and a server may only answer and close.
 *
 * The legal transitions are in states.ts. What a message means is in the files named after its parts.
 */

import { BodyReader } from './body-reader.ts';
import { BodyWriter, joinWire, textOnWire } from './body-writer.ts';
import type { WireData } from './body-writer.ts';
import { CR, LF } from './characters.ts';
import { LocalProtocolError, RemoteProtocolError } from './errors.ts';
import { closed, endOfMessage, needMoreData, paused } from './events.ts';
import type {
  ClosedEvent, DataEvent, EndEvent, EventToSend, InformationalToSend, NeedMoreData, ReceivedEvent, RequestEvent,
  RequestToSend, ResponseEvent, ResponseToSend,
} from './events.ts';
import { fieldLines } from './field-lines.ts';
import { InputBuffer } from './input-buffer.ts';
import { withDefaultLimits } from './limits.ts';
import type { HttpLimits } from './limits.ts';
import { expectsContinue, persists } from './persistence.ts';
import { headBytesMax, readRequestHead } from './request-head.ts';
import { requestFraming, requestHead } from './request-to-send.ts';
import { mayHaveBody, responseFraming, responseHead } from './response-head.ts';
import type { Answered } from './response-head.ts';
import { peerOf, transitions } from './states.ts';
import type { Role, State, Transition, Transitions } from './states.ts';
import { readResponseHead } from './status-line.ts';

export interface HttpConnectionOptions {
  /** Default `server`. */
  readonly role?: Role;
  /** Default: {@link defaultLimits}. */
  readonly limits?: Partial<HttpLimits>;
}

/** What shapes an answer when the request could not be read, and when nothing but its method, HEAD, could. */
const unreadable: Answered = { method: 'GET', httpVersion: '1.1' };
const unreadableHead: Answered = { method: 'HEAD', httpVersion: '1.1' };

export class HttpConnection {
  readonly role: Role;
  readonly limits: HttpLimits;
  readonly #ourTransitions: Transitions;
  readonly #theirTransitions: Transitions;
  readonly #input: InputBuffer;
  readonly #writer = new BodyWriter();
  #ourState: State = 'idle';
  #theirState: State = 'idle';
  #error: RemoteProtocolError | null = null;
  #reader: BodyReader | null = null;
  /** The request of this exchange: received by a server, sent by a client. */
  #request: Answered = unreadable;
  #persistent = true;
  #awaitsContinue = false;
  #peerEnded = false;
  /** How many of the waiting bytes have been searched already and hold no complete head. */
  #headBytesSeen = 0;

  constructor(options: HttpConnectionOptions = {}) {
    this.role = options.role ?? 'server';
    this.#ourTransitions = transitions[this.role];
    this.#theirTransitions = transitions[peerOf(this.role)];
    this.limits = withDefaultLimits(options.limits);
    this.#input = new InputBuffer(headBytesMax(this.limits));
  }

  get ourState(): State {
    return this.#ourState;
  }

  get theirState(): State {
    return this.#theirState;
  }

  /** Bytes received that no event has delivered yet. */
  get bufferedBytes(): number {
    return this.#input.length;
  }

  /**
   * Whether a head has begun to arrive. Empty lines before it are not part of it (RFC 9112 §2.2), nor is a CR that may
   * begin one more: a client that has sent nothing else has not asked for anything.
   */
  get headBegun(): boolean {
    if (this.#input.length === 0) return false;
    const text = this.#input.text();
    const at = this.#headStart();
    return at < text.length && (text.charCodeAt(at) !== CR || at + 1 < text.length);
  }

  /** Bytes of the body being received that are still to come: 0 without one, Infinity if the length is unknown. */
  get bodyBytesToReceive(): number {
    if (this.#theirState !== 'body') return 0;
    return this.#reader === null ? 0 : this.#reader.bytesLeft;
  }

  /** Bytes of the body being sent that are still owed: Infinity if no length was promised. */
  get bodyBytesToSend(): number {
    return this.#writer.bytesLeft;
  }

  /** Whether the client waits for a 100 before it sends its body. */
  get awaitsContinue(): boolean {
    return this.#awaitsContinue;
  }

  /** Bytes from the peer. They are kept, not copied: do not reuse their memory. */
  receiveData(bytes: Uint8Array): void {
    if (this.#peerEnded) throw new LocalProtocolError('data after the end of input');
    if (bytes.length > 0) this.#input.append(bytes);
  }

  /** The peer will send nothing more. */
  receiveEof(): void {
    this.#peerEnded = true;
  }

  /** The bytes that no event has delivered, for the code that takes over the connection (after 101). */
  takeInput(): Buffer {
    return this.#input.take(this.#input.length);
  }

  /** @throws RemoteProtocolError when the peer broke the protocol; the same error on every later call */
  nextEvent(): ReceivedEvent {
    if (this.#error !== null) throw this.#error;
    try {
      return this.#next();
    } catch (error) {
      if (error instanceof RemoteProtocolError) {
        this.#error = error;
        this.#theirState = 'error';
        this.#persistent = false;
      }
      throw error;
    }
  }

  /**
   * The bytes for an event that we send.
   *
   * @throws LocalProtocolError when it is not the event's turn or it cannot be sent; if the state has not changed,
   *   nothing has happened and something else may be sent
   */
  send(event: EventToSend): WireData {
    switch (event.type) {
      case 'response':
        return this.#sendResponse(event);
      case 'data':
        this.#move('data', this.#allow('data'));
        return this.#writer.data(event.data);
      case 'end': {
        const next = this.#allow('end');
        const wire = this.#writer.end(event.trailers);
        this.#move('end', next);
        return wire;
      }
      case 'informational':
        return this.#sendInformational(event);
      case 'request':
        return this.#sendRequest(event);
      default:
        return event satisfies never;
    }
  }

  #next(): ReceivedEvent {
    switch (this.#theirState) {
      case 'idle':
      case 'send-response':
        return this.#readHead();
      case 'body':
        return this.#readBody();
      case 'closed':
        return closed;
      default:
        return paused;
    }
  }

  #readHead(): RequestEvent | ResponseEvent | ClosedEvent | NeedMoreData {
    const input = this.#input;
    if (input.length > 0 && this.#mayHoldHead()) {
      do {
        const text = input.text();
        const head = this.role === 'server'
          ? readRequestHead(text, input.cursor, this.limits)
          : readResponseHead(text, input.cursor, this.limits, this.#request.method);
        if (head === null) continue;
        input.consume(head.byteLength);
        this.#headBytesSeen = 0;
        return head.type === 'request' ? this.#beginRequest(head) : this.#beginResponse(head);
      } while (input.widen());
      this.#headBytesSeen = input.length;
    }
    if (!this.#peerEnded) return needMoreData;
    if (this.headBegun || this.#theirState === 'send-response') {
      throw new RemoteProtocolError(400, 'the connection ended within a head');
    }
    this.#received('closed');
    return closed;
  }

  /** Where in the text the head begins: after the empty lines. */
  #headStart(): number {
    const text = this.#input.text();
    let at = this.#input.cursor;
    while (text.charCodeAt(at) === CR && text.charCodeAt(at + 1) === LF) at += 2;
    return at;
  }

  /** A head is looked for again only once another line or the input has ended, or the input is beyond every limit. */
  #mayHoldHead(): boolean {
    const seen = this.#headBytesSeen;
    if (seen === 0 || this.#peerEnded || this.#input.includes(LF, seen)) return true;
    return this.#input.length > headBytesMax(this.limits);
  }

  #beginRequest(head: RequestEvent): RequestEvent {
    // RFC 9110 §9.3.6: a server that is not a proxy has nothing to tunnel to. What follows would not be HTTP.
    if (head.method === 'CONNECT') throw new RemoteProtocolError(501, 'CONNECT is not supported');
    this.#request = head;
    this.#persistent = persists(head);
    this.#reader = head.framing.kind === 'none' ? null : new BodyReader(head.framing, this.#input, this.limits);
    this.#awaitsContinue = expectsContinue(head) && this.#reader !== null;
    this.#received('request');
    return head;
  }

  #beginResponse(head: ResponseEvent): ResponseEvent {
    this.#received(head.status === 101 ? 'switch' : head.type);
    if (head.type === 'informational') return head;
    this.#reader = head.framing.kind === 'none' ? null : new BodyReader(head.framing, this.#input, this.limits);
    if (!persists(head) || head.framing.kind === 'close') this.#persistent = false;
    return head;
  }

  #readBody(): DataEvent | EndEvent | NeedMoreData {
    const event = this.#reader === null ? endOfMessage : this.#reader.next(this.#peerEnded);
    if (event.type === 'need-more-data') return event;
    // RFC 9110 §10.1.1: a client that sends its body need not be told to.
    this.#awaitsContinue = false;
    this.#received(event.type);
    return event;
  }

  #sendResponse(event: ResponseToSend): WireData {
    const next = this.#allow('response');
    if (event.status < 200) throw new LocalProtocolError('an interim status in a final response');
    // RFC 9110 §9.3.2: HEAD is answered without content, even if only the method could be read, or came in time.
    if (this.#request === unreadable && this.#beginsWithHead()) this.#request = unreadableHead;
    const { body } = event;
    const content = typeof body === 'string' ? textOnWire(body) : body;
    const fields = fieldLines(event.headers);
    const declared = fields.contentLength;
    const bodyBytes = content === undefined ? (event.bodyBytes ?? null) : content.length;
    const framing = responseFraming(event.status, declared, fields.chunked ? null : bodyBytes, this.#request);
    const hasBody = mayHaveBody(event.status, this.#request.method);
    if (hasBody && content !== undefined && declared !== null && declared !== content.length) {
      throw new LocalProtocolError('the body is not as long as its Content-Length');
    }
    const close = this.#closesAfter(event.close === true || fields.close || (hasBody && framing.kind === 'close'));
    const keepAlive = this.#request.httpVersion === '1.0' ? 'keep-alive' : '';
    const head = responseHead(event.status, event.reason, fields, framing, close ? 'close' : keepAlive);
    this.#persistent = !close;
    this.#move('response', next);
    this.#writer.begin(framing, !hasBody);
    return content === undefined ? head : this.#sendWhole(head, content);
  }

  #beginsWithHead(): boolean {
    if (this.#input.length === 0) return false;
    const at = this.#headStart();
    const method = this.#input.text().slice(at, at + 5);
    return method === 'HEAD ' || method === 'HEAD';
  }

  /** A whole body joins its head, and the message ends. */
  #sendWhole(head: string, content: WireData): WireData {
    const data = this.#writer.wire(content);
    const end = this.#writer.end();
    this.#move('end', this.#allow('end'));
    return joinWire(head, data, end as string);
  }

  #closesAfter(wanted: boolean): boolean {
    if (wanted || !this.#persistent || this.#theirState === 'idle' || this.#theirState === 'error') return true;
    // Nobody knows whether a client that waits for a 100 will send its body: we could not find the next request.
    return this.#awaitsContinue && this.#theirState === 'body';
  }

  #sendInformational(event: InformationalToSend): WireData {
    if (event.status < 100 || event.status > 199) throw new LocalProtocolError('a final status in an interim response');
    const switches = event.status === 101;
    if (switches && this.#theirState !== 'done') throw new LocalProtocolError('101 before the request has ended');
    const transition = switches ? 'switch' : 'informational';
    const next = this.#allow(transition);
    // RFC 9110 §15.2: a server MUST NOT send a 1xx response to an HTTP/1.0 client.
    if (this.#request.httpVersion === '1.0') {
      if (switches) throw new LocalProtocolError('101 to an HTTP/1.0 client');
      return '';
    }
    const head = responseHead(event.status, undefined, fieldLines(event.headers), { kind: 'none' }, '');
    this.#move(transition, next);
    if (switches) this.#theirState = 'switched';
    if (event.status === 100) this.#awaitsContinue = false;
    return head;
  }

  #sendRequest(event: RequestToSend): WireData {
    const next = this.#allow('request');
    const content = typeof event.body === 'string' ? textOnWire(event.body) : event.body;
    const fields = fieldLines(event.headers);
    const framing = requestFraming(event.method, fields, content === undefined ? null : content.length);
    const head = requestHead(event, fields, framing);
    this.#request = { method: event.method, httpVersion: '1.1' };
    this.#persistent = !fields.close;
    this.#move('request', next);
    this.#writer.begin(framing, false);
    return content === undefined ? head : this.#sendWhole(head, content);
  }

  /** Where a transition of ours leads. Done once for each event: a lookup by a name that varies is not free (10 ns). */
  #allow(transition: Transition): State {
    const next = this.#ourTransitions[this.#ourState][transition];
    if (next === undefined) throw new LocalProtocolError(`no ${transition} in the state ${this.#ourState}`);
    return next;
  }

  /** Our side moves. */
  #move(transition: Transition, next: State): void {
    this.#ourState = next;
    if (transition === 'request') this.#theirState = 'send-response';
    if (transition === 'end') this.#settle();
  }

  /** Their side moves. */
  #received(transition: Transition): void {
    const next = this.#theirTransitions[this.#theirState][transition];
    if (next === undefined) throw new RemoteProtocolError(400, `no ${transition} in the state ${this.#theirState}`);
    this.#theirState = next;
    if (transition === 'request') this.#ourState = 'send-response';
    if (transition === 'switch') this.#ourState = 'switched';
    if (transition === 'end') this.#settle();
  }

  /** When both sides are done, the next exchange may begin; if the connection does not persist, none does. */
  #settle(): void {
    if (this.#ourState === 'done' && !this.#persistent) this.#ourState = 'must-close';
    if (this.#ourState !== 'done' || this.#theirState !== 'done') return;
    this.#ourState = 'idle';
    this.#theirState = 'idle';
    this.#request = unreadable;
    this.#reader = null;
  }
}
