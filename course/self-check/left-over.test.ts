import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { untilGone } from '#support/fixtures/evil.ts';
import { checkLeftOver, MARK } from './left-over.ts';

const started: number[] = [];
afterEach(() => {
  for (const pid of started.splice(0)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Gone, as it should be.
    }
  }
});

/** A process with a mark, and its pid. The process between us and it has gone: nobody is its parent but init. */
async function orphan(mark: string, script: string): Promise<number> {
  const parent = `
    const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(script)}], { detached: true, stdio: 'ignore' });
    process.stdout.write(String(child.pid), () => process.exit());`;
  const child = spawn(process.execPath, ['-e', parent], { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, [MARK]: mark } });
  const [data] = (await once(child.stdout, 'data')) as [Buffer];
  const pid = Number(data.toString());
  started.push(pid);
  return pid;
}

const STUBBORN = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)";

test.runIf(process.platform === 'linux')('a process that is left behind is named and ended', async () => {
  const mark = `test-${process.pid}-a`;
  const pid = await orphan(mark, STUBBORN);
  const other = await orphan(`${mark}b`, STUBBORN);
  const { failed, faults } = await checkLeftOver(mark, 300);
  expect(failed).toBe(1);
  expect(faults).toEqual([expect.stringMatching(new RegExp(`^process ${pid} \\(child of \\d+\\) was left behind and has been killed now: .*setInterval`))]);
  expect(await untilGone([pid])).toEqual([]);
  expect(await untilGone([other], 0)).toEqual([other]);
});

test.runIf(process.platform === 'linux')('one that is about to end is waited for', async () => {
  const mark = `test-${process.pid}-c`;
  await orphan(mark, 'setTimeout(() => {}, 500)');
  expect(await checkLeftOver(mark)).toEqual({ passed: 1, failed: 0, skipped: [], faults: [] });
});
