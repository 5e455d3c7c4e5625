/**
 * The master: one loop that takes one event after another.
 *
 * Signals, messages and ended children only put an event into the queue. Each event changes what is wanted or what is
 * known; then plan.ts decides, and the decisions are carried out. Nothing in the loop waits: what takes time (reading the
 * settings anew) puts an event into the queue when it is done. So no signal is lost while another is handled.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import type { Commands, SupervisorFacts } from './control.ts';
import type { Hooks } from './service.ts';
import type { Settings } from './settings.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGTTIN', 'SIGTTOU', 'SIGWINCH'] as const;
/** The signals that the master obeys. */
export type Signal = (typeof SIGNALS)[number];

export interface SupervisorOptions {
  readonly hooks?: Hooks;
  /** Reads the settings, and the hooks, anew for a reload. Without it they stay. */
  readonly reread?: () => Promise<{ readonly settings: Settings; readonly hooks?: Hooks }>;
}

/** Keeps a number of workers serving, for as long as it runs. */
export class Supervisor implements Commands {
  // Everything in here is yours. It grows with the exercises: each TODO says what the supervisor can do when that
  // exercise is done.

  // TODO 7.1  It binds `settings.bind`, and forks `settings.workers` workers, which serve from that one socket. When all
  //           of them serve, and not before, it writes `listening on ADDRESS` to stdout, once. Everything else that it has
  //           to say is a line of the error log (`settings.errorLog`). If the socket cannot be had, the reason goes there,
  //           and `run` resolves to 1. Otherwise `run` does not end yet. The socket is open as long as the master runs,
  //           even while there is no worker.

  // TODO 7.2  What happens to workers becomes events, which are taken one by one; after each of them `plan` is asked what
  //           to do now, and asked again at `nextMoment`. `judgeEnd` says what the end of a worker means: `cannot-start`
  //           ends `run` with the code that the worker has given (3 without one), `hopeless` with 1, and after every other
  //           verdict the plan decides. In the first two cases, the workers that are left are killed, and `run` resolves
  //           when none is left. The log has a line for each death that nobody asked for, with its reason and with what
  //           follows from it (`news`). Failures are forgotten when a worker that was forked after the last one has served
  //           for SETTLED_MS.

  // TODO 7.3  Each of SIGNALS is obeyed while `run` runs, as the lesson's table says, in the order in which they come, and
  //           also while it stops. A handler does nothing but put an event into the queue. A stop ends `run` with 0, or
  //           with the code of what has caused it: the two of 7.2 are fast stops from now on. As soon as a stop begins,
  //           this process lets go of the socket: nobody can connect any more once the last worker has closed it. The log
  //           has a line for each worker that is told to go, and says why. `signal` does the same as the signal. A worker
  //           that says that it leaves is replaced. A master without workers lives on.

  // TODO 7.4  A worker that has given no sign of life for too long, or is unfit, is dealt with as the plan decides; the
  //           log says why. Every message is a sign of life, `ready` too: note it in `heardMs`, which neither `isReady` nor
  //           `hear` does. If the master itself has stood still, its workers are not to blame for what it has not heard.

  // TODO 7.5  SIGHUP begins a new generation of workers, with the settings that `reread` gives; `bind` stays, and the log
  //           says so if another one is wanted. If they cannot be read, nothing changes but the log. TTIN and TTOU that come
  //           while they are read count. If the new generation cannot start, the goal goes back to the one that was reached
  //           last.

  // TODO 7.6  SIGUSR2 starts a second master on the same socket; while there is one, no third. When it has ended, this one
  //           goes on as the only one. Whichever of the two ends does not remove what the other needs: the name of a Unix
  //           domain socket, the pidfile. What waits in the accept queue is then for the workers of the other.

  // TODO 7.7  The hooks are called, each at its moment and with its facts (service.ts); `postWorkerInit` is the worker's.
  //           An `onStarting` that throws ends `run` with 1, before anything has been bound. No hook is waited for, but
  //           what it rejects with is logged: so leave the log open, even after `onExit`. A reload brings the hooks that
  //           `reread` gives.

  // TODO 7.8  The control socket and the metrics are open while `run` runs, if the settings want them (`openEyes`): `run`
  //           resolves to 1 if they cannot be had. `show` and `stopWorker` do what control.ts says. What a worker prints is
  //           in the log with the worker's pid, if its output is captured. SIGUSR1 opens the log files anew, the workers'
  //           access logs too.

  // TODO 7.9  With `settings.reload`, a change in the working directory is a SIGHUP.

  constructor(settings: Settings, options: SupervisorOptions = {}) {
    throw new NotImplemented('7.1');
  }

  /** Serves until it is told to stop, or cannot. Resolves to the exit code of the program. */
  async run(): Promise<number> {
    throw new NotImplemented('7.1');
  }

  /** A signal that has come by another way: over the control socket. */
  signal(signal: Signal): void {
    throw new NotImplemented('7.3');
  }

  /** Lets a worker finish; another takes its place. @returns false if there is no such worker */
  stopWorker(pid: number): boolean {
    throw new NotImplemented('7.8');
  }

  /** What it knows, as numbers. */
  show(): SupervisorFacts {
    throw new NotImplemented('7.8');
  }
}
