/**
 * Stopping a server without losing the clients it is talking to.
 *
 * `server.close()` stops accepting and then waits, for ever if need be. To cut
 * the connections that do not end by themselves we have to know them, and a
 * `net.Server` keeps only their number; so we keep the set.
 */
import type { Server, Socket } from 'node:net';
import { startDeadline } from './deadline.ts';

/** How long connections in progress may take to finish, by default. */
export const DEADLINE_MS = 10_000;

export interface CloseOptions {
  /** Milliseconds until connections that are still open are cut; `Infinity` for never. Default {@link DEADLINE_MS}. */
  deadlineMs?: number;
}

const connections = new WeakMap<Server, Set<Socket>>();

/** Keeps the set of a server's open connections. Call it before the server listens. */
export function trackConnections(server: Server): void {
  const open = new Set<Socket>();
  connections.set(server, open);
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
}

/**
 * Stops accepting at once, lets the connections in progress finish, and cuts
 * those that are still open after `deadlineMs`. Resolves when none is left.
 */
export async function closeGracefully(server: Server, options: CloseOptions = {}): Promise<void> {
  const { deadlineMs = DEADLINE_MS } = options;
  const deadline = startDeadline(() => {
    for (const socket of connections.get(server) ?? []) socket.destroy();
  }, deadlineMs);
  // The callback gets an error if the server was not listening: then it is closed already.
  await new Promise<void>((resolve) => server.close(() => resolve()));
  deadline.clear();
}
