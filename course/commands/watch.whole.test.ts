import { describe, expect, test } from 'vitest';
import { FakeCourse } from '../fake-course.ts';

const ready = /Watching [^\n]*Ctrl-C ends\.\n/;

describe.concurrent('watch', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('checks on a save, and ends well on %s', async (signal) => {
    using course = new FakeCourse();
    const watch = course.start('watch chapter-01');
    expect(await watch.until(ready)).toMatch(/checking chapter-01\n[^]*1\.1 failed/);
    course.write('chapters/01-echo/echo.ts', 'pass 1.1');
    expect(await watch.until(ready)).toMatch(/01-echo\/echo\.ts saved: checking chapter-01 again[^]*1\.1 passed\n1\.2 failed/);
    watch.child.kill(signal);
    const { code, stdout, stderr } = await watch.ended;
    if (process.platform !== 'win32') expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/The watch has ended\.\n$/);
    expect(stdout).not.toContain('\x1b');
  });
});
