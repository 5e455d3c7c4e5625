/**
 * An echo server: every byte goes back to the client that sent it.
 *
 * It knows sockets and nothing else: no lines, no messages, no text.
 */
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { trackConnections } from './close.ts';

/**
 * How many clients may be connected at once. Every one of them costs a file
 * descriptor, and `ulimit -n` is 1024 on many systems: stay below it, or
 * `accept` fails for everybody.
 */
export const CONNECTIONS_MAX = 1000;

export interface EchoServerOptions {
  /** Clients connected at once; one more is closed unanswered. Default {@link CONNECTIONS_MAX}. */
  connectionsMax?: number;
}

/**
 * Creates an echo server (RFC 862) that is not listening yet; see `listen`.
 *
 * A client may close its sending half and still gets back all that it sent. A
 * client that does not read is not read from, so the server's memory does not
 * grow with what a client sends.
 */
export function createEchoServer(options: EchoServerOptions = {}): Server {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX;
  trackConnections(server); // Does nothing yet: exercise 1.6 fills it in.

  server.on('connection', (socket) => {
    socket.on('data', (bytes) => {
      const more = socket.write(bytes);
      if (!more) {
        socket.pause();
      }
    });
    socket.on('drain', () => {
      socket.resume();
    });
    socket.on('end', () => {
      socket.end();
    });
    socket.on('error', () => {
      socket.destroy();
    });
  });
  return server;
}
