/** Programs that a command starts: their output is ours, and so are the tools of this machine. */
import { describe, expect, test } from 'vitest';
import { FakeCourse } from '../fake-course.ts';

describe.concurrent('the maintainer\'s tools print where we print', () => {
  test.each([
    ['typecheck --pretty false', 'tsc -p . --pretty false\n'],
    ['lint', 'markdownlint chapters solutions\nplain-english\n'],
    ['docs', 'typedoc --options docs/typedoc.json\n'],
    ['bench parser --help', 'parser --help\n'],
  ])('%s', async (args, stdout) => {
    using course = new FakeCourse();
    expect(await course.runWhole(args, { env: { ALOUD: '1' } })).toMatchObject({ code: 3, stdout });
  });
});

test('doctor is content with a machine that has everything', async () => {
  using course = new FakeCourse();
  const { devDependencies } = JSON.parse(course.read('package.json')) as { devDependencies: Record<string, string> };
  for (const [name, version] of Object.entries(devDependencies)) course.write(`node_modules/${name}/package.json`, JSON.stringify({ version }));
  const { code, stdout } = await course.runWhole('doctor');
  expect(stdout).not.toMatch(/^missing/m);
  expect(code).toBe(0);
});
