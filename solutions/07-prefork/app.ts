/**
 * What a worker knows of its application's requests, and what the settings hold them to.
 */

import { refusal } from '../02-http/index.ts';
import type { HeaderPair } from '../02-http/index.ts';
import type { AsyncApp, HttpScope, SentEvent, WebSocketScope } from '../06-websocket/index.ts';
import type { Settings } from './settings.ts';

/** What the access log is told of a request that is over. */
export interface RequestReport {
  readonly scope: HttpScope | WebSocketScope;
  readonly status: number;
  readonly bytes: number;
  readonly headers: readonly HeaderPair[];
  readonly durationMs: number;
}

export interface WatchOptions extends Pick<Settings, 'workerClass' | 'requestTimeoutMs'> {
  readonly onDone?: (report: RequestReport) => void;
}

// region watched
/** An application whose requests are counted, known while they run, and held to the settings. */
export class WatchedApp {
  /** How many requests and WebSockets there have been. */
  total = 0;
  readonly #running = new Set<{ readonly what: string; readonly sinceMs: number }>();
  readonly #inner: AsyncApp;
  readonly #options: WatchOptions;
  /** The end of the request before, where there is one at a time. */
  #turn: Promise<void> = Promise.resolve();
  /** The end of a request that was answered for the application. */
  #late: Promise<void> = Promise.resolve();

  constructor(app: AsyncApp, options: WatchOptions) {
    this.#inner = app;
    this.#options = options;
  }

  /** What is in progress, a line each: `GET /slow, 31 s`. */
  running(): string[] {
    return [...this.#running].map(({ what, sinceMs }) => `${what}, ${Math.round((performance.now() - sinceMs) / 1000)} s`);
  }

  readonly app: AsyncApp = async (scope, receive, send) => {
    if (scope.type === 'lifespan') return await this.#inner(scope, receive, send);
    const one = { what: `${scope.type === 'http' ? scope.method : 'WebSocket'} ${scope.rootPath}${scope.rawPath}`, sinceMs: performance.now() };
    this.total++;
    this.#running.add(one);
    const seen = { status: 0, bytes: 0, headers: [] as readonly HeaderPair[] };
    const isHead = scope.type === 'http' && scope.method === 'HEAD';
    const watchedSend: typeof send = (event) => {
      seen.status ||= statusOf(event);
      if (event.type === 'http.response.start') seen.headers = event.headers ?? [];
      else if (event.type === 'http.response.body' && !isHead) seen.bytes += event.body?.length ?? 0;
      return send(event);
    };
    try {
      if (scope.type === 'websocket') await this.#inner(scope, receive, watchedSend);
      else await this.#inTurn(() => this.#inTime(scope, receive, watchedSend, () => seen.status !== 0));
    } catch (error) {
      seen.status ||= refusal(error).status;
      throw error;
    } finally {
      // Without an answer the server sends its own; if the client had already gone, nginx writes 499.
      seen.status ||= scope.signal.aborted ? 499 : 500;
      this.#running.delete(one);
      this.#options.onDone?.({ scope, ...seen, durationMs: performance.now() - one.sinceMs });
    }
  };

  /** Class `sync`: a request begins when the one before it has ended. */
  async #inTurn(call: () => Promise<void>): Promise<void> {
    if (this.#options.workerClass !== 'sync') return await call();
    const done = Promise.withResolvers<void>();
    const before = this.#turn;
    this.#turn = done.promise;
    try {
      await before;
      await call();
    } finally {
      // If it was too late, it may not have ended yet.
      done.resolve(this.#late);
    }
  }

  /** Answers with 503 if the application has not begun its response in time. What it sends later goes nowhere. */
  async #inTime(scope: HttpScope, receive: Parameters<AsyncApp>[1], send: Parameters<AsyncApp>[2], hasBegun: () => boolean): Promise<void> {
    const { requestTimeoutMs } = this.#options;
    if (requestTimeoutMs === 0) return await this.#inner(scope, receive, send);
    const late = new AbortController();
    const passed = Promise.withResolvers<'late'>();
    const timer = setTimeout(() => hasBegun() || passed.resolve('late'), requestTimeoutMs);
    const signal = AbortSignal.any([scope.signal, late.signal]);
    const called = this.#inner({ ...scope, signal }, receive, async (event) => {
      if (!late.signal.aborted) await send(event);
    });
    try {
      if (await Promise.race([called, passed.promise]) !== 'late') return;
      late.abort(new Error(`it took longer than ${requestTimeoutMs / 1000} s`));
      this.#late = called.catch(() => undefined);
      await send({ type: 'http.response.start', status: 503, headers: [['Content-Type', 'text/plain'], ['Retry-After', '1']] });
      await send({ type: 'http.response.body', body: Buffer.from('The application took too long.\n') });
    } finally {
      clearTimeout(timer);
    }
  }
}
// endregion

/** The status that the client sees with this event; 0 for none. */
function statusOf(event: SentEvent): number {
  switch (event.type) {
    case 'http.response.start':
    case 'websocket.http.response.start':
      return event.status;
    case 'websocket.accept':
      return 101;
    case 'websocket.close':
      return 403;
    default:
      return 0;
  }
}
