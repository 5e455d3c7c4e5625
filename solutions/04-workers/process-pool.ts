/**
 * A fixed set of processes that share one listening socket: the first one that is free takes the next connection.
 *
 * The kernel distributes the work. No process hands connections to another: that would cost more than answering them.
 */

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
    const { address, port } = this.address;
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    cluster.setupPrimary({ exec: fileURLToPath(SCRIPT), args: [], execArgv: [] });
    const worker = cluster.fork();
    // Comes after `exit`, and also if the process could not be started at all.
    const gone = new Promise<string>((resolve) => {
      worker.process.once('close', (code, signal) => resolve(`ended by ${signal ?? `exit code ${code}`}`));
    });
    worker.once('error', this.#settings.onError);
    const member: PoolProcess = {
      kind: 'process',
      id: worker.process.pid ?? 0,
      worker,
      gone,
      ready: readyOrGone(worker, gone),
      numbers: { open: 0, served: 0 },
      heardMs: performance.now(),
      finish: () => tell(worker, { type: 'finish' }),
      kill: () => worker.process.kill('SIGKILL'),
    };
    worker.on('message', (report: PoolReport) => this.#onReport(member, report));
    tell(worker, { type: 'start', host: address, port, settings: this.#settings.app });
    return member;
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
    const { taskTimeoutMs, onError } = this.#settings;
    for (const member of this.#crew.members) {
      if (performance.now() - member.heardMs > taskTimeoutMs) {
        onError(new Error(`process ${member.id} has been silent for ${taskTimeoutMs} ms: it is killed`));
        member.kill();
      } else tell(member.worker, { type: 'ask' });
    }
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
