/**
 * A thread that accepts for itself, and answers one request after another.
 */

import type { AddressInfo } from 'node:net';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';

import { reportDetached } from '../01-echo/index.ts';
import { HttpServer } from '../02-http/index.ts';
import { app } from './app.ts';
import type { Stats } from './design.ts';
import type { AppSettings } from './settings.ts';

/** The index of each number in the shared counters. */
export const SERVED = 0;
export const OPEN = 1;
/** Goes on for as long as the thread's loop turns. */
export const BEATS = 2;
export const COUNTERS = 3;

export interface ListenerData {
  readonly host: string;
  readonly port: number;
  readonly settings: AppSettings;
  readonly counters: Int32Array;
  /** The time between two beats. */
  readonly beatMs: number;
}

export type ToListener = { readonly type: 'finish' } | { readonly type: 'stats'; readonly stats: Stats };
export type FromListener = { readonly type: 'ready'; readonly address: AddressInfo } | { readonly type: 'stats' };

// The main thread imports only the names above.
if (!isMainThread) serve(workerData as ListenerData);

function serve({ host, port, settings, counters, beatMs }: ListenerData): void {
  const parent = parentPort!;
  const tell = (message: FromListener): void => parent.postMessage(message);
  const onStats: ((stats: Stats) => void)[] = [];
  const stats = (): Promise<Stats> => new Promise((resolve) => {
    onStats.push(resolve);
    tell({ type: 'stats' });
  });
  const handler = app({ ...settings, waits: 'blocking', stats, onServed: () => Atomics.add(counters, SERVED, 1) });
  const http = new HttpServer(handler, { timeouts: { idleMs: settings.idleMs } });
  http.server.on('connection', (socket) => {
    Atomics.add(counters, OPEN, 1);
    socket.once('close', () => Atomics.sub(counters, OPEN, 1));
  });
  parent.on('message', (message: ToListener) => {
    if (message.type === 'stats') for (const resolve of onStats.splice(0)) resolve(message.stats);
    else http.closeGracefully({ deadlineMs: 2 ** 31 - 1 }).then(() => parent.close()).catch(reportDetached);
  });
  setInterval(() => Atomics.add(counters, BEATS, 1), beatMs).unref();
  http.server.listen({ host, port, reusePort: true, backlog: 511 }, () => tell({ type: 'ready', address: http.server.address() as AddressInfo }));
}
