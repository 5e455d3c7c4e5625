/**
 * The masters that a rule has started, in the process of the code under test: their lines, their children, their ends.
 *
 * A master is a real process below this one, in its group unless a rule needs another. Whatever it starts carries a
 * mark in its environment, so that it is found wherever it hides.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Address } from '#support/tcp-client.ts';
import { allProcesses, childrenOf, descriptorsOf, isRunning, pendingSignals, startedWith } from './processes.ts';
import type { Setup } from './run-supervisor.ts';

export interface StartOptions {
  /** For run-supervisor.ts, if there is no `program`. */
  setup?: Setup;
  /** Another program, with its arguments; it is given no tree. */
  program?: { file: string; args: string[] };
  /** A command that is put before node's, such as `['unshare', '-pf']`. */
  before?: string[];
  env?: Record<string, string>;
  cwd?: string;
  /** It leads a process group, as a program does that a shell has started. */
  ownGroup?: boolean;
  /** Descriptor 3 is a socket that listens already: that of {@link Masters.occupy}. */
  inherits?: boolean;
}

export interface MasterReport {
  /** Of the process that was started: of the command, where there is one before it. */
  pid: number;
  /** What it has written to stdout. */
  stdout: string;
  /** The lines of stderr so far: the error log. */
  lines: string[];
  /** How it ended, once it has. */
  exit: { code: number | null; signal: string | null } | null;
}

interface Master {
  readonly child: ChildProcess;
  readonly mark: string;
  readonly ownGroup: boolean;
  readonly lines: string[];
  unfinished: string;
  stdout: string;
  exit: MasterReport['exit'];
  closed: boolean;
}

const RUNNER = fileURLToPath(new URL('./run-supervisor.ts', import.meta.url));

/** Lines that are kept, and bytes of each. */
const LINES_MAX = 2000;
const LINE_BYTES_MAX = 2000;

let marks = 0;

export class Masters {
  readonly #masters: Master[] = [];
  readonly #sockets = new Set<Socket>();
  #folder: string | undefined;
  #occupant: Server | undefined;

  /** A folder for the files of a rule. */
  get folder(): string {
    return (this.#folder ??= mkdtempSync(join(tmpdir(), 'ten-servers-07-')));
  }

  /** Writes a file of the folder, as a whole at once, and returns its path. */
  write(name: string, text: string): string {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
    return path;
  }

  start(options: StartOptions): number {
    const { setup, program, before = [], env = {}, cwd, ownGroup = false, inherits = false } = options;
    const mark = `${process.pid}.${++marks}`;
    const args = program === undefined ? [RUNNER, process.argv[2]!, JSON.stringify(setup)] : [program.file, ...program.args];
    const [command, ...rest] = [...before, process.execPath, ...args] as [string, ...string[]];
    const child = spawn(command, rest, {
      stdio: ['ignore', 'pipe', 'pipe', ...(inherits ? [this.#occupantFd()] : [])],
      detached: ownGroup,
      cwd: cwd ?? this.folder,
      env: { ...process.env, ...env, TEN_MASTER: mark },
    });
    const master: Master = { child, mark, ownGroup, lines: [], unfinished: '', stdout: '', exit: null, closed: false };
    child.once('error', (error) => {
      master.lines.push(`it could not be started: ${error.message}`);
      master.exit = { code: null, signal: null };
    });
    child.once('exit', (code, signal) => (master.exit = { code, signal }));
    child.once('close', () => (master.closed = true));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (master.stdout = (master.stdout + text).slice(-64_000)));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => keep(master, text));
    return this.#masters.push(master) - 1;
  }

  report(id: number): MasterReport {
    const { child, stdout, lines, unfinished, exit } = this.#at(id);
    return { pid: child.pid ?? 0, stdout, lines: unfinished === '' ? [...lines] : [...lines, unfinished], exit };
  }

  /** The processes that a master has as its children and that run. */
  children(pid: number): number[] {
    return childrenOf(pid).filter(({ zombie }) => !zombie).map((row) => row.pid);
  }

  /** All that runs of what a master has started, at whatever depth. The master itself is not among them. */
  descendants(id: number): number[] {
    const { child, mark, ownGroup } = this.#at(id);
    const line = `TEN_MASTER=${mark}`;
    const rows = allProcesses().filter(({ pid, zombie }) => !zombie && pid !== child.pid && pid !== process.pid);
    return rows.filter(({ pid, group }) => startedWith(pid, line) ?? (ownGroup && group === child.pid)).map(({ pid }) => pid);
  }

  /** Masters that have ended, with what they have left running. */
  leftBehind(): { id: number; pids: number[] }[] {
    return this.#masters.flatMap((master, id) => {
      if (master.exit === null) return [];
      const pids = this.descendants(id);
      return pids.length === 0 ? [] : [{ id, pids }];
    });
  }

