/**
 * A `node:http` handler as an application: an Express app, the `callback()` of a Koa app, `(req, res) => …` of your own.
 *
 * The handler gets Node's real objects, so that everything it expects of them is there.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';

import { reasonPhrase } from '../02-http/index.ts';
import type { Environ, GatewayApp, StartResponse } from './gateway.ts';
import { nodeRequest, nodeResponse } from './node-request.ts';
import { NodeSocket } from './node-socket.ts';
import type { SocketFacts } from './node-socket.ts';
import { requestPath } from './request-fields.ts';
import { isHopByHop } from './response-head.ts';

/** What `http.createServer` takes. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * Makes an application of a handler.
 *
 * An error that the handler throws, or with which its promise rejects, counts as the application's.
 *
 * A handler does not get what an environ does not have, and cannot do what the interface does not provide:
 *
 * - `upgrade` events: a handler cannot serve WebSockets here (socket.io falls back to polling).
 * - Trailers, of the request and of the response, and the interim responses but 103: they are dropped.
 * - Lines: several of one field come as one, in `rawHeaders` and `headersDistinct` too (G18).
 * - A head without a body: it leaves with the first byte, so `res.flushHeaders()` alone sends nothing (G48).
 * - A reset: `req.destroy()` before the response has begun is answered with 500, and cuts it after that (G60, G61).
 */
export function fromNodeHandler(handler: NodeHandler): GatewayApp {
  return (environ, startResponse) => new HandlerBody(handler, environ, startResponse);
}

class HandlerBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #socket: NodeSocket;
  readonly #request: IncomingMessage;
  #closed = false;

  constructor(handler: NodeHandler, environ: Environ, startResponse: StartResponse) {
    this.#socket = new NodeSocket(environ.REQUEST_METHOD, socketFacts(environ), (status, reason, headers) => {
      const fields = headers.filter(([name]) => !isHopByHop(name));
      if (status === 103) environ['gateway.earlyHints']?.(fields);
      else if (status >= 200) startResponse(`${status} ${reason || reasonPhrase(status) || 'Unknown'}`, fields);
      else if (status === 101) throw new Error('a handler behind a gateway cannot switch protocols');
    });
    this.#request = nodeRequest(environ, this.#socket);
    const response = nodeResponse(this.#request, this.#socket);
    const returned = handler(this.#request, response);
    // Whatever has a `then` can reject, and an unhandled rejection would end the process.
    if (isThenable(returned)) Promise.resolve(returned).catch((error: unknown) => this.#failed(error, environ));
  }

  /** An error from the handler is the application's; one that comes after the response is reported, and changes nothing. */
  #failed(error: unknown, environ: Environ): void {
    if (!this.#socket.complete && !this.#closed) this.#socket.fail(error);
    else environ['gateway.errors'].write(`error after the response to ${environ.REQUEST_METHOD} ${requestPath(environ)}: ${stackOf(error)}\n`);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      const part = await this.#socket.nextPart();
      if (part !== null) return { done: false, value: part };
    } catch (error) {
      // Once it is closed, errors are a consequence of that.
      if (!this.#closed) throw error;
    }
    return { done: true, value: undefined };
  }

  close(): void {
    this.#closed = true;
    if (this.#socket.complete) {
      this.#socket.release();
      return;
    }
    // Node's server does the same when a client leaves: the request is aborted, and the response closes without
    // `finish`.
    this.#request.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }));
    this.#socket.destroy();
  }
}

function socketFacts(environ: Environ): SocketFacts {
  // RFC 3875 §4.1.14: an IPv6 address is in brackets there.
  const serverName = environ.SERVER_NAME.replace(/^\[(.*)\]$/, '$1');
  return {
    remoteAddress: environ.REMOTE_ADDR,
    remotePort: environ.REMOTE_PORT === undefined ? undefined : Number(environ.REMOTE_PORT),
    localAddress: isIP(serverName) === 0 ? undefined : serverName,
    localPort: Number(environ.SERVER_PORT),
    encrypted: environ['gateway.urlScheme'] === 'https',
  };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : String(error);
}
