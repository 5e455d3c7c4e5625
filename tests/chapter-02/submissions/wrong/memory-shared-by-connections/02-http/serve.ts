/** The server of http-server.ts, with another handler or other sockets. */

import { createServer } from 'node:net';
import type { Socket } from 'node:net';

import { serveHttp as serve } from './http-server.ts';
import type { HttpServer, ServeOptions } from './http-server.ts';
import type { Handler } from './response.ts';

/** Lets `see` decide what the connection hears of each packet. */
function tap(socket: Socket, see: (chunk: Buffer, pass: (chunk: Buffer) => void) => void): void {
  const on = socket.on.bind(socket);
  socket.on = ((event: string, listener: (...values: never[]) => void) => {
    if (event !== 'data') return on(event, listener as () => void);
    const pass = listener as unknown as (chunk: Buffer) => void;
    return on('data', (chunk: Buffer) => see(chunk, pass));
  }) as typeof socket.on;
}

const memory = Buffer.alloc(64 * 1024);

/** Does something to every socket before the connection gets it. */
function prepare(socket: Socket): void {
  tap(socket, (chunk, pass) => {
    chunk.copy(memory);
    pass(memory.subarray(0, chunk.length));
  });
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
