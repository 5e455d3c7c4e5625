/**
 * Stopping a server without losing the clients it is talking to.
 *
 * `server.close()` stops accepting and then waits, for ever if need be. To cut
 * the connections that do not end by themselves we have to know them, and a
 * `net.Server` keeps only their number.
 */
import { NotImplemented } from '#course/not-implemented.ts';
import type { Server } from 'node:net';

/** How long connections in progress may take to finish, by default. */
export const DEADLINE_MS = 10_000;

export interface CloseOptions {
  /** Milliseconds until connections that are still open are cut; `Infinity` for never. Default {@link DEADLINE_MS}. */
  deadlineMs?: number;
}

/** Keeps the set of a server's open connections. Call it before the server listens. */
export function trackConnections(server: Server): void {
  // TODO 1.6  Remember each connection of this server for as long as it is open,
  //           so that `closeGracefully` can find it. Both servers already call
  //           this function.
}

/**
 * Stops accepting at once, lets the connections in progress finish, and cuts
 * those that are still open after `deadlineMs`. Resolves when none is left.
 */
export function closeGracefully(server: Server, options: CloseOptions = {}): Promise<void> {
  // TODO 1.6  Do what the comment above says. Once the promise has resolved,
  //           nothing is left over: no connection, and no timer that keeps the
  //           program alive.
  throw new NotImplemented('1.6');
}
