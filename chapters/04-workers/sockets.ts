/**
 * What happens to sockets and to servers, as promises.
 */

import type { Server, Socket } from 'node:net';

/** Resolves when a connection is over, however it ended. */
export function connectionOver(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once('close', () => resolve());
  });
}

/** Stops accepting. Resolves when the last connection that was accepted is over. */
export function stopAccepting(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Resolves when a socket takes more, or has closed. */
export function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}
