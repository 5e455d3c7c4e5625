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
    let waiting: Buffer = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      waiting = Buffer.concat([waiting, bytes]);
      const newline = waiting.lastIndexOf(0x0a);
      if (newline < 0) return;
      if (!socket.write(waiting.subarray(0, newline + 1))) socket.pause();
      waiting = waiting.subarray(newline + 1);
    });
    socket.on('drain', () => socket.resume());
    socket.on('end', () => socket.end(waiting));
    socket.on('error', () => socket.destroy());
  });
  return server;
}
