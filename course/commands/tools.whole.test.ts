/** Programs that a command starts: their output is ours, and so are the tools of this machine. And other maps than the fake course has. */
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

describe.concurrent('start', () => {
  test('does not show a chapter that is still being written as one to follow', async () => {
    using course = new FakeCourse();
    course.write('course/manifest.ts', course.read('course/manifest.ts').replace("standsOn: [1],", 'standsOn: [1], inTheMaking: true,'));
    for (const file of ['echo', 'lines']) course.write(`chapters/01-echo/${file}.ts`, 'pass 1.1 pass 1.2 pass 1.3');
    await course.runWhole('test 1');
    const { stdout } = await course.runWhole('start');
    expect(stdout).toMatch(/chapter-02 {2}HTTP +not written yet/);
    expect(stdout).toMatch(/You have done everything that is written so far/);
    expect(await course.runWhole('solution 2')).toMatchObject({ code: 2, stderr: expect.stringMatching(/^chapter-02 is still being written, and has no hidden tests yet/) });
    course.write('tests/chapter-02/2.2-second.test.ts', '');
    expect(await course.runWhole('solution 2.1')).toMatchObject({ code: 2, stderr: expect.stringMatching(/^2\.1 is still being written/) });
    expect(await course.runWhole('solution 2')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^2\.2 passed\n/) });
  });

  test('says which core exercise comes after an extra one', async () => {
    using course = new FakeCourse();
    course.write('course/manifest.ts', course.read('course/manifest.ts').replace("id === '1.3'", "id === '1.1'"));
    const { stdout } = await course.runWhole('start');
    expect(stdout).toMatch(/You start with 1\.1, step 1\.1 \(extra, about 20 minutes\)[^]*skip +1\.1 is extra; the next core exercise is 1\.2: npm test 1\.2/);
  });
});
