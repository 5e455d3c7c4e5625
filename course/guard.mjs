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
import { rmSync } from 'node:fs';

const folder = process.argv[2];

// Ctrl-C goes to the whole foreground group; we stay until the work is done.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

// After the line above: loading takes a moment.
const { sweep } = await import('./sweep.ts');

process.stdin.resume();
process.stdin.on('error', () => {});
process.stdin.on('close', () => {
  // A test process that outlives the runner for a moment may still start one.
  const rounds = [0, 200, 800];
  for (const [round, delay] of rounds.entries()) {
    setTimeout(() => {
      sweep(folder);
      if (round === rounds.length - 1) rmSync(folder, { recursive: true, force: true });
    }, delay);
  }
});
