/**
 * The tuned servers of chapter 10: a tree that holds only the chapters which
 * differ from `solutions/`, and is laid over it before anything of it runs.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles, writeFileAtomic } from './files.ts';
import { chapters } from './manifest.ts';
import type { Chapter } from './manifest.ts';
import { ROOT, SOLUTIONS, STATE } from './root.ts';

/** From the project's folder. */
export const TUNED = 'solutions/10-bake-off/tuned';

/** The folder that a tree takes a chapter from: its own where it has one, else the reference's. */
export function chapterIn(tree: string, { folder }: Pick<Chapter, 'folder'>): string {
  const own = join(tree, folder);
  return existsSync(own) ? own : join(SOLUTIONS, folder);
}

/** The chapters that are faster there. */
export function tunedChapters(): readonly Chapter[] {
  return chapters.filter(({ folder }) => existsSync(join(ROOT, TUNED, folder)));
}

/**
 * The path, from the project's folder, of a file in a tree that may hold only some chapters.
 *
 * @param tree from the project's folder: `solutions/10-bake-off/tuned`
 * @param file from the tree's folder: `05-gateway/router.ts`
 */
export function fileIn(tree: string, file: string): string {
  const [folder = ''] = file.split('/');
  return existsSync(join(ROOT, tree, folder)) ? `${tree}/${file}` : `solutions/${file}`;
}

/**
 * Lays the tuned servers over the reference. Packages and `#course/…` resolve
 * there as they do in the project, since the folder lies inside it. A file that
 * is there already stays as it is: a server may be running from it.
 *
 * @param also folders of the project that import `solutions/` by relative path, to be copied beside it
 * @returns the folder that holds `solutions/` and the others
 */
export function layTuned(also: readonly string[] = []): string {
  const place = join(STATE, 'tuned');
  for (const chapter of chapters) {
    if (chapter.number < 10) mirror(chapterIn(join(ROOT, TUNED), chapter), join(place, 'solutions', chapter.folder));
  }
  for (const folder of also) mirror(join(ROOT, folder), join(place, folder));
  return place;
}

function mirror(from: string, to: string): void {
  const files = listFiles(from);
  for (const file of listFiles(to)) if (!files.includes(file)) rmSync(join(to, file));
  for (const file of files) {
    const bytes = readFileSync(join(from, file));
    const there = join(to, file);
    if (!existsSync(there) || !bytes.equals(readFileSync(there))) writeFileAtomic(there, bytes);
  }
}
