/**
 * A process with all that it has started, out of /proc: its CPU time, its memory and its end.
 */

import { readFileSync, readdirSync } from 'node:fs';

/** What `stat` counts in: the kernel's clock ticks, 100 a second on every Linux that one meets. */
const TICKS_PER_SECOND = 100;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  /** Seconds, of the process itself and of its children that are gone. */
  readonly cpuSeconds: number;
}

/** Seconds of CPU time of a process and of its descendants, those that are gone included. */
export function treeCpuSeconds(root: number): number {
  return descendants(root).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
}

/** Bytes of memory of a process and of its descendants; what they share counts once (proportional set size). */
export function treeBytes(root: number): number {
  return descendants(root).reduce((sum, { pid }) => sum + proportionalBytes(pid), 0);
}

/** Seconds of CPU time of a process, its threads and its children that are gone included; in steps of a tick. */
export function cpuSecondsOf(pid: number): number {
  return statOf(pid)?.cpuSeconds ?? 0;
}

/** Kills a process and all that it has started: the workers of one that is killed would live on. */
export function killTree(root: number): void {
  for (const { pid } of descendants(root)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has gone in the meantime.
    }
  }
}

function descendants(root: number): Stat[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => statOf(Number(pid)) ?? []);
  const found = all.filter(({ pid }) => pid === root);
  for (let i = 0; i < found.length; i++) found.push(...all.filter(({ parent }) => parent === found[i]!.pid));
  return found;
}

/** `undefined` for a process that has gone in the meantime. */
function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in brackets, may contain spaces. After it come state, parent, …; CPU times are fields 14 to 17 of the whole.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ').map(Number);
    const ticks = fields.slice(11, 15).reduce((sum, time) => sum + time, 0);
    return { pid, parent: fields[1]!, cpuSeconds: ticks / TICKS_PER_SECOND };
  } catch {
    return undefined;
  }
}

function proportionalBytes(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
