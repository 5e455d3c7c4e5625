/**
 * A server: accepts connections and hands each to a ServerConnection; closes without losing what is in progress.
 */

import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

import { listen, startDeadline } from '../01-echo/index.ts';
import { Deadlines } from './deadlines.ts';
import { fieldLines } from './field-lines.ts';
import type { HeaderPair } from './headers.ts';
import { withDefaultLimits } from './limits.ts';
import type { HttpLimits } from './limits.ts';
import type { HttpRequest } from './request.ts';
import type { Handler } from './response.ts';
import { ServerConnection } from './server-connection.ts';
import type { ErrorReporter, ServerContext } from './server-context.ts';
import { defaultTimeouts } from './timeouts.ts';
import type { HttpTimeouts } from './timeouts.ts';

export interface ServeOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** A Unix domain socket, instead of host and port. */
  readonly path?: string;
  /** A listening descriptor that was inherited, instead of host and port; 3 is the first after those of a program's own. */
  readonly fd?: number;
  /** Connections that wait to be accepted; the kernel may allow fewer. Default 511. */
  readonly backlog?: number;
  readonly limits?: Partial<HttpLimits>;
  readonly timeouts?: Partial<HttpTimeouts>;
  /** Fields for every response that is made from an error: 400, 404, 408, 500. Default none. */
  readonly refusalHeaders?: readonly HeaderPair[];
  /** Called for each fault on our side. Default: written to stderr. */
  readonly onError?: ErrorReporter;
  /**
   * Treat a client that closes its sending side while it waits for a response as gone. Default false: such a client
   * (`printf … | nc -N`) is answered, and one that has closed altogether is noticed when something is sent to it.
   */
  readonly abortOnHalfClose?: boolean;
  /**
   * Makes the server that accepts; it must call `onConnection` with each socket and allow half-open ones. Default
   * `net.createServer`; `(onConnection) => tls.createServer({ …, allowHalfOpen: true }, onConnection)` serves HTTPS.
   */
  readonly createServer?: (onConnection: (socket: Socket) => void) => Server;
}

export interface CloseOptions {
  /** What is still in progress after that many milliseconds is cut; `Infinity` for never. Default 10,000. */
  readonly deadlineMs?: number;
  /**
   * How long an idle connection is kept for one more request, which may be on its way already, in milliseconds. Default 0:
   * idle connections end at once.
   */
  readonly idleMs?: number;
}

export class HttpServer {
  /** What accepts the connections. */
  readonly server: Server;
  readonly #context: ServerContext & { closing: boolean; idleEnds: boolean };
  readonly #connections = new Set<ServerConnection>();
  readonly #upgraded = new Set<Socket>();
  #closed: Promise<void> | null = null;
  #onEmpty: (() => void) | null = null;

