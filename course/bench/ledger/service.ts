/**
 * A service under test: a master with its workers, all of them in one process group, so that nothing is left behind
 * when the service has been stopped, whatever became of its master.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

import { childIds, groupIds, isAlive } from '../support/process-tree.ts';

/** How long a service may take to answer for the first time, or to be gone: the machine may be busy. */
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 20;
/** Of its output, what is kept to say why it has failed. */
const OUTPUT_MAX = 20_000;

/** Starts a program and ends when its pidfile is there. */
const LEAVE = '"$@" & while [ ! -s "$0" ]; do sleep 0.1; done';

export class Service {
  readonly port: number;
  readonly #child: ChildProcess;
  #output = '';
  /** The master: another process after an upgrade. */
  master: number;

  private constructor(port: number, child: ChildProcess) {
    this.port = port;
    this.#child = child;
    this.master = child.pid!;
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_MAX);
    };
    child.stdout!.on('data', keep);
    child.stderr!.on('data', keep);
  }

  /**
   * Starts a program; resolves when a request is answered.
   *
   * @param pidfile where the master writes its id, of a program that must not be the child of whatever started it
   * @throws Error with its output when there is no answer
   */
  static async start(port: number, command: readonly string[], environment: Readonly<Record<string, string>> = {}, pidfile?: string): Promise<Service> {
    const [program, ...args] = pidfile === undefined ? command : ['sh', '-c', LEAVE, pidfile, ...command];
    const child = spawn(program!, args, {
      stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: { ...process.env, ...environment },
    });
    // Without this, an error of spawn would end the bench.
    child.on('error', () => undefined);
    if (child.pid === undefined) throw new Error(`${program} does not start`);
    const hasEnded = (): boolean => pidfile === undefined && child.exitCode !== null;
    const service = new Service(port, child);
    try {
      await until(async () => hasEnded() || await answers(port), `${command.join(' ')} does not answer`);
      if (hasEnded()) throw new Error(`${command.join(' ')} has ended with ${child.exitCode}`);
      if (pidfile !== undefined) service.master = Number(readFileSync(pidfile, 'utf8'));
    } catch (error) {
      await service.kill();
      throw new Error(`${(error as Error).message}\n${service.#output}`, { cause: error });
    }
    return service;
  }

  /** What it has printed last. */
  get output(): string {
    return this.#output;
  }

  workers(): number[] {
    return childIds(this.master);
  }

  /** All processes of the service: the first master's group. */
  processes(): number[] {
    return groupIds(this.#child.pid!);
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.master, name);
  }

  /** Asks it to stop. Returns how many of its processes are left, and leaves none. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    // A worker that was frozen could not end.
    for (const member of this.processes()) send(member, 'SIGCONT');
    send(this.master, signal);
    await until(() => this.processes().length === 0, 'the service does not stop').catch(() => undefined);
    const left = this.processes().length;
    await this.kill();
    return left;
  }

  /** kill -9 of the whole group. */
  async kill(): Promise<void> {
    send(-this.#child.pid!, 'SIGKILL');
    await until(() => this.processes().length === 0, 'processes survive a kill -9');
  }
}

/** Sends a signal to a process or, with its negative id, to a group. Returns whether it was there. */
export function send(id: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(id, signal);
  } catch {
    return false;
  }
}

/** Waits until it is so. @throws Error */
export async function until(condition: () => boolean | Promise<boolean>, what: string, patienceMs = PATIENCE_MS): Promise<void> {
  const deadlineMs = performance.now() + patienceMs;
  while (!await condition()) {
    if (performance.now() > deadlineMs) throw new Error(`${what}, after ${patienceMs / 1000} s`);
    await wait(LOOK_EVERY_MS);
  }
}

/** Whether a request gets any answer. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write('GET /n/0 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'));
    socket.once('data', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => resolve(false)).once('close', () => resolve(false));
  });
}
