/**
 * How the person who runs the service asks and tells it things while it serves: a socket that only they can open, with a
 * line of JSON for each command, and numbers for Prometheus.
 *
 * It decides nothing: it reads commands, calls the supervisor, and writes what that says.
 */

import { linkSync, lstatSync, renameSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import type { Server } from 'node:net';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';

import { closeGracefully, createLineServer } from '../01-echo/index.ts';
import { HttpError, HttpResponse, serveHttp } from '../02-http/index.ts';
import type { HttpServer } from '../02-http/index.ts';
import { isSuccessor } from './child.ts';
import type { WorkerReport } from './child.ts';
import { parseBind } from './listener.ts';
import type { Settings } from './settings.ts';

/** What the supervisor knows, as numbers. */
export interface SupervisorFacts {
  readonly pid: number;
  readonly address: string;
  readonly generation: number;
  readonly uptimeMs: number;
  /** How many workers there should be. */
  readonly goal: number;
  readonly workers: readonly WorkerReport[];
  /** Since the start, with the workers that are gone: none of them ever goes down. */
  readonly totals: Readonly<Record<'requests' | 'forks' | 'crashes' | 'hangs' | 'reloads', number>>;
}

/** What the supervisor can be told. Each returns at once: what follows from it is done by the supervisor's loop. */
export interface Commands {
  show(): SupervisorFacts;
  /** The same as this signal. */
  signal(signal: 'SIGTTIN' | 'SIGTTOU' | 'SIGHUP' | 'SIGUSR1'): void;
  /** Lets a worker finish what it has begun; another takes its place. @returns false if there is no such worker */
  stopWorker(pid: number): boolean;
}

/** Commands that a signal gives as well. */
const SIGNAL_OF = { add: 'SIGTTIN', remove: 'SIGTTOU', reload: 'SIGHUP', reopen: 'SIGUSR1' } as const;

const LINE_BYTES_MAX = 64 * 1024;
const CLIENTS_MAX = 16;
/** A client that says nothing for so long makes room for another. */
const IDLE_MS = 60_000;
/** How often a second master looks whether the port of the first one's metrics is free. */
const RETRY_MS = 1_000;
/** How long the client waits for an answer. */
const ANSWER_MS = 10_000;

/** Opens what the settings ask for: the control socket, and the metrics. @param say is told where they are */
export async function openEyes({ controlSocket, metricsBind }: Settings, commands: Commands, say: (line: string) => void): Promise<{ close(): Promise<void> }> {
  const bind = metricsBind === '' ? null : parseBind(metricsBind);
  const closing = new AbortController();
  const metrics = bind?.kind === 'tcp' ? openMetrics(bind, () => commands.show(), say, closing.signal) : null;
  let control: { close(): Promise<void> } | null = null;
  const close = async (): Promise<void> => {
    closing.abort();
    await (await metrics?.catch(() => null))?.close();
    await control?.close();
  };
  try {
    // Of two masters the older one has the port, until it ends.
    if (!isSuccessor()) await metrics;
    if (controlSocket !== '') control = await openControl(controlSocket, commands, { takeOver: isSuccessor() });
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}

async function openMetrics(bind: { host: string; port: number }, facts: () => SupervisorFacts, say: (line: string) => void, signal: AbortSignal): Promise<HttpServer> {
  for (;;) {
    try {
      const server = await serveMetrics(bind, facts);
      say(`metrics on ${server.origin}/metrics`);
      return server;
    } catch (error) {
      if (!isSuccessor()) throw error;
      await wait(RETRY_MS, undefined, { signal });
    }
  }
}

/**
 * Listens for commands.
 *
 * @param path is replaced if a socket is there at which nobody answers
 * @param takeOver replace it even if a program answers, as the second master of an upgrade does
 * @returns what stops it: every connection ends, and the socket is removed, unless another program has taken the path since
 * @throws Error if a program answers there, or if there is something other than a socket
 */
export async function openControl(path: string, commands: Commands, { takeOver = false } = {}): Promise<{ close(): Promise<void> }> {
  if (isThere(path) && (await answers(path)) && !takeOver) throw new Error(`${path}: another program answers there`);
  const onLine = (line: string): string => JSON.stringify(obey(line, commands));
  const server = createLineServer({ onLine, lineBytesMax: LINE_BYTES_MAX, connectionsMax: CLIENTS_MAX });
  server.on('connection', (socket) => socket.setTimeout(IDLE_MS, () => socket.destroy()));
  // It gets its name when it is finished, in one step: nobody meets a socket that does not answer, or that is open to all.
  const unfinished = join(dirname(path), `.${process.pid}`);
  rmSync(unfinished, { force: true });
  await listenPrivately(server, unfinished);
  const { ino } = lstatSync(unfinished);
  // The master that it is taken from may go on: then it gets it back.
  const former = `${path}.old`;
  try {
    rmSync(former, { force: true });
    if (takeOver && isThere(path)) linkSync(path, former);
    renameSync(unfinished, path);
  } catch (error) {
    server.close();
    throw error;
  }
  return {
    close: async () => {
      await closeGracefully(server, { deadlineMs: 0 });
      for (const place of [path, former]) if (isThere(place) && lstatSync(place).ino === ino) rmSync(place);
      if (takeOver && isThere(former) && !isThere(path)) renameSync(former, path);
    },
  };
}

/** @throws Error if it is something that we must not replace */
function isThere(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats !== undefined && !stats.isSocket()) throw new Error(`${path}: there is a file, and it is not a socket`);
  return stats !== undefined;
}

/** Whether a program answers there. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    // Anything else, such as a queue that is full, is an answer.
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'));
  });
}

/** With mode 0600 from its first moment: `listen` makes the file before it returns, so the umask is ours alone until then. */
function listenPrivately(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const before = process.umask(0o177);
    try {
      server.listen(path, resolve);
    } finally {
      process.umask(before);
    }
  });
}

