/** A server that runs: its signals, its output, its end. */
import { describe, expect, test } from 'vitest';
import { FakeCourse } from '../fake-course.ts';

describe.concurrent('serve', () => {
  test.each(['SIGINT', 'SIGQUIT', 'SIGTERM'] as const)('passes %s on and ends as the program ends', async (signal) => {
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
    expect((await course.runWhole('serve 1 --exit 7')).code).toBe(7);
    expect((await course.runWhole('serve 1 --nonsense')).code).not.toBe(0);
  });

  test('hands on what npm kept', async () => {
    using course = new FakeCourse();
    const npm = (env: Record<string, string>) => ({ env: { npm_lifecycle_event: 'serve', ...env } });
    const running = course.start(['serve', '1'], npm({ npm_config_solution: 'true', npm_config_lines: 'true', npm_config_cache: '/home/me/.npm' }));
    expect(await running.until(/lines \w+/)).toMatch(/^solutions listening, lines true/);
    running.child.kill();
    await running.ended;
  });
});
