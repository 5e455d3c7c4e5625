/**
 * A process with all that it has started, out of /proc: its CPU time, its memory and its end.
 */

import { readFileSync, readdirSync } from 'node:fs';

/** What `stat` counts in: the kernel's clock ticks, 100 a second on every Linux that one meets. */
const TICKS_PER_SECOND = 100;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** `R`, `S`, `T` (stopped), `Z` (dead, and its parent has not asked yet). */
  readonly state: string;
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

/** The ids of a process and of all that it has started. */
export function treeIds(root: number): number[] {
  return descendants(root).map(({ pid }) => pid);
}

/** The ids of the processes that a process has started itself, without those that are dead and not yet waited for. */
export function childIds(parent: number): number[] {
  return allProcesses().filter((stat) => stat.parent === parent && stat.state !== 'Z').map(({ pid }) => pid);
}

/** The ids of the processes of a group: those that a process has started, even if it is gone itself. */
export function groupIds(group: number): number[] {
  return allProcesses().filter((stat) => stat.group === group && stat.state !== 'Z').map(({ pid }) => pid);
}

/** Whether a process is there, and not only waited for by its parent. */
export function isAlive(pid: number): boolean {
  const state = statOf(pid)?.state;
  return state !== undefined && state !== 'Z';
}

function allProcesses(): Stat[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => statOf(Number(pid)) ?? []);
}

function descendants(root: number): Stat[] {
  const all = allProcesses();
  const found = all.filter(({ pid }) => pid === root);
  for (let i = 0; i < found.length; i++) found.push(...all.filter(({ parent }) => parent === found[i]!.pid));
  return found;
}

/** `undefined` for a process that has gone in the meantime. */
function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in brackets, may contain spaces. After it come state, parent, group, …; CPU times are fields 14 to 17 of the whole.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, time) => sum + Number(time), 0);
    return { pid, parent: Number(fields[1]), group: Number(fields[2]), state: fields[0]!, cpuSeconds: ticks / TICKS_PER_SECOND };
  } catch {
    return undefined;
  }
}

/** Bytes of memory of a process, without its children: what it shares with others counts in proportion. 0 if it is gone. */
export function proportionalBytes(pid: number): number {
  return rollupBytes(pid, 'Pss');
}

/** Bytes of memory of a process that are resident, shared or not. 0 if it is gone. */
export function residentBytes(pid: number): number {
  return rollupBytes(pid, 'Rss');
}

function rollupBytes(pid: number, name: 'Pss' | 'Rss'): number {
  try {
    const line = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
    return Number(line?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** How many descriptors a process has open. 0 if it is gone. */
export function openDescriptors(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}
