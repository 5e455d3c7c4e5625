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
    socket.on('data', (bytes: Buffer) => {
      socket.pause();
      socket.write(bytes, (error) => {
        if (error) socket.destroy();
        else socket.resume();
      });
    });
    socket.once('end', () => socket.destroySoon());
    socket.on('error', (error) => console.error(`client: ${error.message}`));
  });
  return server;
}
