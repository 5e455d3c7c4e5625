/**
 * Asynchronous applications on chapter 02's server: for each request a scope, an exchange, a call.
 *
 * That server does the framing, keeps connections open, and sends 100 Continue when a body is first read. The other
 * half is done here.
 */

import { HttpResponse, listHas } from '../02-http/index.ts';
import type { Handler, HeaderPair, HttpRequest } from '../02-http/index.ts';
import type { AsyncApp } from './async-app.ts';
import type { AsyncSettings } from './async-settings.ts';
import { HttpExchange } from './http-exchange.ts';
import type { HttpSource } from './http-exchange.ts';
import { httpScope, websocketScope } from './http-scope.ts';
import type { RunningApps } from './running-apps.ts';
import type { WebSocketScope } from './scopes.ts';
import type { SentHead } from './sent-response.ts';
import { WebSocketExchange } from './websocket-exchange.ts';
import type { WebSocketSource } from './websocket-exchange.ts';
import type { WebSocketAcceptance, WebSocketHost, WebSocketOffer, WebSocketPeer } from './websocket-types.ts';

/**
 * Serves an application on chapter 02's server.
 *
 * The handler throws an HttpError for a request that cannot be a scope (400), for a request that is not a handshake,
 * and if the application failed (500).
 */
export function asyncHandler(
  app: AsyncApp,
  settings: AsyncSettings,
  host: WebSocketHost,
  running: RunningApps,
): Handler {
  return (request) => wantsWebSocket(request)
    ? answerHandshake(app, request, settings, host, running)
    : answerRequest(app, request, settings, running);
}

function answerRequest(
  app: AsyncApp,
  request: HttpRequest,
  settings: AsyncSettings,
  running: RunningApps,
): Promise<HttpResponse> {
  const scope = httpScope(request, settings);
  const report = (error: unknown): void => settings.onError(error, scope);
  const exchange = new HttpExchange(new RequestSource(request), settings.bufferedBytesMax, report);
  running.run(app, scope, exchange);
  return exchange.response.then((head) => toResponse(head, settings.serverField));
}

/** The value of an extension that is nothing but its key: one object for all scopes. */
const noDetails = Object.freeze({});

/** @throws HttpError 400, 403, 405 or 426 for a request that is not a handshake */
function answerHandshake(
  app: AsyncApp,
  request: HttpRequest,
  settings: AsyncSettings,
  host: WebSocketHost,
  running: RunningApps,
): Promise<HttpResponse> {
  const offer = host.readOffer(request);
  const { subprotocols } = offer;
  const source = new HandshakeSource(offer, request.signal, host);
  const report = (error: unknown): void => settings.onError(error, scope);
  const exchange = new WebSocketExchange(source, settings.bufferedBytesMax, report);
  const { signal, peer } = exchange;
  const extensions = { 'websocket.http.response': noDetails, 'websocket.peer': peer };
  const scope: WebSocketScope = websocketScope(request, settings, { subprotocols, signal, extensions });
  running.run(app, scope, exchange);
  return exchange.response;
}

/** RFC 9110 §7.8: a client that would like another protocol names it in Upgrade. */
function wantsWebSocket({ headers }: HttpRequest): boolean {
  return headers.has('upgrade') && listHas(headers.get('upgrade'), 'websocket');
}

function toResponse({ status, reason, headers, body }: SentHead, server: HeaderPair | null): HttpResponse {
  const named = server === null || headers.some(([name]) => name.toLowerCase() === 'server');
  return new HttpResponse(status, named ? headers : [...headers, server], body, reason === undefined ? {} : { reason });
}

/**
 * A handshake as an exchange sees it. It is a class and not an object made of closures: those would share their
 * variables with the function that reports errors, which would keep them in memory as long as the WebSocket is open.
 */
class HandshakeSource implements WebSocketSource {
  readonly signal: AbortSignal;
  readonly #offer: WebSocketOffer;
  readonly #host: WebSocketHost;

  constructor(offer: WebSocketOffer, signal: AbortSignal, host: WebSocketHost) {
    this.signal = signal;
    this.#offer = offer;
    this.#host = host;
  }

  get subprotocols(): readonly string[] {
    return this.#offer.subprotocols;
  }

  accept(acceptance: WebSocketAcceptance, onOpen: (peer: WebSocketPeer) => void): HttpResponse {
    return this.#host.accept(this.#offer, acceptance, onOpen);
  }
}

/** Chapter 02's request as an exchange sees it. */
class RequestSource implements HttpSource {
  readonly #request: HttpRequest;

  constructor(request: HttpRequest) {
    this.#request = request;
  }

  get method(): string {
    return this.#request.method;
  }

  get bodyBytes(): number | undefined {
    return this.#request.contentLength;
  }

  get gone(): boolean {
    return this.#request.signal.aborted;
  }

  onGone(listener: () => void): void {
    const { signal } = this.#request;
    if (signal.aborted) listener();
    else signal.addEventListener('abort', listener, { once: true });
  }

  async readPart(): Promise<Buffer | null> {
    return (await this.#request.body.next()).value ?? null;
  }

  get earlyHints(): ((headers: readonly HeaderPair[]) => void) | null {
    if (this.#request.httpVersion === '1.0') return null;
    return (headers) => this.#request.sendInformational(103, headers);
  }
}
