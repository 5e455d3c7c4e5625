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

  test('hands on what npm kept, or says how to write it', async () => {
    using course = new FakeCourse();
    const npm = (env: Record<string, string>) => ({ env: { npm_lifecycle_event: 'serve', ...env } });
    // npm's own settings, such as `cache`, are always there and nobody typed them.
    expect((await course.run('serve 1', npm({ npm_config_exit: '9', npm_config_cache: '/home/me/.npm' }))).code).toBe(9);
    const unclear = await course.run('serve 1 8080', npm({ npm_config_port: 'true' }));
    expect(unclear).toMatchObject({ code: 2, stderr: expect.stringContaining('npm run serve 1 -- --port 8080') });
  });

  test.each([
    ['serve', /Which chapter\?/],
    ['serve --port 0 1', /--port goes after the chapter's name/],
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
