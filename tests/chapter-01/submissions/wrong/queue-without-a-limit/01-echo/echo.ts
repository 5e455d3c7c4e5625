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
    const queue: Buffer[] = [];
    let writing = false;
    let ended = false;
    const next = (): void => {
      const bytes = queue.shift();
      if (bytes) {
        writing = true;
        socket.write(bytes, () => {
          writing = false;
          next();
        });
      } else if (ended) {
        socket.end();
      }
    };
    socket.on('data', (bytes) => {
      queue.push(bytes);
      if (!writing) next();
    });
    socket.on('end', () => {
      ended = true;
      if (!writing) next();
    });
    socket.on('error', () => socket.destroy());
  });
  return server;
}
