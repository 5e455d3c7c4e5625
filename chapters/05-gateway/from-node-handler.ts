/**
 * A `node:http` handler as an application: an Express app, the `callback()` of a Koa app, `(req, res) => …` of your own.
 *
 * The handler is given real objects of node's, so that whatever it expects of them is there.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';

import { reasonPhrase } from '../02-http/index.ts';
import type { Environ, GatewayApp, StartResponse } from './gateway.ts';
import { nodeRequest, nodeResponse } from './node-request.ts';
import { NodeSocket } from './node-socket.ts';
import { isHopByHop } from './response-head.ts';

/** What `http.createServer` takes. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * Makes an application of a handler.
 *
 * The head leaves with the first byte of the body, so `res.flushHeaders()` alone sends nothing. Upgrades are not
 * passed on. An error that the handler throws, or that the promise it returns rejects with, is the application's.
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
    if (returned instanceof Promise) returned.catch((error: unknown) => this.#socket.fail(error));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      const part = await this.#socket.nextPart();
      if (part !== null) return { done: false, value: part };
    } catch (error) {
      // Once it is closed, what breaks breaks because of that.
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
    // As node's server does it when a client leaves: the request is aborted, the response closes without a finish.
    this.#request.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }));
    this.#socket.destroy();
  }
}

function socketFacts(environ: Environ): ConstructorParameters<typeof NodeSocket>[1] {
  return {
    remoteAddress: environ.REMOTE_ADDR,
    remotePort: environ.REMOTE_PORT === undefined ? undefined : Number(environ.REMOTE_PORT),
    localPort: Number(environ.SERVER_PORT),
    encrypted: environ['gateway.urlScheme'] === 'https',
  };
}

