/**
 * Any application as one kind of application, and what a worker knows of its requests.
 *
 * Found by its name, `module:export`. Applications of chapters 05 and 06, handlers for `node:http` (Express, Koa,
 * Fastify) and for `fetch` (Hono) all become asynchronous ones, so that a worker serves one kind only.
 */

import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { refusal } from '../02-http/index.ts';
import type { HeaderPair } from '../02-http/index.ts';
import { fromFetch, fromNodeHandler } from '../05-gateway/index.ts';
import type { FetchHandler, GatewayApp, NodeHandler } from '../05-gateway/index.ts';
import { fromGateway } from '../06-websocket/index.ts';
import type { AsyncApp, HttpScope, SentEvent, WebSocketScope } from '../06-websocket/index.ts';
import { NotImplemented } from '#course/not-implemented.ts';
import type { Settings } from './settings.ts';

/** A worker cannot boot. */
export class BootError extends Error {
  override readonly name = 'BootError';
  /** What its process exits with: 4 if there is no such application, 3 if it failed. */
  readonly exitCode: 3 | 4;

  constructor(exitCode: 3 | 4, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** Loads an application, and makes it an asynchronous one. @throws BootError that says what to do; its `cause` is what the module threw */
export async function loadAnyApp(name: string, kind: Settings['interface'], directory = process.cwd()): Promise<AsyncApp> {
  const [, module = '', exportName = 'app'] = /^(.*?)(?::([\p{ID_Start}$_][\p{ID_Continue}$]*))?$/su.exec(name) ?? [];
  const url = locate(module, directory);
  let exports: Record<string, unknown>;
  try {
    exports = await import(url) as Record<string, unknown>;
  } catch (error) {
    throw new BootError(3, `${module} failed while it was loaded: ${errorLine(error)}`, { cause: error });
  }
  const app = exports[exportName] ?? (name.endsWith(`:${exportName}`) ? undefined : exports['default']);
  if (app === undefined) {
    throw new BootError(4, `${module} has no export '${exportName}'; it has ${Object.keys(exports).join(', ') || 'none'}`);
  }
  return toAsyncApp(app, kind, `'${exportName}' of ${module}`);
}

function locate(module: string, directory: string): string {
  const path = resolve(directory, module);
  const file = [path, `${path}.ts`, `${path}.js`, `${path}.mjs`].find((candidate) => module !== '' && existsSync(candidate));
  if (file !== undefined) return pathToFileURL(file).href;
  try {
    return pathToFileURL(createRequire(`${directory}/`).resolve(module)).href;
  } catch {
    throw new BootError(4, `there is no file ${path}, and no package '${module}'; an application is named as module:export`);
  }
}

/** What frameworks call what we need of them. */
interface Shape {
  readonly fetch?: unknown;
  readonly callback?: unknown;
  readonly routing?: unknown;
  readonly ready?: unknown;
  readonly handle?: unknown;
  readonly emit?: unknown;
  readonly length?: unknown;
}

async function toAsyncApp(app: unknown, kind: Settings['interface'], which: string): Promise<AsyncApp> {
  const shape = Object(app) as Shape;
  // An object that keeps its handler: Hono, Fastify, Koa, a server of node:http.
  if (typeof app === 'object' || typeof shape.routing === 'function') {
    if (typeof shape.fetch === 'function') return fromGateway(fromFetch((request) => (app as { fetch: FetchHandler }).fetch(request)));
    if (typeof shape.routing === 'function') {
      if (typeof shape.ready === 'function') await (app as { ready: () => Promise<unknown> }).ready();
      return ofNode((req, res) => (app as { routing: NodeHandler }).routing(req, res));
    }
    if (typeof shape.callback === 'function') return ofNode((app as { callback: () => NodeHandler }).callback());
    if (typeof shape.emit === 'function') return ofNode((req, res) => void (app as NodeJS.EventEmitter).emit('request', req, res));
  }
  if (typeof app !== 'function') throw new BootError(4, `${which} is not an application: it is ${app === null ? 'null' : `of type ${typeof app}`}`);
  switch (kind === 'auto' ? guess(shape) : kind) {
    case 'async': return app as AsyncApp;
    case 'node': return ofNode(app as NodeHandler);
    case 'fetch': return fromGateway(fromFetch(app as FetchHandler));
    default: return fromGateway(app as GatewayApp);
  }
}

function ofNode(handler: NodeHandler): AsyncApp {
  return fromGateway(fromNodeHandler(handler));
}

/** By what a function has, and how many arguments it names. A bare handler of node:http has two, as a gateway application does: say `--interface node`. */
function guess({ handle, length }: Shape): Exclude<Settings['interface'], 'auto'> {
  if (typeof handle === 'function') return 'node';
  return length === 3 ? 'async' : length === 1 ? 'fetch' : 'gateway';
}

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
    // TODO 7.4  Do what the comment above says, however the one before it ends.
    if (this.#options.workerClass !== 'sync') return await call();
    throw new NotImplemented('7.4');
  }

  /** Answers with 503 if the application has not begun its response in time. What it sends later goes nowhere. */
  async #inTime(scope: HttpScope, receive: Parameters<AsyncApp>[1], send: Parameters<AsyncApp>[2], hasBegun: () => boolean): Promise<void> {
    const { requestTimeoutMs } = this.#options;
    if (requestTimeoutMs === 0) return await this.#inner(scope, receive, send);
    // TODO 7.4  If `hasBegun` is still false after `requestTimeoutMs`, the client gets 503, and the `signal` in the scope
    //           aborts. What the application sends or throws after that goes nowhere. A response that has begun goes on.
    throw new NotImplemented('7.4');
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

/** An error in one line: the place of a syntax error is in the first lines of its stack. */
export function errorLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const place = /^file:.*$/m.exec(error.stack?.split('\n')[0] ?? '')?.[0];
  return `${error.name}: ${error.message.split('\n')[0]}${place === undefined ? '' : ` (${place})`}`;
}
