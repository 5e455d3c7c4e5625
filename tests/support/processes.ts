/**
 * Every process that a check starts is written down, so that what survives
 * can end the rest: the test process at the end of a test, the guard at the end
 * of the run, however the run ended.
 */
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder in which a run keeps its process ids; unset outside a run. */
const runFolder = process.env.TEN_RUN;

export function registerProcess(pid: number | undefined): void {
  if (runFolder !== undefined && pid !== undefined) {
    writeFileSync(join(runFolder, `${pid}.pid`), '');
  }
}

export function forgetProcess(pid: number | undefined): void {
  if (runFolder !== undefined && pid !== undefined) {
    rmSync(join(runFolder, `${pid}.pid`), { force: true });
  }
}

/** Ends a process that leads a group, and all that it started, at once. Silent where they are gone already. */
export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  if (process.platform === 'win32') {
    spawnSync('taskkill', ['/pid', String(pid), '/T', '/F'], { stdio: 'ignore' });
    return;
  }
  try {
    // The whole process group. Its leader may be gone and its children not.
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left.
  }
}
