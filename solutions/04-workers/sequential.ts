/**
 * One connection after another: accept one, answer it, accept the next.
 */

import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

import { listen } from '../01-echo/index.ts';
import { HttpResponse, HttpServer } from '../02-http/index.ts';
import type { Handler } from '../02-http/index.ts';
import { app } from './app.ts';
import { CLOSE_DEADLINE_MS } from './design.ts';
import type { Design, Stats } from './design.ts';
import { settingsOf } from './settings.ts';
import { loopStats, Tally } from './single-loop.ts';
import { connectionOver, stopAccepting } from './sockets.ts';
import { WaitingLine } from './waiting-line.ts';

export const sequential: Design = async (options) => {
  const settings = settingsOf(options);
  const tally = new Tally();
  const stats = async (): Promise<Stats> => loopStats(tally.served, line.active + line.waiting, line.waiting, line.refused);
  const handler = app({ ...settings.app, waits: 'blocking', stats, onServed: tally.count });
  const http = new HttpServer(oneForEachConnection(handler), { timeouts: { idleMs: settings.app.idleMs }, onError: settings.onError });
  const line = new WaitingLine({
    activeMax: 1,
    queueMax: settings.queueMax,
    serve: (socket) => {
      http.handleConnection(socket);
      return connectionOver(socket);
    },
  });
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => line.enter(socket));
  const address: AddressInfo = await listen(server, settings);
  return {
    address,
    stats,
    close: async ({ deadlineMs = CLOSE_DEADLINE_MS } = {}) => {
      const stopped = stopAccepting(server);
      line.clear();
      await http.closeGracefully({ deadlineMs });
      await Promise.all([stopped, line.empty()]);
    },
  };
};

/** A client that kept its connection would keep all others waiting. */
function oneForEachConnection(handler: Handler): Handler {
  return async (request) => {
    const { status, headers, body } = await handler(request);
    return new HttpResponse(status, [...headers, ['Connection', 'close']], body);
  };
}
