/** The server of http-server.ts, with another handler or other sockets. */

import { createServer } from 'node:net';
import type { Socket } from 'node:net';

import { serveHttp as serve } from './http-server.ts';
import type { HttpServer, ServeOptions } from './http-server.ts';
import type { Handler } from './response.ts';

/** Does something to every socket before the connection gets it. */
function prepare(socket: Socket): void {
  const end = socket.end.bind(socket);
  socket.destroySoon = () => void end();
  socket.destroy = () => end();
  const on = socket.on.bind(socket);
  socket.on = ((event: string, listener: () => void) => (event === 'end' ? socket : on(event, listener))) as typeof socket.on;
  const emit = socket.emit.bind(socket);
  socket.emit = ((event: string, ...values: unknown[]) => event !== 'close' && emit(event, ...values)) as typeof socket.emit;
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
