import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { trackConnections } from './close.ts';

export const CONNECTIONS_MAX = 1000;

export interface EchoServerOptions {
  connectionsMax?: number;
}

export function createEchoServer(options: EchoServerOptions = {}): Server {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX;
  trackConnections(server);
  server.on('connection', (socket) => {
    socket.on('data', (bytes) => {
      if (!socket.write(bytes)) socket.pause();
    });
    socket.on('drain', () => socket.resume());
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.resetAndDestroy());
  });
  return server;
}
