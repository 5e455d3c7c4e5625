/** Ends every process of a run: those that are written down in its folder, and those that carry its name. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { killGroup } from '../tests/support/processes.ts';

export function sweep(folder: string): void {
  let names: string[] = [];
  try {
    names = readdirSync(folder);
  } catch {
    // The folder is gone; the processes may not be.
  }
  const pids = names.filter((name) => name.endsWith('.pid')).map((name) => Number.parseInt(name, 10));
  for (const pid of pids) {
    killGroup(pid);
    rmSync(`${folder}/${pid}.pid`, { force: true });
  }
  for (const pid of strays(basename(folder))) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Gone already.
    }
  }
}

/** Processes that carry the run's name, whatever group they are in. See tests/support/subject.ts. */
function strays(runName: string): number[] {
  if (process.platform !== 'linux') return [];
  const mark = `TEN_RUN_NAME=${runName}\0`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return pid !== process.pid && `${readFileSync(`/proc/${pid}/environ`, 'latin1')}\0`.includes(mark);
      } catch {
        // It is gone, or another user's.
        return false;
      }
    });
}
