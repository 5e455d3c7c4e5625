import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { once } from 'node:events';
import { trackConnections } from './close.ts';

export const CONNECTIONS_MAX = 1000;

export interface EchoServerOptions {
  connectionsMax?: number;
}

async function echo(socket: Socket): Promise<void> {
  socket.on('error', () => socket.destroy());
  try {
    for await (const bytes of socket) {
      if (!socket.write(bytes)) await once(socket, 'drain');
    }
    socket.end();
  } catch {
    socket.destroy();
  }
}

export function createEchoServer(options: EchoServerOptions = {}): Server {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX;
  trackConnections(server);
  server.on('connection', (socket) => {
    void echo(socket);
  });
  return server;
}
