import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../root.ts';
import { mapFaults, mentionFaults } from './mentions.ts';

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

describe('the map in the README', () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');

  test('is that of the manifest', () => {
    expect(mapFaults(readme)).toEqual([]);
    expect(mapFaults(readme.replace('[a raw socket]', '[raw sockets]'))[0]).toMatch(/calls chapter 01 \[raw sockets\]/);
    expect(mapFaults(readme.replace(/(\| 10 \|.*\|) planned/, '$1 yes'))[0]).toMatch(/says "yes" of chapter 10, which is planned/);
    expect(mapFaults(readme.replace('| 02 |', '| 2 |'))).toEqual(['README.md has no row for chapter 02']);
  });
});
