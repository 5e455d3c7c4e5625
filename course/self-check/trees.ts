/** Trees of the shape of `chapters/`, put together for a check below `.ten-servers/`. */
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readText } from '../files.ts';
import { chapters } from '../manifest.ts';
import type { Chapter } from '../manifest.ts';
import { SOLUTIONS } from '../root.ts';
import { isLeftIn, readStarters, writeStarterTree } from '../starters.ts';
import { chapterIn } from '../tuned.ts';

/** Another tree's chapters, up to and including this one; those that it does not hold are the reference's. */
export function writeTree(tree: string, from: string, chapter: Chapter): void {
  rmSync(tree, { recursive: true, force: true });
  copyChapters(tree, from, (number) => number <= chapter.number);
}

/** The untouched starters of this chapter, on the reference of the earlier ones. */
export function writeStage(tree: string, chapter: Chapter): void {
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(tree, { recursive: true });
  writeStarterTree(tree);
  for (const { number, folder } of chapters) {
    if (number !== chapter.number) rmSync(join(tree, folder), { recursive: true, force: true });
  }
  copyChapters(tree, SOLUTIONS, (number) => number < chapter.number);
}

/**
 * What differs from {@link writeStage} when an exercise is done: every starter in
 * which nothing is left to do is the reference's.
 */
export function stageFiles(chapter: Chapter, exercise: string): Map<string, string> {
  const done = chapter.exercises.findIndex(({ id }) => id === exercise);
  const files = new Map<string, string>();
  for (const [path, text] of Object.entries(readStarters(chapter))) {
    const steps = chapter.exercises.flatMap(({ id }, index) => (isLeftIn(text, id) ? [index] : []));
    const reference = readText(join(SOLUTIONS, path));
    if (reference !== undefined && steps.length > 0 && steps.every((step) => step <= done)) files.set(path, reference);
  }
  return files;
}

function copyChapters(tree: string, from: string, wanted: (number: number) => boolean): void {
  for (const chapter of chapters) {
    const folder = chapterIn(from, chapter);
    if (wanted(chapter.number) && existsSync(folder)) cpSync(folder, join(tree, chapter.folder), { recursive: true });
  }
}
