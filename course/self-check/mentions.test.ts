import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../root.ts';
import { parsePage } from './markdown.ts';
import type { Block } from './markdown.ts';
import { mapFaults, mentionFaults, reportFaults } from './mentions.ts';

const words = new Set(['client', 'until', 'readToEnd', 'take']);

describe('what is named between backticks', () => {
  test('may be an identifier of the code, a file, or anything else', () => {
    const text = 'Use `client.until`, `readToEnd()`, `#take`; `course/manifest.ts`, `tests/chapter-NN/driver.ts`; `find`, `npm test`, `echo.ts`, `NotImplemented(\'1.4\')`.';
    expect(mentionFaults('a.md', text, words)).toEqual([]);
  });

  test('has to exist', () => {
    expect(mentionFaults('a.md', 'One.\nUse `client.untl` and `readToEdn`, in `course/nowhere.ts`.', words)).toEqual([
      'a.md:2: `client.untl` is a name that no code has: untl',
      'a.md:2: `readToEdn` is a name that no code has: readToEdn',
      'a.md:2: `course/nowhere.ts` is not there',
    ]);
  });

  test('is not looked for in blocks', () => {
    expect(mentionFaults('a.md', '````markdown\n```ts\n`readToEdn`\n```\n`readToEdn`\n````\n', words)).toEqual([]);
  });
});

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');

describe('a report that a page shows', () => {
  const reports = parsePage(readme).blocks.filter((block) => block.text.startsWith('$ npm test'));

  function faults(find: string | RegExp, put: string): string[] {
    return reports.flatMap((block) => reportFaults('README.md', { ...block, text: block.text.replace(find, put) } satisfies Block));
  }

  test('names the lines and quotes the rules that are there', () => {
    expect(reports).toHaveLength(2);
    expect(faults('', '')).toEqual([]);
  });

  test.each([
    [/echo\.ts:\d+/, 'echo.ts:1', /the report names chapters\/01-echo\/echo\.ts:1; exercise 1\.1 is at line \d+$/],
    ['must not take in', 'may take in', /quotes a rule that no hidden test has: "a server may take in what it cannot pass on/],
    ['(extra, about 20 minutes)', '(core, about 20 minutes)', /the report of exercise 1\.4 begins with "✗ 1\.4 backpressure \(extra, about 20 minutes\)"$/],
    ['and nobody looked', 'and somebody looked', /quotes a likely that no hidden test has/],
  ])('is told where it does not: %s', (find, put, told) => expect(faults(find, put)).toEqual([expect.stringMatching(told)]));
});

describe('the map in the README', () => {

  test('is that of the manifest', () => {
    expect(mapFaults(readme)).toEqual([]);
    expect(mapFaults(readme.replace('[a raw socket]', '[raw sockets]'))[0]).toMatch(/calls chapter 01 \[raw sockets\]/);
    expect(mapFaults(readme.replace(/(\| 10 \|.*\|) planned/, '$1 yes'))[0]).toMatch(/says "yes" of chapter 10, which is planned/);
    expect(mapFaults(readme.replace('| 02 |', '| 2 |'))).toEqual(['README.md has no row for chapter 02']);
  });
});
