/**
 * A pool of threads that work on tasks: a bounded queue in front, a time limit for each task, and a new thread for
 * one that crashed or hangs.
 *
 * A task is given to one thread, once. Its caller gets a result or an error, whatever happens to the thread. It is
 * never retried, because nobody knows how far it had got.
 *
 * ```text
 *                     ┌────────── idle ◀─────────────┐
 *   run() ─▶ queue ───┤                              │ result, or error
 *            full:    └─▶ busy ──────────────────────┘
 *            refused       │ time is up, or it died
 *                          └─▶ gone: its task fails, a new thread takes its place
 * ```
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { Worker } from 'node:worker_threads';
import type { Transferable, WorkerOptions } from 'node:worker_threads';

import { reportDetached, startDeadline } from '../01-echo/index.ts';
import type { Deadline } from '../01-echo/index.ts';
import { Crew } from './crew.ts';
import type { Member } from './crew.ts';
import { TaskQueue } from './task-queue.ts';
import type { ToThread, FromThread } from './thread-messages.ts';

export interface WorkerPoolOptions {
  /** How many threads. */
  readonly size: number;
  /** How many tasks may wait; 0 for none. */
  readonly queueMax: number;
  /** Milliseconds that a thread may take for one task, from when it gets the task; `Infinity` for no limit. */
  readonly taskTimeoutMs: number;
  /** Given to each thread as `workerData`. */
  readonly workerData?: unknown;
  /** Called for each thread that died. */
  readonly onError: (error: unknown) => void;
}

export interface WorkerPoolStats {
  /** Tasks that wait. */
  readonly queued: number;
  /** Tasks that threads are working on. */
  readonly running: number;
  /** Tasks that were refused because the queue was full. */
  readonly refused: number;
  /** Tasks that gave a result. */
  readonly done: number;
  /** Those that are alive, with the tasks that each has done. */
  readonly threads: readonly { readonly id: number; readonly done: number }[];
}

/** Why a task has no result. */
export class PoolError extends Error {
  readonly code: 'full' | 'timeout' | 'died' | 'closed' | 'aborted';

  constructor(code: PoolError['code'], message: string) {
    super(message);
    this.name = 'PoolError';
    this.code = code;
  }
}

export interface RunOptions {
  /** Buffers in the input that are transferred instead of copied: they are empty afterwards. */
  readonly transfer?: readonly Transferable[];
  /** Aborts when the result is no longer wanted: a task that still waits is then dropped. */
  readonly signal?: AbortSignal;
}

interface Task<Input, Result> {
  readonly input: Input;
  readonly transfer: readonly Transferable[];
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
}

interface Thread<Input, Result> extends Member {
  readonly worker: Worker;
  /** The task that it is working on. */
  task: Task<Input, Result> | null;
  timer: Deadline | undefined;
  done: number;
  ready: Promise<void>;
}

export class WorkerPool<Input, Result> {
  readonly #options: WorkerPoolOptions;
  readonly #script: URL;
  readonly #crew: Crew<Thread<Input, Result>>;
  readonly #idle: Thread<Input, Result>[] = [];
  readonly #queue = new TaskQueue<Task<Input, Result>>();
  #closing = false;
  #refused = 0;
  #done = 0;
  #running = 0;
  #onDrained: (() => void) | null = null;

