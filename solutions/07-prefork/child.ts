/**
 * The processes of a supervisor, as seen from the master: workers, and a second master for an upgrade.
 *
 * Each gets the listening socket as descriptor 3, and a worker a channel for messages besides. What they do with them is
 * theirs; when to start and to end them is the supervisor's.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';

import { captureOutput } from './logs.ts';
import type { Aims, WorkerFacts, WorkerState } from './plan.ts';
import { Pidfile, workerIds } from './service.ts';
import type { Settings } from './settings.ts';

/** The number under which a child finds the listening socket: the first that systemd uses, too. */
export const LISTEN_FD = 3;

/** Tells a second master which process it comes from. */
export const UPGRADE_VARIABLE = 'TEN_UPGRADE_FROM';

const WORKER_PROGRAM = fileURLToPath(new URL('./worker.ts', import.meta.url));

/** Messages to a worker. */
export type ToWorker =
  | { readonly type: 'start'; readonly settings: Settings; readonly hooksModule: string | undefined }
  /** Finish. `last`: nobody else takes what waits in the accept queue. `deadlineMs`: what is in progress then is cut. */
  | { readonly type: 'drain'; readonly last: boolean; readonly deadlineMs: number }
  /** The log files have been renamed. */
  | { readonly type: 'reopen' };

/** Messages from a worker. */
export type FromWorker =
  | { readonly type: 'ready' }
  /** It finishes, though the master has not told it to: somebody has sent it a signal. */
  | { readonly type: 'leaves' }
  /** It cannot serve, and exits with this code. */
  | { readonly type: 'failed'; readonly code: number; readonly reason: string }
  | { readonly type: 'beat'; readonly beat: Beat };

/** What a heartbeat says. */
export interface Beat {
  /** Since it started. */
  readonly requests: number;
  readonly connections: number;
  readonly rssBytes: number;
  /** The longest time, in milliseconds, for which its event loop has stood still since the last heartbeat. */
  readonly loopDelayMs: number;
}

/** What people and machines are told of a worker. */
export interface WorkerReport extends Beat {
  readonly pid: number;
  readonly state: WorkerState;
  readonly generation: number;
  readonly ageMs: number;
}

export interface ChildEvents {
  readonly onMessage: (message: FromWorker) => void;
  /** Called once, also for a process that could not be started at all. @param how for people: `exit code 7`, `SIGKILL` */
  readonly onEnd: (code: number | null, signal: string | null, how: string) => void;
  /** A line that it has printed, if its output is captured. */
  readonly onLine: (line: string) => void;
}

/** What a worker that has been told to finish, or to cut, has left before it is killed. */
const LAST_WORDS_MS = 2_000;
/** How long what a worker has printed is still read after its end. */
const LAST_OUTPUT_MS = 500;

// region child
/** One worker: its process, and what is known of it. Moments are milliseconds of `performance.now()`. */
export class Child implements WorkerFacts {
  state: WorkerState = 'booting';
  readonly generation: number;
  readonly forkedMs = performance.now();
  servingMs = Infinity;
  heardMs = this.forkedMs;
  deadlineMs: number;
  readonly requestsMax: number;
  rssSamples = 0;
  loopDelaySamples = 0;
  beat: Beat = { requests: 0, connections: 0, rssBytes: 0, loopDelayMs: 0 };
  /** Why it could not boot, as it has said itself. */
  failure: { readonly code: number; readonly reason: string } | null = null;
  readonly #process: ChildProcess;

