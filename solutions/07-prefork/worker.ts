/**
 * The program in a worker's process: loads the application, serves it on the socket that the master has bound, tells that
 * it is alive, and finishes when it is told to.
 *
 * Descriptor 3 is the socket; the messages are those of child.ts.
 */

import type { Server } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';

import { reportDetached, startDeadline } from '../01-echo/index.ts';
import { errorLine, LoadAppError } from '../05-gateway/index.ts';
import { LifespanError, loadAsyncApp, serveAsync } from '../06-websocket/index.ts';
import type { AsyncApp, AsyncServer } from '../06-websocket/index.ts';
import { WatchedApp } from './app.ts';
import type { RequestReport } from './app.ts';
import { LISTEN_FD } from './child.ts';
import type { Beat, FromWorker, ToWorker } from './child.ts';
import { loadHooks } from './configure.ts';
import { brokenApp, showErrors } from './develop.ts';
import { accessLine, LogFile } from './logs.ts';
import type { AccessFacts } from './logs.ts';
import { applyToProcess, callHook } from './service.ts';
import type { Settings } from './settings.ts';
import { watchStack } from './stack-watch.ts';

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
  #deadline = startDeadline(() => undefined, Infinity);
  #finishing = false;
  #hasEnded = false;

  private constructor(settings: Settings, watched: WatchedApp, server: Pick<AsyncServer, 'http' | 'closeGracefully' | 'close'>, log: LogFile | null) {
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
    const hooks = hooksModule === undefined ? undefined : await loadHooks(hooksModule);
    callHook(hooks ?? {}, 'postWorkerInit', { pid: process.pid, settings }, console.error);
    const { backlog, keepAliveMs } = settings;
    const server = await (hooks?.serve ?? serveAsync)(watched.app, { fd: LISTEN_FD, backlog, timeouts: { idleMs: keepAliveMs } });
    return new Worker(settings, watched, server, log);
  }
  // endregion

  // region beat
  /** From the main loop: while that is blocked there are no heartbeats, which is the point. */
  #startBeats(): NodeJS.Timeout {
    const { timeoutMs } = this.#settings;
    const everyMs = timeoutMs === 0 ? BEAT_MS : Math.min(BEAT_MS, timeoutMs / 4);
    const heartbeats = timeoutMs === 0 ? null : watchStack(timeoutMs / 2);
    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    return setInterval(() => {
      if (heartbeats !== null) Atomics.add(heartbeats, 0, 1);
      tell({ type: 'beat', beat: this.#beat(delay.max / 1e6) });
      delay.reset();
    }, everyMs);
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
    const { backlog, keepAliveMs, streamCloseDelayMs } = this.#settings;
    this.#deadline.clear();
    this.#deadline = startDeadline(() => this.#cut(), deadlineMs);
    if (this.#finishing) return;
    this.#finishing = true;
    if (last && deadlineMs > 0) await queueIsEmpty(this.#server.http.server, backlog, deadlineMs * QUEUE_SHARE);
    // An idle connection may have sent a request that is on its way. It gets its answer, which says `Connection: close`.
    // If all stop, those that come later have nowhere to go, and nobody waits for them.
    const idleMs = Math.min(keepAliveMs, deadlineMs, last ? LAST_REQUEST_MS : Infinity);
    const ended = this.#server.http.closeGracefully({ deadlineMs: Infinity, idleMs });
    // WebSockets and event streams have no end of their own. They are told to go, if need be later. Then the application.
    const tellAll = (): void => { this.#server.closeGracefully({ deadlineMs: Infinity, idleMs }).then(() => this.#end()).catch(reportDetached); };
    const delay = startDeadline(tellAll, last ? 0 : streamCloseDelayMs);
    await ended;
    delay.clear();
    tellAll();
  }

  /** Time is up: says what has not ended, and cuts it. */
  #cut(): void {
    for (const what of this.#watched.running()) console.error(`still running: ${what}`);
    this.#server.close().then(() => this.#end()).catch(reportDetached);
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
    tell({ type: 'leaves' });
    this.finish(true, this.#settings.gracefulTimeoutMs).catch(reportDetached);
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

/** What the access log is told. No user is known. */
function factsOf({ scope, status, bytes, headers, durationMs }: RequestReport): AccessFacts {
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

let worker = null as Promise<Worker> | null;

/** Does what the master says. */
function obey(message: ToWorker): void {
  if (message.type === 'start') {
    worker = Worker.start(message.settings, message.hooksModule);
    worker.then(() => tell({ type: 'ready' })).catch(fail);
  } else if (message.type === 'drain') worker?.then((one) => one.finish(message.last, message.deadlineMs)).catch(reportDetached);
  else worker?.then((one) => one.reopenLog()).catch(reportDetached);
}

const leave = (): unknown => (worker === null ? process.exit(0) : worker.then((one) => one.leave()).catch(() => process.exit(0)));
process.on('message', obey);
process.once('disconnect', leave);
// A terminal, and anyone who signals the whole group, means the master.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGTTIN', 'SIGTTOU'] as const) process.on(signal, () => undefined);
for (const signal of ['SIGTERM', 'SIGQUIT'] as const) process.on(signal, leave);
