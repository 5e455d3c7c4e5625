/**
 * What makes a program a service of the system: a pidfile, a user, a umask, a title, hooks, and a parent as PID 1.
 */

import { execFileSync } from 'node:child_process';

import type { AsyncApp, AsyncServeOptions, AsyncServer } from '../06-websocket/index.ts';
import { NotImplemented } from '#course/not-implemented.ts';
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
  // TODO 7.7  Do what the comment above says. What goes wrong in a hook is the hook's: it never throws here, and is never an
  //           unhandled rejection.
  if (hooks[name] === undefined) return true;
  throw new NotImplemented('7.7');
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
    // TODO 7.7  Write this process's id, and a newline. A file that names a process which is gone, or this one, is taken
    //           over; any other is left alone. Of two supervisors that start at the same moment, one gets it.
    throw new NotImplemented('7.7');
  }

  /** Makes room for the supervisor that takes over, or takes its place again. Then `remove` is about the new name. */
  rename(path: string): void {
    // TODO 7.7  A file that is not ours is not touched.
    throw new NotImplemented('7.7');
  }

  /** Removes it, unless it has become another's. */
  remove(): void {
    // TODO 7.7  Do what the comment above says.
    throw new NotImplemented('7.7');
  }
}

/** `null` if there is no file; NaN if it holds something else. */
function readPid(path: string): number | null {
  // TODO 7.7  A process id is a whole number above 0, with nothing around it but blanks and line breaks.
  throw new NotImplemented('7.7');
}

function isAlive(pid: number): boolean {
  // TODO 7.7  A process that we may not signal is somebody else's, and alive.
  throw new NotImplemented('7.7');
}

/** Sets the umask, which workers inherit, and the title. */
export function applyToProcess({ umask, procName }: Settings, role: 'master' | 'worker'): void {
  // TODO 7.7  The umask is octal. The title is `NAME master` or `NAME worker`. An empty text changes nothing.
  if (umask !== '' || procName !== '') throw new NotImplemented('7.7');
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
