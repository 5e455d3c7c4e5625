/**
 * A server: accepts connections, gives each to a ServerConnection, and closes without losing what is in progress.
 */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

import { listen, startDeadline } from '../01-echo/index.ts';
import { defaultLimits, defaultTimeouts, type HttpLimits, type HttpTimeouts } from './errors.ts';
import type { HeaderPair } from './headers.ts';
import type { ErrorReporter, Handler, ServerContext } from './message.ts';
import { ServerConnection } from './server-connection.ts';
import { fieldLines } from './writer.ts';

/** Where to listen. */
export interface ListenOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** A Unix domain socket, instead of host and port. */
  readonly path?: string;
  /** A listening descriptor that was inherited, instead of host and port. */
  readonly fd?: number;
  /** Connections that wait to be accepted; the kernel may allow fewer. Default 511. */
  readonly backlog?: number;
}

/** Where to listen, and how to serve. */
export interface ServeOptions extends ListenOptions {
  readonly limits?: Partial<HttpLimits>;
  readonly timeouts?: Partial<HttpTimeouts>;
  /** Called for each fault on our side. Default: written to stderr. */
  readonly onError?: ErrorReporter;
  /** Fields for every response that is made from an error. Default none. */
  readonly refusalHeaders?: readonly HeaderPair[];
  /** Treat a client that ends its side while it waits for a response as gone. Default false: it is answered. */
  readonly abortOnHalfClose?: boolean;
  /**
   * Makes what accepts: it calls `onConnection` with each socket, and allows half-open ones. Default
   * `net.createServer`; `tls.createServer` serves HTTPS.
   */
  readonly createServer?: (onConnection: (socket: Socket) => void) => Server;
}

export interface CloseOptions {
  /** What is still in progress after that many milliseconds is cut; `Infinity` for never. Default 10,000. */
  readonly deadlineMs?: number;
  /** How long an idle connection is kept for one more request, in milliseconds. Default 0: it ends at once. */
  readonly idleMs?: number;
}

/** Fields that no option may set. */
const OURS = /^(?:connection|content-length|transfer-encoding|trailer|upgrade)$/i;

/** Made by {@link serveHttp}. */
export class HttpServer {
  /** What accepts the connections. */
  readonly server: Server;
  readonly #context: ServerContext & { closing: boolean; idleEnds: boolean };
  /** Every open connection, those that were handed over included. */
  readonly #connections = new Map<Socket, ServerConnection>();
  #closed: Promise<void> | null = null;

  /**
   * Makes a server that does not listen yet: call {@link HttpServer.listen}.
   *
   * @throws LocalProtocolError for refusal headers that cannot be sent
   */
  constructor(handler: Handler, options: ServeOptions = {}) {
    const { onError = reportToStderr, abortOnHalfClose = false } = options;
    const limits = { ...defaultLimits, ...options.limits };
    const timeouts = { ...defaultTimeouts, ...options.timeouts };
    // How a response is framed and what becomes of the connection, the server says itself.
    const refusalHeaders = (options.refusalHeaders ?? []).filter(([name]) => !OURS.test(name));
    // Checked now, and not with the first refusal, which would be refused itself.
    fieldLines(refusalHeaders);
    const state = { closing: false, idleEnds: false };
    this.#context = { handler, limits, timeouts, onError, refusalHeaders, abortOnHalfClose, ...state };
    // Half-open: a client may end its side and still wait for the answer.
    const onConnection = (socket: Socket): void => this.handleConnection(socket);
    this.server = options.createServer?.(onConnection) ?? createServer({ allowHalfOpen: true }, onConnection);
  }

  /** Serves a socket that was accepted elsewhere. It must allow half-open connections. */
  handleConnection(socket: Socket): void {
    const connection = new ServerConnection(socket, this.#context);
    this.#connections.set(socket, connection);
    socket.once('close', () => this.#connections.delete(socket));
    connection.run().catch(() => socket.destroy());
  }

  /** Starts to listen. @throws Error with `code` EADDRINUSE, EACCES and the like */
  async listen({ host = '127.0.0.1', port = 0, path, fd, backlog = 511 }: ListenOptions = {}): Promise<void> {
    if (path === undefined && fd === undefined) return void (await listen(this.server, { host, port, backlog }));
    await once(this.server.listen(fd === undefined ? { path, backlog } : { fd, backlog }), 'listening');
  }

  /** Where it listens; a string for a Unix domain socket. @throws Error when it does not listen */
  get address(): AddressInfo | string {
    const address = this.server.address();
    if (address === null) throw new Error('the server does not listen');
    return address;
  }

  /** `http://127.0.0.1:8000`; `http://localhost` for a Unix domain socket. */
  get origin(): string {
    if (typeof this.address === 'string') return 'http://localhost';
    const { address, family, port } = this.address;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /** How many connections are open, including those that were handed over. */
  get connections(): number { return this.#connections.size; }

  /** Whether the server is closing or has closed. */
  get closing(): boolean { return this.#context.closing; }

  /**
   * Stops accepting, ends idle connections, lets the others finish their response, which says `Connection: close`, and
   * cuts what is left at the deadline. Resolves when no connection is left. May be called again with a shorter
   * deadline.
   */
  async closeGracefully({ deadlineMs = 10_000, idleMs = 0 }: CloseOptions = {}): Promise<void> {
    const deadline = startDeadline(() => this.#connections.forEach((_, socket) => socket.destroy()), deadlineMs);
    this.#context.closing = true;
    this.#closed ??= new Promise((resolve) => this.server.close(() => resolve()));
    if (idleMs <= 0) this.#endIdle();
    const idle = startDeadline(() => this.#endIdle(), idleMs);
    await this.#closed;
    deadline.clear();
    idle.clear();
  }

  /** Stops accepting and cuts every connection. */
  close(): Promise<void> { return this.closeGracefully({ deadlineMs: 0 }); }

  [Symbol.asyncDispose](): Promise<void> { return this.close(); }

  #endIdle(): void {
    this.#context.idleEnds = true;
    for (const connection of this.#connections.values()) connection.wake();
  }
}

/** Serves a handler. Resolves once connections are accepted. @throws Error with `code` if it cannot get the address */
export async function serveHttp(handler: Handler, options: ServeOptions = {}): Promise<HttpServer> {
  const server = new HttpServer(handler, options);
  await server.listen(options);
  return server;
}

const reportToStderr: ErrorReporter = (error, request) => {
  console.error(`error in ${request?.method} ${request?.target}:`, error);
};
