/**
 * What makes a program a service of the system: a pidfile, a user, a umask, a title, hooks, and a parent as PID 1.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

import type { AsyncApp, AsyncServeOptions, AsyncServer } from '../06-websocket/index.ts';
import { SettingsError } from './settings.ts';
import type { Settings } from './settings.ts';

/** In the order in which they are first called; the last one is called in each worker, the others in the supervisor. */
export const hookNames = ['onStarting', 'preFork', 'postFork', 'whenReady', 'onReload', 'workerExit', 'onExit', 'postWorkerInit'] as const;

export type HookName = (typeof hookNames)[number];

/** What a hook is told. */
export interface HookFacts {
  /** The process that calls it. */
  readonly pid: number;
  readonly settings: Settings;
  /** The worker that it is about. */
  readonly workerPid?: number;
  readonly generation?: number;
  /** How it ended: `null` where the other one says it. */
  readonly exitCode?: number | null;
  readonly signal?: string | null;
}

export type Hooks = { readonly [Name in HookName]?: (facts: HookFacts) => unknown } & {
  /** The URL of the file that they come from. A worker loads it again, because functions cannot be sent. */
  readonly module?: string;
  /** Serves in each worker, in the place of `serveAsync`. This one is waited for, and what it throws ends the worker. */
  readonly serve?: (app: AsyncApp, options: AsyncServeOptions) => Promise<Pick<AsyncServer, 'http' | 'closeGracefully' | 'close'>>;
};

// #region call-hook
/**
 * Calls a hook, if there is one. It is not waited for.
 *
 * @param log gets a sentence if it throws, or rejects later on
 * @returns whether it returned
 */
export function callHook(hooks: Hooks, name: HookName, facts: HookFacts, log: (text: string) => void): boolean {
  const report = (error: unknown): void => log(`hook ${name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  try {
    Promise.resolve(hooks[name]?.(facts)).catch(report);
    return true;
  } catch (error) {
    report(error);
    return false;
  }
}
// #endregion call-hook

/** A file that tells scripts the process id of the supervisor. */
export class Pidfile {
  #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws Error if the file belongs to a living process, is something else, or cannot be written */
  write(): void {
    const owner = readPid(this.#path);
    if (Number.isNaN(owner)) throw new Error(`${this.#path} exists and holds no process id: it is left alone`);
    // In a container, the process before us may have had our own id.
    if (owner !== null && owner !== process.pid && isAlive(owner)) {
      throw new Error(`${this.#path} belongs to process ${owner}, which is alive: stop it first, or choose another file`);
    }
    if (owner !== null) rmSync(this.#path);
    // Of two supervisors that start at the same moment, one creates it.
    writeFileSync(this.#path, `${process.pid}\n`, { flag: 'wx' });
  }

  /** Makes room for the supervisor that takes over, or takes its place again. Then `remove` is about the new name. */
  rename(path: string): void {
    if (readPid(this.#path) === process.pid) renameSync(this.#path, path);
    this.#path = path;
  }

  /** Removes it, unless it has become another's. */
  remove(): void {
    if (readPid(this.#path) === process.pid) rmSync(this.#path);
  }
}

/** `null` if there is no file; NaN if it holds something else. */
function readPid(path: string): number | null {
  if (!existsSync(path)) return null;
  const text = readFileSync(path, 'latin1').trim();
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : Number.NaN;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Not ours to signal, so it is somebody else's, and alive.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Sets the umask, which workers inherit, and the title. */
export function applyToProcess({ umask, procName }: Settings, role: 'master' | 'worker'): void {
  if (umask !== '') process.umask(Number.parseInt(umask, 8));
  if (procName !== '') process.title = `${procName} ${role}`;
}

/** What `spawn` needs to know to run workers as somebody else. @throws SettingsError if there is no such user or group, or we may not */
export function workerIds({ user, group }: Settings): { uid?: number; gid?: number } {
  if (user === '' && group === '') return {};
  const [flag, name] = user === '' ? ['--group', group] : ['--user', user];
  if (process.geteuid?.() !== 0) throw new SettingsError(flag, name, '', `${flag} ${name}: only root may start workers as somebody else`);
  // A user without a group of its own choice has the one that the system gives it.
  const gid = group === '' ? idOf('--user', user, 'id', ['-g', '--', user]) : idOf('--group', group, 'getent', ['group', '--', group]);
  return user === '' ? { gid } : { uid: idOf('--user', user, 'id', ['-u', '--', user]), gid };
}

/** `id` prints a number, `getent` prints `name:password:number:members`. */
function idOf(flag: string, name: string, program: string, args: readonly string[]): number {
  try {
    const output = execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return Number(/^(?:[^:]*:[^:]*:)?(\d+)/.exec(output)![1]);
  } catch {
    // In a container, an id often has no name.
    if (/^\d{1,9}$/.test(name)) return Number(name);
    throw new SettingsError(flag, name, 'a name or an id that this system knows');
  }
}

const INIT = `
forward() { if [ "$child" ]; then kill -"$1" "$child"; else early="$early $1"; fi; }
for name in TERM INT QUIT HUP USR1 USR2 WINCH TTIN TTOU; do trap "forward $name" "$name"; done
"$@" <&0 &
child=$!
for name in $early; do kill -"$name" "$child"; done
while true; do
  wait "$child"; code=$?
  [ "$code" -gt 128 ] || exit "$code"
  # A signal for us has ended the wait, or one for the child has ended the child.
  kill -0 "$child" 2>/dev/null && continue
  wait "$child" 2>/dev/null; again=$?
  [ "$again" -eq 127 ] && exit "$code"
  exit "$again"
done`;

/**
 * As PID 1, a process inherits all that lose their parent, and must reap them. Node reaps its own children only. So a
 * small shell takes our place, which reaps everything, and starts this program again as its child.
 *
 * A socket that was handed over does not survive that: Node closes what it has inherited when it is replaced.
 */
export function becomeInit({ bind }: Settings): void {
  if (process.pid !== 1 || bind.startsWith('fd://') || process.env.LISTEN_FDS !== undefined) return;
  process.execve?.('/bin/sh', ['sh', '-c', INIT, 'sh', process.execPath, ...process.execArgv, ...process.argv.slice(1)], process.env);
}
