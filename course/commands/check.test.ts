import { afterAll, describe, expect, test } from 'vitest';
import { FakeCourse } from '../fake-course.ts';

/** For what must change nothing in it. */
const untouched = new FakeCourse();
afterAll(() => untouched[Symbol.dispose]());

describe('a check', () => {
  test('of the untouched starters fails, stops at the first and says where to go on', async () => {
    using course = new FakeCourse();
    const { code, stdout, stderr } = await course.run('test chapter-1');
    expect([code, stderr]).toEqual([1, '']);
    expect(stdout).toBe('1.1 failed\n1.2 not run\n1.3 not run\nreport in 80 columns, colors false\n');
    expect(course.checks()).toEqual([{ chapter: '01-echo', tree: course.path('chapters'), subject: 'chapters', seed: 7, bail: true }]);
  });

  test('that passes enters the progress and names the next step', async () => {
    using course = new FakeCourse();
    course.write('chapters/01-echo/echo.ts', 'pass 1.1');
    const one = await course.run('test 1.1 --seed 81723');
    expect(one.code).toBe(0);
    expect(one.stdout).toMatch(/Next: 1\.2 step 1\.2 \(core, about 20 minutes\)\. `npm test 1\.2`/);
    expect(course.progress()).toEqual({ '1.1': { passedAt: expect.any(String), seed: 81723 } });

    course.write('chapters/01-echo/echo.ts', 'pass 1.1 pass 1.2');
    course.write('chapters/01-echo/lines.ts', 'pass 1.3');
    expect((await course.run('test 1')).stdout).toMatch(/Next: 2\.1 step 2\.1/);
    expect(course.progress()['1.1']).toMatchObject({ seed: 81723 });

    course.write('chapters/01-echo/lines.ts', 'broken');
    await course.run('test 1');
    expect(course.progress()['1.3']).toEqual({ passedAt: expect.any(String), seed: 7, undoneAt: expect.any(String) });
    expect((await course.run('progress')).stdout).toMatch(/1\.3 .* passed once, not now/);
  });

  test('that could not be judged is neither a pass nor a failure', async () => {
    using course = new FakeCourse();
    course.write('chapters/01-echo/echo.ts', 'pass 1.1');
    course.write('chapters/01-echo/lines.ts', 'pass 1.3');
    await course.run('test 1.1');
    const before = course.progress();
    course.write('chapters/01-echo/echo.ts', 'busy 1.1');
    const { code, stdout } = await course.run('test 1.1 --json out.json');
    expect(code).toBe(3);
    expect(stdout).not.toContain('Next:');
    expect(course.progress()).toEqual(before);
    expect(JSON.parse(course.read('out.json'))).toMatchObject({ passed: false, exercises: [{ id: '1.1', status: 'busy' }] });
    // What has failed, has failed.
    course.write('chapters/01-echo/echo.ts', 'busy 1.1');
    course.write('chapters/01-echo/lines.ts', 'broken');
    expect((await course.run('test 1 --all')).code).toBe(1);
  });

  test('of one exercise, by any name', async () => {
    using course = new FakeCourse();
    await Promise.all([course.run('test 1.2'), course.run('check 01.2'), course.run('test exercise 1.2')]);
    expect(course.checks().map(({ exercise }) => exercise)).toEqual(['1.2', '1.2', '1.2']);
  });

  test('of all exercises, with --all', async () => {
    using course = new FakeCourse();
    course.write('chapters/01-echo/lines.ts', 'pass 1.3');
    expect((await course.run('test 1 --all')).stdout).toMatch(/1\.1 failed\n1\.2 failed\n1\.3 passed/);
  });

  test('of the reference leaves the progress alone', async () => {
    using course = new FakeCourse();
    expect((await course.run('solution 1')).code).toBe(0);
    expect((await course.run('check 1 --subject solutions')).code).toBe(0);
    expect(course.checks().map(({ subject }) => subject)).toEqual(['solutions', 'solutions']);
    expect(course.exists('.ten-servers/progress.json')).toBe(false);
    const { code, stderr } = await course.run('solution 1 --subject chapters');
    expect([code, stderr]).toEqual([2, expect.stringContaining('has no option --subject')]);
  });

  test('of a chapter whose earlier ones are open names the two ways on', async () => {
    using course = new FakeCourse();
    const { stdout } = await course.run('test 2');
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('chapter-02 builds on chapter-01 (3 exercises left): do it first, or let `npm run catch-up chapter-02` fill');
  });

  test('of a chapter whose earlier ones are done, though no check has seen them, says nothing of them', async () => {
    using course = new FakeCourse();
    for (const file of ['echo.ts', 'lines.ts']) course.write(`chapters/01-echo/${file}`, 'done');
    expect((await course.run('test 2')).stdout).not.toContain('builds on');
  });

  test('with a starter missing says how to get it back', async () => {
    using course = new FakeCourse();
    course.remove('chapters/01-echo/lines.ts');
    const one = await course.run('test 1');
    expect(one.code).toBe(1);
    expect(one.stdout).toMatch(/chapters\/01-echo\/lines\.ts is missing: `npm run reset chapter-01 lines\.ts`/);
    course.remove('chapters/01-echo');
    const all = await course.run('test 1');
    expect(all).toEqual({ code: 1, stdout: '', stderr: 'chapters/01-echo is missing: `npm run reset chapter-01` puts the starters there.\n' });
  });

  test('without the reference says so', async () => {
    using course = new FakeCourse();
    course.remove('solutions');
    const { code, stderr } = await course.run('solution 1');
    expect([code, stderr]).toEqual([2, expect.stringContaining('comes without solutions/01-echo')]);
  });
});

