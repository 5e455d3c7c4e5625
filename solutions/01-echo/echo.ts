/**
 * An echo server: every byte goes back to the client that sent it.
 *
 * It knows sockets and nothing else: no lines, no messages, no text. The bytes
 * are never copied and never decoded; the buffer that was read is the buffer
 * that is written.
 */
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
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
  // allowHalfOpen: without it Node ends our side as soon as it has read the
  // client's FIN. What is written by then is still sent, so an echo would get
  // away with it; a server that answers later loses its answer. So we end our side.
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX;
  trackConnections(server);
  server.on('connection', echo);
  return server;
}

function echo(socket: Socket): void {
  socket.on('data', (bytes) => {
    // `false` means that the kernel takes no more for now and Node has begun
    // to queue. We stop reading; the client's window closes; its own writes stall.
    if (!socket.write(bytes)) socket.pause();
  });
  socket.on('drain', () => socket.resume());
  // The client's FIN. `end` sends what is still queued first, then our FIN.
  socket.on('end', () => socket.end());
  // A reset (RST) or a broken pipe is one client's affair. Without a listener
  // it is an uncaught exception, and every other client pays for it.
  socket.on('error', () => socket.destroy());
}
