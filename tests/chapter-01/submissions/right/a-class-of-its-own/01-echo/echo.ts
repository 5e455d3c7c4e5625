import { Server } from 'node:net';
import type { Socket } from 'node:net';
import { trackConnections } from './close.ts';

export const CONNECTIONS_MAX = 1000;

export interface EchoServerOptions {
  connectionsMax?: number;
}

class EchoServer extends Server {
  constructor(connectionsMax: number) {
    super({ allowHalfOpen: true, noDelay: false }, (socket) => {
      this.#serve(socket);
    });
    this.maxConnections = connectionsMax;
  }

  #serve(socket: Socket): void {
    socket
      .on('error', () => {})
      .on('data', (bytes) => {
        // In small pieces: where a write begins and ends is nobody's business.
        let more = true;
        for (let at = 0; at < bytes.length; at += 1000) more = socket.write(bytes.subarray(at, at + 1000));
        if (!more) socket.pause().once('drain', () => socket.resume());
      })
      .on('end', () => {
        setImmediate(() => socket.end());
      });
  }
}

export function createEchoServer(options: EchoServerOptions = {}): Server {
  const server = new EchoServer(options.connectionsMax ?? CONNECTIONS_MAX);
  trackConnections(server);
  return server;
}
