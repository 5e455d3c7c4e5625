/**
 * Stopping a server without losing the clients it is talking to.
 *
 * `server.close()` stops accepting and then waits, for ever if need be. To end
 * those who do not end by themselves one has to know them, and a `net.Server`
 * keeps only their number.
 */
import type { Server, Socket } from 'node:net';

/** How long connections in progress may take to finish, by default. */
export const DEADLINE_MS = 10_000;

export interface CloseOptions {
  /** Milliseconds until connections that are still open are cut. Default {@link DEADLINE_MS}. */
  deadlineMs?: number;
}

const connections = new Map<Server, Set<Socket>>();

/** Keeps the set of a server's open connections. Call it before the server listens. */
export function trackConnections(server: Server): void {
  const sockets = new Set<Socket>();
  connections.set(server, sockets);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
    });
  });
}

/**
 * Stops accepting at once, lets the connections in progress finish, and cuts
 * those that are still open after `deadlineMs`. Resolves when none is left.
 */
export function closeGracefully(server: Server, options: CloseOptions = {}): Promise<void> {
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS;
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      for (const socket of connections.get(server) ?? []) {
        socket.destroy();
      }
    }, deadlineMs);
    server.close(() => {
      clearTimeout(timer);
      connections.delete(server);
      resolve();
    });
  });
}