type Reply = { readonly ok: true; readonly [name: string]: unknown } | { readonly ok: false; readonly error: string };

/** What a line asks for, carried out. Never throws. */
function obey(line: string, commands: Commands): Reply {
  try {
    const { command, pid } = (JSON.parse(line) ?? {}) as { command?: unknown; pid?: unknown };
    switch (command) {
      case 'show':
        return { ok: true, ...commands.show() };
      case 'metrics':
        return { ok: true, text: metricsText(commands.show()) };
      case 'add':
      case 'remove':
      case 'reload':
      case 'reopen':
        commands.signal(SIGNAL_OF[command]);
        return { ok: true };
      case 'stop':
        if (typeof pid === 'number' && commands.stopWorker(pid)) return { ok: true };
        return { ok: false, error: `no worker has the pid ${String(pid)}` };
      default:
        return { ok: false, error: 'the commands are show, add, remove, reload, reopen, stop with a pid, and metrics' };
    }
  } catch (error) {
    return { ok: false, error: String(error) };
  }
}

/**
 * Sends one command and prints the answer as JSON.
 *
 * @returns the exit code: 0 if it was carried out, otherwise 1
 */
export async function controlClient(path: string, command: string, pid?: number): Promise<number> {
  try {
    const reply = JSON.parse(await ask(path, JSON.stringify({ command, pid }))) as Reply;
    console.log(JSON.stringify(reply, null, 2));
    return reply.ok ? 0 : 1;
  } catch (error) {
    console.error(`${path}: ${(error as Error).message}`);
    return 1;
  }
}

async function ask(path: string, line: string): Promise<string> {
  const socket = connect(path);
  socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error('no answer')));
  // With our end of the connection. The server answers what it has read, and ends it, too.
  socket.end(`${line}\n`);
  const answer = await text(socket);
  if (answer === '') throw new Error('the connection ended without an answer');
  return answer;
}

/** Sums over all workers, those that are gone among them: they never go down. */
const COUNTERS: readonly (readonly [name: string, help: string, key: keyof SupervisorFacts['totals']])[] = [
  ['ten_requests_total', 'Requests that were answered.', 'requests'],
  ['ten_forks_total', 'Workers that were started.', 'forks'],
  ['ten_crashes_total', 'Workers that ended without being told to.', 'crashes'],
  ['ten_hangs_total', 'Workers that were killed because they gave no sign of life.', 'hangs'],
  ['ten_reloads_total', 'Reloads.', 'reloads'],
];

/** What goes up and down. Seconds and bytes, as Prometheus wants them. */
const GAUGES: readonly (readonly [name: string, help: string, value: (facts: SupervisorFacts) => number])[] = [
  ['ten_generation', 'The generation of the newest workers.', ({ generation }) => generation],
  ['ten_uptime_seconds', 'How long the supervisor has run.', ({ uptimeMs }) => uptimeMs / 1000],
  ['ten_workers_goal', 'How many workers there should be.', ({ goal }) => goal],
  ['ten_workers', 'How many workers there are.', ({ workers }) => workers.length],
];

/** The same of each worker, with its process id as a label. */
const WORKER_GAUGES: readonly (readonly [name: string, help: string, value: (worker: WorkerReport) => number])[] = [
  ['ten_worker_requests', 'Requests that this worker has answered.', ({ requests }) => requests],
  ['ten_worker_connections', 'Connections that are open.', ({ connections }) => connections],
  ['ten_worker_resident_bytes', 'Resident memory.', ({ rssBytes }) => rssBytes],
  ['ten_worker_loop_delay_seconds', 'How late the event loop is.', ({ loopDelayMs }) => loopDelayMs / 1000],
  ['ten_worker_age_seconds', 'How long ago it was started.', ({ ageMs }) => ageMs / 1000],
];

/** The numbers in Prometheus' text format, version 0.0.4. */
export function metricsText(facts: SupervisorFacts): string {
  const family = (name: string, type: string, help: string, samples: string): string =>
    `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples}`;
  const { totals, workers } = facts;
  return [
    ...COUNTERS.map(([name, help, key]) => family(name, 'counter', help, `${name} ${totals[key]}\n`)),
    ...GAUGES.map(([name, help, value]) => family(name, 'gauge', help, `${name} ${value(facts)}\n`)),
    ...WORKER_GAUGES.map(([name, help, value]) =>
      family(name, 'gauge', help, workers.map((worker) => `${name}{pid="${worker.pid}"} ${value(worker)}\n`).join(''))),
  ].join('');
}

/** Serves the numbers as `GET /metrics`, from the supervisor's own process: it answers even while no worker does. */
export function serveMetrics(address: { host: string; port: number }, facts: () => SupervisorFacts): Promise<HttpServer> {
  return serveHttp(({ method, target }) => {
    if (target.split('?', 1)[0] !== '/metrics') throw new HttpError(404, 'the numbers are at /metrics');
    if (method !== 'GET' && method !== 'HEAD') throw new HttpError(405, '', [['Allow', 'GET, HEAD']]);
    const headers = { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8', 'Cache-Control': 'no-store' };
    return new HttpResponse(200, headers, metricsText(facts()));
  }, address);
}
