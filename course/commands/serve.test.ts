import { afterAll, describe, expect, test } from 'vitest';
import { FakeCourse } from '../fake-course.ts';

/** For what must change nothing in it. */
const untouched = new FakeCourse();
afterAll(() => untouched[Symbol.dispose]());

describe('serve', () => {
  test('ends with the exit code of the program', async () => {
    using course = new FakeCourse();
    expect((await course.run('serve 1 --exit 7')).code).toBe(7);
  });

  test('lays the tuned servers over the reference', async () => {
    using course = new FakeCourse();
    course.write('solutions/02-http/main.ts', 'process.exit(8);\n');
    course.write('solutions/10-bake-off/tuned/02-http/main.ts', "import { code } from '../01-echo/code.ts';\nprocess.exit(process.argv.length === 2 ? code : 7);\n");
    course.write('solutions/01-echo/code.ts', 'export const code = 9;\n');
    expect((await course.run('serve 2 --solution')).code).toBe(8);
    expect((await course.run('serve 2 --solution --engine tuned')).code).toBe(9);
    expect((await course.run('serve 2 --engine=tuned --solution')).code).toBe(9);
  });

  test('hands on what npm kept, or says how to write it', async () => {
    using course = new FakeCourse();
    const npm = (env: Record<string, string>) => ({ env: { npm_lifecycle_event: 'serve', ...env } });
    // npm's own settings, such as `cache`, are always there and nobody typed them.
    expect((await course.run('serve 1', npm({ npm_config_exit: '9', npm_config_cache: '/home/me/.npm' }))).code).toBe(9);
    const unclear = await course.run('serve 1 8080', npm({ npm_config_port: 'true' }));
    expect(unclear).toMatchObject({ code: 2, stderr: expect.stringContaining('npm run serve 1 -- --port 8080') });
  });

  test('knows the options of a program from its table of settings', async () => {
    using course = new FakeCourse();
    course.write('chapters/02-http/main.ts', "process.exit(process.argv.slice(2).join(' ') === '--workers 2 --reload' && process.execArgv.includes('--disable-sigusr1') ? 9 : 8);\n");
    course.write('chapters/02-http/settings.ts', `
      export const settingsTable: readonly { flag: string; kind: string }[] = [{ flag: 'workers', kind: 'count' }, { flag: 'reload', kind: 'switch' }, { flag: 'umask', kind: 'text' }];
      export const actions = { 'print-config': 'print' };
      export const others = [['config', { type: 'string' }]];
    `);
    const npm = (env: Record<string, string>) => course.run('serve 2', { env: { npm_lifecycle_event: 'serve', ...env } });
    expect((await npm({ npm_config_workers: '2', npm_config_reload: 'true' })).code).toBe(9);
    expect(await npm({ npm_config_workers: 'true' })).toMatchObject({ code: 2, stderr: expect.stringContaining('npm run serve 2 -- --workers VALUE') });
    expect(await npm({ npm_config_umask: '23' })).toMatchObject({ code: 2, stderr: expect.stringContaining('npm run serve 2 -- --umask VALUE') });
    expect(await npm({ npm_config_workers: 'true', npm_config_umask: 'true', npm_config_reload: 'true' })).toMatchObject({ code: 2, stderr: expect.stringMatching(/npm kept --workers and --umask for itself.* -- --workers VALUE --umask VALUE --reload/) });
    expect(await npm({ npm_config_config: 'true' })).toMatchObject({ code: 2, stderr: expect.stringContaining('npm run serve 2 -- --config VALUE') });
    expect(await npm({ npm_config_print_config: 'true' })).toMatchObject({ code: 2, stderr: expect.stringMatching(/npm run serve 2 -- --print-config\n/) });
  });

  test('does without a table of settings that cannot be loaded', async () => {
    using course = new FakeCourse();
    course.write('chapters/01-echo/settings.ts', 'throw new Error();\n');
    expect((await course.run('serve 1', { env: { npm_lifecycle_event: 'serve', npm_config_exit: '9' } })).code).toBe(9);
  });

  test.each([
    ['serve', /Which chapter\?/],
    ['serve --port 0 1', /--port goes after the chapter's name/],
    ['serve 2', /chapters\/02-http\/main\.ts is missing, so there is nothing to serve/],
    ['serve 2 --solution', /solutions\/02-http\/main\.ts is missing/],
    ['serve 1 --engine tuned', /--engine goes with --solution/],
    ['serve 1 --solution --engine fast', /--engine takes "tuned"/],
    ['serve 3', /not written yet/],
    ['serve nope', /There is no chapter/],
  ])('wrong use: %s', async (args, message) => {
    const { code, stderr } = await untouched.run(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