  /**
   * Makes a server that does not listen yet: call {@link HttpServer.listen} or {@link HttpServer.handleConnection}.
   *
   * @throws LocalProtocolError for refusal headers that cannot be sent
   */
  constructor(handler: Handler, options: ServeOptions = {}) {
    const timeouts = { ...defaultTimeouts, ...options.timeouts };
    this.#context = {
      handler,
      limits: withDefaultLimits(options.limits),
      timeouts,
      deadlines: new Deadlines(Math.min(...Object.values(timeouts))),
      onError: options.onError ?? reportToStderr,
      refusalHeaders: withoutFraming(options.refusalHeaders ?? []),
      abortOnHalfClose: options.abortOnHalfClose ?? false,
      closing: false,
      idleEnds: false,
      release: (connection, upgraded) => this.#release(connection as ServerConnection, upgraded),
    };
    const onConnection = (socket: Socket): void => this.handleConnection(socket);
    // Half-open: a client may end its side and still wait for the answer.
    this.server = options.createServer?.(onConnection) ?? createServer({ allowHalfOpen: true }, onConnection);
  }

  /** Serves a socket that was accepted elsewhere: over TLS, from another process, by another protocol's upgrade. */
  handleConnection(socket: Socket): void {
    const connection = new ServerConnection(socket, this.#context);
    this.#connections.add(connection);
    this.#context.deadlines.add(connection);
  }

  /** Starts to listen. @throws Error with `code` EADDRINUSE, EACCES and the like */
  async listen(address: Pick<ServeOptions, 'host' | 'port' | 'path' | 'fd' | 'backlog'> = {}): Promise<void> {
    const { host = '127.0.0.1', port = 0, path, fd, backlog = 511 } = address;
    if (path === undefined && fd === undefined) {
      await listen(this.server, { host, port, backlog });
      return;
    }
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(fd === undefined ? { path, backlog } : { fd, backlog }, () => {
        this.server.off('error', reject);
        resolve();
      });
    });
  }

  /** Where it listens; a string for a Unix domain socket. @throws Error when it does not listen */
  get address(): AddressInfo | string {
    const address = this.server.address();
    if (address === null) throw new Error('the server does not listen');
    return address;
  }

  /** `http://127.0.0.1:8000`; `http://localhost` for a Unix domain socket. */
  get origin(): string {
    const { address } = this;
    if (typeof address === 'string') return 'http://localhost';
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return `http://${host}:${address.port}`;
  }

  /** How many connections are open, including those that were upgraded. */
  get connections(): number {
    return this.#connections.size + this.#upgraded.size;
  }

  /** Whether the server is closing or has closed. */
  get closing(): boolean {
    return this.#context.closing;
  }

  /**
   * Stops accepting, ends idle connections after `idleMs`, lets the others finish their response, which says
   * `Connection: close`, and cuts what is left at the deadline. Resolves when no connection is left. May be called
   * again with a shorter deadline.
   */
  closeGracefully(options: CloseOptions = {}): Promise<void> {
    const deadline = startDeadline(() => this.#cut(), options.deadlineMs ?? 10_000);
    this.#context.closing = true;
    this.#closed ??= this.#allClosed();
    const { idleMs = 0 } = options;
    if (idleMs <= 0) this.#endIdle();
    const idle = startDeadline(() => this.#endIdle(), idleMs);
    return this.#closed.finally(() => {
      deadline.clear();
      idle.clear();
    });
  }

  /** Stops accepting and cuts every connection. */
  close(): Promise<void> {
    return this.closeGracefully({ deadlineMs: 0 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #allClosed(): Promise<void> {
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
    // For `net.Server` a connection is over when its socket begins to close; for us, when the socket emits `close`.
    if (this.connections > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
  }

  #endIdle(): void {
    this.#context.idleEnds = true;
    for (const connection of this.#connections) connection.endIfIdle();
  }

  #cut(): void {
    for (const connection of this.#connections) connection.destroy();
    for (const socket of this.#upgraded) socket.destroy();
  }

  #release(connection: ServerConnection, upgraded: Socket | null): void {
    this.#connections.delete(connection);
    this.#context.deadlines.delete(connection);
    if (upgraded !== null) {
      this.#upgraded.add(upgraded);
      upgraded.once('close', () => {
        this.#upgraded.delete(upgraded);
        if (this.connections === 0) this.#onEmpty?.();
      });
    }
    if (this.connections === 0) this.#onEmpty?.();
  }
}

/** Serves a handler. Resolves once connections are accepted. @throws Error with `code` if it cannot get the address */
export async function serveHttp(handler: Handler, options: ServeOptions = {}): Promise<HttpServer> {
  const server = new HttpServer(handler, options);
  await server.listen(options);
  return server;
}

function reportToStderr(error: unknown, request: HttpRequest | null): void {
  const where = request === null ? '' : ` in ${request.method} ${request.target}`;
  console.error(`error${where}:`, error);
}

/** Fields that fit any response: how one is framed and what becomes of the connection, the server says itself. */
function withoutFraming(headers: readonly HeaderPair[]): readonly HeaderPair[] {
  // Now, and not with the first refusal.
  fieldLines(headers);
  return headers.filter(([name]) => !/^(?:connection|content-length|transfer-encoding|trailer|upgrade)$/i.test(name));
}
