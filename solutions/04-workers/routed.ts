/**
 * What the numbers suggest: one loop for everything that waits, and a pool of threads for what computes.
 */

import type { AddressInfo } from 'node:net';

import { serveHttp } from '../02-http/index.ts';
import { app } from './app.ts';
import { CLOSE_DEADLINE_MS } from './design.ts';
import type { Design, Stats } from './design.ts';
import { asAnswer, poolStats } from './pool-answers.ts';
import { settingsOf } from './settings.ts';
import { Tally } from './single-loop.ts';
import { WorkerPool } from './worker-pool.ts';

const SCRIPT = new URL('./cpu-thread.ts', import.meta.url);

export const routed: Design = async (options) => {
  const settings = settingsOf(options);
  const { host, port, workers: size, queueMax, taskTimeoutMs, onError } = settings;
  const pool = await WorkerPool.start<number, void>(SCRIPT, { size, queueMax, taskTimeoutMs, onError });
  const tally = new Tally();
  const stats = async (): Promise<Stats> => poolStats(pool.stats, http.connections, tally.served);
  const handler = app({
    ...settings.app,
    waits: 'async',
    stats,
    onServed: tally.count,
    compute: (ms) => computeIn(pool, ms),
  });
  const http = await serveHttp(handler, { host, port, timeouts: { idleMs: settings.app.idleMs }, onError }).catch(async (error: unknown) => {
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

// region compute
/** Lets a thread of the pool compute, so that the loop goes on turning. @throws HttpError when that fails */
async function computeIn(pool: WorkerPool<number, void>, ms: number): Promise<void> {
  try {
    await pool.run(ms);
  } catch (error) {
    throw asAnswer(error);
  }
}
// endregion
