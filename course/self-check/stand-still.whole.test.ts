import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { StandStill } from '#support/stand-still.ts';

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A program, and that it has begun. */
async function start(script: string, ...wrapper: string[]): Promise<StandStill> {
  const [command = '', ...args] = [...wrapper, process.execPath, '-e', `process.stdout.write('begun'); setTimeout(() => { ${script} }, 1);`];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return new StandStill(child.pid);
}

it.each([
  ['a loop without end', 'for (;;);'],
  ['a thread that sleeps', 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);'],
])('counts all of the time of %s', async (_what, script) => {
  const still = await start(script);
  while (still.ms() < 1500) await wait(50);
  expect(still.ms()).toBeGreaterThanOrEqual(1500);
});

it.skipIf(!existsSync('/usr/bin/taskset'))('takes off what a process waits for a processor', async () => {
  const onOne = ['/usr/bin/taskset', '-c', '0'];
  for (let hog = 0; hog < 4; hog++) await start('for (;;);', ...onOne);
  const still = await start('for (;;);', ...onOne, 'nice', '-n', '10');
  const startedMs = performance.now();
  while (performance.now() - startedMs < 20_000 && performance.now() - startedMs - still.ms() < 1000) await wait(100);
  expect(performance.now() - startedMs - still.ms()).toBeGreaterThanOrEqual(1000);
});
