/**
 * A server for asynchronous applications: chapter 02's, with WebSockets as its way out of HTTP, and the application's
 * life around it.
 */

import { setMaxListeners } from 'node:events';
import type { AddressInfo } from 'node:net';

import { startDeadline } from '../01-echo/index.ts';
import { HttpServer } from '../02-http/index.ts';
import type { CloseOptions, ServeOptions } from '../02-http/index.ts';
import type { AsyncApp } from './async-app.ts';
import { asyncHandler } from './async-handler.ts';
import { withAsyncDefaults } from './async-settings.ts';
import type { AsyncErrorReporter, AsyncOptions } from './async-settings.ts';
import { Lifespan, defaultLifespanTimes } from './lifespan.ts';
import type { LifespanTimes } from './lifespan.ts';
import { RunningApps } from './running-apps.ts';
import { WebSockets } from './websocket-server.ts';
import type { WebSocketsOptions } from './websocket-server.ts';
import type { WebSocketHost } from './websocket-types.ts';

export interface AsyncServeOptions extends Omit<ServeOptions, 'onError'>, AsyncOptions, Partial<LifespanTimes> {
  /** For the WebSockets: limits, timeouts, origins. */
  readonly websocket?: WebSocketsOptions;
  /** `off`: the application is not called for its own life. Default `auto`: it is, and need not know what that is. */
  readonly lifespan?: 'auto' | 'off';
}

/** What is still in progress is cut after this many milliseconds, unless told otherwise. */
const DEADLINE_MS = 10_000;
/** How long an application has to notice that its client was cut. */
const LAST_WORDS_MS = 100;

export class AsyncServer {
  /** What accepts the connections. */
  readonly http: HttpServer;
  readonly #webSockets: WebSocketHost;
  readonly #lifespan: Lifespan | null;
  readonly #running: RunningApps;
  readonly #stopping: AbortController;
  readonly #onError: AsyncErrorReporter;
  #closed: Promise<void> | null = null;
  /** The soonest of all deadlines, and what sets the timer anew when it changes. */
  #untilMs = Infinity;
  #setTimer: () => void = () => undefined;

  /** Use {@link serveAsync}. */
  private constructor(
    http: HttpServer,
    webSockets: WebSocketHost,
    lifespan: Lifespan | null,
    running: RunningApps,
    stopping: AbortController,
    onError: AsyncErrorReporter,
  ) {
    this.http = http;
    this.#webSockets = webSockets;
    this.#lifespan = lifespan;
    this.#running = running;
    this.#stopping = stopping;
    this.#onError = onError;
  }

  /** @throws LifespanError, or an Error with `code` for an address that is not available */
  static async start(app: AsyncApp, options: AsyncServeOptions): Promise<AsyncServer> {
    const stopping = new AbortController();
    // There is one signal for all scopes, with as many listeners as there are streams.
    setMaxListeners(0, stopping.signal);
    const times = { ...defaultLifespanTimes, ...timesOf(options) };
    const { onError } = withAsyncDefaults(options, {}, stopping.signal);
    const lifespan = options.lifespan === 'off' ? null : new Lifespan(app, times, onError);
    const settings = withAsyncDefaults(options, lifespan?.state ?? {}, stopping.signal);
    const webSockets = new WebSockets({ onError: (error) => onError(error, null), ...options.websocket });
    const running = new RunningApps();
    const handler = asyncHandler(app, settings, webSockets, running);
    const http = new HttpServer(handler, { ...options, onError: (error) => onError(error, null) });
    await lifespan?.start();
    try {
      await http.listen(options);
    } catch (error) {
      // What startup has opened must be put away, even if nobody was served.
      await lifespan?.stop().catch((failure: unknown) => onError(failure, null));
      throw error;
    }
    return new AsyncServer(http, webSockets, lifespan, running, stopping, onError);
  }

  /** Where it listens; a string for a Unix domain socket. */
  get address(): AddressInfo | string {
    return this.http.address;
  }

  /** `http://127.0.0.1:8000`. */
  get origin(): string {
    return this.http.origin;
  }

  /**
   * Stops accepting, tells applications through their `stopping`, lets responses end, closes WebSockets with 1001, cuts
   * what is left at the deadline, and then has the application put its things away. Whatever fails is reported. May be
   * called again with a shorter deadline.
   */
  closeGracefully({ deadlineMs = DEADLINE_MS, idleMs = 0 }: CloseOptions = {}): Promise<void> {
    this.#stopping.abort();
    const connections = this.http.closeGracefully({ deadlineMs, idleMs });
    this.#untilMs = Math.min(this.#untilMs, performance.now() + deadlineMs);
    this.#setTimer();
    this.#closed ??= this.#stop(connections);
    return this.#closed;
  }

  /** Stops accepting and cuts every connection; the application puts its things away all the same. */
  close(): Promise<void> {
    return this.closeGracefully({ deadlineMs: 0 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #stop(connections: Promise<void>): Promise<void> {
    this.#webSockets.close(1001).catch((error: unknown) => this.#onError(error, null));
    await connections;
    await this.#appsReturned();
    try {
      await this.#lifespan?.stop();
    } catch (error) {
      this.#onError(error, null);
    }
  }

  /** Or the deadline has come. Even then they have a moment to notice that their connections were cut. */
  async #appsReturned(): Promise<void> {
    const late = Promise.withResolvers<void>();
    let deadline = startDeadline(late.resolve, Infinity);
    this.#setTimer = () => {
      deadline.clear();
      deadline = startDeadline(late.resolve, Math.max(LAST_WORDS_MS, this.#untilMs - performance.now()));
    };
    this.#setTimer();
    await Promise.race([this.#running.idle(), late.promise]);
    this.#setTimer = () => undefined;
    deadline.clear();
  }
}

/**
 * Serves an application. Resolves when it has started and connections are accepted.
 *
 * @throws LifespanError for an application that could not start; an Error with `code` for an address that is not
 *   available
 */
export function serveAsync(app: AsyncApp, options: AsyncServeOptions = {}): Promise<AsyncServer> {
  return AsyncServer.start(app, options);
}

function timesOf({ startupMs, shutdownMs }: Partial<LifespanTimes>): Partial<LifespanTimes> {
  return { ...(startupMs === undefined ? {} : { startupMs }), ...(shutdownMs === undefined ? {} : { shutdownMs }) };
}
