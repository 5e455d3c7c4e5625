/**
 * No process is left behind: whatever a run of the self-check has started is
 * gone when it ends.
 *
 * Every process inherits a mark in its environment, by which it is found in
 * /proc wherever it hides, whatever its group and its parent are.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { Outcome } from './outcome.ts';

/** The variable that carries the mark. The subjects of checks keep it, and nothing else of ours. */
export const MARK = 'TEN_SELF_CHECK';

/** How long processes may take to end when nobody needs them any more, in milliseconds. A busy machine takes its time. */
const GONE_MS_MAX = 30_000;
const LOOK_EVERY_MS = 200;
const COMMAND_CHARACTERS_MAX = 160;

/** Marks everything that this process starts from now on. Returns the mark. */
export function markRun(): string {
  return (process.env[MARK] = `${process.pid}-${Date.now()}`);
}

interface LeftOver {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Waits until everything with this mark is gone; what is not is named, and ended. */
export async function checkLeftOver(mark: string, goneMsMax: number = GONE_MS_MAX): Promise<Outcome> {
  if (process.platform !== 'linux') {
    return { passed: 0, failed: 0, skipped: ['whether a process is left behind can be seen on Linux only, in /proc'], faults: [] };
  }
  const startedMs = performance.now();
  let left = marked(mark);
  while (left.length > 0 && performance.now() - startedMs < goneMsMax) {
    await wait(LOOK_EVERY_MS);
    left = marked(mark);
  }
  for (const { pid } of left) end(pid);
  const faults = left.map(({ pid, parent, command }) =>
    `process ${pid} (child of ${parent}) was left behind and has been killed now: ${command}. The test that started it must end it, and wait until it is gone`);
  return { passed: left.length === 0 ? 1 : 0, failed: left.length === 0 ? 0 : 1, skipped: [], faults };
}

function marked(mark: string): LeftOver[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).flatMap((pid) => {
    if (pid === process.pid) return [];
    try {
      // Empty for a process that has ended and that its parent has not noticed.
      const variables = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
      if (!variables.includes(`${MARK}=${mark}`)) return [];
      const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
      const parent = Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]);
      return [{ pid, parent, command: command.replaceAll(/\s+/g, ' ').slice(0, COMMAND_CHARACTERS_MAX) }];
    } catch {
      // It is gone, or another user's.
      return [];
    }
  });
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has gone in the meantime.
  }
}
