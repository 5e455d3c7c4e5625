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
    const waiting: Buffer[] = [];
    let waitingBytes = 0;
    let ended = false;
    const send = (): void => {
      const bytes = waiting.shift() as Buffer;
      waitingBytes -= bytes.length;
      const more = socket.write(bytes);
      if (ended && waiting.length === 0) socket.end();
      else if (more && waitingBytes < 128 << 10) socket.resume();
      else socket.pause();
    };
    socket.on('data', (bytes) => {
      waiting.push(bytes);
      waitingBytes += bytes.length;
      if (waitingBytes > 256 << 10) socket.pause();
      setTimeout(send, 20);
    });
    socket.on('drain', () => socket.resume());
    socket.on('end', () => {
      ended = true;
      if (waiting.length === 0) socket.end();
    });
    socket.on('error', () => socket.destroy());
  });
  return server;
}
