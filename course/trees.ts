/** The trees of servers that can be checked: the learner's, the reference, any folder of that shape. */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { findTarget, listOfChapters } from './names.ts';
import type { Target } from './names.ts';
import { chapterName, isReady } from './manifest.ts';
import type { Chapter } from './manifest.ts';
import { npmCommand } from './options.ts';
import { Problem, UsageProblem } from './problem.ts';
import { CHAPTERS, fromUser, SOLUTIONS } from './root.ts';

export interface Tree {
  /** The absolute folder that holds `01-echo` and its siblings. */
  readonly folder: string;
  /** How reports call it. */
  readonly label: string;
  /** It is the learner's own. */
  readonly own: boolean;
}

/**
 * The target that one name (`4.2`) or two words (`chapter 4`) mean.
 *
 * @throws {UsageProblem} where there is none
 */
export function targetOf(command: string, names: readonly string[]): Target {
  const [first, second, ...more] = names;
  if (first === undefined) {
    throw new UsageProblem(`Which chapter? For example: ${npmCommand(command)} chapter-01\n${listOfChapters()}`);
  }
  if (second === undefined) return findTarget(first);
  if (/^(?:chapter|exercise)$/i.test(first) && more.length === 0) return findTarget(second);
  throw new UsageProblem(`${npmCommand(command)} takes one chapter or exercise at a time: "${second}" is one too many.`);
}

/**
 * The tree that `--subject` names, with the chapter's folder in it.
 *
 * @throws {Problem} with the way out, where it is not there
 */
export function treeOf(subject: string, chapter: Chapter): Tree {
  if (subject === 'chapters') return ownTree(chapter);
  if (subject === 'solutions') return referenceTree(chapter);
  const given = fromUser(subject);
  if (!isFolder(given)) throw new UsageProblem(`--subject ${subject}: there is no such folder.`);
  // A whole clone is as good as its chapters/.
  const folder = [given, join(given, 'chapters')].find((one) => isFolder(join(one, chapter.folder)));
  if (folder === undefined) {
    throw new UsageProblem(`--subject ${subject} has no folder ${chapter.folder}: give the folder that holds ${chapter.folder}/ and its siblings.`);
  }
  const own = existsSync(CHAPTERS) && realpathSync(folder) === realpathSync(CHAPTERS);
  return own ? ownTree(chapter) : { folder, label: subject, own: false };
}

function ownTree(chapter: Chapter): Tree {
  if (!isFolder(join(CHAPTERS, chapter.folder))) {
    if (!isReady(chapter)) throw new Problem(`${chapterName(chapter)} is still being written, and has no starters yet. \`npm start\` shows the chapters that are there.`);
    throw new Problem(`chapters/${chapter.folder} is missing: \`npm run reset ${chapterName(chapter)}\` puts the starters there.`);
  }
  return { folder: CHAPTERS, label: 'chapters', own: true };
}

/** The reference. @throws {Problem} of wrong use where this copy of the course comes without it. */
export function referenceTree(chapter: Chapter): Tree {
  if (!isFolder(join(SOLUTIONS, chapter.folder))) {
    throw new UsageProblem(`This copy of the course comes without solutions/${chapter.folder}, which this command needs.`);
  }
  return { folder: SOLUTIONS, label: 'solutions', own: false };
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}
