/** What npm does with the flags that it is given. */
import { spawnSync } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import { expect, test } from 'vitest';
import { cleanEnvironment, FakeCourse } from './fake-course.ts';

test.skipIf(process.platform === 'win32')('flags go through the npm that is installed', () => {
  using course = new FakeCourse();
  const PATH = [dirname(process.execPath), process.env['PATH']].join(delimiter);
  const npm = (...args: string[]) => spawnSync('npm', args, { cwd: course.folder, env: { ...cleanEnvironment(), PATH }, encoding: 'utf8' });
  const [good, bad] = [npm('test', 'chapter-01', '--', '--seed', '5'), npm('test', 'chapter-01', '--seed', '6')];
  expect(good.status).toBe(1);
  // npm 12 refuses by itself; npm 11 keeps the flag and leaves the refusal to us.
  expect(bad.status).not.toBe(0);
  expect(course.checks().map(({ seed }) => seed)).toEqual([5]);
});
