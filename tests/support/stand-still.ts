/**
 * How long a process that does not answer has stood still by its own doing.
 *
 * On a machine that is busy with something else it may wait for a processor for seconds. Linux counts this (proc(5),
 * `schedstat`: nanoseconds of running, and of waiting in a run queue), so it is taken off. The wait that is going on
 * is not counted yet: of a process that wants to run, only what it has run counts. A loop without end runs, and a
 * thread that sleeps does not want to: all of their time counts.
 */
import { readFileSync } from 'node:fs';

/** From when on it is looked at closely, in milliseconds. */
const SUSPECT_MS = 500;
/** However busy the machine: this much of the wall clock, in milliseconds, is standing still. */
const WALL_MS_MAX = 30_000;

interface Scheduled {
  readonly ranMs: number;
  readonly waitedMs: number;
  readonly wantsToRun: boolean;
}

export class StandStill {
  readonly #pid: number | undefined;
  readonly #sinceMs = performance.now();
  /** How it was when it was first suspected, and after how long. */
  #suspected: (Scheduled & { readonly wallMs: number }) | null = null;

  constructor(pid: number | undefined) {
    this.#pid = pid;
  }

  /** Milliseconds since this was made, but for those that the process waited for a processor. */
  ms(): number {
    const wallMs = performance.now() - this.#sinceMs;
    if (wallMs < SUSPECT_MS || wallMs > WALL_MS_MAX || this.#pid === undefined) return wallMs;
    const now = scheduled(this.#pid);
    if (now === null) return wallMs;
    const before = (this.#suspected ??= { ...now, wallMs });
    const sinceMs = now.wantsToRun ? now.ranMs - before.ranMs : wallMs - before.wallMs - (now.waitedMs - before.waitedMs);
    return before.wallMs + Math.max(0, sinceMs);
  }
}

/** Of the process's first thread, in which its loop turns. Null where nobody counts it. */
function scheduled(pid: number): Scheduled | null {
  try {
    const [ran, waited] = readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ').map(Number) as [number, number];
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return { ranMs: ran / 1e6, waitedMs: waited / 1e6, wantsToRun: stat.charAt(stat.lastIndexOf(')') + 2) === 'R' };
  } catch {
    return null;
  }
}
