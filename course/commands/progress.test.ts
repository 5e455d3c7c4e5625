import { afterAll, describe, expect, test } from 'vitest';
import { FakeCourse } from '../fake-course.ts';

/** For what must change nothing in it. */
const untouched = new FakeCourse();
afterAll(() => untouched[Symbol.dispose]());

const PASSED = { passedAt: '2026-01-02T03:04:05.000Z' };
const file = (exercises: object) => JSON.stringify({ version: 1, exercises });

describe('progress', () => {
  test('as a table and as JSON', async () => {
    using course = new FakeCourse();
    course.write('.ten-servers/progress.json', file({ '1.1': { ...PASSED, hintLevel: 2 }, '9.9': PASSED }));
    const [table, json] = await Promise.all([course.run('progress'), course.run('progress --json')]);
    expect(table.stdout).toMatch(/^chapter-01 {2}a raw socket: 1 of 3 done\n {2}1\.1 .*done, 2026-01-02, 2 hints\n {2}1\.2 .*open\n/);
    expect(table.stdout).toMatch(/\nNext: 1\.2 step 1\.2 \(core, about 20 minutes\)\. npm test 1\.2\n$/);
    // An id that this version does not know is kept.
    expect(JSON.parse(json.stdout)).toEqual({ version: 1, exercises: { '1.1': { ...PASSED, hintLevel: 2 }, '9.9': PASSED } });
  });

  test('of another clone is added, and nothing is taken away', async () => {
    using course = new FakeCourse();
    course.write('.ten-servers/progress.json', file({ '1.1': PASSED, '1.2': { hintLevel: 1 } }));
    course.write('clone/.ten-servers/progress.json', file({ '1.1': { hintLevel: 3 }, '1.2': PASSED, '2.1': PASSED }));
    const { code, stdout } = await course.run('progress --import clone');
    expect([code, stdout]).toEqual([0, 'Now done here too: 1.2 and 2.1.\n']);
    expect(course.progress()).toEqual({ '1.1': { ...PASSED, hintLevel: 3 }, '1.2': { ...PASSED, hintLevel: 1 }, '2.1': PASSED });
    expect((await course.run('progress --import clone/.ten-servers/progress.json')).stdout).toMatch(/^Nothing new/);
  });

  test.each([
    ['nowhere', /there is no such file or folder/],
    ['chapters', /no progress is kept there/],
    ['package.json', /is not a progress file of this course/],
    ['chapters/01-echo/README.md', /is not a progress file of this course/],
  ])('cannot be imported from %s', async (from, message) => {
    const { code, stderr } = await untouched.run(`progress --import ${from}`);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(untouched.exists('.ten-servers/progress.json')).toBe(false);
  });

  test('of a chapter that was cut anew begins anew', async () => {
    using recut = new FakeCourse();
    recut.write('course/manifest.ts', recut.read('course/manifest.ts').replace('standsOn: [1],', 'standsOn: [1], cut: 2,'));
    recut.commit();
    using course = recut.clone();
    course.write('node_modules/vitest/package.json', '{}');
    const now = { ...PASSED, cut: 2 };
    course.write('.ten-servers/progress.json', file({ '1.1': PASSED, '2.1': { ...PASSED, hintLevel: 2 }, '2.2': now, '9.9': PASSED }));
    const { stdout, stderr } = await course.run('progress');
    expect(stdout).toMatch(/chapter-02 {2}HTTP: 1 of 2 done\n {2}2\.1 .* open\n {2}2\.2 .* done/);
    expect(stderr).toMatch(/^The exercises of chapter-02 were cut anew:/);
    // Said until something is written, and not after that.
    expect((await course.run('test 1.1')).stdout).toContain('were cut anew');
    expect(course.progress()).toEqual({ '1.1': { ...PASSED, undoneAt: expect.any(String) }, '2.2': now, '9.9': PASSED });
    course.write('chapters/02-http/http.ts', 'pass 2.1');
    expect((await course.run('test 2.1')).stdout).not.toContain('were cut anew');
    expect(course.progress()).toMatchObject({ '2.1': { passedAt: expect.any(String), cut: 2 }, '2.2': now });
    course.write('older.json', file({ '2.2': PASSED }));
    expect((await course.run('progress --import older.json')).stdout).toMatch(/^The exercises of chapter-02 were cut anew[^]*\nNothing new/);
  });

  test('that is reset can be restored', async () => {
    using course = new FakeCourse();
    expect((await course.run('progress --reset')).stdout).toMatch(/nothing to do/);
    course.write('.ten-servers/progress.json', file({ '1.1': PASSED }));
    const { stdout } = await course.run('progress --reset');
    expect(course.exists('.ten-servers/progress.json')).toBe(false);
    const [backup = ''] = course.backups();
    expect(stdout).toContain(`kept in .ten-servers/backups/${backup}`);
    await course.run(`reset --restore ${backup}`);
    expect(course.progress()).toEqual({ '1.1': PASSED });
  });

  test('takes one wish at a time', async () => {
    using course = new FakeCourse();
    expect((await course.run('progress --json --reset')).code).toBe(2);
  });
});

describe('a progress file that is damaged', () => {
  test.each([
    ['half a file', '{"version":1,"exerci', {}],
    ['no file of ours', '[]', {}],
    ['no version', '{"exercises":{}}', {}],
    ['one bad entry', file({ '1.1': { passedAt: 'never' }, '1.2': PASSED, '../x': {} }), { '1.2': PASSED }],
  ])('%s: is moved aside, and the verdict stands', async (_, text, kept) => {
    using course = new FakeCourse();
    course.write('.ten-servers/progress.json', text);
    course.write('chapters/01-echo/lines.ts', 'pass 1.3');
    const { code, stdout } = await course.run('test 1.3');
    expect(code).toBe(0);
    const aside = /kept as (\.ten-servers\/progress\.json\.damaged-[\w-]+)/.exec(stdout.replaceAll(/\s+/g, ' '))?.[1] ?? '';
    expect(course.read(aside)).toBe(text);
    expect(course.progress()).toEqual({ ...kept, '1.3': { passedAt: expect.any(String), seed: 7 } });
  });

  test('from a newer version is left as it is', async () => {
    using course = new FakeCourse();
    const text = '{"version":2,"exercises":{"1.1":"x"}}';
    course.write('.ten-servers/progress.json', text);
    const { code, stdout } = await course.run('test 1');
    expect(code).toBe(1);
    expect(stdout).toMatch(/newer version of the course/);
    expect(course.read('.ten-servers/progress.json')).toBe(text);
  });
});

test('a folder that cannot be written costs one sentence and no verdict', async () => {
  using course = new FakeCourse();
  course.write('.ten-servers', 'a file where the folder should be');
  course.write('chapters/01-echo/lines.ts', 'pass 1.3');
  const [passed, failed, hint] = await Promise.all([course.run('test 1.3'), course.run('test 1.1'), course.run('hint 1.1')]);
  expect([passed.code, failed.code, hint.code]).toEqual([0, 1, 0]);
  for (const { stdout } of [passed]) expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/progress could not be saved in \.ten-servers: .*The verdict above stands\./);
  expect(hint.stdout).toMatch(/Hint 1 of 3/);
  expect(hint.stdout.replaceAll(/\s+/g, ' ')).toContain('`npm run hint 1.1 -- --level 2`');
});