  private constructor(script: URL, options: WorkerPoolOptions) {
    this.#script = script;
    this.#options = options;
    this.#crew = new Crew({
      size: options.size,
      start: () => this.#startThread(),
      onReady: (thread) => this.#isFree(thread),
      onGone: (thread) => this.#isGone(thread),
      onError: options.onError,
    });
  }

  /**
   * Starts a pool. Resolves when all its threads are ready.
   *
   * @param script what each thread runs; it calls {@link serveTasks}
   * @throws Error if the script does not load: then no thread is left running
   */
  static async start<Input, Result>(script: URL, options: WorkerPoolOptions): Promise<WorkerPool<Input, Result>> {
    const pool = new WorkerPool<Input, Result>(script, options);
    await pool.#crew.start();
    return pool;
  }

  // region run
  /** Runs a task.
   *
   * @throws PoolError `full` at once; `timeout`, `died`, `closed` or `aborted` when that happens; or what the task threw
   */
  run(input: Input, { transfer = [], signal }: RunOptions = {}): Promise<Result> {
    // TODO 4.6  If the pool is closing, reject with a PoolError `closed`; if the task's `signal` has already aborted,
    //           with `aborted`. An idle thread gets the task at once (`#give`). If there is none, the task waits
    //           (`#wait`), as long as fewer than `queueMax` wait already; otherwise count it in `#refused`, and reject
    //           with `full`.
    throw new NotImplemented('4.6');
  }

  /** Puts a task at the end of the queue, until its turn comes or it is no longer wanted. */
  #wait(task: Task<Input, Result>, signal: AbortSignal | undefined): void {
    this.#queue.push(task, signal, () => {
      task.reject(new PoolError('aborted', 'the result is no longer wanted'));
      if (this.#running === 0 && this.#queue.length === 0) this.#onDrained?.();
    });
  }

  /** Gives a thread its task, and a time limit for it. */
  #give(thread: Thread<Input, Result>, task: Task<Input, Result>): void {
    // TODO 4.6  The task belongs to the thread now: count it in `#running`, send it with its `transfer`, and start its
    //           timer (`startDeadline`: `taskTimeoutMs` may be Infinity, which `setTimeout` treats as 1 ms). When the
    //           time is up, the task ends, rejected with `timeout`, and the thread is killed; the crew replaces it. If
    //           the task cannot be sent (`postMessage` throws), it ends at once, rejected with that error, and the
    //           thread is free.
    throw new NotImplemented('4.6');
  }

  /** Takes the task from a thread, and tells the caller that gave it how it ended. */
  #end(thread: Thread<Input, Result>, tell: (task: Task<Input, Result>) => void): void {
    // TODO 4.6  The thread has no task and no timer any more, and `tell` is called with the task that it had. This
    //           happens once: for a thread without a task, do nothing. When no task runs or waits any more, call
    //           `#onDrained`, which `close` waits for.
    throw new NotImplemented('4.6');
  }

  /** A thread is free: it gets the next task. */
  #isFree(thread: Thread<Input, Result>): void {
    // TODO 4.6  Give the thread the task that has waited longest. If none waits, the thread is idle.
    throw new NotImplemented('4.6');
  }

  /** A thread is gone, and so is whatever it was working on. */
  #isGone(thread: Thread<Input, Result>): void {
    // TODO 4.6  The thread is no longer idle, if it was. If it had a task, the task ends, rejected with `died`, and is
    //           not given to another thread.
    throw new NotImplemented('4.6');
  }
  // endregion

  #onMessage(thread: Thread<Input, Result>, message: FromThread<Result>): void {
    // A message from a thread that was given up is too late.
    if (message.type === 'ready' || thread.task === null) return;
    this.#end(thread, (task) => (message.type === 'result' ? task.resolve(message.result) : task.reject(message.error as Error)));
    thread.done++;
    this.#done++;
    this.#isFree(thread);
  }

  get stats(): WorkerPoolStats {
    return {
      queued: this.#queue.length,
      running: this.#running,
      refused: this.#refused,
      done: this.#done,
      threads: [...this.#crew.members].map(({ id, done }) => ({ id, done })),
    };
  }

  /** Takes no more tasks, finishes those that it has, and ends its threads; at the deadline it ends them whatever they are doing. */
  async close(deadlineMs: number): Promise<void> {
    this.#closing = true;
    const startedAt = performance.now();
    if (this.#running > 0 || this.#queue.length > 0) {
      await new Promise<void>((resolve) => {
        const deadline = startDeadline(resolve, deadlineMs);
        this.#onDrained = () => {
          deadline.clear();
          resolve();
        };
      });
    }
    for (let task = this.#queue.shift(); task !== undefined; task = this.#queue.shift()) {
      task.reject(new PoolError('closed', 'the pool has closed'));
    }
    await this.#crew.close(Math.max(0, deadlineMs - (performance.now() - startedAt)));
  }

  #startThread(): Thread<Input, Result> {
    const worker = new Worker(this.#script, { workerData: this.#options.workerData });
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
    let why = 'ended';
    worker.once('error', (error) => (why = `died of ${error instanceof Error ? error.message : String(error)}`));
    const gone = new Promise<string>((settle) => worker.once('exit', (code) => settle(`${why} (exit code ${code})`)));
    gone.then((reason) => reject(new Error(`a thread ${reason} before it was ready`))).catch(reject);
    const thread: Thread<Input, Result> = {
      kind: 'thread',
      id: worker.threadId,
      worker,
      task: null,
      timer: undefined,
      done: 0,
      ready,
      gone,
      finish: () => worker.postMessage({ type: 'finish' } satisfies ToThread<Input>),
      kill: () => void worker.terminate().catch(reportDetached),
    };
    worker.on('message', (message: FromThread<Result>) => {
      if (message.type === 'ready') resolve();
      else this.#onMessage(thread, message);
    });
    return thread;
  }
}
