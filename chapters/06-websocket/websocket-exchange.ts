/**
 * One WebSocket, as an application sees it: `receive` and `send` of a websocket scope, and what the application's end
 * means (the rules A70 to A89 of docs/gateway-spec.md).
 *
 * It knows the WebSocket by its interface alone, and no sockets. The refusal of a WebSocket is a response like any
 * other: there the states are those of http.
 */

import { HttpError, HttpResponse, LocalProtocolError, isOurFault } from '../02-http/index.ts';
import { GatewayError } from '../05-gateway/index.ts';
import type { ReceivedEvent, SentEvent } from './async-app.ts';
import { checkClose, checkIsEvent, checkMessage, checkSubprotocol } from './check-event.ts';
import { checkAcceptFields } from './check-fields.ts';
import { DisconnectError } from './disconnect-error.ts';
import { nextState, websocketTable } from './exchange-states.ts';
import type { WebSocketSendState } from './exchange-states.ts';
import { PendingPeer } from './pending-peer.ts';
import { SentPromises } from './sent-promises.ts';
import { SentResponse } from './sent-response.ts';
import type { ResponseListener, SentHead } from './sent-response.ts';
import type { WebSocketAccept, WebSocketClose, WebSocketDisconnectEvent } from './websocket-events.ts';
import type { WebSocketAcceptance, WebSocketMessage, WebSocketPeer } from './websocket-types.ts';

/** Where a WebSocket comes from. */
export interface WebSocketSource {
  readonly subprotocols: readonly string[];
  /** Aborts when the client goes before there is an answer. */
  readonly signal: AbortSignal;
  /** The 101 response. `onOpen` is called when it has been written. */
  accept(acceptance: WebSocketAcceptance, onOpen: (peer: WebSocketPeer) => void): HttpResponse;
}

export class WebSocketExchange implements ResponseListener {
  /** This and the answer are released when the WebSocket is open: it may stay so for days. */
  #source: WebSocketSource | null;
  #answer: PromiseWithResolvers<HttpResponse> | null = Promise.withResolvers();
  readonly #bufferedBytesMax: number;
  readonly #report: (error: unknown) => void;
  readonly #promises = new SentPromises();
  readonly #pending = new PendingPeer();
  #denial: SentResponse | null = null;
  readonly #ended = new AbortController();
  #state: WebSocketSendState = 'connecting';
  #connectGiven = false;
  #receiving = false;
  #disconnect: WebSocketDisconnectEvent | null = null;
  /** Nothing that is sent can arrive any more. */
  #gone = false;

  constructor(source: WebSocketSource, bufferedBytesMax: number, report: (error: unknown) => void) {
    this.#source = source;
    this.#bufferedBytesMax = bufferedBytesMax;
    this.#report = report;
    if (source.signal.aborted) this.#leave();
    else source.signal.addEventListener('abort', this.#leave, { once: true });
  }

  /** The answer to the handshake; ask for it before the WebSocket is open. @throws HttpError if there is none */
  get response(): Promise<HttpResponse> {
    if (this.#answer === null) throw new LocalProtocolError('the handshake was answered long ago');
    return this.#answer.promise;
  }

  /** Aborts when the WebSocket has ended, however it has. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** For the extension `websocket.peer`. @throws GatewayError A75 */
  readonly peer = (): WebSocketPeer => {
    const { peer } = this.#pending;
    if (peer === null) throw new GatewayError('A75', 'there is no WebSocket until websocket.accept was awaited');
    return peer;
  };

  // ── what the application calls ──

  /** No async function: nearly all the time it waits, and its frame would be half of what an idle WebSocket takes. */
  readonly receive = (): Promise<ReceivedEvent> => {
    if (this.#receiving) {
      return Promise.reject(new GatewayError('A31', 'receive was called before the previous call had settled: await it'));
    }
    if (!this.#connectGiven) {
      this.#connectGiven = true;
      return Promise.resolve({ type: 'websocket.connect' });
    }
    this.#receiving = true;
    return this.#pending.receive().then(this.#onMessage, this.#onFailure);
  };

  readonly send = (event: SentEvent): Promise<void> => this.#promises.attempt(() => {
    checkIsEvent(event);
    const next = nextState('websocket', websocketTable, this.#state, event.type);
    if (this.#gone) return Promise.reject(new DisconnectError());
    switch (event.type) {
      case 'websocket.accept':
        return this.#accept(event);
      case 'websocket.send':
        checkMessage(event);
        return this.#pending.send(event.data, this.#bufferedBytesMax);
      case 'websocket.close':
        return this.#close(event);
      case 'websocket.http.response.start':
        this.#denial ??= new SentResponse('GET', this.#bufferedBytesMax, this);
        this.#denial.start(event);
        this.#state = next;
        return undefined;
      case 'websocket.http.response.body':
        return this.#denial?.body(event);
      default:
        return undefined;
    }
  });

  readonly #onMessage = (data: WebSocketMessage | null): ReceivedEvent | Promise<ReceivedEvent> => {
    if (data === null) return this.#whenEnded();
    this.#receiving = false;
    return { type: 'websocket.receive', data };
  };

  readonly #onFailure = (error: unknown): never => {
    this.#receiving = false;
    throw error;
  };

