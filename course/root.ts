/** Where things are: the course's folder, and the folder that the user is in. */
import { isAbsolute, join, relative, resolve, sep } from 'node:path';

/** The folder that holds `course/`, `chapters/` and the rest. */
export const ROOT = join(import.meta.dirname, '..');

/** What the course keeps for itself: progress, backups, caches. Not under version control. */
export const STATE = join(ROOT, '.ten-servers');

/** The learner's tree. */
export const CHAPTERS = join(ROOT, 'chapters');

/** The reference. A kit for learners may come without it. */
export const SOLUTIONS = join(ROOT, 'solutions');

/**
 * A path that the user typed, made absolute. npm runs its scripts in the
 * course's folder; what the user typed is meant from where the user stands.
 */
export function fromUser(path: string): string {
  const byNpm = process.env['npm_lifecycle_event'] !== undefined && process.cwd() === ROOT;
  return resolve((byNpm ? process.env['INIT_CWD'] : undefined) ?? process.cwd(), path);
}

/** A path as it is shown: relative to the course where it lies inside, with `/`. */
export function shown(path: string): string {
  const inside = relative(ROOT, path);
  if (inside === '') return '.';
  if (inside.startsWith('..') || isAbsolute(inside)) return path;
  return inside.split(sep).join('/');
}
