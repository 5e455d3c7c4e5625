/** The guard by itself: what it ends when its input ends. Whole runs are in guard.whole.test.ts. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { untilGone } from '#support/fixtures/evil.ts';

let folder = '';
const started: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ten-guard-'));
});
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** A process that ends of nothing but SIGKILL, in a group of its own. */
async function stubborn(env: Readonly<Record<string, string>> = {}): Promise<number> {
  const script = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); process.stdout.write('up');";
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'], detached: true, env: { ...process.env, ...env } });
  started.push(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child.pid as number;
}

function startGuard(): ChildProcess {
  const guard = spawn(process.execPath, [join(import.meta.dirname, 'guard.mjs'), folder], { stdio: ['pipe', 'ignore', 'ignore'] });
  started.push(guard);
  return guard;
}

test('when the runner is gone, everything that is written down ends, and the folder goes', async () => {
  const pid = await stubborn();
  writeFileSync(join(folder, `${pid}.pid`), '');
  const guard = startGuard();
  guard.stdin?.end();
  await new Promise((resolve) => guard.once('exit', resolve));
  expect(await untilGone([pid])).toEqual([]);
  expect(existsSync(folder)).toBe(false);
});

test.runIf(process.platform === 'linux')('so does a process that left its group, by the name of the run', async () => {
  const pid = await stubborn({ TEN_RUN_NAME: basename(folder) });
  const other = await stubborn({ TEN_RUN_NAME: 'another-run' });
  const guard = startGuard();
  guard.stdin?.end();
  await new Promise((resolve) => guard.once('exit', resolve));
  expect(await untilGone([pid])).toEqual([]);
  expect(await untilGone([other], 0)).toEqual([other]);
});
