import { expect, test } from 'vitest';
import { FakeCourse } from '../fake-course.ts';

const MINE = '// mine, pass 1.1 pass 1.2\n';

test('two resets at the same time make two backups, and neither is lost', async () => {
  using course = new FakeCourse();
  course.write('chapters/01-echo/echo.ts', MINE);
  course.write('chapters/02-http/http.ts', MINE);
  const both = await Promise.all([course.runWhole('reset 1'), course.runWhole('reset 2')]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  const kept = course.backups().map((name) => ['01-echo/echo.ts', '02-http/http.ts'].filter((path) => course.exists(`.ten-servers/backups/${name}/chapters/${path}`)));
  expect(kept.flat().sort()).toEqual(['01-echo/echo.ts', '02-http/http.ts']);
});

test('what is put back, filled in and compared is in the files of the course', async () => {
  using course = new FakeCourse();
  course.write('chapters/01-echo/echo.ts', '// mine\n');
  expect(await course.runWhole('diff 1 --starter')).toMatchObject({ code: 0, stdout: expect.stringContaining('-// starter of echo\n+// mine\n') });
  expect(await course.runWhole('reset 1')).toMatchObject({ code: 0, stderr: '' });
  expect(course.read('chapters/01-echo/echo.ts')).toBe('// starter of echo\n');
  expect(await course.runWhole('catch-up 2')).toMatchObject({ code: 0, stderr: '' });
  expect(course.read('chapters/01-echo/echo.ts')).toBe(course.read('solutions/01-echo/echo.ts'));
});
