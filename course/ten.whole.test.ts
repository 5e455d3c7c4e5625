/** The entry as a process: its Node, its exit codes and a reader that goes away. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { cleanEnvironment, FakeCourse } from './fake-course.ts';

/** For what changes nothing in it. */
const course = new FakeCourse();
afterAll(() => course[Symbol.dispose]());

const TEN = fileURLToPath(new URL('ten.mjs', import.meta.url));

/** Runs with a Node that says it is another version. */
function withVersion(course: FakeCourse, version: string) {
  const fake = `Object.defineProperty(process,'versions',{value:{...process.versions,node:'${version}'}})`;
  const args = ['--import', `data:text/javascript,${encodeURIComponent(fake)}`, course.path('course/ten.mjs'), 'progress', '--json'];
  return spawnSync(process.execPath, args, { encoding: 'utf8', env: cleanEnvironment() });
}

describe('the version of Node', () => {
  test.each(['18.20.4', '24.18.0'])('%s gets one sentence and 2', (version) => {
    const { status, stdout, stderr } = withVersion(course, version);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toBe(`Ten Servers needs Node 24 (24.18.1 or newer) or Node 26 (26.5.1 or newer), and this is Node ${version}: run "npm ci" in the folder of the course, `
      + 'which brings the right one, or install Node 24 from https://nodejs.org.\n');
  });

  test.each(['24.18.1', '26.5.1'])('%s will do', (version) => {
    expect(withVersion(course, version).status).toBe(0);
  });

  const old = ['/usr/bin/node', '/usr/local/bin/node'].find((path) => {
    if (!existsSync(path)) return false;
    const [major = 0] = spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout.slice(1).split('.').map(Number);
    return major < 24;
  });
  test.skipIf(old === undefined)('an old Node itself can read the entry', () => {
    const { status, stderr } = spawnSync(old as string, [TEN, 'test', '1'], { encoding: 'utf8', env: cleanEnvironment() });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^Ten Servers needs Node 24 \(24\.18\.1 or newer\) or Node 26 \(26\.5\.1 or newer\), and this is Node [\d.]+: [^\n]+\n$/);
  });
});

describe.concurrent('the command line', () => {
  test('hands the exit code of a command on, and what it says on either stream', async () => {
    const [help, check, unknown] = await Promise.all([course.runWhole('help'), course.runWhole('test 1'), course.runWhole('pregress')]);
    expect(help).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/npm run catch-up/) });
    expect(check).toMatchObject({ code: 1, stderr: '', stdout: expect.stringMatching(/^1\.1 failed\n1\.2 not run\n1\.3 not run\n/) });
    expect(unknown).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/no command "pregress"/) });
  });

  test('ends quietly when nobody reads on', async () => {
    const child = spawn(process.execPath, [course.path('course/ten.mjs'), 'help'], { env: cleanEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
    await new Promise((resolve) => child.on('close', resolve));
    expect(stderr).toBe('');
  });

  test('a fault of the course is told from one of the learner', async () => {
    using course = new FakeCourse();
    course.write('chapters/01-echo/echo.ts', 'explode');
    const { code, stderr } = await course.runWhole('test 1');
    expect(code).toBe(1);
    expect(stderr).toMatch(/`npm test` has failed, and the fault is in the course, not in your code\. Please report this:\nError: the check exploded/);
  });
});
