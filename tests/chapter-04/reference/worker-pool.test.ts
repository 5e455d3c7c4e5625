import { getEventListeners } from 'node:events';

import { afterEach, expect, test } from 'vitest';

import { TIMER_MS_MAX } from '../../../solutions/01-echo/index.ts';
import { designNamed, designs, WorkerPool } from '../../../solutions/04-workers/index.ts';
import { settingsOf } from '../../../solutions/04-workers/settings.ts';
import { TaskQueue } from '../../../solutions/04-workers/task-queue.ts';

const SCRIPT = new URL('../../../solutions/04-workers/cpu-thread.ts', import.meta.url);
const pools: WorkerPool<number, void>[] = [];

async function start(queueMax: number): Promise<WorkerPool<number, void>> {
  const pool = await WorkerPool.start<number, void>(SCRIPT, { size: 1, queueMax, taskTimeoutMs: Infinity, onError: () => {} });
  pools.push(pool);
  return pool;
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close(0)));
});

test('a signal that many tasks share holds on to none that are done, were refused, or ended with the pool', async () => {
  const pool = await start(100);
  const { signal } = new AbortController();
  const tasks = Array.from({ length: 120 }, () => pool.run(0, { signal }));
  expect(getEventListeners(signal, 'abort')).toHaveLength(100);
  const outcomes = await Promise.allSettled(tasks);
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(101);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  const late = Promise.allSettled([pool.run(0, { signal }), pool.run(0, { signal })]);
  await pool.close(0);
  await late;
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test('a signal that aborts takes its waiting tasks out of the queue, and no others', async () => {
  const queue = new TaskQueue<string>();
  const [one, other] = [new AbortController(), new AbortController()];
  const aborted: string[] = [];
  for (const [task, { signal }] of [['a', one], ['b', other], ['c', one], ['d', other]] as const) queue.push(task, signal, () => aborted.push(task));
  queue.push('e', undefined, () => {});
  expect(queue.shift()).toBe('a');
  one.abort();
  expect([aborted, queue.length]).toEqual([['c'], 3]);
  expect([queue.shift(), queue.shift(), queue.shift(), queue.shift()]).toEqual(['b', 'd', 'e', undefined]);
  other.abort();
  expect(aborted).toEqual(['c']);
});

test('a pool whose last waiting task is no longer wanted closes without waiting for its deadline', async () => {
  const pool = await start(1);
  const abort = new AbortController();
  const running = pool.run(0);
  const waiting = pool.run(0, { signal: abort.signal }).catch((error: { code: string }) => error.code);
  const closed = pool.close(Infinity);
  abort.abort();
  expect(await waiting).toBe('aborted');
  await running;
  await closed;
});

test('a time that is too long for a timer becomes the longest that a timer can wait', async () => {
  const settings = settingsOf({ taskTimeoutMs: Infinity, idleMs: Infinity, waitMs: 2 ** 40 });
  expect(settings).toMatchObject({ taskTimeoutMs: Infinity, app: { idleMs: TIMER_MS_MAX, waitMs: TIMER_MS_MAX } });
  expect(() => settingsOf({ taskTimeoutMs: NaN })).toThrow(RangeError);
});

test.each(Object.keys(designs))('%s answers when its time is unlimited', async (name) => {
  const server = await designNamed(name)({ workers: 1, taskTimeoutMs: Infinity, idleMs: Infinity, onError: (error) => { throw error; } });
  const { port } = server.address;
  const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { Connection: 'close' } });
  expect(await response.text()).toBe('Hello, world!');
  await server.close({ deadlineMs: Infinity });
});