  /** Forks. @param fd the listening socket. @throws Error for a user or a group that may not be taken */
  constructor({ settings, goal }: Aims, hooksModule: string | undefined, fd: number, { onMessage, onEnd, onLine }: ChildEvents) {
    const { bootTimeoutMs, maxRequests, maxRequestsJitter } = settings;
    this.generation = goal.generation;
    this.deadlineMs = this.forkedMs + bootTimeoutMs;
    this.requestsMax = maxRequests === 0 ? Infinity : maxRequests + randomInt(maxRequestsJitter + 1);
    // SIGUSR1 would open a port for debuggers in a worker. The master listens to it, which takes it from the debugger.
    const output = settings.captureOutput ? 'pipe' : 'inherit';
    this.#process = spawn(process.execPath, ['--disable-sigusr1', ...process.execArgv, WORKER_PROGRAM], {
      stdio: ['ignore', output, output, fd, 'ipc'],
      env: withoutHandover(),
      ...workerIds(settings),
    });
    this.#process.on('message', onMessage);
    for (const stream of [this.#process.stdout, this.#process.stderr]) if (stream) captureOutput(stream, onLine);
    let problem: string | null = null;
    this.#process.on('error', ({ message }) => (problem = message));
    // A process that it has started may have its output, and keep it for ever.
    this.#process.once('exit', () => setTimeout(() => [this.#process.stdout, this.#process.stderr].forEach((one) => one?.destroy()), LAST_OUTPUT_MS).unref());
    // Later than `exit`: what it has said by then has been heard. And it comes even if there never was a process.
    this.#process.once('close', (code, signal) => onEnd(this.pid === 0 ? null : code, signal, signal ?? problem ?? `exit code ${code}`));
    this.tell({ type: 'start', settings, hooksModule });
  }

  /** 0 if it could not be started. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get requests(): number {
    return this.beat.requests;
  }

  /** It has said that it serves. */
  isReady(): void {
    if (this.state === 'booting') Object.assign(this, { state: 'serving', servingMs: performance.now(), deadlineMs: Infinity });
  }

  /** A heartbeat: how often in a row has it been too large, or too slow? */
  hear(beat: Beat, { rssMaxBytes, loopDelayMaxMs }: Settings): void {
    this.beat = beat;
    this.rssSamples = rssMaxBytes > 0 && beat.rssBytes > rssMaxBytes ? this.rssSamples + 1 : 0;
    this.loopDelaySamples = loopDelayMaxMs > 0 && beat.loopDelayMs > loopDelayMaxMs ? this.loopDelaySamples + 1 : 0;
  }

  /** It shall finish; what is in progress after `withinMs` is cut. `last`: nobody else takes what waits in the accept queue. */
  drain(withinMs: number, last: boolean): void {
    this.leaves(withinMs);
    this.tell({ type: 'drain', last, deadlineMs: withinMs });
  }

  leaves(withinMs: number): void {
    this.state = 'draining';
    this.deadlineMs = performance.now() + withinMs + LAST_WORDS_MS;
  }

  kill(): void {
    this.state = 'killed';
    this.#process.kill('SIGKILL');
  }

  /** For the control socket, and the metrics. */
  report(nowMs: number): WorkerReport {
    const { pid, state, generation, forkedMs, beat } = this;
    return { pid, state, generation, ageMs: nowMs - forkedMs, ...beat };
  }

  tell(message: ToWorker): void {
    // A child that has just gone is reported by `close`.
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }
}
// endregion

/** This program once more, as a second master on the same socket. One of the two will be ended by somebody. */
export class SecondMaster {
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #pidfile: string;
  readonly #renamed: string;

  /** @param pidfile makes room for the second master's; `''` without one. @param onEnd called when that has ended */
  constructor(fd: number, pidfile: string, onEnd: (how: string) => void) {
    this.#pidfile = pidfile;
    this.#renamed = `${pidfile}.oldbin`;
    if (pidfile !== '') new Pidfile(pidfile).rename(this.#renamed);
    const env = { ...withoutHandover(), [UPGRADE_VARIABLE]: String(process.pid) };
    const master = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], { stdio: ['inherit', 'inherit', 'inherit', fd], env });
    master.on('error', () => undefined);
    master.once('close', (code, signal) => onEnd(signal ?? `exit code ${code}`));
    this.#process = master;
    this.pid = master.pid ?? 0;
  }

  /** It has ended: this process is the only master again. */
  gone(): void {
    if (this.#pidfile !== '') new Pidfile(this.#renamed).rename(this.#pidfile);
  }

  /** This process ends, and does not wait for its child. */
  takesOver(): void {
    this.#process.unref();
    if (this.#pidfile !== '') new Pidfile(this.#renamed).remove();
  }
}

/** Whether this process is such a second master, as long as the first one lives. */
export function isSuccessor(): boolean {
  return Number(process.env[UPGRADE_VARIABLE]) === process.ppid;
}

/** A child must not take for its own what was handed over to us. */
function withoutHandover(): NodeJS.ProcessEnv {
  const { LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES, [UPGRADE_VARIABLE]: from, ...rest } = process.env;
  return rest;
}
