import { afterAll, describe, expect, test } from 'vitest';
import { FakeCourse } from '../fake-course.ts';

const MINE = '// mine, pass 1.1 pass 1.2\r\n';

/** For what must change nothing in it. */
const untouched = new FakeCourse();
untouched.write('chapters/01-echo/echo.ts', MINE);
afterAll(() => untouched[Symbol.dispose]());

describe('reset', () => {
  test('puts every starter back and keeps what was there', async () => {
    using course = new FakeCourse();
    course.write('chapters/01-echo/echo.ts', MINE);
    course.write('chapters/01-echo/extra.ts', '// also mine\n');
    course.remove('chapters/01-echo/lines.ts');
    await course.run('test 1');
    const { code, stdout } = await course.run('reset chapter-01');
    expect(code).toBe(0);
    expect(course.read('chapters/01-echo/echo.ts')).toBe('// starter of echo\n');
    expect(course.read('chapters/01-echo/lines.ts')).toBe('// starter of lines\n');
    expect(course.read('chapters/01-echo/extra.ts')).toBe('// also mine\n');
    const [backup] = course.backups();
    expect(stdout).toMatch(new RegExp(`^Your files are kept in \\.ten-servers/backups/${backup}\n2 starters put back`));
    expect(course.read(`.ten-servers/backups/${backup}/chapters/01-echo/echo.ts`)).toBe(MINE);
    // What passed is not done any more, and that it was is not forgotten.
    expect(course.progress()['1.1']).toMatchObject({ passedAt: expect.any(String), undoneAt: expect.any(String) });

    const again = await course.run(`reset --restore ${backup}`);
    expect(again.code).toBe(0);
    expect(course.read('chapters/01-echo/echo.ts')).toBe(MINE);
    expect(course.backups()).toHaveLength(2);
    expect((await course.run(['reset', '--restore', course.path(`.ten-servers/backups/${backup}`)])).stdout).toMatch(/already in place/);
  });

  test.each(['reset 1 echo.ts', 'reset 1 echo', 'reset chapters/01-echo/echo.ts', 'reset 1 chapters/01-echo/echo.ts'])('puts one file back: %s', async (args) => {
    using course = new FakeCourse();
    course.write('chapters/01-echo/echo.ts', MINE);
    course.write('chapters/01-echo/lines.ts', MINE);
    expect((await course.run(args)).code).toBe(0);
    expect(course.read('chapters/01-echo/echo.ts')).toBe('// starter of echo\n');
    expect(course.read('chapters/01-echo/lines.ts')).toBe(MINE);
  });

  test('takes back every exercise of a file that is worked on in several', async () => {
    using course = new FakeCourse();
    course.write('chapters/01-echo/lines.ts', '// TODO 1.2\n// TODO 1.3\n');
    await course.run('pack-starters');
    course.write('chapters/01-echo/echo.ts', MINE);
    course.write('chapters/01-echo/lines.ts', '// pass 1.3\n');
    await course.run('test 1');
    await course.run('reset 1 lines.ts');
    const undone = Object.entries(course.progress()).filter(([, { undoneAt }]) => undoneAt !== undefined).map(([id]) => id);
    expect(undone).toEqual(['1.2', '1.3']);
  });

  test('does nothing where nothing was changed, line endings aside', async () => {
    using course = new FakeCourse();
    course.write('chapters/01-echo/echo.ts', '// starter of echo\r\n');
    expect((await course.run('reset 1')).stdout).toMatch(/nothing to do/);
    expect(course.backups()).toEqual([]);
  });

  test('brings a whole folder back', async () => {
    using course = new FakeCourse();
    course.remove('chapters/01-echo');
    expect((await course.run('reset 1')).code).toBe(0);
    expect(course.read('chapters/01-echo/echo.ts')).toBe('// starter of echo\n');
    expect(course.backups()).toEqual([]);
  });

  test.each([
    ['reset', /Which chapter\?/],
    ['reset 1.2', /reset works on a chapter or a file\. 1\.2 is in echo\.ts: npm run reset chapter-01 echo\.ts/],
    ['reset 1 ehco.ts', /has no file "ehco\.ts"\. Did you mean echo\.ts\?/],
    ['reset 1 ../../package.json', /chapter-01 has no file/],
    ['reset 1 README.md', /chapter-01 has no file/],
    ['reset 1 --restore x', /do not name a chapter with it/],
    ['reset --restore nowhere', /There is no backup "nowhere"\. There are no backups yet\./],
    ['reset --restore ../..', /There is no backup "\.\.\/\.\."/],
    ['reset 1 echo.ts lines.ts', /"lines\.ts" is one too many/],
  ])('wrong use: %s', async (args, message) => {
    const { code, stderr } = await untouched.run(args);
    expect(code).toBe(2);
    expect(stderr.replaceAll(/\s+/g, ' ')).toMatch(message);
    expect(untouched.read('chapters/01-echo/echo.ts')).toBe(MINE);
  });

  test('changes nothing where no backup can be made', async () => {
    using course = new FakeCourse();
    course.write('chapters/01-echo/echo.ts', MINE);
    course.write('.ten-servers', 'a file where the folder should be');
    const { code, stderr } = await course.run('reset 1');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^No backup could be made in \.ten-servers\/backups: .*Nothing was changed\.\n$/);
    expect(course.read('chapters/01-echo/echo.ts')).toBe(MINE);
  });

  test('changes nothing where a folder stands in the way', async () => {
    using course = new FakeCourse();
    course.remove('chapters/01-echo/echo.ts');
    course.write('chapters/01-echo/echo.ts/inside.ts', 'x');
    course.write('chapters/01-echo/lines.ts', MINE);
    const { code, stderr } = await course.run('reset 1');
    expect([code, stderr]).toEqual([1, expect.stringContaining('chapters/01-echo/echo.ts is a folder where a file should be')]);
    expect(course.read('chapters/01-echo/lines.ts')).toBe(MINE);
  });
});

