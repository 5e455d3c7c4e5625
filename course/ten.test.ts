import { cpSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { FakeCourse } from './fake-course.ts';

/** For what changes nothing in it. */
const course = new FakeCourse();
afterAll(() => course[Symbol.dispose]());

describe('the command line', () => {
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
    expect(stderr).toMatch(/has no option --nonsense\./);
  });

  test('packages that are missing are told from a fault', async () => {
    using course = new FakeCourse();
    course.remove('node_modules/vitest');
    const [check, self] = await Promise.all([course.run('test 1'), course.run('test')]);
    for (const { code, stderr } of [check, self]) {
      expect(code).toBe(2);
      expect(stderr.replaceAll(/\s+/g, ' ')).toBe('The packages of the course are not all installed (vitest is missing): run `npm ci`. ');
    }
  });

  test('packages that npm leaves out every time are told with the way to have them', async () => {
    using course = new FakeCourse();
    course.remove('node_modules');
    course.write('node_modules/.package-lock.json', '{"packages":{"node_modules/mime-db":{}}}');
    const said = / npm left out the packages for development, as NODE_ENV=production or the setting omit=dev make it do\. (?:Now r|R)un `npm ci --include=dev`\./i;
    for (const command of ['test 1', 'typecheck', 'doctor']) {
      const { code, stdout, stderr } = await course.run(command, { env: { PATH: course.folder } });
      expect(code).not.toBe(0);
      expect((stdout + stderr).replaceAll(/\s+/g, ' ')).toMatch(said);
    }
  });

  test.skipIf(process.platform === 'win32')('a path in which the test runner cannot work is named, by the check and by the doctor', async () => {
    using course = new FakeCourse();
    const inside = course.path('a#b');
    cpSync(course.path('course'), `${inside}/course`, { recursive: true });
    for (const path of ['package.json', 'chapters', 'node_modules']) cpSync(course.path(path), `${inside}/${path}`, { recursive: true });
    const moved = new FakeCourse(inside);
    for (const command of ['test 1', 'watch 1', 'test', 'test:all', 'doctor']) {
      const { code, stdout, stderr } = await moved.run(command, { env: { PATH: course.folder } });
      expect(code).toBe(command === 'doctor' ? 1 : 2);
      expect((stdout + stderr).replaceAll(/\s+/g, ' ')).toContain('The tests cannot run in this folder, since its path contains a "#"');
    }
    expect((await moved.run('progress')).code).toBe(0);
  });

  test.skipIf(process.platform === 'win32')('a folder for temporary files that cannot be used is replaced, and it is said', async () => {
    using course = new FakeCourse();
    const TMPDIR = course.path('nowhere/tmp');
    const { code, stdout, stderr } = await course.run('diff 1', { env: { TMPDIR } });
    expect(code).toBe(0);
    expect(stdout).toContain('-// starter of echo\n+// reference: pass 1.1, pass 1.2\n');
    expect(stderr.replaceAll(/\s+/g, ' ')).toBe(`The folder for temporary files is ${TMPDIR}, which cannot be used: it does not exist (ENOENT). .ten-servers/tmp is used instead. Set TMPDIR to a folder of yours. `);
    const file = course.path('package.json');
    expect((await course.run('start', { env: { TMPDIR: file } })).stderr.replaceAll(/\s+/g, ' ')).toMatch(/cannot be used: it is not a folder\./);
    // What a program of the course starts has it, too.
    course.write('chapters/01-echo/main.ts', "import { tmpdir } from 'node:os'; import { writeFileSync } from 'node:fs'; writeFileSync('told', tmpdir());");
    await course.run('serve 1', { env: { TMPDIR } });
    expect(course.read('told')).toBe(course.path('.ten-servers/tmp'));
  });
});
