/**
 * What course/manifest.ts promises is there, and the hidden tests keep the
 * house rules: nothing left out, no sleeping, no fixed ports.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles } from '../files.ts';
import { chapterName, chapters, readyChapters } from '../manifest.ts';
import type { Chapter } from '../manifest.ts';
import { ROOT } from '../root.ts';
import { readStarters } from '../starters.ts';
import { oneUnit } from './outcome.ts';
import type { Outcome } from './outcome.ts';

export function findFaults(): Outcome {
  const starters = readStarters();
  return oneUnit([...idFaults(), ...readyChapters.flatMap((chapter) => diskFaults(chapter, starters)), ...testFileFaults()]);
}

/** What an exercise takes, in minutes, for a developer who has read the lesson. */
const MINUTES = { min: 15, max: 45 };

/** Ids are in order, once each, and belong to their chapter. */
function idFaults(): string[] {
  return chapters.flatMap((chapter, index) => {
    const faults = chapter.number === index + 1 ? [] : [`course/manifest.ts: chapter ${chapter.number} is at place ${index + 1}`];
    for (const [step, { id, growsFrom, minutes }] of chapter.exercises.entries()) {
      if (minutes < MINUTES.min || minutes > MINUTES.max) faults.push(`course/manifest.ts: ${id} takes ${minutes} minutes; an exercise takes ${MINUTES.min} to ${MINUTES.max}: split it, or join two`);
      // As long as a chapter is being written, some of its exercises are not there yet.
      const before = Number(chapter.exercises[step - 1]?.id.split('.')[1] ?? 0);
      const isNext = chapter.inTheMaking ? id.startsWith(`${chapter.number}.`) && Number(id.split('.')[1]) > before : id === `${chapter.number}.${step + 1}`;
      if (!isNext) faults.push(`course/manifest.ts: exercise ${id} is at the place of ${chapter.number}.${step + 1}`);
      const earlier = chapter.exercises.slice(0, step).some((exercise) => exercise.id === growsFrom);
      if (growsFrom !== undefined && !earlier) faults.push(`course/manifest.ts: ${id} grows from ${growsFrom}, which is not an earlier exercise of its chapter`);
    }
    return faults;
  });
}

function diskFaults(chapter: Chapter, starters: Readonly<Record<string, string>>): string[] {
  const faults: string[] = [];
  const needed = [
    `chapters/${chapter.folder}/README.md`,
    `chapters/${chapter.folder}/hints.md`,
    `solutions/${chapter.folder}/index.ts`,
    `solutions/${chapter.folder}/ANSWERS.md`,
    `tests/${chapterName(chapter)}/driver.ts`,
  ];
  for (const file of needed) if (!existsSync(join(ROOT, file))) faults.push(`${file} is missing`);
  const tests = listFiles(join(ROOT, 'tests', chapterName(chapter))).filter((file) => file.endsWith('.test.ts') && !file.includes('/'));
  for (const { id, file } of chapter.exercises) {
    const count = tests.filter((test) => test.startsWith(`${id}-`)).length;
    if (count !== 1) faults.push(`tests/${chapterName(chapter)} must have one file ${id}-….test.ts and has ${count}`);
    const starter = starters[`${chapter.folder}/${file}`];
    if (starter === undefined) faults.push(`the starter of ${id}, chapters/${chapter.folder}/${file}, is not packed`);
    else if (!starter.includes(`TODO ${id}`)) faults.push(`the starter of ${id}, chapters/${chapter.folder}/${file}, has no "TODO ${id}"`);
  }
  for (const test of tests) {
    if (!chapter.exercises.some(({ id }) => test.startsWith(`${id}-`))) faults.push(`tests/${chapterName(chapter)}/${test} belongs to no exercise`);
  }
  return faults;
}

/** What no test file may hold, and why. */
const FORBIDDEN: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/\b(?:test|it|describe|rule|exercise)\s*\.\s*(?:only|skip|todo)\b|\b(?:fit|fdescribe|xit|xdescribe)\s*\(/, 'leaves tests out; give the rule a reason with `skip`'],
  [/\bsetTimeout\s*\(|['"]node:timers\/promises['"]|\bsleep\s*\(|\bAtomics\.wait\s*\(/, 'sleeps; wait for what must happen (`until`, `settle`)'],
  [/\bport:\s*[1-9]\d{2,4}\b|\blisten\(\s*[1-9]\d+|['"](?:tcp|https?|wss?):\/\/(?:127\.0\.0\.1|localhost):[1-9]\d+/, 'names a fixed port; let the kernel choose (port 0)'],
];

function testFileFaults(): string[] {
  const files = listFiles(join(ROOT, 'tests')).filter((file) => file.endsWith('.test.ts') && !file.includes('/submissions/'));
  return files.flatMap((file) => forbidden(`tests/${file}`, readFileSync(join(ROOT, 'tests', file), 'utf8')));
}

/** The lines of a hidden test that break a house rule. */
export function forbidden(file: string, text: string): string[] {
  return text.split('\n').flatMap((line, index) => {
    // Sentences about ports and sleeping are welcome.
    if (/^\s*(?:\/\/|\*|\/\*)/.test(line)) return [];
    return FORBIDDEN.filter(([pattern]) => pattern.test(line)).map(([, why]) => `${file}:${index + 1} ${why}`);
  });
}
