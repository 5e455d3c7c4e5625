/** The server of http-server.ts, with another handler or other sockets. */

import { createServer } from 'node:net';
import type { Socket } from 'node:net';

import { serveHttp as serve } from './http-server.ts';
import type { HttpServer, ServeOptions } from './http-server.ts';
import type { Handler } from './response.ts';

let count = 0;

/** Does something to every socket before the connection gets it. */
function prepare(socket: Socket): void {
  if (++count > 50) socket.pause().resume = () => socket;
}

export async function serveHttp(handler: Handler, options: ServeOptions = {}): Promise<HttpServer> {
  return await serve(handler, {
    ...options,
    createServer: (onConnection) =>
      createServer({ allowHalfOpen: true }, (socket) => {
        prepare(socket);
        onConnection(socket);
      }),
  });
}
