/**
 * A fixed set of processes that share one listening socket: the first one that is free takes the next connection.
 *
 * The kernel distributes the work. No process hands connections to another: that would cost more than answering them.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import cluster from 'node:cluster';
import type { Worker } from 'node:cluster';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

import { listen, TIMER_MS_MAX } from '../01-echo/index.ts';
import { Crew } from './crew.ts';
import type { Member } from './crew.ts';
import { CLOSE_DEADLINE_MS } from './design.ts';
import type { Design, RunningServer, Stats } from './design.ts';
import type { PoolMessage, PoolReport, WorkerNumbers } from './pool-process.ts';
import { settingsOf } from './settings.ts';
import type { Settings } from './settings.ts';
import { stopAccepting } from './sockets.ts';

const SCRIPT = new URL('./pool-process.ts', import.meta.url);

interface PoolProcess extends Member {
  readonly worker: Worker;
  /** Its last report. */
  numbers: WorkerNumbers;
  /** When it was last heard from, by `performance.now()`. */
  heardMs: number;
}

/** How long a process may take to report its numbers before its last report is used, in milliseconds. */
const ANSWER_MS = 1_000;

/** How often a port that was free a moment ago may turn out to be taken. */
const TRIES = 5;

export const processPool: Design = async (options) => {
  const settings = settingsOf(options);
  for (let tries = 1; ; tries++) {
    const address = await findAddress(settings);
    try {
      return await ProcessPool.start(settings, address);
    } catch (error) {
      const taken = (error as { code?: unknown } | null)?.code === 'EADDRINUSE';
      if (!taken || settings.port !== 0 || tries === TRIES) throw error;
    }
  }
};

/**
 * The address to share. Each process asks the primary for it by its port, which must therefore be known first.
 * Listening here, too, shows whether the address can be had while an error is still an exception.
 */
async function findAddress(settings: Settings): Promise<AddressInfo> {
  const probe = createServer();
  const address = await listen(probe, settings);
  await stopAccepting(probe);
  return address;
}

class ProcessPool implements RunningServer {
  readonly address: AddressInfo;
  readonly #settings: Settings;
  readonly #crew: Crew<PoolProcess>;
  #servedByThoseGone = 0;
  #watch: NodeJS.Timeout | undefined;

  private constructor(settings: Settings, address: AddressInfo) {
    this.#settings = settings;
    this.address = address;
    this.#crew = new Crew({
      size: settings.workers,
      start: () => this.#startProcess(),
      onGone: ({ numbers }) => void (this.#servedByThoseGone += numbers.served),
      onError: settings.onError,
    });
  }

  static async start(settings: Settings, address: AddressInfo): Promise<ProcessPool> {
    const pool = new ProcessPool(settings, address);
    await pool.#crew.start();
    pool.#watch = setInterval(() => pool.#watchOver(), Math.min(TIMER_MS_MAX, Math.max(10, settings.taskTimeoutMs / 4))).unref();
    return pool;
  }

  async stats(): Promise<Stats> {
    const members = [...this.#crew.members];
    await Promise.all(members.map((member) => heardFrom(member)));
    const served = members.reduce((sum, { numbers }) => sum + numbers.served, this.#servedByThoseGone);
    const open = members.reduce((sum, { numbers }) => sum + numbers.open, 0);
    const workers = members.map(({ kind, id, numbers }) => ({ kind, id, served: numbers.served }));
    return { open, served, refused: 0, queued: 0, workers };
  }

  async close({ deadlineMs = CLOSE_DEADLINE_MS } = {}): Promise<void> {
    clearInterval(this.#watch);
    await this.#crew.close(deadlineMs);
  }

  // region start
  /** Starts a process. It inherits no socket: it asks the primary for the listening one, by its address. */
  #startProcess(): PoolProcess {
    // TODO 4.4  Set `cluster.schedulingPolicy` to SCHED_NONE, and `cluster.setupPrimary` to SCRIPT (`exec`, as a path;
    //           it needs no `args` and no `execArgv`); then fork. The worker's `error` goes to `onError`. Describe it
    //           as a PoolProcess. `gone` resolves and never rejects: at the `close` of `worker.process`, which comes
    //           even if the process could not be started, to a few words with the code or the signal. `readyOrGone` is
    //           below. The process counts as heard from now. `finish` sends it the message of that name, and `kill`
    //           sends SIGKILL to the process, since nothing less ends one that is stopped. Pass its messages to
    //           `#onReport`, and send it `start`.
    throw new NotImplemented('4.4');
  }
  // endregion

  #onReport(member: PoolProcess, report: PoolReport): void {
    member.heardMs = performance.now();
    if (report.type === 'numbers') member.numbers = report.numbers;
    else if (report.type === 'stats') {
      this.stats().then((stats) => tell(member.worker, { type: 'stats', stats })).catch(this.#settings.onError);
    }
  }

  // region hung
  /** Asks each process for its numbers, and kills any that has not answered for too long: it hangs, or computes for ever. */
  #watchOver(): void {
    // TODO 4.4  Send `ask` to each process. One that has been silent (`heardMs`) for more than taskTimeoutMs hangs:
    //           report an Error with its id to `onError`, and kill it. The crew replaces it.
    throw new NotImplemented('4.4');
  }
  // endregion
}

function tell(worker: Worker, message: PoolMessage): void {
  if (worker.isConnected()) worker.send(message, () => {});
}

/** Resolves when the worker says that it is ready; rejects when it says why not, or ends. */
function readyOrGone(worker: Worker, gone: Promise<string>): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.on('message', (report: PoolReport) => {
      if (report.type === 'ready') resolve();
      else if (report.type === 'failed') reject(Object.assign(new Error(report.message), { code: report.code }));
    });
    gone.then((reason) => reject(new Error(`process ${worker.process.pid ?? 0} ${reason} before it was ready`))).catch(reject);
  });
}

/** Resolves when the process has reported its numbers, or has had enough time: one that hangs must not hold up the others. */
function heardFrom(member: PoolProcess): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      member.worker.off('message', onReport);
      resolve();
    };
    const onReport = (report: PoolReport): void => {
      if (report.type === 'numbers') done();
    };
    const timer = setTimeout(done, ANSWER_MS);
    member.worker.on('message', onReport);
    member.gone.then(done).catch(done);
    tell(member.worker, { type: 'ask' });
  });
}
