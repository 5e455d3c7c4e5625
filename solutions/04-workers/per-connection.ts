/**
 * What the two designs with a worker for each connection share: a waiting line, and a list of the workers.
 */

import { createServer } from 'node:net';
import type { Socket } from 'node:net';

import { listen, startDeadline } from '../01-echo/index.ts';
import { CLOSE_DEADLINE_MS } from './design.ts';
import type { Design, Stats, WorkerStats } from './design.ts';
import { endWithUs } from './end-with-us.ts';
import { settingsOf } from './settings.ts';
import type { AppSettings } from './settings.ts';
import { stopAccepting } from './sockets.ts';
import { WaitingLine } from './waiting-line.ts';

/** A worker that is serving a connection. */
export interface ConnectionWorker {
  readonly kind: WorkerStats['kind'];
  readonly id: number;
  served: number;
  /** Ends it after the response in progress. */
  readonly finish: () => void;
  /** Ends it, whatever it is doing. */
  readonly kill: () => void;
}

/** What a connection's worker needs from its server. */
export interface PerConnectionContext {
  readonly app: AppSettings;
  readonly onError: (error: unknown) => void;
  readonly stats: () => Promise<Stats>;
  add(worker: Omit<ConnectionWorker, 'served'>): ConnectionWorker;
  /** The worker is gone; what it served still counts. */
  remove(worker: ConnectionWorker): void;
}

/** @param serve serves a connection in a worker of its own; resolves when the worker is gone, and never rejects */
export function perConnection(serve: (socket: Socket, context: PerConnectionContext) => Promise<void>): Design {
  return async (options) => {
    const settings = settingsOf(options);
    /** Each with the function to call when it is gone. */
    const workers = new Map<ConnectionWorker, () => void>();
    let servedByThoseGone = 0;
    const stats = async (): Promise<Stats> => {
      const alive = [...workers.keys()].map(({ kind, id, served }) => ({ kind, id, served }));
      const served = alive.reduce((sum, worker) => sum + worker.served, servedByThoseGone);
      return { open: line.active + line.waiting, served, refused: line.refused, queued: line.waiting, workers: alive };
    };
    const context: PerConnectionContext = {
      app: settings.app,
      onError: settings.onError,
      stats,
      add: (newcomer) => {
        const worker = { ...newcomer, served: 0 };
        workers.set(worker, worker.kind === 'process' ? endWithUs(worker.kill) : () => {});
        return worker;
      },
      remove: (worker) => {
        workers.get(worker)?.();
        workers.delete(worker);
        servedByThoseGone += worker.served;
      },
    };
    const { workers: activeMax, queueMax } = settings;
    const line = new WaitingLine({ activeMax, queueMax, serve: (socket) => serve(socket, context) });
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => line.enter(socket));
    const address = await listen(server, settings);
    return {
      address,
      stats,
      close: async ({ deadlineMs = CLOSE_DEADLINE_MS } = {}) => {
        const stopped = stopAccepting(server);
        line.clear();
        for (const worker of workers.keys()) worker.finish();
        const deadline = startDeadline(() => {
          for (const worker of workers.keys()) worker.kill();
        }, deadlineMs);
        await line.empty();
        deadline.clear();
        await stopped;
      },
    };
  };
}
