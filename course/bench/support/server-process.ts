/**
 * A server under test, as a process of its own on a core of its own, with its CPU time and memory out of /proc.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';

import { cpuSecondsOf, killTree } from './process-tree.ts';

export interface ServerCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Where it listens. Without it, the server prints `listening on URL` when it is ready. */
  readonly origin?: string;
}

const READY_MS = 10_000;
const PAGE_BYTES = 4096;

export class ServerProcess {
  readonly name: string;
  readonly origin: string;
  readonly pid: number;
  readonly #child: ChildProcess;

  private constructor(name: string, origin: string, child: ChildProcess) {
    this.name = name;
    this.origin = origin;
    this.pid = child.pid!;
    this.#child = child;
  }

  /** Starts a server pinned to a core. Resolves when it is ready. @throws Error with its output when it is not */
  static async start(server: ServerCommand, core: string): Promise<ServerProcess> {
    // taskset replaces itself by the program, so the process id is the server's.
    const child = spawn('taskset', ['-c', core, server.command, ...server.args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const origin = await ready(child, server);
    return new ServerProcess(server.name, origin, child);
  }

  /**
   * Seconds of CPU time that the process has used, its threads included. From `schedstat`, which counts nanoseconds:
   * `stat` counts ticks of 10 ms, of which a short round on a busy machine has ten. But `stat` has the threads that
   * have ended, too, of which a server with a thread for each connection has many.
   */
  cpuSeconds(): number {
    const threads = readdirSync(`/proc/${this.pid}/task`);
    const nanoseconds = threads.reduce((sum, thread) => sum + threadNanoseconds(this.pid, thread), 0);
    return Math.max(nanoseconds / 1e9, cpuSecondsOf(this.pid));
  }

  /** Bytes of memory in use (resident set). */
  residentBytes(): number {
    return Number(readFileSync(`/proc/${this.pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    killTree(this.pid);
    await exited;
  }
}

/** 0 for a thread that has ended meanwhile. */
function threadNanoseconds(pid: number, thread: string): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  } catch {
    return 0;
  }
}

function ready(child: ChildProcess, server: ServerCommand): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const fail = (what: string): void => reject(new Error(`${server.name} ${what}\n${output}`));
    const timer = setTimeout(() => fail(`was not ready after ${READY_MS} ms`), READY_MS);
    const done = (origin: string): void => {
      clearTimeout(timer);
      resolve(origin);
    };
    const onOutput = (chunk: Buffer): void => {
      output += chunk.toString();
      const line = /^listening on (\S+)$/m.exec(output);
      if (server.origin === undefined && line !== null) done(line[1]!);
    };
    child.stdout!.on('data', onOutput);
    child.stderr!.on('data', onOutput);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => fail(`exited with ${code}`));
    if (server.origin !== undefined) void untilConnected(server.origin).then(() => done(server.origin!));
  });
}

async function untilConnected(origin: string): Promise<void> {
  const { hostname, port } = new URL(origin);
  for (let attempt = 0; attempt < READY_MS / 20; attempt++) {
    const connected = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: hostname, port: Number(port) }, () => resolve(true));
      socket.once('error', () => resolve(false)).once('connect', () => socket.destroy());
    });
    if (connected) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A port that is free now, for a server that cannot choose one and say so. */
export async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
