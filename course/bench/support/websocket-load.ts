/**
 * Load on WebSockets, by processes of our own (websocket-clients.ts), and the server's CPU time beside it.
 */

import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

import type { Cores } from './machine.ts';
import type { ServerProcess } from './server-process.ts';

export interface WebSocketLoad {
  /** `/echo`: each message comes back; `/room`: it goes to all, and the first client is the only one that speaks. */
  readonly path: '/echo' | '/room';
  readonly connections: number;
  /** Messages that a client sends at once, and waits for, before it sends again. */
  readonly inFlight: number;
  readonly bytes: number;
  readonly binary: boolean;
  /** Offer permessage-deflate, and send what is deflated. */
  readonly deflate: boolean;
  /** Each client sends once, and then no more. */
  readonly idle: boolean;
}

export interface WebSocketMeasured {
  /** Messages that have come to clients. */
  readonly messagesPerSecond: number;
  /** How busy the server's core was, by the server: 100 is one whole core. */
  readonly cpuPercent: number;
  readonly cpuMicrosecondsPerMessage: number;
  /** Connections that ended, and answers that were not what was asked for. */
  readonly failures: number;
}

/** What a process of clients counts. */
export interface ClientsCount {
  readonly messages: number;
  readonly seconds: number;
  readonly failures: number;
}

/** A process of clients on a core of its own. It says `ready`, takes `go` and `stop`, and then says what it counted. */
export class ClientsProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterableIterator<string>;

  constructor(load: WebSocketLoad, origin: string, core: string) {
    const script = join(import.meta.dirname, 'websocket-clients.ts');
    const args = ['-c', core, process.execPath, script, origin, JSON.stringify(load)];
    this.#child = spawn('taskset', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdin.on('error', () => undefined);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Waits until all are open and under load. */
  async ready(): Promise<void> {
    await this.#line();
  }

  go(): void {
    this.#child.stdin.write('go\n');
  }

  stop(): void {
    this.#child.stdin.write('stop\n');
  }

  async count(): Promise<ClientsCount> {
    return JSON.parse(await this.#line()) as ClientsCount;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.stdin.end();
    await exited;
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the clients have failed');
    return value;
  }
}

/** Runs a load against a server, shared by as many processes as the generator has cores. */
export async function runClients(
  server: ServerProcess,
  load: WebSocketLoad,
  seconds: number,
  cores: Cores,
): Promise<WebSocketMeasured> {
  const places = cores.generator.split(',');
  const share = Math.ceil(load.connections / places.length);
  const clients = places.map((core, i) => {
    // In a room one client of all speaks: that of the first process.
    const connections = Math.min(share, load.connections - i * share);
    const inFlight = load.path === '/room' && i > 0 ? 0 : load.inFlight;
    return new ClientsProcess({ ...load, connections, inFlight }, server.origin, core);
  });
  try {
    for (const process of clients) await process.ready();
    const cpuBefore = server.cpuSeconds();
    for (const process of clients) process.go();
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    for (const process of clients) process.stop();
    const cpuSeconds = server.cpuSeconds() - cpuBefore;
    return summary(await Promise.all(clients.map((process) => process.count())), cpuSeconds);
  } finally {
    await Promise.all(clients.map((process) => process.end()));
  }
}

function summary(counts: readonly ClientsCount[], cpuSeconds: number): WebSocketMeasured {
  const sum = (key: 'messages' | 'failures'): number => counts.reduce((total, count) => total + count[key], 0);
  const seconds = Math.max(...counts.map((count) => count.seconds));
  return {
    messagesPerSecond: sum('messages') / seconds,
    cpuPercent: (cpuSeconds / seconds) * 100,
    cpuMicrosecondsPerMessage: (cpuSeconds / sum('messages')) * 1e6,
    failures: sum('failures'),
  };
}
