/**
 * Submissions: the code that the tests are tested with.
 *
 *     tests/chapter-01/submissions/
 *       wrong/NAME/submission.json   { "caughtBy": "1.3/rest-after-fin", "because": "…", "patches": […] }
 *       right/NAME/submission.json   { "differs": "…", "patches": […] }
 *       stages/1.2/                  files only: what a learner has when 1.2 is done
 *
 * Beside `submission.json` lie files such as `01-echo/echo.ts`, which replace
 * those of the tree. A patch changes a few lines instead:
 *
 *     { "file": "01-echo/echo.ts", "find": "text, or lines", "replace": "text, or lines" }
 *
 * Wrong and right ones change the reference, stages the untouched starters.
 */
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles } from '../files.ts';
import { chapterName, chapters, readyChapters } from '../manifest.ts';
import type { Chapter } from '../manifest.ts';
import { ROOT, shown } from '../root.ts';
import { writeReference, writeStage } from './trees.ts';

export type Kind = 'wrong' | 'right' | 'stage';

interface Patch {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Submission {
  readonly chapter: Chapter;
  readonly kind: Kind;
  /** The folder's name; of a stage, the exercise that is done. */
  readonly name: string;
  readonly folder: string;
  /** The rule that must catch a wrong one: `1.3/rest-after-fin`. */
  readonly caughtBy?: string;
  /** Why it is wrong, or what a right one does differently. */
  readonly says: string;
  readonly patches: readonly Patch[];
}

const FOLDERS: Readonly<Record<Kind, string>> = { wrong: 'wrong', right: 'right', stage: 'stages' };

/** All submissions, of one chapter or of every ready one, in a stable order. */
export function listSubmissions(wanted: readonly Chapter[] = readyChapters): Submission[] {
  return wanted.flatMap((chapter) =>
    (['stage', 'right', 'wrong'] as const).flatMap((kind) => {
      const folder = join(ROOT, 'tests', chapterName(chapter), 'submissions', FOLDERS[kind]);
      if (!existsSync(folder)) return [];
      const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
      return names.map(({ name }) => name).sort().map((name) => readSubmission(chapter, kind, join(folder, name), name));
    }),
  );
}

/** @throws an `Error` that names the file and what is wrong in it */
export function readSubmission(chapter: Chapter, kind: Kind, folder: string, name: string): Submission {
  const file = join(folder, 'submission.json');
  const fail = (what: string): never => {
    throw new Error(`${shown(file)}: ${what}`);
  };
  if (kind === 'stage') {
    const known = chapter.exercises.some((exercise) => exercise.id === name);
    if (!known) throw new Error(`${shown(folder)}: a stage is called by the exercise that is done, and there is no exercise ${name}`);
  } else if (!existsSync(file)) {
    fail('is missing');
  }
  const data = existsSync(file) ? parse(readFileSync(file, 'utf8'), fail) : {};
  const text = (key: string): string => {
    const value = data[key];
    return typeof value === 'string' && value.trim() !== '' ? value : fail(`needs "${key}", a sentence`);
  };
  const caughtBy = kind === 'wrong' ? text('caughtBy') : undefined;
  if (caughtBy !== undefined && !chapter.exercises.some((exercise) => caughtBy.startsWith(`${exercise.id}/`))) {
    fail(`"caughtBy" is ${caughtBy}; it must be an exercise of this chapter and a rule, such as ${chapter.exercises[0]?.id}/name-of-the-rule`);
  }
  return {
    chapter,
    kind,
    name,
    folder,
    ...(caughtBy === undefined ? {} : { caughtBy }),
    says: kind === 'stage' ? `exercise ${name} is done` : text(kind === 'wrong' ? 'because' : 'differs'),
    patches: readPatches(data['patches'], fail),
  };
}

function parse(text: string, fail: (what: string) => never): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    return fail((error as Error).message);
  }
}

function readPatches(value: unknown, fail: (what: string) => never): Patch[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return fail('"patches" must be a list');
  return (value as Record<string, unknown>[]).map((patch, index) => {
    const lines = (key: string): string => {
      const part = patch[key];
      if (typeof part === 'string') return part;
      if (Array.isArray(part) && part.every((line) => typeof line === 'string')) return part.join('\n');
      return fail(`patch ${index + 1} needs "${key}", a text or a list of lines`);
    };
    return { file: lines('file'), find: lines('find'), replace: lines('replace') };
  });
}

/**
 * Puts the whole tree of a submission together and returns the files that it
 * changes.
 *
 * @throws an `Error` that says which patch does not fit
 */
export function buildSubmission(submission: Submission, tree: string): string[] {
  const { kind, chapter, folder } = submission;
  if (kind === 'stage') writeStage(tree, chapter);
  else writeReference(tree, chapter);
  const overlay = listFiles(folder).filter((file) => file !== 'submission.json');
  for (const file of overlay) {
    if (!chapters.some((known) => known.number <= chapter.number && file.startsWith(`${known.folder}/`))) {
      throw new Error(`${shown(join(folder, file))} belongs to no chapter up to ${chapter.number}`);
    }
    cpSync(join(folder, file), join(tree, file));
  }
  for (const patch of submission.patches) applyPatch(submission, tree, patch);
  const changed = [...new Set([...overlay, ...submission.patches.map((patch) => patch.file)])];
  if (changed.length === 0) throw new Error(`${shown(folder)} changes nothing: it needs "patches" or files of its own`);
  return changed;
}

function applyPatch(submission: Submission, tree: string, { file, find, replace }: Patch): void {
  const path = join(tree, file);
  const where = `${shown(submission.folder)}: the patch for ${file}`;
  if (!existsSync(path)) throw new Error(`${where} has no file to change`);
  const parts = readFileSync(path, 'utf8').split(find);
  if (find === '' || parts.length === 1) throw new Error(`${where} looks for text that is not there: ${JSON.stringify(find)}`);
  if (parts.length > 2) throw new Error(`${where} looks for text that is there ${parts.length - 1} times; add lines until it is the only one: ${JSON.stringify(find)}`);
  writeFileSync(path, parts.join(replace));
}
