/** The folder in which a run writes down its processes, and the process that ends them; see guard.mjs. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, STATE } from './root.ts';

export class Guard {
  readonly folder: string;
  readonly #process: ChildProcess;

  constructor() {
    this.folder = runFolder();
    this.#process = spawn(process.execPath, [join(ROOT, 'course', 'guard.mjs'), this.folder], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      windowsHide: true,
    });
    this.#process.on('error', () => {});
    this.#process.stdin?.on('error', () => {});
    this.#process.unref();
  }

  /** A new run in the same folder: nothing has failed yet. */
  forgetFailures(): void {
    if (!existsSync(this.folder)) return;
    for (const name of readdirSync(this.folder)) {
      if (name.endsWith('.failed')) rmSync(join(this.folder, name), { force: true });
    }
  }

  /** Lets the guard do its work and go. */
  release(): void {
    this.#process.stdin?.end();
  }
}

/** A new folder for a run; where the project cannot be written to, the system's own place will do. */
function runFolder(): string {
  try {
    const runs = join(STATE, 'runs');
    mkdirSync(runs, { recursive: true });
    return mkdtempSync(join(runs, 'run-'));
  } catch {
    return mkdtempSync(join(tmpdir(), 'ten-servers-run-'));
  }
}
