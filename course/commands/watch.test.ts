import { renameSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FakeCourse } from '../fake-course.ts';

const ready = /Watching [^\n]*Ctrl-C ends\.\n/;

describe('watch', () => {
  test('checks again however a file is saved, and survives whatever is in it', async () => {
    using course = new FakeCourse();
    const watch = course.begin('watch chapter-01');
    expect(await watch.until(ready)).toMatch(/checking chapter-01\n[^]*1\.1 failed/);

    course.write('chapters/01-echo/echo.ts', 'pass 1.1');
    const green = await watch.until(ready);
    expect(green).toMatch(/01-echo\/echo\.ts saved: checking chapter-01 again[^]*1\.1 passed\n1\.2 failed/);
    expect(green.replaceAll(/\s+/g, ' ')).toContain('1.1 is green now. Next: 1.2 step 1.2, in echo.ts. Read "Second" in chapters/01-echo/README.md.');

    // As vim saves: a new file over the old one, twice, because the first one hides the second from some watchers.
    for (const text of ['pass 1.1 pass 1.2', 'nothing']) {
      course.write('chapters/01-echo/.echo.ts.swp', text);
      renameSync(course.path('chapters/01-echo/.echo.ts.swp'), course.path('chapters/01-echo/echo.ts'));
      expect(await watch.until(ready)).toMatch(text === 'nothing' ? /1\.1 failed/ : /1\.2 passed/);
    }

    course.remove('chapters/01-echo/echo.ts');
    expect((await watch.until(ready)).replaceAll(/\s+/g, ' ')).toMatch(/echo\.ts is missing: `npm run reset/);
    course.write('chapters/01-echo/echo.ts', 'explode');
    expect(await watch.until(ready)).toMatch(/did not finish: the check exploded/);
    course.write('chapters/01-echo/echo.ts', 'pass 1.1');
    expect(await watch.until(ready)).toMatch(/1\.1 passed/);

    renameSync(course.path('chapters/01-echo'), course.path('away'));
    await watch.until(ready);
    renameSync(course.path('away'), course.path('chapters/01-echo'));
    expect(await watch.until(ready)).toMatch(/1\.1 passed/);
    course.write('chapters/01-echo/lines.ts', 'pass 1.3');
    expect(await watch.until(ready)).toMatch(/lines\.ts saved/);

    process.emit('SIGINT');
    const { code, stdout, stderr } = await watch.ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).not.toContain('\x1b');
  });

  test('of one exercise, also when a chapter below is saved', async () => {
    using course = new FakeCourse();
    const watch = course.begin('watch 2.1 --seed 5');
    expect(await watch.until(ready)).toMatch(/checking 2\.1\n/);
    course.write('chapters/01-echo/echo.ts', 'pass 1.1');
    expect(await watch.until(ready)).toMatch(/01-echo\/echo\.ts saved: checking 2\.1 again/);
    course.write('chapters/02-http/http.ts', 'pass 2.1');
    const green = await watch.until(ready);
    expect(green).toMatch(/2\.1 is green now\.[^]*Next: 2\.2/);
    expect(course.checks().map(({ exercise, seed }) => [exercise, seed])).toEqual(Array(3).fill(['2.1', 5]));
    expect(course.progress()['2.1']).toMatchObject({ seed: 5 });
    process.emit('SIGTERM');
    expect((await watch.ended).code).toBe(0);
  });
});
