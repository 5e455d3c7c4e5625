import { describe, expect, test } from 'vitest';
import { FakeCourse } from '../fake-course.ts';
import { newerFix } from '../requirements.mjs';
import { readStarters } from '../starters.ts';

describe('start', () => {
  test('shows the whole map and, to a beginner, that the first red is expected', async () => {
    using course = new FakeCourse();
    const { code, stdout } = await course.run('start');
    expect(code).toBe(0);
    expect(stdout).toMatch(/chapter-01 {2}a raw socket +0 of 3 done\n.*\n +core: about 40 minutes; extra: 1\.3, about 20 minutes\n[^]*chapter-10 {2}measuring +not written yet/);
    expect(stdout).toMatch(/You start with 1\.1, step 1\.1 \(core, about 20 minutes\)\.[^]*npm run watch chapter-01/);
    expect(stdout).toMatch(/first check is red, and that is as it should be/);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(stdout).not.toContain('\x1b');
  });

  test('shows where the learner stands', async () => {
    using course = new FakeCourse();
    course.write('chapters/01-echo/echo.ts', 'pass 1.1 pass 1.2');
    await course.run('test 1');
    const { stdout } = await course.run('start');
    expect(stdout).toMatch(/2 of 3 done[^]*You are at 1\.3[^]*open +chapters\/01-echo\/lines\.ts/);
    expect(stdout).not.toMatch(/first check is red/);
  });
});

describe('the maintainer\'s tools get their arguments, and their exit code is passed on', () => {
  test.each([
    ['typecheck --pretty false', ['tsc -p . --pretty false']],
    ['lint', ['markdownlint chapters solutions', 'plain-english']],
    ['docs', ['typedoc --options docs/typedoc.json']],
    ['bench parser --runs 3', ['parser --runs 3']],
    ['bench parser --help', ['parser --help']],
  ])('%s', async (args, calls) => {
    using course = new FakeCourse();
    expect(await course.run(args)).toMatchObject({ code: 3 });
    expect(course.toolCalls()).toEqual(calls);
  });

  test('bench knows its names', async () => {
    using course = new FakeCourse();
    expect(await course.run('bench')).toMatchObject({ code: 2, stderr: 'Which benchmark? You can run parser.\n' });
    expect(await course.run('bench ../ten')).toMatchObject({ code: 2 });
    expect(await course.run('bench perser')).toMatchObject({ code: 2, stderr: expect.stringMatching(/no benchmark "perser"\. Did you mean parser\?/) });
  });

  test('a tool that is not installed gets a sentence', async () => {
    using course = new FakeCourse();
    course.remove('node_modules');
    for (const name of ['typecheck', 'lint', 'docs']) {
      expect(await course.run(name)).toMatchObject({ code: 2, stderr: expect.stringMatching(/npm ci/) });
    }
  });
});

describe('doctor', () => {
  test('names what is missing, what to do, and exits with 1', async () => {
    using course = new FakeCourse();
    const { code, stdout } = await course.run('doctor', { env: { PATH: course.folder } });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^(?:ok|advice) +Node \d/m);
    // A better Node is advised, and nobody is kept from going on.
    if (newerFix(process.versions.node) !== undefined) expect(stdout.replaceAll(/\s+/g, ' ')).toContain('Nothing in the course needs it, so you can go on');
    expect(stdout).toMatch(/^missing +npm$/m);
    expect(stdout).toMatch(/^missing +packages: [^]*Run `npm ci`/m);
    expect(stdout).toMatch(/^optional +git\n +`npm run diff`/m);
    expect(stdout).toMatch(/^ok +a free port on 127\.0\.0\.1$/m);
    expect(stdout).toMatch(/^Missing: 2\./m);
  });
});

describe('pack-starters', () => {
  test('packs what the learner works on, the same bytes each time', async () => {
    using course = new FakeCourse();
    course.write('chapters/01-echo/picture.svg', '<svg/>');
    course.write('chapters/01-echo/steps/one.ts', '// step\r\n');
    course.write('chapters/01-echo/.hidden', 'x');
    course.write('chapters/02-http/empty.ts', '');
    const { code, stdout } = await course.run('pack-starters');
    expect(code).toBe(0);
    expect(stdout).toContain('chapters/01-echo/steps/one.ts');
    const text = course.read('course/starters.md');
    const packed = readStarters(undefined, course.folder);
    expect(Object.keys(packed)).toEqual(['01-echo/echo.ts', '01-echo/lines.ts', '01-echo/main.ts', '01-echo/steps/one.ts', '02-http/empty.ts', '02-http/http.ts']);
    expect(packed['02-http/empty.ts']).toBe('');
    expect(packed['01-echo/steps/one.ts']).toBe('// step\n');
    expect((await course.run('pack-starters')).stdout).toMatch(/nothing new/);
    expect(course.read('course/starters.md')).toBe(text);
  });

  test('a pack that is missing is missed with a sentence', async () => {
    using course = new FakeCourse();
    course.remove('course/starters.md');
    expect(await course.run('reset 1')).toMatchObject({ code: 1, stderr: expect.stringMatching(/starters\.md is missing: `git checkout/) });
  });
});
