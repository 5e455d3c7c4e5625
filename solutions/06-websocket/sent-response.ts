/**
 * A response as an application sends it, event by event: the rules A50 to A57 of docs/gateway-spec.md.
 *
 * Of the request it knows only the method; it knows nothing about request bodies, connections and framing.
 */

import { mayHaveBody } from '../02-http/index.ts';
import type { HeaderPair } from '../02-http/index.ts';
import { GatewayError } from '../05-gateway/index.ts';
import type { BodyEvent, StartEvent } from './async-app.ts';
import { checkBodyEvent, checkStart } from './check-event.ts';
import { DisconnectError } from './disconnect-error.ts';
import { httpTable, nextState } from './exchange-states.ts';
import type { HttpSendState } from './exchange-states.ts';
import { SentBody } from './sent-body.ts';

/** A response whose head leaves now. */
export interface SentHead {
  readonly status: number;
  /** `undefined`: the registered one. */
  readonly reason: string | undefined;
  readonly headers: readonly HeaderPair[];
  /** The whole body if the first event was the last; otherwise its parts as they come. */
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

export interface ResponseListener {
  /** The head leaves, with this body. */
  onHead(head: SentHead): void;
  /** Nothing more belongs to the response: it has ended, or its client has gone. */
  onOver(): void;
}

export class SentResponse {
  readonly #method: string;
  readonly #bufferedBytesMax: number;
  readonly #listener: ResponseListener;
  #state: HttpSendState = 'waiting';
  #start: StartEvent | null = null;
  #body: SentBody | null = null;
  /** How many bytes Content-Length promises that have not been sent yet; Infinity without one. */
  #bytesLeft = Infinity;
  #promised = false;
  #dropped = false;

  constructor(method: string, bufferedBytesMax: number, listener: ResponseListener) {
    this.#method = method;
    this.#bufferedBytesMax = bufferedBytesMax;
    this.#listener = listener;
  }

  get state(): HttpSendState {
    return this.#state;
  }

  /** Whether everything that the client will get has been sent. */
  get complete(): boolean {
    return this.#state === 'complete' || this.#dropped;
  }

  /** @throws GatewayError A34 to A38, A50 */
  start(event: StartEvent): void {
    const next = nextState('http', httpTable, this.#state, 'http.response.start');
    const length = checkStart(event);
    this.#start = event;
    this.#promised = length !== null;
    this.#bytesLeft = length ?? Infinity;
    this.#state = next;
  }

  /**
   * Resolves when there is room for more.
   *
   * @throws GatewayError A34, A51, A52, A55, A56; by rejection DisconnectError, GatewayError A39
   */
  body(event: BodyEvent): Promise<void> {
    const next = nextState('http', httpTable, this.#state, 'http.response.body');
    checkBodyEvent(event);
    if (this.#dropped) return Promise.reject(new DisconnectError('the response has no body: its head was all of it'));
    const { body: part = nothing, moreBody = false } = event;
    if (this.#state === 'started') return this.#first(part, moreBody, next);
    const sentBody = this.#body!;
    // A32: what is refused changes nothing. It is not counted, and it does not end the body.
    if (part.length > 0 && sentBody.full) return sentBody.push(part);
    this.#count(part.length, moreBody);
    const sent = sentBody.push(part);
    if (!moreBody) this.#end();
    return sent;
  }

  /** The application sends nothing more, and the head has left: the client must see that something is missing. */
  breakOff(error: unknown): void {
    this.#state = 'complete';
    this.#body?.fail(error);
  }

  #first(part: Uint8Array, moreBody: boolean, next: HttpSendState): Promise<void> {
    const { status, reason, headers = noFields } = this.#start!;
    if (mayHaveBody(status, this.#method)) this.#count(part.length, moreBody);
    else this.#dropped = true;
    this.#state = moreBody ? next : 'complete';
    if (!moreBody || this.#dropped) {
      // The length of a part says nothing about the whole.
      this.#listener.onHead({ status, reason, headers, body: moreBody ? noParts : part });
      this.#listener.onOver();
      return done;
    }
    this.#body = new SentBody(this.#bufferedBytesMax, () => this.#listener.onOver());
    const sent = this.#body.push(part);
    this.#listener.onHead({ status, reason, headers, body: this.#body });
    return sent;
  }

  /** @throws GatewayError A55, A56 */
  #count(bytes: number, moreBody: boolean): void {
    if (!this.#promised) return;
    const left = this.#bytesLeft - bytes;
    if (left < 0) throw new GatewayError('A55', `${-left} bytes more than Content-Length says`);
    if (left > 0 && !moreBody) throw new GatewayError('A56', `${left} bytes fewer than Content-Length says`);
    this.#bytesLeft = left;
  }

  #end(): void {
    this.#state = 'complete';
    this.#body!.end();
    this.#listener.onOver();
  }
}

const nothing = new Uint8Array(0);
const noFields: readonly HeaderPair[] = [];
const noParts: readonly Uint8Array[] = [];
const done = Promise.resolve();
