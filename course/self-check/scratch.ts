/**
 * A folder for the trees that are put together for checks. It lies inside the
 * project, so that bare imports resolve as they do for a learner.
 *
 * Two runs at once get two folders; a run whose process is gone leaves its
 * folder to the next one. The names stay the same from run to run, since Node's
 * compile cache goes by path.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { STATE } from '../root.ts';

/** The scratch folder of this run. Processes that it starts share it. */
export function scratch(...path: string[]): string {
  process.env['TEN_SCRATCH'] ??= claim();
  return join(process.env['TEN_SCRATCH'], ...path);
}

function claim(): string {
  mkdirSync(join(STATE, 'self-check'), { recursive: true });
  for (let number = 1; ; number++) {
    const folder = join(STATE, 'self-check', `run-${number}`);
    const owner = `${folder}.pid`;
    if (isTaken(owner)) continue;
    rmSync(owner, { force: true });
    try {
      writeFileSync(owner, String(process.pid), { flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw error;
    }
    process.on('exit', () => rmSync(owner, { force: true }));
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    return folder;
  }
}

function isTaken(owner: string): boolean {
  try {
    process.kill(Number(readFileSync(owner, 'utf8')), 0);
    return true;
  } catch (error) {
    // Of another user: alive.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
