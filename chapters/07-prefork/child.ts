/**
 * The processes of a supervisor, as seen from the master: workers, and a second master for an upgrade.
 *
 * Each gets the listening socket as descriptor 3, and a worker a channel for messages besides. What they do with them is
 * theirs; when to start and to end them is the supervisor's.
 */

import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { NotImplemented } from '#course/not-implemented.ts';
import type { Aims, WorkerFacts, WorkerState } from './plan.ts';
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
  constructor({ settings, goal }: Aims, hooksModule: string | undefined, fd: number, events: ChildEvents) {
    this.generation = goal.generation;
    this.deadlineMs = this.forkedMs + settings.bootTimeoutMs;

    // TODO 7.4  A worker is old after `maxRequests` requests (0: never), and up to `maxRequestsJitter` more, by chance.
    this.requestsMax = Infinity;

    // TODO 7.1  Start WORKER_PROGRAM in a process of its own, with this process's own options for Node, and
    //           --disable-sigusr1 besides: without it, SIGUSR1 opens a port for debuggers in a worker. It has no stdin; its
    //           stdout and stderr are ours; the socket is its descriptor LISTEN_FD, the one after that is a channel for
    //           messages. Its messages go to `onMessage`, and `onEnd` is called once, when it has ended and everything that
    //           it has said has been heard: also where the process could not be started (`code` is null then, and `how`
    //           says why). Last, send it `start`.

    // TODO 7.6  It must not find in its environment what was meant for this process alone: `withoutHandover`.

    // TODO 7.7  It runs as the user and the group of the settings (`workerIds`).

    // TODO 7.8  If `captureOutput` is set, what it prints comes to us, line by line (`onLine`).
    //           A process that it has started may have inherited its output, and keep it open for ever: it has ended all the
    //           same.
    throw new NotImplemented('7.1');
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
    // TODO 7.4  Count how often in a row the resident memory has been above `rssMaxBytes`, and the event loop has stood
    //           still for longer than `loopDelayMaxMs`. 0 is off.
    this.beat = beat;
  }

  /** It shall finish; what is in progress after `withinMs` is cut. `last`: nobody else takes what waits in the accept queue. */
  drain(withinMs: number, last: boolean): void {
    // TODO 7.3  It counts as leaving from now on, and is told.
    throw new NotImplemented('7.3');
  }

  /** It finishes, told or not, and will take no more than `withinMs` for it. */
  leaves(withinMs: number): void {
    // TODO 7.3  It drains. When it has had its time, and LAST_WORDS_MS to say what it has cut, it is overdue: its own
    //           `deadlineMs` is a moment, and that of the message a time from now. A second call counts from then on, even
    //           if that is later.
    throw new NotImplemented('7.3');
  }

  kill(): void {
    // TODO 7.2  The process may be blocked, or stopped: only SIGKILL ends it for sure.
    throw new NotImplemented('7.2');
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

  /** @param pidfile makes room for the second master's; `''` without one. @param onEnd called when that has ended */
  constructor(fd: number, pidfile: string, onEnd: (how: string) => void) {
    // TODO 7.6  Start this program once more, as it was started itself: with the same options for Node and the same
    //           arguments, the same stdin, stdout and stderr, and the socket as descriptor LISTEN_FD. UPGRADE_VARIABLE in its
    //           environment has the pid of this process. A pidfile is renamed before, to the same name with `.oldbin`
    //           after it.
    throw new NotImplemented('7.6');
  }

  /** It has ended: this process is the only master again. */
  gone(): void {
    // TODO 7.6  The pidfile has its old name again.
    throw new NotImplemented('7.6');
  }

  /** This process ends, and does not wait for its child. */
  takesOver(): void {
    // TODO 7.6  Do what the comment above says. The renamed pidfile goes; that of the second master stays.
    throw new NotImplemented('7.6');
  }
}

/** Whether this process is such a second master, as long as the first one lives. */
export function isSuccessor(): boolean {
  // TODO 7.6  UPGRADE_VARIABLE has the pid of the master that has started it. A process that loses its parent gets another.
  return false;
}

/** A child must not take for its own what was handed over to us. */
function withoutHandover(): NodeJS.ProcessEnv {
  // TODO 7.6  This process's environment without UPGRADE_VARIABLE and what systemd says: LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES.
  return process.env;
}
