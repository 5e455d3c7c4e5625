/**
 * A server of hand-written connections on one loop: accepting, counting, closing.
 */

import { createServer } from 'node:net';
import type { Socket } from 'node:net';

import { listen, startDeadline } from '../01-echo/index.ts';
import { answersAlways, app } from './app.ts';
import type { App } from './app.ts';
import { CLOSE_DEADLINE_MS } from './design.ts';
import type { Design, Stats } from './design.ts';
import type { LoopConnection } from './loop-connection.ts';
import { settingsOf } from './settings.ts';
import { loopStats, Tally } from './single-loop.ts';
import { stopAccepting } from './sockets.ts';

/** @param connect serves a connection, and returns it so that it can be closed */
export function loopServer(connect: (socket: Socket, answer: App, idleMs: number) => LoopConnection): Design {
  return async (options) => {
    const settings = settingsOf(options);
    const tally = new Tally();
    const open = new Set<LoopConnection>();
    const stats = async (): Promise<Stats> => loopStats(tally.served, open.size);
    const answer = answersAlways(app({ ...settings.app, waits: 'async', stats, onServed: tally.count }), settings.onError);
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const connection = connect(socket, answer, settings.app.idleMs);
      open.add(connection);
      socket.once('close', () => open.delete(connection));
    });
    const address = await listen(server, settings);
    return {
      address,
      stats,
      close: async ({ deadlineMs = CLOSE_DEADLINE_MS } = {}) => {
        const stopped = stopAccepting(server);
        for (const connection of open) connection.finish();
        const deadline = startDeadline(() => {
          for (const { socket } of open) socket.destroy();
        }, deadlineMs);
        await stopped;
        deadline.clear();
      },
    };
  };
}
