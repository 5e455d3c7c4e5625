/**
 * Work for all cores and little more: every job runs in a process of its own
 * kind. Hidden tests wait as long as they compute, so half as many again run as
 * there are cores.
 *
 * Processes are kept and used again, since loading the test runner costs more
 * than most jobs. One that dies, or that is still at a job after its time, is
 * killed and replaced; what its tests had started, the run's guard ends.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { availableParallelism, loadavg } from 'node:os';
import type { CheckResult } from '../check-result.ts';
import type { CheckOptions } from '../check.ts';
import type { RuleRunOptions } from '../rule-runner.ts';
import type { Outcome } from './outcome.ts';
import type { Ended } from './program.ts';

/** What a worker process is asked to do. */
export type Job =
  /** Runs hidden tests against a tree, as a learner does. */
  | { readonly type: 'check'; readonly options: CheckOptions }
  /** The same without vitest, for those who run them by the thousand. */
  | { readonly type: 'rules'; readonly options: RuleRunOptions }
  /** Loads a module beside this one and calls its `findFaults`. */
  | { readonly type: 'faults'; readonly module: string; readonly all: boolean }
  /** Runs a program to its end. */
  | { readonly type: 'program'; readonly args: readonly string[] };

/** What comes back. */
export type Reply = { readonly result: unknown } | { readonly error: string };

/** How long a job may take before its process is killed, in milliseconds; a multiple of it where many share a core. */
const JOB_MS_MAX = 15 * 60_000;
/** Programs for each core: more of them give no more time. */
const LOAD_MAX = 16;

/** Jobs after which a process is replaced: whatever the test runner leaks stays small. */
const JOBS_PER_PROCESS_MAX = 40;

/** More than one, since tests wait for clocks, processes and connections. */
const JOBS_PER_CORE = 1.5;
/** Of a chapter whose rules are slow: they wait for whole processes to start, to be silent and to end. */
const SLOW_JOB_CORES = 0.5;

interface Worker {
  readonly process: ChildProcess;
  jobs: number;
}

export class JobPool {
  readonly cores: number;
  readonly #all: number;
  #free: number;
  readonly #waiting: { readonly cores: number; readonly start: () => void }[] = [];
  readonly #idle: Worker[] = [];
  #closed = false;

  constructor(cores: number = availableParallelism()) {
    this.cores = cores;
    this.#all = this.#free = Math.ceil(cores * JOBS_PER_CORE);
  }

  /** Runs hidden tests against a tree, one at a time, as a learner's check does. */
  async check(options: CheckOptions): Promise<CheckResult> {
    return await this.#judge({ type: 'check', options: { ...options, workers: 1 } });
  }

  /** The same at a tenth of the price: see rule-runner.ts. */
  async rules(options: RuleRunOptions): Promise<CheckResult> {
    return await this.#judge({ type: 'rules', options }, options.chapter.slow ? SLOW_JOB_CORES : 1);
  }

  /**
   * What could not be judged because the machine was too busy may have been kept from it by our own jobs: it is run again
   * when no other is. What is `busy` then is so by other programs.
   */
  async #judge(job: Job, cores = 1): Promise<CheckResult> {
    const result = (await this.#run(job, cores)) as CheckResult;
    if (!result.exercises.some(({ status }) => status === 'busy')) return result;
    return (await this.#run(job, Infinity)) as CheckResult;
  }

  /** Calls `findFaults` of a module of this folder in a worker process. */
  async faults(module: string, all: boolean): Promise<Outcome> {
    return (await this.#run({ type: 'faults', module, all })) as Outcome;
  }

  /** Runs a program of the course that keeps `cores` cores busy. */
  async program(cores: number, args: readonly string[]): Promise<Ended> {
    return (await this.#run({ type: 'program', args }, cores)) as Ended;
  }

  /** Lets the processes go. */
  close(): void {
    this.#closed = true;
    for (const worker of this.#idle.splice(0)) worker.process.disconnect();
  }

  async #acquire(cores: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting.push({ cores, start: resolve });
      this.#startWaiting();
    });
  }

  /** First come, first served: a job for many cores is not overtaken for ever by small ones. */
  #startWaiting(): void {
    for (let next = this.#waiting[0]; next && next.cores <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.cores;
      next.start();
    }
  }

  async #run(job: Job, cores = 1): Promise<unknown> {
    const wanted = cores === Infinity ? this.#all : Math.min(cores, this.cores);
    await this.#acquire(wanted);
    const worker = this.#idle.pop() ?? startWorker();
    const reply = await ask(worker.process, job);
    worker.jobs++;
    if (!worker.process.connected) worker.process.kill('SIGKILL');
    else if (this.#closed || worker.jobs >= JOBS_PER_PROCESS_MAX) worker.process.disconnect();
    else this.#idle.push(worker);
    this.#free += wanted;
    this.#startWaiting();
    if ('error' in reply) throw new Error(reply.error);
    return reply.result;
  }
}

/**
 * Maps with at most `most` at a time, for work that leaves things on the disk
 * while it waits. `work` is told in which lane it runs, from 0.
 */
export async function mapLimited<T, R>(values: readonly T[], most: number, work: (value: T, lane: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const left = values.entries();
  const drive = async (_: unknown, lane: number): Promise<void> => {
    for (const [index, value] of left) results[index] = await work(value, lane);
  };
  await Promise.all(Array.from({ length: Math.min(most, values.length) }, drive));
  return results;
}

function startWorker(): Worker {
  const child = fork(new URL('worker.ts', import.meta.url), {
    serialization: 'advanced',
    // What a worker prints belongs to its job, and its job says all in its reply.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  child.on('error', () => {});
  return { process: child, jobs: 0 };
}

async function ask(child: ChildProcess, job: Job): Promise<Reply> {
  return await new Promise((resolve) => {
    const settle = (reply: Reply): void => {
      clearTimeout(timer);
      child.off('message', onMessage);
      child.off('exit', onExit);
      resolve(reply);
    };
    const onMessage = (message: unknown): void => settle(message as Reply);
    const onExit = (code: number | null, signal: string | null): void => {
      settle({ error: `its process ended (${signal ?? `exit code ${code}`}) before it had an answer` });
    };
    const startedMs = performance.now();
    const late = (): void => {
      const [, load = 0] = loadavg();
      const elapsedMs = performance.now() - startedMs;
      // A job that has a twentieth of a core is slow, and hangs no more than one that has a core to itself.
      if (elapsedMs < JOB_MS_MAX * Math.min(LOAD_MAX, load / availableParallelism())) {
        timer = setTimeout(late, JOB_MS_MAX);
        return;
      }
      child.kill('SIGKILL');
      settle({ error: `it had no answer after ${Math.round(elapsedMs / 60_000)} minutes and was killed` });
    };
    let timer = setTimeout(late, JOB_MS_MAX);
    child.on('message', onMessage);
    child.on('exit', onExit);
    child.send(job, (error) => {
      if (error) settle({ error: error.message });
    });
  });
}
