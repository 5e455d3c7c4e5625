/**
 * The program in a worker's process: loads the application, serves it on the socket that the master has bound, tells that
 * it is alive, and finishes when it is told to.
 *
 * Descriptor 3 is the socket; the messages are those of child.ts.
 */

import type { Server } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';

import { reportDetached } from '../01-echo/index.ts';
import type { AsyncServer } from '../06-websocket/index.ts';
import { NotImplemented } from '#course/not-implemented.ts';
import type { RequestReport, WatchedApp } from './app.ts';
import type { Beat, FromWorker, ToWorker } from './child.ts';
import type { AccessFacts, LogFile } from './logs.ts';
import type { Settings } from './settings.ts';

/** How often the master hears from us, in milliseconds, unless it loses patience sooner. */
const BEAT_MS = 1_000;
/** How long a request may be on its way to a server that stops. */
const LAST_REQUEST_MS = 1_000;
/** The part of the time for a graceful end that we go on accepting at most, while the queue does not get empty. */
const QUEUE_SHARE = 1 / 4;

// region serve
class Worker {
  readonly #settings: Settings;
  readonly #watched: WatchedApp;
  readonly #server: Pick<AsyncServer, 'http' | 'closeGracefully' | 'close'>;
  readonly #log: LogFile | null;
  readonly #beats: NodeJS.Timeout;

  private constructor(settings: Settings, watched: WatchedApp, server: Pick<AsyncServer, 'http' | 'closeGracefully' | 'close'>, log: LogFile | null) {
    this.#settings = settings;
    this.#watched = watched;
    this.#server = server;
    this.#log = log;
    this.#beats = this.#startBeats();
  }

  /** @throws LoadAppError, LifespanError, or what the server throws */
  static async start(settings: Settings, hooksModule: string | undefined): Promise<Worker> {
    // TODO 7.1  Load the application that `app` and `interface` name, and serve it, as a WatchedApp, on the socket, which is
    //           descriptor LISTEN_FD: with the settings' backlog, and with `keepAliveMs` as the time for which a connection
    //           may be idle. Return a Worker with that server; it has no log.

    // TODO 7.7  First of all this process gets its umask and its title (`applyToProcess`). The hook `postWorkerInit` of
    //           `hooksModule` is called when the application is loaded, before it is served; what it throws goes to stderr.
    //           If that module has a hook `serve`, it serves in the place of `serveAsync`, with the same options.

    // TODO 7.8  If there is an `accessLog`, each request that is over (`onDone`) is a line of it, in the settings' format;
    //           `-` is stdout. What goes wrong with the log goes to stderr. The log is the Worker's.

    // TODO 7.9  With `reload`, what the application throws is shown (`showErrors`), and one that cannot be loaded is
    //           served as a broken one (`brokenApp`), with the error behind it: the `cause` of the LoadAppError, if it has one.
    throw new NotImplemented('7.1');
  }
  // endregion

