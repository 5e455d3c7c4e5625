/**
 * The last one to leave: ends what a check run has started, however it ended.
 *
 * The runner holds the other end of our standard input. When the runner is
 * gone, by its own will, by Ctrl-C or by `kill -9`, the input ends, and every
 * process that is still written down in the run's folder is killed with its
 * whole group. A process that left its group (`detached: true`) still carries
 * the run's name in its environment; on Linux it is found by that.
 *
 *     node guard.mjs FOLDER
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename } from 'node:path';

const folder = process.argv[2];

// Ctrl-C goes to the whole foreground group; we stay until the work is done.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

function kill(pid) {
  if (process.platform === 'win32') {
    spawnSync('taskkill', ['/pid', String(pid), '/T', '/F'], { stdio: 'ignore' });
    return;
  }
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

function sweep() {
  let names = [];
  try {
    names = readdirSync(folder);
  } catch {
    // The folder is gone; the processes may not be.
  }
  const pids = names.filter((name) => name.endsWith('.pid')).map((name) => Number.parseInt(name, 10));
  for (const pid of pids) {
    kill(pid);
    rmSync(`${folder}/${pid}.pid`, { force: true });
  }
  for (const pid of strays()) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Gone already.
    }
  }
}

/** Processes that carry the run's name, whatever group they are in. See tests/support/subject.ts. */
function strays() {
  if (process.platform !== 'linux') return [];
  const mark = `TEN_RUN_NAME=${basename(folder)}\0`;
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

process.stdin.resume();
process.stdin.on('error', () => {});
process.stdin.on('close', () => {
  // A test process that outlives the runner for a moment may still start one.
  const rounds = [0, 200, 800];
  for (const [round, delay] of rounds.entries()) {
    setTimeout(() => {
      sweep();
      if (round === rounds.length - 1) rmSync(folder, { recursive: true, force: true });
    }, delay);
  }
});
