/** With loops that take a whole processor: stand-still.whole.test.ts. */
import { spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { StandStill } from '#support/stand-still.ts';

it('counts all of the time of a thread that sleeps', async () => {
  const script = "process.stdout.write('begun'); setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 1);";
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const still = new StandStill(child.pid);
    while (still.ms() < 700) await wait(50);
    expect(still.ms()).toBeGreaterThanOrEqual(700);
  } finally {
    child.kill('SIGKILL');
  }
});
