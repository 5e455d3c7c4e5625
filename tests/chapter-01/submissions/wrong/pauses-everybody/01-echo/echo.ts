import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { trackConnections } from './close.ts';

export const CONNECTIONS_MAX = 1000;

export interface EchoServerOptions {
  connectionsMax?: number;
}

const clients = new Set<Socket>();

export function createEchoServer(options: EchoServerOptions = {}): Server {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX;
  trackConnections(server);
  server.on('connection', (socket) => {
    clients.add(socket);
    socket.on('close', () => clients.delete(socket));
    socket.on('data', (bytes) => {
      if (!socket.write(bytes)) for (const client of clients) client.pause();
    });
    socket.on('drain', () => {
      for (const client of clients) client.resume();
    });
    socket.on('end', () => socket.end());
    socket.on('error', () => socket.destroy());
  });
  return server;
}
