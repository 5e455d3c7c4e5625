/**
 * One process of the pool: accepts from the shared socket, and answers one request after another.
 */

import { reportDetached } from '../01-echo/index.ts';
import { serveHttp } from '../02-http/index.ts';
import { app } from './app.ts';
import type { Stats } from './design.ts';
import type { AppSettings } from './settings.ts';

/** Messages to it. */
export type PoolMessage =
  | { readonly type: 'start'; readonly host: string; readonly port: number; readonly settings: AppSettings }
  /** Report your numbers. */
  | { readonly type: 'ask' }
  /** The statistics of all, which it asked for. */
  | { readonly type: 'stats'; readonly stats: Stats }
  | { readonly type: 'finish' };

export interface WorkerNumbers {
  readonly open: number;
  readonly served: number;
}

/** Messages from it. */
export type PoolReport =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly message: string; readonly code: string | undefined }
  | { readonly type: 'numbers'; readonly numbers: WorkerNumbers }
  /** It was asked for the statistics of all. */
  | { readonly type: 'stats' };

process.on('message', (message: PoolMessage) => {
  if (message.type === 'start') serve(message).catch(fail);
});
// The primary is gone: nothing would ever stop this process.
process.once('disconnect', () => process.exit());

async function serve({ host, port, settings }: PoolMessage & { type: 'start' }): Promise<void> {
  let served = 0;
  const onStats: ((stats: Stats) => void)[] = [];
  const stats = (): Promise<Stats> =>
    new Promise((resolve) => {
      onStats.push(resolve);
      tell({ type: 'stats' });
    });
  const handler = app({ ...settings, waits: 'blocking', stats, onServed: () => void served++ });
  const http = await serveHttp(handler, { host, port, timeouts: { idleMs: settings.idleMs } });
  process.on('message', (message: PoolMessage) => {
    if (message.type === 'ask') tell({ type: 'numbers', numbers: { open: http.connections, served } });
    else if (message.type === 'stats') for (const resolve of onStats.splice(0)) resolve(message.stats);
    else if (message.type === 'finish') http.closeGracefully({ deadlineMs: 2 ** 31 - 1 }).then(() => process.disconnect()).catch(reportDetached);
  });
  tell({ type: 'ready' });
}

function tell(report: PoolReport): void {
  process.send!(report);
}

function fail(error: NodeJS.ErrnoException): void {
  process.send!({ type: 'failed', message: error.message, code: error.code } satisfies PoolReport, undefined, {}, () => process.exit(1));
}
