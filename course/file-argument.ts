/** The file of a chapter that an argument names. */
import { chapterName } from './manifest.ts';
import type { Chapter } from './manifest.ts';
import { nearest } from './names.ts';
import { UsageProblem } from './problem.ts';
import { listed, wrap } from './screen.ts';

/**
 * Finds the one file that is meant by `echo.ts`, `echo`, or a path that ends so.
 *
 * @param files those that may be meant, relative to the chapter's folder
 * @returns undefined where no file was named
 * @throws {UsageProblem} where there is no such file, with those that there are
 */
export function fileArgument(chapter: Chapter, given: string | undefined, files: readonly string[]): string | undefined {
  if (given === undefined) return undefined;
  const path = given.replaceAll('\\', '/').replace(/^\.\//, '');
  const inside = path.includes(`${chapter.folder}/`) ? path.slice(path.lastIndexOf(`${chapter.folder}/`) + chapter.folder.length + 1) : path;
  const found = files.find((file) => file === inside) ?? files.find((file) => file === `${inside}.ts`);
  if (found !== undefined) return found;
  const close = nearest(inside, files);
  const guess = close === undefined ? '' : ` Did you mean ${close}?`;
  throw new UsageProblem(wrap(`${chapterName(chapter)} has no file "${given}".${guess} It has ${listed(files)}.`));
}