describe('--subject', () => {
  test('takes a tree, a clone, and a path from where the user stands', async () => {
    using course = new FakeCourse();
    course.write('elsewhere/01-echo/echo.ts', 'pass 1.1 pass 1.2');
    course.write('clone/chapters/01-echo/echo.ts', 'pass 1.1');
    await course.run('check 1 --subject elsewhere');
    await course.run('check 1 --subject clone');
    await course.run('check 1 --subject .', { env: { npm_lifecycle_event: 'check', INIT_CWD: course.path('elsewhere') } });
    await course.run(['check', '1', '--subject', course.path('chapters')]);
    expect(course.checks().map(({ tree }) => tree)).toEqual(['elsewhere', 'clone/chapters', 'elsewhere', 'chapters'].map((path) => course.path(path)));
    // Only the last one was the learner's own tree.
    expect(course.checks().map(({ subject }) => subject)).toEqual(['elsewhere', 'clone', '.', 'chapters']);
  });

  test.each([
    ['check 1 --subject nowhere', /--subject nowhere: there is no such folder/],
    ['check 1 --subject package.json', /there is no such folder/],
    ['check 1 --subject course', /--subject course has no folder 01-echo: give the folder that holds 01-echo\//],
  ])('%s', async (args, message) => {
    const { code, stderr } = await untouched.run(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});

describe('--json', () => {
  test('writes the result, every exercise of it', async () => {
    using course = new FakeCourse();
    course.write('out.json', 'old');
    const { code } = await course.run('check 1 --json out.json --seed 5');
    expect(code).toBe(1);
    expect(JSON.parse(course.read('out.json'))).toMatchObject({ version: 1, chapter: 'chapter-01', seed: 5, passed: false, subject: 'chapters' });
    expect(course.checks()[0]).toMatchObject({ bail: false });
  });

  test.each([
    ['check 1 --json no/such/folder.json', /no\/such\/folder\.json cannot be written: it does not exist/],
    ['check 1 --json course', /course is a folder: give a file/],
  ])('is looked at before the check: %s', async (args, message) => {
    const { code, stderr } = await untouched.run(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(untouched.checks()).toEqual([]);
  });
});

describe('wrong use', () => {
  test.each([
    ['test 3', /chapter-03 \(files\) is not written yet\. Written so far: chapter-01 and\schapter-02\./],
    ['test 7', /There is no chapter or exercise "7"[^]*chapter-01 {2}a raw socket, exercises 1\.1 to 1\.3[^]*chapter-03 {2}files, not written yet/],
    ['test 1.4', /There is no exercise 1\.4: chapter-01 has 1\.1, 1\.2 and 1\.3\./],
    ['test 1 2', /one chapter or exercise at a time: "2" is one too many/],
    ['test 1 2 3', /"3" is one too many/],
    ['test 1 --seed x', /--seed x: a seed is a whole number/],
    ['test --seed 5', /--seed goes with a chapter or an exercise/],
    ['check', /Which chapter\? For example: npm run check chapter-01\n/],
    ['solution', /Which chapter\?/],
    ['watch', /Which chapter\?/],
    ['test:all 1', /npm run test:all takes no names/],
  ])('%s', async (args, message) => {
    const { code, stdout, stderr } = await untouched.run(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
    expect(untouched.checks()).toEqual([]);
  });
});

test('without a name the course checks itself, and its exit code is passed on', async () => {
  using course = new FakeCourse();
  const [self, all] = await Promise.all([course.run('test'), course.run('test:all')]);
  expect(self).toMatchObject({ code: 0, stdout: 'self-check, all: false\n' });
  expect(all).toMatchObject({ code: 1, stdout: 'self-check, all: true\n' });
});

test('a fault of the course is told from one of the learner', async () => {
  using course = new FakeCourse();
  course.write('chapters/01-echo/echo.ts', 'explode');
  const { code, stderr } = await course.run('test 1');
  expect(code).toBe(1);
  expect(stderr).toMatch(/`npm test` has failed, and the fault is in the course, not in your code\. Please report this:\nError: the check exploded/);
});
