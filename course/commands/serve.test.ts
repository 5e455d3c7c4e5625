import { afterAll, describe, expect, test } from 'vitest';
import { FakeCourse } from '../fake-course.ts';

/** For what must change nothing in it. */
const untouched = new FakeCourse();
afterAll(() => untouched[Symbol.dispose]());

describe.concurrent('serve', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('passes %s on and ends as the program ends', async (signal) => {
    using course = new FakeCourse();
    const running = course.start(['serve', 'chapter-01', '--port', '0', '--lines']);
    expect(await running.until(/listening.*\n/)).toBe('chapters listening, lines true, port option 0\n');
    running.child.kill(signal);
    expect(await running.ended).toMatchObject({ code: process.platform === 'win32' ? expect.anything() : 5, stderr: '' });
    if (process.platform !== 'win32') expect((await running.ended).stdout.match(/got/g)).toHaveLength(1);
  });

  test('runs the reference with --solution, wherever it stands', async () => {
    using course = new FakeCourse();
    for (const args of [['serve', '1', '--solution'], ['serve', '--solution', '1', '--port', '0']]) {
      const running = course.start(args);
      expect(await running.until(/listening/)).toMatch(/^solutions/);
      running.child.kill();
      await running.ended;
    }
  });

  test('ends with the exit code of the program', async () => {
    using course = new FakeCourse();
    expect((await course.run('serve 1 --exit 7')).code).toBe(7);
    expect((await course.run('serve 1 --nonsense')).code).not.toBe(0);
  });

  test('hands on what npm kept, or says how to write it', async () => {
    using course = new FakeCourse();
    const npm = (env: Record<string, string>) => ({ env: { npm_lifecycle_event: 'serve', ...env } });
    expect((await course.run('serve 1', npm({ npm_config_exit: '9' }))).code).toBe(9);
    const unclear = await course.run('serve 1 8080', npm({ npm_config_port: 'true' }));
    expect(unclear).toMatchObject({ code: 2, stderr: expect.stringContaining('npm run serve 1 -- --port 8080') });
    // npm's own settings, such as `cache`, are always there and nobody typed them.
    const running = course.start(['serve', '1'], npm({ npm_config_solution: 'true', npm_config_lines: 'true', npm_config_cache: '/home/me/.npm' }));
    expect(await running.until(/lines \w+/)).toMatch(/^solutions listening, lines true/);
    running.child.kill();
    await running.ended;
  });

  test.each([
    ['serve', /Which chapter\?/],
    ['serve --port 0 1', /--port goes behind the chapter's name/],
    ['serve 2', /chapters\/02-http\/main\.ts is missing, so there is nothing to serve/],
    ['serve 2 --solution', /solutions\/02-http\/main\.ts is missing/],
    ['serve 3', /not written yet/],
    ['serve nope', /There is no chapter/],
  ])('wrong use: %s', async (args, message) => {
    const { code, stderr } = await untouched.run(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
