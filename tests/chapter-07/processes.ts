/** What the system knows about processes. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** It has ended, and nobody has asked for its exit code yet. */
  readonly zombie: boolean;
}

const linux = process.platform === 'linux';

/** All processes of the machine that this one can see. */
export function allProcesses(): ProcessRow[] {
  if (!linux) return fromPs();
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => rowOf(Number(name)) ?? []);
}

function fromPs(): ProcessRow[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,pgid=,stat='], { encoding: 'utf8' }).trim().split('\n');
  return lines.map((line) => {
    const [pid, parent, group, state = ''] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), group: Number(group), zombie: state.startsWith('Z') };
  });
}

/** proc(5), `stat`: the name is in brackets and may hold brackets itself. */
function rowOf(pid: number): ProcessRow | null {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === null) return null;
  const [state, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ') as [string, string, string];
  return { pid, parent: Number(parent), group: Number(group), zombie: 'ZX'.includes(state) };
}

/** The children of a process, zombies among them. */
export function childrenOf(pid: number): ProcessRow[] {
  const listed = linux ? read(`/proc/${pid}/task/${pid}/children`) : null;
  if (listed === null) return allProcesses().filter(({ parent }) => parent === pid);
  return listed.trim().split(' ').filter((text) => text !== '').flatMap((text) => rowOf(Number(text)) ?? []);
}

/** Whether it runs: a zombie does not. */
export function isRunning(pid: number): boolean {
  if (linux) return rowOf(pid)?.zombie === false;
  return allProcesses().some((row) => row.pid === pid && !row.zombie);
}

/** Whether the environment with which it was started has this line; `undefined` where that cannot be seen. */
export function startedWith(pid: number, line: string): boolean | undefined {
  if (!linux) return undefined;
  return read(`/proc/${pid}/environ`)?.split('\0').includes(line);
}

/**
 * Whether signals wait for a process: none of its threads has been interrupted by them yet. False where it cannot be
 * seen, and for one that is stopped and does not get them. `blocked`: its first thread does not let them in.
 */
export function pendingSignals(pid: number): { readonly pending: boolean; readonly blocked: boolean } {
  const status = linux ? read(`/proc/${pid}/status`) : null;
  if (status === null || /^State:\s*[TtZX]/m.test(status)) return { pending: false, blocked: false };
  const mask = (name: string): bigint => BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)`, 'm').exec(status)?.[1] ?? '0'}`);
  const pending = mask('ShdPnd');
  return { pending: pending !== 0n, blocked: pending !== 0n && (pending & ~mask('SigBlk')) === 0n };
}

/** The number of descriptors that a process has open; `undefined` where that cannot be seen. */
export function descriptorsOf(pid: number): number | undefined {
  if (!linux) return undefined;
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return undefined;
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}