  /** Ends everything at once, and clears up. */
  async end(): Promise<void> {
    for (const [id, { child, ownGroup }] of this.#masters.entries()) {
      for (;;) {
        const pids = [...(this.#masters[id]!.exit === null && child.pid !== undefined ? [child.pid] : []), ...this.descendants(id)];
        for (const pid of pids) kill(pid, 'SIGKILL');
        if (ownGroup && child.pid !== undefined) kill(-child.pid, 'SIGKILL');
        if (pids.length === 0) break;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    for (const { child } of this.#masters) {
      child.stdout?.destroy();
      child.stderr?.destroy();
    }
    this.#masters.length = 0;
    await this.leave();
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }

  /** Listens on a free port, or at a path, so that nobody else can. */
  async occupy(path?: string): Promise<Address> {
    const server = (this.#occupant = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
    }));
    await new Promise<void>((resolve) => server.listen(path === undefined ? { port: 0, host: '127.0.0.1' } : { path }, resolve));
    return path === undefined ? { host: '127.0.0.1', port: (server.address() as AddressInfo).port } : { host: path, port: 0 };
  }

  /** Gives that address up. */
  async leave(): Promise<void> {
    const occupant = this.#occupant;
    this.#occupant = undefined;
    if (occupant === undefined) return;
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => void occupant.close(() => resolve()));
  }

  #occupantFd(): number {
    const { _handle: handle } = this.#occupant as unknown as { _handle?: { fd?: number } };
    if (handle?.fd === undefined) throw new Error('there is no listening socket to inherit');
    return handle.fd;
  }

  #at(id: number): Master {
    const master = this.#masters[id];
    if (master === undefined) throw new Error(`no master ${id} was started`);
    return master;
  }
}

function keep(master: Master, text: string): void {
  // The test shows the last lines of this process, and knows by them which part is not written yet.
  process.stderr.write(text);
  const lines = (master.unfinished + text).split('\n');
  master.unfinished = (lines.pop() ?? '').slice(-LINE_BYTES_MAX);
  master.lines.push(...lines.map((line) => line.slice(0, LINE_BYTES_MAX)));
  master.lines.splice(0, Math.max(0, master.lines.length - LINES_MAX));
}

/** False where there is no such process. */
export function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

function zombiesBelow(pid: number): number[] {
  return childrenOf(pid).flatMap((row) => [...(row.zombie ? [row.pid] : []), ...zombiesBelow(row.pid)]);
}

const DELIVERY_MS_MAX = 5_000;
/** A thread may shut signals out for a moment. Those that it never lets in are not waited for. */
const BLOCKED_MS_MAX = 300;

/**
 * Resolves when a process has been interrupted by what was sent to it: signals are not queued, and the same one sent
 * twice before it is delivered would be one. What its loop makes of them then, and when, is its own affair.
 */
async function delivered(pid: number): Promise<void> {
  const startedMs = performance.now();
  for (;;) {
    const { pending, blocked } = pendingSignals(pid);
    if (!pending || performance.now() - startedMs > (blocked ? BLOCKED_MS_MAX : DELIVERY_MS_MAX)) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The calls of all exercises that start a master. */
export function masterCalls(masters: Masters) {
  return {
    /** Starts a master, and returns its number at once. */
    startMaster: (options: StartOptions): number => masters.start(options),
    master: (id: number): MasterReport => masters.report(id),
    children: (pid: number): number[] => masters.children(pid),
    /** The zombies among the descendants of a process. */
    zombiesBelow: (pid: number): number[] => zombiesBelow(pid),
    descendants: (id: number): number[] => masters.descendants(id),
    leftBehind: () => masters.leftBehind(),
    endMasters: async () => await masters.end(),
    running: (pids: readonly number[]): number[] => pids.filter(isRunning),
    descriptors: (pid: number): number | undefined => descriptorsOf(pid),
    /** Sends signals to one process, or to the group -pid, one right after the other. */
    signals: async (pid: number, ...signals: NodeJS.Signals[]) => {
      for (const signal of signals) {
        kill(pid, signal);
        await delivered(pid);
      }
    },
    writeFile: (name: string, text: string): string => masters.write(name, text),
    removeFile: (name: string) => rmSync(join(masters.folder, name), { force: true }),
    /** The whole lines of a file; none where there is no file. */
    readLines: (path: string): string[] => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []),
    folder: (): string => masters.folder,
    occupy: async (path?: string): Promise<Address> => await masters.occupy(path),
    leave: async () => await masters.leave(),
  };
}
