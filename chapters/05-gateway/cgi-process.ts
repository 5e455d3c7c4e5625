/**
 * The process of a CGI script: started, fed, read with a limit on its silence, and killed with all that it has started.
 *
 * It knows nothing about HTTP.
 */

import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { reportDetached, startDeadline } from '../01-echo/index.ts';
import { endWithUs } from '../04-workers/index.ts';
import { ScriptError } from './script-error.ts';

/** How long a script may take to end after SIGTERM before it is killed. */
const GRACE_MS = 1_000;

export interface CgiCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** How a process ended, or why it never began. */
export interface CgiEnd {
  readonly signal: string | null;
  readonly code: number | null;
  readonly error: Error | null;
}

export class CgiProcess {
  /** Resolves when no more output will come. */
  readonly ended: Promise<CgiEnd>;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  #over = false;
  #fault: { readonly error: unknown } | null = null;

  /** @param onStderr told what the script writes to stderr */
  constructor({ command, args, cwd, variables }: CgiCommand, onStderr: (text: string) => void) {
    // Detached: a process group of its own, so that it can be killed with its children.
    this.#child = spawn(command, args, { cwd, env: variables, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr.on('data', (bytes: Buffer) => onStderr(bytes.toString()));
    // But then Ctrl-C does not reach it, and it would outlive a server that is ended while it runs.
    const release = endWithUs(() => this.#signal('SIGKILL'));
    this.ended = new Promise((resolve) => {
      let failed: Error | null = null;
      this.#child.once('error', (error) => (failed = error));
      this.#child.once('close', (code, signal) => {
        this.#over = true;
        release();
        resolve({ code, signal, error: failed });
      });
    });
  }

  /** The error that the request's body has thrown, if it has: the script was killed for it, and its answer is worthless. */
  get fault(): { readonly error: unknown } | null {
    return this.#fault;
  }

  /** Writes what the script reads from stdin. A script need not read it all. */
  async feed(parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    const watched = async function* (this: CgiProcess): AsyncGenerator<Uint8Array> {
      try {
        yield* parts;
      } catch (error) {
        // Set before its stdin ends, so that the script never acts on half a body.
        this.#fault = { error };
        this.kill();
        throw error;
      }
    };
    await pipeline(watched.bind(this), this.#child.stdin).catch(() => undefined);
  }

  /**
   * What the script writes to stdout. It counts as silent only while we wait for it.
   *
   * @throws ScriptError 504 after this many milliseconds without a byte, and ends the process
   */
  async *output(silenceMs: number): AsyncGenerator<Buffer, void, undefined> {
    const parts = this.#child.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    for (;;) {
      const { done, value } = await this.#within(silenceMs, parts.next());
      if (done === true) break;
      yield value;
    }
    await this.#within(silenceMs, this.ended);
  }

  /** Ends the script and what it has started, first with SIGTERM. Does nothing once it has ended. */
  kill(): void {
    this.#signal('SIGTERM');
    const timer = setTimeout(() => this.#signal('SIGKILL'), GRACE_MS);
    this.ended.then(() => clearTimeout(timer)).catch(reportDetached);
  }

  async #within<T>(ms: number, promise: Promise<T>): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const deadline = startDeadline(() => reject(new ScriptError(504, `it was silent for ${ms} ms`)), ms);
    try {
      return await Promise.race([promise, late]);
    } finally {
      deadline.clear();
    }
  }

  #signal(signal: NodeJS.Signals): void {
    // Once the whole group has ended, its number may belong to other processes.
    if (this.#over || this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      // The group ended at this very moment.
    }
    // A descendant that has left the group may still hold the pipes; we do not wait for it.
    if (signal === 'SIGKILL') {
      this.#child.stdout.destroy();
      this.#child.stderr.destroy();
    }
  }
}
