import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { trackConnections } from './close.ts';

export const CONNECTIONS_MAX = 1000;

export interface EchoServerOptions {
  connectionsMax?: number;
}

let blocked = false;

export function createEchoServer(options: EchoServerOptions = {}): Server {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX;
  trackConnections(server);
  server.on('connection', (socket) => {
    const waiting: Buffer[] = [];
    socket.on('data', (bytes) => {
      if (blocked) {
        waiting.push(bytes);
        socket.pause();
      } else if (!socket.write(bytes)) {
        blocked = true;
        socket.pause();
      }
    });
    socket.on('drain', () => {
      blocked = false;
      for (const bytes of waiting.splice(0)) socket.write(bytes);
      socket.resume();
    });
    socket.on('end', () => socket.end());
    socket.on('error', () => socket.destroy());
  });
  return server;
}
