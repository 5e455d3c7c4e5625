/**
 * An echo server: every byte goes back to the client that sent it.
 *
 * It knows sockets and nothing else: no lines, no messages, no text.
 */
import { NotImplemented } from '#course/not-implemented.ts';
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
  /** Clients connected at once; any more are closed without an answer. Default {@link CONNECTIONS_MAX}. */
  connectionsMax?: number;
}

/**
 * Creates an echo server (RFC 862) that is not listening yet; see `listen`.
 *
 * A client may close its sending half and still get back all that it sent. The
 * server does not read from a client that does not read, so its memory does not
 * grow with what a client sends.
 */
export function createEchoServer(options: EchoServerOptions = {}): Server {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX;
  trackConnections(server); // Does nothing yet: exercise 1.6 fills it in.

  // TODO 1.1  Each client that connects gets back every byte that it sends: at
  //           once, unchanged, in order, and nothing else.

  // TODO 1.2  A client that resets its connection ends that connection and
  //           nothing else: the server keeps running, and every other client
  //           keeps its connection.

  // TODO 1.3  A client that has sent its FIN still gets the rest of its bytes,
  //           and after the last one the server's own FIN.

  // TODO 1.4  Nothing is read from a client that does not read, until that client
  //           has taken what is waiting for it.

  throw new NotImplemented('1.1'); // With 1.1 this line becomes `return server;`.
}