  // ── what becomes of the application ──

  returned(): void {
    this.#promises.end();
    const unheard = this.#promises.unheard(undefined);
    if (unheard !== null) this.#report(unheard);
    if (this.#state === 'open') this.#pending.close(1000).catch(this.#report);
    if (!this.#lacksAnswer()) return;
    if (unheard === null) this.#report(new GatewayError('A77', 'the application has returned without websocket.accept or websocket.close'));
    this.#giveUp(new HttpError(500));
  }

  threw(error: unknown): void {
    this.#promises.end();
    const unheard = this.#promises.unheard(error);
    if (unheard !== null) this.#report(unheard);
    if (this.#isFault(error)) this.#report(error);
    // RFC 6455 §7.4.1: 1011, an unexpected condition. Nothing of the error reaches the client.
    if (this.#state === 'open') this.#pending.close(1011).catch(this.#report);
    if (this.#lacksAnswer()) this.#giveUp(isOurFault(error) ? new HttpError(500) : error);
  }

  // ── for SentResponse: the denial ──

  onHead({ status, reason, headers, body }: SentHead): void {
    this.#answer?.resolve(new HttpResponse(status, headers, body, reason === undefined ? {} : { reason }));
  }

  onOver(): void {
    this.#end();
  }

  // ── the WebSocket ──

  #accept(event: WebSocketAccept): Promise<void> {
    const { subprotocol, headers = [] } = event;
    checkAcceptFields(headers);
    // The source is kept until the state is `open`.
    const source = this.#source!;
    checkSubprotocol(event, source.subprotocols);
    this.#answer?.resolve(source.accept({ subprotocol, headers }, (peer) => this.#open(peer)));
    this.#state = 'open';
    return this.#pending.whenOpen();
  }

  #open(peer: WebSocketPeer): void {
    this.#pending.open(peer);
    this.#source?.signal.removeEventListener('abort', this.#leave);
    this.#source = null;
    this.#answer = null;
    peer.closed.then(({ code, reason }) => {
      this.#gone = true;
      this.#end(code, reason);
    }).catch(this.#report);
  }

  #close(event: WebSocketClose): Promise<void> | undefined {
    checkClose(event);
    const before = this.#state;
    this.#state = 'closed';
    if (before === 'open') return this.#pending.close(event.code, event.reason);
    this.#answer?.reject(new HttpError(403));
    this.#end();
    return undefined;
  }

  // ── the end ──

  /** The client has gone before there was a WebSocket. Once it is open, its `closed` says so instead. */
  readonly #leave = (): void => {
    this.#gone = true;
    this.#end();
  };

  /**
   * There is no WebSocket, or no longer. If there never was one, the code is the one that the client's own side reports
   * (RFC 6455 §7.1.5).
   */
  #end(code = 1006, reason = ''): void {
    if (this.#disconnect !== null) return;
    this.#disconnect = { type: 'websocket.disconnect', code, reason };
    this.#pending.abandon();
    this.#ended.abort();
  }

  /** Waits for the end: there are no more messages, but the connection may still be open. */
  async #whenEnded(): Promise<ReceivedEvent> {
    if (this.#disconnect === null) await this.#pending.peer?.closed;
    this.#receiving = false;
    // #open has been waiting for the same promise, and has called #end by now.
    return this.#disconnect!;
  }

  #lacksAnswer(): boolean {
    if (this.#disconnect !== null) return false;
    return this.#state === 'connecting' || (this.#state === 'denying' && this.#denial?.state !== 'complete');
  }

  #giveUp(error: unknown): void {
    if (this.#denial?.state === 'sending') this.#denial.breakOff(new HttpError(500));
    else this.#answer?.reject(error);
    this.#state = 'closed';
    this.#end();
  }

  /** Whether the error is the application's fault. One that stops because its client has gone has done nothing wrong. */
  #isFault(error: unknown): boolean {
    if (!isOurFault(error)) return false;
    const { lost, peer } = this.#pending;
    if (this.#disconnect === null && !lost && peer?.state !== 'closing') return true;
    return !(error instanceof DisconnectError) && !(error instanceof Error && error.name === 'AbortError');
  }
}