describe('catch-up', () => {
  test('fills in what is not done, keeps what was there, and counts it apart', async () => {
    using course = new FakeCourse();
    course.write('chapters/01-echo/echo.ts', '// half a try\n');
    const { code, stdout } = await course.run('catch-up chapter-02');
    expect(code).toBe(0);
    const [backup] = course.backups();
    expect(stdout).toContain(`Your files are kept in .ten-servers/backups/${backup}`);
    expect(stdout).toMatch(/chapter-01: filled in with the reference \(3 files\)/);
    expect(course.read('chapters/01-echo/echo.ts')).toBe(course.read('solutions/01-echo/echo.ts'));
    expect(course.exists('chapters/01-echo/ANSWERS.md')).toBe(false);
    expect(course.read(`.ten-servers/backups/${backup}/chapters/01-echo/echo.ts`)).toBe('// half a try\n');
    expect(course.read('chapters/02-http/http.ts')).toBe('// starter of http\n');
    expect((await course.run('start')).stdout).toMatch(/0 of 3 done, 3 filled in[^]*You are at 2\.1/);
    // It passes, and is still not the learner's.
    await course.run('test 1');
    expect(course.progress()['1.1']).toEqual({ filledAt: expect.any(String) });
    // Written again by the learner, it counts.
    course.write('chapters/01-echo/echo.ts', '// mine: pass 1.1 pass 1.2');
    await course.run('test 1.1');
    expect(course.progress()['1.1']).toEqual({ passedAt: expect.any(String), seed: 7 });
  });

  test('leaves a chapter that is done, unless --all', async () => {
    using course = new FakeCourse();
    course.write('chapters/01-echo/echo.ts', MINE);
    course.write('chapters/01-echo/lines.ts', 'pass 1.3');
    await course.run('test 1');
    expect((await course.run('catch-up 2')).stdout).toMatch(/chapter-01: done by you, left as it is/);
    expect(course.read('chapters/01-echo/echo.ts')).toBe(MINE);
    await course.run('catch-up 2 --all');
    expect(course.read('chapters/01-echo/echo.ts')).toBe(course.read('solutions/01-echo/echo.ts'));
    expect(course.progress()['1.1']).toMatchObject({ passedAt: expect.any(String) });
  });

  test('does not trust progress that the files do not show', async () => {
    using course = new FakeCourse();
    const passedAt = '2026-01-01T00:00:00.000Z';
    course.write('.ten-servers/progress.json', JSON.stringify({ version: 1, exercises: { '1.1': { passedAt }, '1.2': { passedAt }, '1.3': { passedAt } } }));
    expect((await course.run('catch-up 2')).stdout).toMatch(/chapter-01: filled in/);
  });

  test('has nothing to do before the first chapter, and refuses one that is not written', async () => {
    using course = new FakeCourse();
    expect(await course.run('catch-up 1')).toMatchObject({ code: 0, stdout: expect.stringMatching(/No chapter comes before chapter-01/) });
    expect(await course.run('catch-up 3')).toMatchObject({ code: 2, stderr: expect.stringMatching(/not written yet/) });
    course.remove('solutions');
    expect(await course.run('catch-up 2')).toMatchObject({ code: 2, stderr: expect.stringMatching(/comes without solutions\/01-echo/) });
  });
});

describe('diff', () => {
  test('shows yours beside the reference', async () => {
    using course = new FakeCourse();
    const { code, stdout } = await course.run('diff 1');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^This shows the solution: - is yours, \+ is the reference\./);
    expect(stdout).toContain('--- echo.ts  (chapters/01-echo)\n+++ echo.ts  (solutions/01-echo)\n@@');
    expect(stdout).toContain('\n-// starter of echo\n+// reference: pass 1.1, pass 1.2\n');
    expect(stdout).not.toContain('answers');
  });

  test.each(['diff 1 lines.ts', 'diff chapters/01-echo/lines.ts', 'diff 1.3'])('of one file: %s', async (args) => {
    using course = new FakeCourse();
    const { stdout } = await course.run(args);
    expect(stdout).toContain('+++ lines.ts');
    expect(stdout).not.toContain('+++ echo.ts');
  });

  test('beside the starter shows what you changed', async () => {
    using course = new FakeCourse();
    expect((await course.run('diff 1 --starter')).stdout).toMatch(/no difference/);
    course.write('chapters/01-echo/echo.ts', '// mine\n');
    course.write('chapters/01-echo/extra.ts', '// new\n');
    const { stdout } = await course.run('diff 1 --starter');
    expect(stdout).toContain('-// starter of echo\n+// mine\n');
    expect(stdout).toContain('--- extra.ts  (not there)\n');
    expect(stdout).not.toContain('reference');
  });

  test('without git names the files that differ', async () => {
    using course = new FakeCourse();
    const { code, stdout } = await course.run('diff 1', { env: { PATH: course.folder } });
    expect(code).toBe(0);
    expect(stdout).toMatch(/--- echo\.ts .*\n\+\+\+ echo\.ts .*\ndiffers\. \(Install git to see the lines\.\)/);
  });

  test('of a file that is not there', async () => {
    using course = new FakeCourse();
    expect(await course.run('diff 1 nope.ts')).toMatchObject({ code: 2, stderr: expect.stringMatching(/chapter-01 has no file "nope\.ts"/) });
  });
});
