/**
 * Test processes that work side by side, and the guard that ends whatever they
 * leave behind, however the run ends.
 */
import { fork, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Guard } from '../guard.ts';
import { sweep } from '../sweep.ts';
import type { FromWorker, Job } from './messages.ts';

export type Outcome = Extract<FromWorker, { type: 'done' }>;

export interface PoolOptions {
  testFiles: readonly string[];
  /** The absolute folder in which `tests/` and the instrumented `solutions/` lie. */
  sandbox: string;
  seed: number;
  concurrency: number;
}

const workerFile = fileURLToPath(new URL('worker.ts', import.meta.url));

/** One test process, with a folder in which it writes down its children. */
class Worker {
  readonly #options: PoolOptions;
  readonly #guard = new Guard();
  #process: ChildProcess | undefined;
  #rules: readonly string[] = [];

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Starts the process if it is not there. Resolves to the ids of the rules that it knows. */
  async start(): Promise<readonly string[]> {
    if (this.#process) return this.#rules;
    const { sandbox, seed, testFiles } = this.#options;
    const started = fork(workerFile, [...testFiles], {
      cwd: sandbox,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, TEN_SUBJECT: join(sandbox, 'solutions'), TEN_SEED: String(seed), TEN_RUN: this.#guard.folder, TEN_BAIL: '0' },
    });
    this.#process = started;
    started.on('exit', () => {
      if (this.#process === started) this.#process = undefined;
      sweep(this.#guard.folder);
    });
    const message = await answerOf(started);
    if (message?.type !== 'ready') throw new Error('the hidden tests do not load: see above');
    return (this.#rules = message.rules);
  }

  /** Runs a job; undefined where the test process died of it. */
  async run(job: Job): Promise<Outcome | undefined> {
    await this.start();
    const process = this.#process as ChildProcess;
    process.send(job);
    const message = await answerOf(process);
    if (message?.type === 'done' && message.failure?.kind !== 'timeout') return message;
    // What a rule without a verdict still does would go on beside the next one.
    process.kill('SIGKILL');
    this.#process = undefined;
    return message?.type === 'done' ? message : undefined;
  }

  stop(): void {
    this.#process?.kill('SIGKILL');
    sweep(this.#guard.folder);
    this.#guard.release();
  }
}

/** The next message of a process; undefined where it exits instead. */
async function answerOf(process: ChildProcess): Promise<FromWorker | undefined> {
  return await new Promise((resolve) => {
    const settle = (message: FromWorker | undefined): void => {
      process.off('message', onMessage);
      process.off('exit', onExit);
      resolve(message);
    };
    const onMessage = (message: unknown): void => settle(message as FromWorker);
    const onExit = (): void => settle(undefined);
    process.on('message', onMessage);
    process.on('exit', onExit);
  });
}

export class Pool {
  readonly #workers: readonly Worker[];

  constructor(options: PoolOptions) {
    this.#workers = Array.from({ length: options.concurrency }, () => new Worker(options));
  }

  /** The ids of all rules, in the order of the course. */
  async rules(): Promise<readonly string[]> {
    return await (this.#workers[0] as Worker).start();
  }

  /** Works through the items, each in the first process that is free. */
  async each<T>(items: readonly T[], work: (item: T, run: (job: Job) => Promise<Outcome | undefined>) => Promise<void>): Promise<void> {
    const queue = items.values();
    await Promise.all(this.#workers.map(async (worker) => {
      for (const item of queue) await work(item, async (job) => await worker.run(job));
    }));
  }

  stop(): void {
    for (const worker of this.#workers) worker.stop();
  }
}

/**
 * Loads the code once and lets the process end by itself. Tests kill theirs
 * before Node has written down what it compiled; with it, each starts in half
 * the time.
 */
export async function warmUp(sandbox: string, driverFile: string): Promise<void> {
  const hostFile = join(sandbox, 'tests', 'support', 'host.ts');
  const host = spawn(process.execPath, ['--disable-sigusr1', hostFile, join(sandbox, 'solutions'), driverFile], {
    cwd: sandbox,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
    // As in `tests/support/subject.ts`.
    env: { ...process.env, NODE_COMPILE_CACHE: join(sandbox, '.ten-servers', 'cache', 'compile') },
  });
  const exited = once(host, 'exit');
  host.once('message', () => host.disconnect());
  await exited;
}
