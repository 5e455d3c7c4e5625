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
    let blocked = false;
    const pump = (): void => {
      while (!blocked) {
        const bytes = socket.read() as Buffer | null;
        if (bytes === null) return;
        blocked = !socket.write(bytes);
      }
    };
    socket.on('readable', pump);
    socket.on('drain', () => {
      blocked = false;
      pump();
    });
    socket.on('end', () => socket.end());
    socket.on('error', () => socket.destroy());
  });
  return server;
}
