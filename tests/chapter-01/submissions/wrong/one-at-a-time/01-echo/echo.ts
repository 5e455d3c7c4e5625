import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { trackConnections } from './close.ts';

export const CONNECTIONS_MAX = 1000;

export interface EchoServerOptions {
  connectionsMax?: number;
}

let turn: Promise<void> = Promise.resolve();

function serve(socket: Socket): Promise<void> {
  socket.on('data', (bytes) => {
    if (!socket.write(bytes)) socket.pause();
  });
  socket.on('drain', () => socket.resume());
  socket.on('end', () => socket.end());
  socket.on('error', () => socket.destroy());
  return new Promise((resolve) => socket.on('close', () => resolve()));
}

export function createEchoServer(options: EchoServerOptions = {}): Server {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX;
  trackConnections(server);
  server.on('connection', (socket) => {
    turn = turn.then(async () => await serve(socket));
  });
  return server;
}
