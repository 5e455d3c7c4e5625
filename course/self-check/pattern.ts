/** Chapters in which the learner writes the server keep to its measure, and the README says how much the learner writes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chapterName, readyChapters } from '../manifest.ts';
import { describeFigures, patternFaults, readFigures, readmeFaults } from '../pattern.ts';
import { ROOT } from '../root.ts';
import { oneUnit, sum } from './outcome.ts';
import type { Outcome } from './outcome.ts';

/** Every chapter in the pattern is a unit, and so is the README. */
export function findFaults(): Outcome {
  const figures = new Map(readyChapters.map((chapter) => [chapter, readFigures(chapter)]));
  const judged = [...figures].filter(([chapter]) => chapter.learnerWrites !== undefined);
  return {
    ...sum([...judged.map(([chapter, of]) => oneUnit(patternFaults(chapter, of))), oneUnit(readmeFaults(readFileSync(join(ROOT, 'README.md'), 'utf8'), figures))]),
    figures: judged.map(([chapter, of]) => `${chapterName(chapter)}: ${describeFigures(of)}`),
  };
}
