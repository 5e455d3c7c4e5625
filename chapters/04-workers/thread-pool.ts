/**
 * One loop that talks HTTP, and a fixed set of threads that do the work: each request is a task.
 */

import type { AddressInfo } from 'node:net';

import { serveHttp } from '../02-http/index.ts';
import { withStats } from './app.ts';
import type { AppRequest } from './app.ts';
import type { AppResult } from './app-thread.ts';
import { CLOSE_DEADLINE_MS } from './design.ts';
import type { Design, Stats } from './design.ts';
import { answerInPool, poolStats } from './pool-answers.ts';
import { settingsOf } from './settings.ts';
import { WorkerPool } from './worker-pool.ts';

const SCRIPT = new URL('./app-thread.ts', import.meta.url);

export const threadPool: Design = async (options) => {
  const settings = settingsOf(options);
  const { host, port, workers: size, queueMax, taskTimeoutMs, onError } = settings;
  const pool = await WorkerPool.start<AppRequest, AppResult>(SCRIPT, { size, queueMax, taskTimeoutMs, onError, workerData: settings.app });
  const stats = async (): Promise<Stats> => poolStats(pool.stats, http.connections, pool.stats.done);
  const handler = withStats((request) => answerInPool(pool, request), stats);
  const timeouts = { idleMs: settings.app.idleMs };
  // A client that closes while its task waits wants no answer: like nginx, this treats a half-closed connection as
  // closed.
  const http = await serveHttp(handler, { host, port, timeouts, onError, abortOnHalfClose: true }).catch(async (error: unknown) => {
    await pool.close(0);
    throw error;
  });
  return {
    address: http.address as AddressInfo,
    stats,
    close: async ({ deadlineMs = CLOSE_DEADLINE_MS } = {}) => {
      await http.closeGracefully({ deadlineMs });
      await pool.close(0);
    },
  };
};
