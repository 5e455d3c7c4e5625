/**
 * SCGI: the same application, served through a web server that speaks HTTP, in one process and over a socket. Each
 * connection is one request: its variables, its body, and an answer like that of a CGI script.
 *
 *     location /app { include scgi_params; scgi_param SCRIPT_NAME /app; scgi_pass unix:/run/app.sock; }
 *
 * Everything that a client here says about a request is believed, so listen where only the web server can connect. And
 * nginx sends no more of a request once its response has begun: an application reads what it wants of a large body
 * first.
 */

import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

import { listen, startDeadline } from '../01-echo/index.ts';
import { isOurFault, reasonPhrase, refusal } from '../02-http/index.ts';
import { callApp } from './call-app.ts';
import type { AppResponse } from './call-app.ts';
import type { Environ, GatewayApp } from './gateway.ts';
import { BodyInput, noInput } from './input.ts';
import { isHopByHop } from './response-head.ts';
import { ScgiConnection } from './scgi-connection.ts';
import type { ScgiLimits } from './scgi-connection.ts';
import { scgiEnviron } from './scgi-environ.ts';
import type { ScgiHead } from './scgi-head.ts';
import { withGatewayDefaults } from './settings.ts';
import type { GatewayOptions, GatewaySettings } from './settings.ts';

export interface ScgiOptions extends GatewayOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** A Unix domain socket, instead of host and port. */
  readonly path?: string;
  /** Connections that may be open at once; more are closed. Default 1,024. */
  readonly connectionsMax?: number;
  readonly limits?: Partial<ScgiLimits>;
}

const defaultLimits: ScgiLimits = { headBytesMax: 64 * 1024, headMs: 10_000, idleMs: 30_000 };
const DEADLINE_MS = 10_000;

/** Serves an application. Resolves when it accepts connections. @throws Error with `code` for an address not to be had */
export async function serveScgi(app: GatewayApp, options: ScgiOptions = {}): Promise<ScgiServer> {
  const server = new ScgiServer(app, options);
  const { host = '127.0.0.1', port = 0, path } = options;
  if (path === undefined) await listen(server.server, { host, port });
  else {
    await new Promise<void>((resolve, reject) => {
      server.server.once('error', reject).listen({ path }, () => {
        server.server.off('error', reject);
        resolve();
      });
    });
  }
  return server;
}

export class ScgiServer {
  readonly server: Server;
  readonly #app: GatewayApp;
  readonly #settings: GatewaySettings;
  readonly #limits: ScgiLimits;
  readonly #sockets = new Set<Socket>();

  constructor(app: GatewayApp, options: ScgiOptions = {}) {
    this.#app = app;
    this.#settings = withGatewayDefaults(options);
    this.#limits = { ...defaultLimits, ...options.limits };
    // Half-open: a client that has sent all it has may close its side and wait for the answer.
    this.server = createServer({ allowHalfOpen: true }, (socket) => this.#serve(socket));
    this.server.maxConnections = options.connectionsMax ?? 1_024;
  }

  /** Where it listens; a string for a Unix domain socket. @throws Error when it does not listen */
  get address(): AddressInfo | string {
    const address = this.server.address();
    if (address === null) throw new Error('the server does not listen');
    return address;
  }

  /** Stops accepting, finishes the requests in progress, and cuts off those that take longer than the deadline. Default 10,000. */
  async close({ deadlineMs = DEADLINE_MS }: { readonly deadlineMs?: number } = {}): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    const deadline = startDeadline(() => this.#sockets.forEach((socket) => socket.destroy()), deadlineMs);
    await closed.finally(() => deadline.clear());
  }

  #serve(socket: Socket): void {
    const connection = new ScgiConnection(socket, this.#limits);
    const gone = new AbortController();
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      // A client that got the whole response has not left too early.
      if (!socket.writableFinished) gone.abort();
    });
    this.#answer(connection, gone.signal).catch(() => connection.cut());
  }

  async #answer(connection: ScgiConnection, signal: AbortSignal): Promise<void> {
    let method = 'GET';
    try {
      const head = await connection.readHead();
      if (head === null) return connection.cut();
      const environ = this.#environ(head, connection, signal);
      method = environ.REQUEST_METHOD;
      const response = await callApp(this.#app, environ, signal, this.#settings.onError);
      await this.#send(connection, response, environ);
    } catch (error) {
      const { status, headers, body } = refusal(error);
      const own = headers.filter(([name]) => !isHopByHop(name));
      const response = { status, reason: reasonPhrase(status), headers: own, body: Buffer.from(String(body)) };
      await connection.send(response, method);
    }
  }

  /** From here on it is too late for another answer. */
  async #send(connection: ScgiConnection, response: AppResponse, environ: Environ): Promise<void> {
    try {
      await connection.send(response, environ.REQUEST_METHOD);
    } catch (error) {
      if (isOurFault(error)) this.#settings.onError(error, environ);
      connection.cut();
    } finally {
      // Even if the head was not sent and no part was asked for (G53).
      if (!(response.body instanceof Uint8Array)) response.body.close();
    }
  }

  #environ(head: ScgiHead, connection: ScgiConnection, signal: AbortSignal): Environ {
    const { heldBytesMax } = this.#settings;
    const input = head.contentLength === 0 ? noInput : new BodyInput(() => connection.body(head), heldBytesMax);
    return scgiEnviron(head.variables, this.#settings, input, signal);
  }
}
