import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { pipeline, Transform } from 'node:stream';
import type { TransformCallback } from 'node:stream';
import { trackConnections } from './close.ts';

export const CONNECTIONS_MAX = 1000;

export interface EchoServerOptions {
  connectionsMax?: number;
}

class Echo extends Transform {
  override _transform(bytes: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    done(null, bytes);
  }
}

export function createEchoServer(options: EchoServerOptions = {}): Server {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX;
  trackConnections(server);
  server.on('connection', (socket) => {
    pipeline(socket, new Echo(), socket, () => {});
  });
  return server;
}