  // region beat
  /** From the main loop: while that is blocked there are no heartbeats, which is the point. */
  #startBeats(): NodeJS.Timeout {
    // TODO 7.4  Four heartbeats in `timeoutMs` (0 is off), and at least one in BEAT_MS. Each says for how long the loop has
    //           stood still since the last one: the longest time, to about 10 ms. A stop of half of `timeoutMs`
    //           puts the stack of this thread into the log (stack-watch.ts).
    return setInterval(() => tell({ type: 'beat', beat: this.#beat(0) }), BEAT_MS);
  }
  // endregion

  #beat(loopDelayMs: number): Beat {
    return { requests: this.#watched.total, connections: this.#server.http.connections, rssBytes: process.memoryUsage.rss(), loopDelayMs };
  }

  // region drain
  /**
   * Takes no more connections, finishes what is in progress, and ends the process.
   *
   * @param last nobody else takes what waits in the accept queue: those clients have been accepted by the kernel
   */
  async finish(last: boolean, deadlineMs: number): Promise<void> {
    // TODO 7.3  Do what the comment above says, and tell the application that it is over (the lifespan's shutdown), even if
    //           its requests are cut. What has not ended `deadlineMs` from now is cut, after a line on stderr for each that
    //           was still running: `still running: GET /slow, 31 s`. A second call only sets another deadline, sooner or
    //           later than the first; the server's `closeGracefully` takes a sooner one, but no later one. An idle
    //           connection ends at once.

    // TODO 7.5  An idle connection does not end at once any more: it may have sent a request that is on its way. For
    //           `keepAliveMs` it is waited for, and answered, with `Connection: close`. If nobody else serves (`last`),
    //           those that come later have nowhere to go, and LAST_REQUEST_MS is enough. WebSockets and event streams go on
    //           for `streamCloseDelayMs` if others serve; then they are told to end. If `deadlineMs` is 0, nobody waits for
    //           anything.
    throw new NotImplemented('7.3');
  }

  /** The last heartbeat, and the end of the process. */
  #end(): void {
    // TODO 7.2  Do what the comment above says, with exit code 0: once, however often it is called, and when the heartbeat has
    //           been sent.

    // TODO 7.8  What is written to the log has an end, too.
    throw new NotImplemented('7.2');
  }
  // endregion

  reopenLog(): void {
    this.#log?.reopen();
  }

  /** Somebody has sent this process a signal, or the master has gone and nothing else would ever end it. */
  leave(): void {
    // TODO 7.2  This cuts what is in progress. It may take `gracefulTimeoutMs` to end.

    // TODO 7.3  Tell the master that it `leaves`, and do what `finish` does. Nobody else may be left to take the queue.
    this.#end();
  }
}

/**
 * Resolves when the loop has looked for new connections once and found none: everyone who had waited has been accepted.
 * Under a steady load that may never be so. But the queue held `backlog` connections at most, and time is short.
 */
async function queueIsEmpty(server: Server, backlog: number, withinMs: number): Promise<void> {
  // TODO 7.3  Do what the comment above says: after more than `backlog` connections, or after `withinMs`, it resolves all the
  //           same. The loop runs timers, then looks at the sockets, then runs immediates (`turn`).
  throw new NotImplemented('7.3');
}

/** What the access log is told. No user is known. */
function factsOf({ scope, status, bytes, headers, durationMs }: RequestReport): AccessFacts {
  // TODO 7.8  Do what the comment above says. `time` is when the request came; a WebSocket came with GET; the target is as
  //           the client has sent it: the scope has its parts.
  throw new NotImplemented('7.8');
}

function tell(message: FromWorker, then: () => void = () => undefined): void {
  if (process.connected) process.send!(message, then);
  else then();
}

/** Says why, and ends. */
function fail(error: unknown): void {
  // TODO 7.2  The master is told (`failed`) the reason in one line, and the exit code with which this process ends then, as
  //           the lesson's table says: a LoadAppError whose `problem` is not `module-failed` means that there is no such
  //           application. An error that is in no row of the table is 1.
  console.error(error);
  process.exit(1);
}

let worker = null as Promise<Worker> | null;

/** Does what the master says. */
function obey(message: ToWorker): void {
  // TODO 7.1  `start` is said once, and first: begin to serve (`worker`), and say `ready` when that is so. If it cannot be,
  //           `fail`.

  // TODO 7.3  `drain` is what `finish` is for.

  // TODO 7.8  `reopen` is what `reopenLog` is for.
  throw new NotImplemented('7.1');
}

const leave = (): unknown => (worker === null ? process.exit(0) : worker.then((one) => one.leave()).catch(() => process.exit(0)));
process.on('message', obey);
process.once('disconnect', leave);
// A terminal, and anyone who signals the whole group, means the master.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGTTIN', 'SIGTTOU'] as const) process.on(signal, () => undefined);
for (const signal of ['SIGTERM', 'SIGQUIT'] as const) process.on(signal, leave);
