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
    ['that an exercise is too long', /> About \d+ minutes/, '> About 60 minutes', 'with N from 15 to 45'],
    ['that an exercise says no minutes', /> About \d+ minutes\. /, '> ', 'with N from 15 to 45'],
    ['that nothing is to be predicted', 'Predict first: ', '', 'the note of 2.1 has no "Predict first:"'],
    ['that nobody knows whether to skip', 'Do not skip this one', 'Remember this one', 'the note of 2.1 says neither'],
    ['that it leads nowhere', '(../03-static/README.md)', '(../04-workers/README.md)', 'does not end with a link'],
  ])('%s', (_, find, put, told) => {
    expect(faults((text) => text.replace(find, put))).toEqual([expect.stringContaining(told)]);
  });
});
