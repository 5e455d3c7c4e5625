import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chapters } from '../manifest.ts';
import type { Chapter } from '../manifest.ts';
import { ROOT } from '../root.ts';
import { frameFaults } from './lessons.ts';

const chapter = chapters[1] as Chapter;
const lesson = readFileSync(join(ROOT, 'chapters', chapter.folder, 'README.md'), 'utf8');

function faults(change: (lesson: string) => string): string[] {
  const changed = change(lesson);
  expect(changed).not.toBe(lesson);
  return frameFaults(chapter, 'lesson.md', changed.split('\n'));
}

test('a lesson opens, asks and ends as every lesson does', () => {
  expect(frameFaults(chapter, 'lesson.md', lesson.split('\n'))).toEqual([]);
});

describe('a lesson is told', () => {
  test.each<[what: string, find: string | RegExp, put: string, told: string]>([
    ['that its opening is missing', '> **Before you begin:**', 'First:', 'does not open with'],
    ['that it does not say how to catch up', 'npm run catch-up chapter-02', 'npm run catch-up chapter-03', 'npm run catch-up chapter-02'],
    ['that an exercise has no turn', '**Your turn: 2.3.**', 'Now you.', 'has no "**Your turn: 2.3.**"'],
    ['that it takes another time', 'about nine hours', 'about two hours', 'course/manifest.ts has 13, and 8.9 hours in all'],
    ['that it has more exercises', 'The thirteen exercises', 'The six exercises', 'course/manifest.ts has 13'],
    ['that an exercise takes another time', /about \d+ minutes/, 'about 60 minutes', 'must begin with "> Core, about 40 minutes."'],
    ['that an exercise is not extra', /> Core, about/, '> Extra, about', 'must begin with "> Core, about 40 minutes."'],
    ['that an exercise says no minutes', /> Core, about \d+ minutes\. /, '> ', 'must begin with "> Core, about 40 minutes."'],
    ['that nothing is to be predicted', 'Predict first: ', '', 'the note of 2.1 has no "Predict first:"'],
    ['that nobody knows whether to skip', 'Do not skip this one', 'Remember this one', 'the note of 2.1 must say "Do not skip"'],
    ['that it leads nowhere', '(../03-static/README.md)', '(../04-workers/README.md)', 'does not end with a link'],
  ])('%s', (_, find, put, told) => {
    expect(faults((text) => text.replace(find, put))).toEqual([expect.stringContaining(told)]);
  });
});
