/** A course that this user may read and not write, as an administrator installs it for a class. */
import { spawnSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cleanEnvironment } from './fake-course.ts';
import { ROOT, STATE } from './root.ts';

// Root may write everywhere; then the check runs as a user who owns nothing.
const NOBODY = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
/** Inside the project, so that files can be linked and need not be copied. */
const copy = join(STATE, 'tests', `read-only-${process.pid}`);
const sealed = [copy, join(copy, 'node_modules')];

function linkTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.name === '.git' || entry.name === '.ten-servers' || entry.name.startsWith('.v')) continue;
    if (entry.isDirectory()) linkTree(source, target);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else linkSync(source, target);
  }
}

beforeAll(() => {
  linkTree(ROOT, copy);
  for (const folder of sealed) chmodSync(folder, 0o555);
});
afterAll(() => {
  for (const folder of sealed) chmodSync(folder, 0o755);
  rmSync(copy, { recursive: true, force: true });
});

test.skipIf(process.platform === 'win32')('can be checked, by a user without a home', (context) => {
  const run = (...args: readonly string[]) =>
    spawnSync(process.execPath, args, { ...NOBODY, cwd: copy, encoding: 'utf8', env: { ...cleanEnvironment(), HOME: '/nonexistent' } });
  // Where the way to the project is closed to that user, nothing can be shown.
  if (run(join(copy, 'course', 'ten.mjs'), 'help').status !== 0) context.skip('this user cannot read the project');
  const { status, stdout, stderr } = run(join(copy, 'course', 'ten.mjs'), 'solution', '1.1');
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toContain('Exercise 1.1 is done.');
  const own = run(join(copy, 'course', 'ten.mjs'), 'test', '1.1');
  expect([own.status, own.stderr]).toEqual([expect.any(Number), '']);
  expect(own.stdout).toContain('1.1 echo every byte');
});
