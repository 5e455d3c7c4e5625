/**
 * The thread's side of the pool: works on one task after another.
 */

import { parentPort } from 'node:worker_threads';
import type { Transferable } from 'node:worker_threads';

import type { FromThread, ToThread } from './thread-messages.ts';

/** A result, and the buffers in it that are transferred instead of copied. */
export interface TaskResult<Result> {
  readonly result: Result;
  readonly transfer?: readonly Transferable[];
}

/**
 * Makes this thread one of a {@link WorkerPool}. Call it once, when everything that tasks need is loaded.
 *
 * @param work gives the result of a task. If it throws, the promise of the caller that gave the task is rejected; the thread lives
 */
export function serveTasks<Input, Result>(work: (input: Input) => TaskResult<Result> | Promise<TaskResult<Result>>): void {
  const port = parentPort;
  if (port === null) throw new Error('serveTasks is for threads of a WorkerPool');
  const tell = (message: FromThread<Result>, transfer: readonly Transferable[] = []): void => port.postMessage(message, transfer);
  port.on('message', (message: ToThread<Input>) => {
    if (message.type === 'finish') {
      // Without its port, nothing keeps the thread alive.
      port.close();
      return;
    }
    run(message.input).catch((error: unknown) => tell({ type: 'error', error }));
  });
  async function run(input: Input): Promise<void> {
    const { result, transfer } = await work(input);
    tell({ type: 'result', result }, transfer);
  }
  tell({ type: 'ready' });
}
