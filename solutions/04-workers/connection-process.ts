/**
 * The process that serves one connection and ends with it.
 */

import type { Socket } from 'node:net';

import { reportDetached } from '../01-echo/index.ts';
import { HttpServer } from '../02-http/index.ts';
import { app } from './app.ts';
import type { Stats } from './design.ts';
import type { AppSettings } from './settings.ts';
import { connectionOver } from './sockets.ts';

/** Messages to it: first what to do, then what it asked for, and finally that the server is closing. */
export type ConnectionMessage =
  | { readonly type: 'connection'; readonly settings: AppSettings }
  | { readonly type: 'stats'; readonly stats: Stats }
  | { readonly type: 'finish' };

/** Messages from it: that it has answered a request, or that it wants the statistics. */
export type ProcessReport = 'served' | 'stats';

let onStats: ((stats: Stats) => void) | null = null;
let http: HttpServer | null = null;

process.on('message', (message: ConnectionMessage, socket?: Socket) => {
  if (message.type === 'connection') serve(message.settings, socket);
  else if (message.type === 'stats') onStats?.(message.stats);
  else http?.closeGracefully().catch(reportDetached);
});

// The connection is over, or the server is gone: this process is no longer needed.
process.once('disconnect', () => process.exit());

function serve(settings: AppSettings, socket: Socket | undefined): void {
  // The client had gone before the socket arrived here.
  if (socket === undefined) process.exit(0);
  const handler = app({
    ...settings,
    waits: 'blocking',
    stats: () => new Promise((resolve) => {
      onStats = resolve;
      process.send!('stats' satisfies ProcessReport);
    }),
    onServed: () => process.send!('served' satisfies ProcessReport),
  });
  http = new HttpServer(handler, { timeouts: { idleMs: settings.idleMs } });
  // A client may end its side and still wait for its answer.
  socket.allowHalfOpen = true;
  http.handleConnection(socket);
  // Messages must be on their way before the process ends.
  connectionOver(socket).then(() => process.disconnect()).catch(reportDetached);
}
