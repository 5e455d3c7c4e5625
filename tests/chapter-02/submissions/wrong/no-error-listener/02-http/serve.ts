/** The server of http-server.ts, with another handler or other sockets. */

import { createServer } from 'node:net';
import type { Socket } from 'node:net';

import { serveHttp as serve } from './http-server.ts';
import type { HttpServer, ServeOptions } from './http-server.ts';
import type { Handler } from './response.ts';

/** Does something to every socket before the connection gets it. */
function prepare(socket: Socket): void {
  const on = socket.on.bind(socket);
  socket.on = ((event: string, listener: () => void) => (event === 'error' ? socket : on(event, listener))) as typeof socket.on;
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
