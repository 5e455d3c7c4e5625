import { afterAll, describe, expect, test } from 'vitest';
import { FakeCourse } from '../fake-course.ts';
import { parseHints } from '../hints.ts';
import { wrapMarkdown } from '../screen.ts';

/** For what must change nothing in it. */
const untouched = new FakeCourse();
afterAll(() => untouched[Symbol.dispose]());

describe('hint', () => {
  test('says one level more each time, and stays at the last', async () => {
    using course = new FakeCourse();
    const first = await course.run('hint 1.1');
    expect(first.code).toBe(0);
    expect(first.stdout).toBe('Hint 1 of 3 for 1.1 step 1.1: A question\n\nWhat comes back?\n\nStill stuck? `npm run hint 1.1` says more: 2 to go.\n');
    expect((await course.run('hint 1.1')).stdout).toMatch(/^Hint 2 of 3[^]*Look at `write`\.[^]*## 9\.9/);
    for (const _ of [3, 4]) {
      expect((await course.run('hint 1.1')).stdout).toMatch(/^Hint 3 of 3 .*Nearly the answer[^]*This was the last one\.[^]*npm run diff chapter-01 echo\.ts/);
    }
    expect(course.progress()).toEqual({ '1.1': { hintLevel: 3 } });
  });

  test('shows the level that is asked for', async () => {
    using course = new FakeCourse();
    expect((await course.run('hint 1.1 --level 2')).stdout).toMatch(/^Hint 2 of 3/);
    expect((await course.run('hint 1.1 --level 1')).stdout).toMatch(/^Hint 1 of 3/);
    expect(course.progress()).toEqual({ '1.1': { hintLevel: 2 } });
  });

  test('for a chapter, or for nothing, is about the next open exercise', async () => {
    using course = new FakeCourse();
    course.write('chapters/01-echo/echo.ts', 'pass 1.1');
    await course.run('test 1.1');
    const [bare, chapter] = await Promise.all([course.run('hint'), course.run('hint chapter-01')]);
    expect(bare.stdout).toMatch(/^Hint 1 of 1 for 1\.2/);
    expect(chapter.stdout).toMatch(/^Hint 1 of 1 for 1\.2/);
  });

  test.each([
    ['hint 1.1 --level 4', /--level 4: the hints are 1 to 3\./],
    ['hint 1.1 --level 0', /the hints are 1 to 3/],
    ['hint 1.1 --level x', /the hints are 1 to 3/],
    ['hint 1.3', /no hints for 1\.3 yet\. Read "Third" in chapters\/01-echo\/README\.md/],
    ['hint 2.1', /no hints for 2\.1 yet/],
    ['hint 1.7', /There is no exercise 1\.7/],
    ['hint nonsense', /There is no chapter or exercise "nonsense"/],
  ])('wrong use: %s', async (args, message) => {
    const { code, stderr } = await untouched.run(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});

test('the file is read by its headings, which code fences hide', () => {
  const hints = parseHints('# T\n\n## 1.1\n### A\none\n\n### B\n```ts\n### no\n```\n## 1.2 more\n### Empty\n\n### C\nthree\n');
  expect(Object.fromEntries(hints)).toEqual({
    '1.1': [{ title: 'A', text: 'one' }, { title: 'B', text: '```ts\n### no\n```' }],
    '1.2': [{ title: 'C', text: 'three' }],
  });
});

test('prose is broken into lines of 80 columns, code is not', () => {
  const long = 'word '.repeat(40).trim();
  const [prose, item, code] = [long, `- ${long}`, `\`\`\`\n${long}\n\`\`\``].map(wrapMarkdown);
  for (const line of `${prose}\n${item}`.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  expect(item).toMatch(/^- word[^\n]*\n  word/);
  expect(code).toContain(long);
});
