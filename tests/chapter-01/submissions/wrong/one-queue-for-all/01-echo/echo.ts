import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { trackConnections } from './close.ts';

export const CONNECTIONS_MAX = 1000;

export interface EchoServerOptions {
  connectionsMax?: number;
}

let queue: Promise<void> = Promise.resolve();

export function createEchoServer(options: EchoServerOptions = {}): Server {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX;
  trackConnections(server);
  server.on('connection', (socket) => {
    socket.on('data', (bytes) => {
      queue = queue.then(() => new Promise((resolve) => socket.write(bytes, () => resolve())));
    });
    socket.on('end', () => {
      queue = queue.then(() => void socket.end());
    });
    socket.on('error', () => socket.destroy());
  });
  return server;
}
