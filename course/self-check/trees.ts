/** Trees of the shape of `chapters/`, put together for a check below `.ten-servers/`. */
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { chapters } from '../manifest.ts';
import type { Chapter } from '../manifest.ts';
import { SOLUTIONS } from '../root.ts';
import { writeStarterTree } from '../starters.ts';

/** The reference of every chapter up to and including this one. */
export function writeReference(tree: string, chapter: Chapter): void {
  rmSync(tree, { recursive: true, force: true });
  copyChapters(tree, (number) => number <= chapter.number);
}

/** The untouched starters of this chapter, on the reference of the earlier ones. */
export function writeStage(tree: string, chapter: Chapter): void {
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(tree, { recursive: true });
  writeStarterTree(tree);
  for (const { number, folder } of chapters) {
    if (number !== chapter.number) rmSync(join(tree, folder), { recursive: true, force: true });
  }
  copyChapters(tree, (number) => number < chapter.number);
}

function copyChapters(tree: string, wanted: (number: number) => boolean): void {
  for (const { number, folder } of chapters) {
    if (wanted(number) && existsSync(join(SOLUTIONS, folder))) cpSync(join(SOLUTIONS, folder), join(tree, folder), { recursive: true });
  }
}
