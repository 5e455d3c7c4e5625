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
  test.each(['16.20.2', '18.20.4', '20.20.2', '24.14.9'])('%s gets one sentence and 2', (version) => {
    const { status, stdout, stderr } = withVersion(course, version);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toBe(`Ten Servers needs Node 24.15 or newer and this is Node ${version}: run "npm ci" in the folder of the course, `
      + 'which brings the right one, or install Node 24 from https://nodejs.org.\n');
  });

  test('says to use npm where the packages are installed', () => {
    using course = new FakeCourse();
    course.write('node_modules/.bin/node', '');
    expect(withVersion(course, '20.20.2').stderr).toMatch(/use the npm commands/);
  });

  test.each(['24.15.0', '26.1.0'])('%s will do', (version) => {
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
    expect(stderr).toMatch(/^Ten Servers needs Node 24\.15 or newer and this is Node [\d.]+: [^\n]+\n$/);
  });
});

describe.concurrent('the command line', () => {
  test('help lists every command, and stands for no command', async () => {
    const [help, bare, flag] = await Promise.all([course.run('help'), course.run([]), course.run('--help')]);
    expect(help.code).toBe(0);
    const scripts = Object.keys((JSON.parse(course.read('package.json')) as { scripts: object }).scripts);
    for (const script of scripts) expect(help.stdout).toMatch(new RegExp(`npm (?:run )?${script}(?: |$)`, 'm'));
    expect(bare.stdout).toBe(help.stdout);
    expect(flag.stdout).toBe(help.stdout);
  });

  test('an unknown command gets the list, and the nearest one', async () => {
    const { code, stdout, stderr } = await course.run('pregress');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr.replaceAll('\n', ' ')).toMatch(/no command "pregress"\. Did you mean `npm run progress`\? The commands are: start, test, .*catch-up/);
    expect((await course.run('constructor')).code).toBe(2);
  });

  test.each(['test', 'start', 'catch-up', 'serve', 'bench'])('%s --help says how it is used, and does nothing', async (command) => {
    const { code, stdout } = await course.run([command, '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^npm (run )?${command}`));
    expect(course.checks()).toEqual([]);
  });

  test.each(['start', 'hint', 'diff', 'reset', 'catch-up', 'progress', 'doctor', 'test', 'watch', 'test:all'])('%s refuses a flag that it does not have', async (command) => {
    const { code, stderr } = await course.run([command, '--nonsense']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/has no --nonsense\./);
  });

  test('ends quietly when nobody reads on', async () => {
    const child = spawn(process.execPath, [course.path('course/ten.mjs'), 'help'], { env: cleanEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
    await new Promise((resolve) => child.on('close', resolve));
    expect(stderr).toBe('');
  });

  test('packages that are missing are told from a fault', async () => {
    using course = new FakeCourse();
    course.remove('node_modules/vitest');
    const [check, self] = await Promise.all([course.run('test 1'), course.run('test')]);
    for (const { code, stderr } of [check, self]) {
      expect(code).toBe(2);
      expect(stderr).toMatch(/packages of the course are not installed .*npm ci/);
    }
  });
});
