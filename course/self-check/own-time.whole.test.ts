/** The account of lost time with processes that really wait, which takes seconds. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { OwnTime, ThreadsOf } from '#support/own-time.ts';
import { killGroup } from '#support/processes.ts';

const leaders: ChildProcess[] = [];

afterEach(() => {
  for (const { pid } of leaders.splice(0)) killGroup(pid);
});

function start(command: string, ...args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: 'ignore', detached: true });
  leaders.push(child);
  return child;
}

const SPIN = 'for (;;);';

it.skipIf(!existsSync('/usr/bin/taskset'))('counts what a child of the server waits, although the server itself sleeps', async () => {
  for (let hog = 0; hog < 4; hog++) start('taskset', '-c', '0', process.execPath, '-e', SPIN);
  const child = JSON.stringify(['-c', '0', 'nice', '-n', '10', process.execPath, '-e', SPIN]);
  const server = start(process.execPath, '-e', `require('node:child_process').spawn('taskset', ${child}); setInterval(() => {}, 1000);`);
  const time = new OwnTime(new ThreadsOf(server.pid));
  for (let look = 0; look < 400 && time.lostMs < 1000; look++) {
    await wait(50);
    time.look(50);
  }
  expect(time.lostMs).toBeGreaterThanOrEqual(1000);
});
