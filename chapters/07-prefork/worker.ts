/**
 * The program in a worker's process: loads the application, serves it on the socket that the master has bound, tells that
 * it is alive, and finishes when it is told to.
 *
 * Descriptor 3 is the socket; the messages are those of child.ts.
 */

import type { Server } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';

import { reportDetached } from '../01-echo/index.ts';
import { errorLine, LoadAppError } from '../05-gateway/index.ts';
import { LifespanError, loadAsyncApp } from '../06-websocket/index.ts';
import type { AsyncApp, AsyncServer } from '../06-websocket/index.ts';
import { NotImplemented } from '#course/not-implemented.ts';
import { WatchedApp } from './app.ts';
import type { RequestReport } from './app.ts';
import type { Beat, FromWorker, ToWorker } from './child.ts';
import { loadHooks } from './configure.ts';
import { brokenApp, showErrors } from './develop.ts';
import { accessLine, LogFile } from './logs.ts';
import { applyToProcess, callHook } from './service.ts';
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
  readonly #server: AsyncServer;
  readonly #log: LogFile | null;
  readonly #beats: NodeJS.Timeout;
  #hasEnded = false;

  private constructor(settings: Settings, watched: WatchedApp, server: AsyncServer, log: LogFile | null) {
    this.#settings = settings;
    this.#watched = watched;
    this.#server = server;
    this.#log = log;
    this.#beats = this.#startBeats();
  }

  /** @throws LoadAppError, LifespanError, or what the server throws */
  static async start(settings: Settings, hooksModule: string | undefined): Promise<Worker> {
    applyToProcess(settings, 'worker');
    const log = settings.accessLog === '' ? null : new LogFile(settings.accessLog, 1, console.error);
    const loaded = await loadAsyncApp(settings.app, settings.interface).catch((error: unknown): AsyncApp => {
      if (settings.reload) return brokenApp(error instanceof LoadAppError && error.cause !== undefined ? error.cause : error);
      throw error;
    });
    const app = settings.reload ? showErrors(loaded) : loaded;
    const onDone = (report: RequestReport): void => log?.write(accessLine(settings.accessLogFormat, factsOf(report)));
    const watched = new WatchedApp(app, { ...settings, ...(log !== null && { onDone }) });
    if (hooksModule !== undefined) {
      callHook(await loadHooks(hooksModule), 'postWorkerInit', { pid: process.pid, settings }, console.error);
    }
    // TODO 7.1  Serve `watched.app` on the socket, which is descriptor LISTEN_FD: with the settings' backlog, and with
    //           `keepAliveMs` as the time for which a connection may be idle. Return a Worker with that server.
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
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearInterval(this.#beats);
    this.#log?.close();
    tell({ type: 'beat', beat: this.#beat(0) }, () => process.exit(0));
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
  const untilMs = performance.now() + withinMs;
  let accepted = 0;
  server.on('connection', () => accepted++);
  for (let before = -1; accepted > before && accepted <= backlog && performance.now() < untilMs;) {
    before = accepted;
    // Timers, then the sockets, then immediates: two of those have a look at the sockets between them.
    await turn();
    await turn();
  }
}

function factsOf({ scope, status, bytes, headers, durationMs }: RequestReport): Parameters<typeof accessLine>[1] {
  return {
    client: scope.client?.address ?? null,
    user: null,
    time: new Date(Date.now() - durationMs),
    method: scope.type === 'http' ? scope.method : 'GET',
    target: `${scope.rootPath}${scope.rawPath}${scope.query === '' ? '' : `?${scope.query}`}`,
    version: scope.httpVersion,
    status,
    bytes,
    durationMs,
    pid: process.pid,
    requestHeaders: scope.headers,
    responseHeaders: headers,
  };
}

function tell(message: FromWorker, then: () => void = () => undefined): void {
  if (process.connected) process.send!(message, then);
  else then();
}

/** Says why, and ends. */
function fail(error: unknown): void {
  const isMissing = error instanceof LoadAppError && error.problem !== 'module-failed';
  const code = isMissing ? 4 : error instanceof LoadAppError || error instanceof LifespanError ? 3 : 1;
  process.exitCode = code;
  tell({ type: 'failed', code, reason: error instanceof LoadAppError ? error.message : errorLine(error) }, () => process.exit(code));
}

let worker: Promise<Worker> | null = null;

process.on('message', (message: ToWorker) => {
  if (message.type === 'start') {
    worker = Worker.start(message.settings, message.hooksModule);
    worker.then(() => tell({ type: 'ready' })).catch(fail);
  } else if (message.type === 'drain') worker?.then((one) => one.finish(message.last, message.deadlineMs)).catch(reportDetached);
  else worker?.then((one) => one.reopenLog()).catch(reportDetached);
});
const leave = (): unknown => (worker === null ? process.exit(0) : worker.then((one) => one.leave()).catch(() => process.exit(0)));
process.once('disconnect', leave);
// A terminal, and anyone who signals the whole group, means the master.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGTTIN', 'SIGTTOU'] as const) process.on(signal, () => undefined);
for (const signal of ['SIGTERM', 'SIGQUIT'] as const) process.on(signal, leave);
