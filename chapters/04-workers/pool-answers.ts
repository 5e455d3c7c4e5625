/**
 * Answers that come out of a pool: requests go in as tasks, and each way to fail becomes a status.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { HttpError, HttpResponse } from '../02-http/index.ts';
import type { AppRequest } from './app.ts';
import type { AppResult } from './app-thread.ts';
import type { Stats } from './design.ts';
import { overloaded } from './refuse.ts';
import { PoolError } from './worker-pool.ts';
import type { WorkerPool, WorkerPoolStats } from './worker-pool.ts';

/** Lets a thread of the pool answer a request. @throws HttpError */
export async function answerInPool(pool: WorkerPool<AppRequest, AppResult>, { method, path, query, signal }: AppRequest): Promise<HttpResponse> {
  let result: AppResult;
  try {
    result = await pool.run({ method, path, query }, signal === undefined ? {} : { signal });
  } catch (error) {
    throw asAnswer(error);
  }
  const { status, headers, body, failed } = result;
  if (failed) throw new HttpError(status, new TextDecoder().decode(body), headers);
  return new HttpResponse(status, headers, body);
}

// region statuses
/** The answer to a client when a task has no result. Other errors are ours, and stay as they are. */
export function asAnswer(error: unknown): unknown {
  // TODO 4.6  Turn a PoolError into an answer. `full`, `closed` and `aborted` (which nobody will read) become what
  //           `overloaded()` makes; `timeout` becomes an HttpError 504; `died` becomes an HttpError 500 that reveals
  //           nothing more. Any other error is ours, and is returned unchanged.
  throw new NotImplemented('4.6');
}
// endregion

/** The statistics of a loop that hands work to a pool. */
export function poolStats({ queued, refused, threads }: WorkerPoolStats, open: number, served: number): Stats {
  const workers = threads.map(({ id, done }) => ({ kind: 'thread' as const, id, served: done }));
  return { open, served, refused, queued, workers };
}
