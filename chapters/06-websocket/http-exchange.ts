/**
 * One request and its response, as an application sees them: `receive` and `send` of an http scope, and what the
 * application's end means (the rules A40 to A65 of docs/gateway-spec.md).
 *
 * It knows no connection: where the request comes from is an {@link HttpSource}, and the response goes to the caller that
 * awaits it.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { HttpError, isOurFault } from '../02-http/index.ts';
import type { HeaderPair } from '../02-http/index.ts';
import { GatewayError } from '../05-gateway/index.ts';
import type { ReceivedEvent, SentEvent } from './async-app.ts';
import { checkIsEvent } from './check-event.ts';
import { checkFields } from './check-fields.ts';
import { DisconnectError } from './disconnect-error.ts';
import { httpTable, nextState } from './exchange-states.ts';
import { httpDisconnect } from './http-events.ts';
import type { HttpEvent } from './http-events.ts';
import { SentPromises } from './sent-promises.ts';
import { SentResponse } from './sent-response.ts';
import type { ResponseListener, SentHead } from './sent-response.ts';

/** Where a request comes from. */
export interface HttpSource {
  readonly method: string;
  /** The length of the body if it is known; 0 without a body. */
  readonly bodyBytes: number | undefined;
  /** Whether the client has gone. */
  readonly gone: boolean;
  /** Calls back when the client goes. */
  onGone(listener: () => void): void;
  /** The next part of the body, `null` at its end. @throws an error with a `status` if the body is broken */
  readPart(): Promise<Buffer | null>;
  /** Sends a 103; `null` if the source cannot. */
  readonly earlyHints: ((headers: readonly HeaderPair[]) => void) | null;
}

export class HttpExchange implements ResponseListener {
  /** The response, when its head leaves. @throws HttpError 500, or what `receive` has thrown, for a response that never came */
  readonly response: Promise<SentHead>;
  readonly #source: HttpSource;
  readonly #report: (error: unknown) => void;
  readonly #sent: SentResponse;
  readonly #promises = new SentPromises();
  readonly #answer: PromiseWithResolvers<SentHead>;
  #receiver: PromiseWithResolvers<HttpEvent> | null = null;
  #bodyBytesLeft: number;
  #bodyEnded = false;
  #bodyError: { readonly value: unknown } | null = null;
  #watchesGone = false;
  /** The response is complete, or nobody is there for it any more. */
  #over = false;

  /** @param report called with what the application did wrong */
  constructor(source: HttpSource, bufferedBytesMax: number, report: (error: unknown) => void) {
    this.#source = source;
    this.#report = report;
    this.#sent = new SentResponse(source.method, bufferedBytesMax, this);
    this.#answer = Promise.withResolvers();
    this.response = this.#answer.promise;
    this.#bodyBytesLeft = source.bodyBytes ?? Infinity;
  }

  // ── what the application calls ──

  readonly receive = (): Promise<ReceivedEvent> => {
    // TODO 6.1  Implement A31 and A40 to A43: what a call gets at once, and what it waits for. A call that waits is
    //           kept in `#receiver`, and `#onPart`, `#onBodyError` or `onOver` settles it. Once `#over` or `#bodyError`
    //           is set, it decides every later call. `#source.readPart` also tells a client that holds its body back to
    //           send it.
    throw new NotImplemented('6.1');
  };

  readonly send = (event: SentEvent): Promise<void> => this.#promises.attempt(() => {
    checkIsEvent(event);
    const gone = this.#over && !this.#sent.complete;
    switch (event.type) {
      case 'http.response.start':
        if (gone) return Promise.reject(new DisconnectError());
        this.#sent.start(event);
        return undefined;
      case 'http.response.body':
        return gone ? Promise.reject(new DisconnectError()) : this.#sent.body(event);
      case 'http.response.earlyHints':
        return this.#sendHints(event.headers);
      default:
        nextState('http', httpTable, this.#sent.state, event.type);
        return undefined;
    }
  });

  // ── what becomes of the application ──

  returned(): void {
    this.#promises.end();
    const unheard = this.#promises.unheard(undefined);
    const { state } = this.#sent;
    if (unheard !== null) this.#report(unheard);
    // TODO 6.1  Find out what the application still owes: A60, A61. It owes nothing if the client has gone; either the
    //           response (`#over`) or the request (`#source.gone`) may be the first to know. Report what is missing as
    //           a GatewayError, but only if `unheard` was not reported: there is one report for each call (A64).
    //           `#giveUp` takes the error to answer with.
    throw new NotImplemented('6.1');
  }

  threw(error: unknown): void {
    this.#promises.end();
    const unheard = this.#promises.unheard(error);
    if (unheard !== null) this.#report(unheard);
    // TODO 6.1  Decide what to report (`#isFault`) and what the client gets: A62 to A65. `isOurFault` tells our own
    //           errors from those that are meant as an answer.
    throw new NotImplemented('6.1');
  }

  // ── for SentResponse ──

  onHead(head: SentHead): void {
    this.#answer.resolve(head);
  }

  onOver(): void {
    this.#over = true;
    this.#settle(httpDisconnect);
  }

  // ── the request's body ──

  readonly #onPart = (part: Buffer | null): void => this.#take(part);

  readonly #onBodyError = (error: unknown): void => {
    // If the client has gone, the body is not broken: there is just no more of it.
    if (this.#source.gone) this.onOver();
    else if (!this.#over) this.#bodyError = { value: error };
    const receiver = this.#receiver;
    this.#receiver = null;
    receiver?.reject(error);
  };

  #take(part: Buffer | null): void {
    if (this.#over) return;
    this.#bodyBytesLeft -= part?.length ?? 0;
    // If the length is known, we know which part is the last.
    this.#bodyEnded = part === null || this.#bodyBytesLeft === 0;
    this.#settle({ type: 'http.request', body: part ?? nothing, moreBody: !this.#bodyEnded });
  }

  #settle(event: HttpEvent): void {
    const receiver = this.#receiver;
    this.#receiver = null;
    receiver?.resolve(event);
  }

  /** We ask only when somebody waits for it: most applications never do. */
  #awaitGone(): void {
    if (this.#watchesGone) return;
    this.#watchesGone = true;
    this.#source.onGone(() => this.onOver());
  }

  // ── the response ──

  #sendHints(headers: readonly HeaderPair[]): void {
    const { earlyHints } = this.#source;
    if (earlyHints === null) {
      throw new GatewayError('A22', 'http.response.earlyHints is not among the extensions of this scope');
    }
    checkFields(headers);
    // RFC 8297: hints come before the response.
    if (this.#sent.state === 'waiting') earlyHints(headers);
  }

  #giveUp(error: unknown): void {
    if (this.#sent.state === 'sending') this.#sent.breakOff(new HttpError(500));
    else this.#answer.reject(error);
    this.onOver();
  }

  /** Whether the error is the application's fault. One that stops because its client has gone has done nothing wrong. */
  #isFault(error: unknown): boolean {
    if (!isOurFault(error)) return false;
    if (error instanceof DisconnectError) return !this.#over && !this.#sent.complete;
    return !(error instanceof Error && error.name === 'AbortError' && this.#source.gone);
  }
}

const nothing = Buffer.alloc(0);
const disconnected: Promise<HttpEvent> = Promise.resolve(httpDisconnect);
