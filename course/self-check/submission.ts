/**
 * Submissions: the code that the tests are tested with.
 *
 *     tests/chapter-01/submissions/
 *       wrong/1.3.md    those that a rule of 1.3 must catch
 *       right.md        those that are built differently and must pass
 *       right/NAME/     files of a right one that are its own, such as 01-echo/echo.ts
 *       stages.md       what a learner has when 1.2 is done, where that is not the reference's
 *
 * The pages are overlays (see overlay.ts): a heading names the submission, its
 * first paragraph says what it is about, and blocks say what it changes.
 *
 *     ## never-ends
 *
 *     Caught by `1.3/answers-fin-with-fin`. The client's FIN is never answered.
 *
 * They change the reference, unless a paragraph before the first heading, or the
 * submission's own, says otherwise: Base: `solutions/10-bake-off/tuned`. A chapter
 * that this tree does not hold is the reference's. A stage
 * changes the starters, and says only what {@link stageFiles} does not know: files
 * in which one exercise is done and the next is not. A file that the learner writes
 * from nothing says that best with Base: `solutions`, as the reference without
 * what comes later.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { listFiles, readText } from '../files.ts';
import { chapterName, chapters, readyChapters } from '../manifest.ts';
import type { Chapter } from '../manifest.ts';
import { applyChange, parseOverlay } from '../overlay.ts';
import type { Change, Section } from '../overlay.ts';
import { ROOT } from '../root.ts';
import { readStarters } from '../starters.ts';
import { fileIn } from '../tuned.ts';
import { stageFiles, writeStage, writeTree } from './trees.ts';

export type Kind = 'wrong' | 'right' | 'stage';

export interface Submission {
  readonly chapter: Chapter;
  readonly kind: Kind;
  /** Its heading; of a stage, the exercise that is done. */
  readonly name: string;
  /** The page that it is on, from the project's folder. */
  readonly page: string;
  /** The tree that it changes, from the project's folder. */
  readonly base: string;
  /** The rule that must catch a wrong one: `1.3/rest-after-fin`. */
  readonly caughtBy?: string;
  /** Why it is wrong, or what a right one does differently. */
  readonly says: string;
  readonly changes: readonly Change[];
}

const BASES: Readonly<Record<Kind, string>> = { wrong: 'solutions', right: 'solutions', stage: 'chapters' };

/** All submissions, of one chapter or of every ready one, in a stable order. */
export function listSubmissions(wanted: readonly Chapter[] = readyChapters): Submission[] {
  return wanted.flatMap((chapter) => {
    const folder = join('tests', chapterName(chapter), 'submissions');
    const pages = existsSync(join(ROOT, folder, 'wrong')) ? readdirSync(join(ROOT, folder, 'wrong')).filter((name) => name.endsWith('.md')) : [];
    return [
      ...stages(chapter, folder),
      ...readPage(chapter, 'right', `${folder}/right.md`),
      ...pages.sort().flatMap((name) => readPage(chapter, 'wrong', `${folder}/wrong/${name}`)),
    ];
  });
}

/** One stage for each exercise: what the page says of it, on what follows from the starters. */
function stages(chapter: Chapter, folder: string): Submission[] {
  const page = `${folder}/stages.md`;
  const written = readPage(chapter, 'stage', page);
  return chapter.exercises.map(({ id }) => written.find(({ name }) => name === id) ?? { chapter, kind: 'stage', name: id, page, base: BASES.stage, says: `exercise ${id} is done`, changes: [] });
}

/**
 * The submissions on a page; none where there is no such page.
 *
 * @throws an `Error` that names the page, the submission and what is wrong with it
 */
export function readPage(chapter: Chapter, kind: Kind, page: string): Submission[] {
  const text = readText(join(ROOT, page));
  if (text === undefined) return [];
  let sections: Section[];
  try {
    sections = parseOverlay(text);
  } catch (error) {
    throw new Error(`${page}, ${(error as Error).message}`);
  }
  const [top, ...rest] = sections as [Section, ...Section[]];
  const base = baseIn(top.prose) ?? BASES[kind];
  const names = new Set<string>();
  return rest.map((section) => {
    if (names.has(section.title)) throw new Error(`${page}: ${section.title} is there twice`);
    names.add(section.title);
    return submissionOf(chapter, kind, page, base, section);
  });
}

function baseIn(prose: readonly string[]): string | undefined {
  return prose.map((paragraph) => /\bBase: `([^`]+)`/.exec(paragraph)?.[1]).find((base) => base !== undefined);
}

function submissionOf(chapter: Chapter, kind: Kind, page: string, base: string, { title: name, prose, changes }: Section): Submission {
  const fail = (what: string): never => {
    throw new Error(`${page}: ${name} ${what}`);
  };
  const own = prose.filter((paragraph) => !paragraph.startsWith('Base: '));
  const [, caughtBy, because = ''] = /^Caught by `([^`]+)`\.\s*(.*)$/.exec(own.join(' ')) ?? [];
  if (kind === 'stage' && !chapter.exercises.some(({ id }) => id === name)) fail('is not an exercise of this chapter: a stage is named after the exercise that is done');
  if (kind === 'wrong') {
    if (caughtBy === undefined) fail('must begin with the rule that catches it: Caught by `1.3/name-of-the-rule`.');
    if (!chapter.exercises.some(({ id }) => caughtBy?.startsWith(`${id}/`))) {
      fail(`is caught by ${caughtBy}; it must be an exercise of this chapter and a rule, such as ${chapter.exercises[0]?.id}/name-of-the-rule`);
    }
  }
  const says = kind === 'wrong' ? because : own.join(' ');
  if (says.trim() === '' && kind !== 'stage') fail(kind === 'wrong' ? 'does not say why it is wrong' : 'does not say what it does differently');
  const all = [...changes, ...ownFiles(page, name)];
  if (all.length === 0) fail('changes nothing: it needs a block with a diff, or a file');
  for (const { file } of all) {
    if (!chapters.some((known) => known.number <= chapter.number && file.startsWith(`${known.folder}/`))) fail(`changes ${file}, which belongs to no chapter up to ${chapter.number}`);
  }
  return { chapter, kind, name, page, base: baseIn(prose) ?? base, says, changes: all, ...(caughtBy === undefined ? {} : { caughtBy }) };
}

/** Whole files beside `right.md`, in `right/NAME/`. */
function ownFiles(page: string, name: string): Change[] {
  const folder = join(ROOT, page.replace(/\.md$/, ''), name);
  return listFiles(folder).map((file) => ({ file, text: readFileSync(join(folder, file), 'utf8') }));
}

/**
 * The texts of the files that a submission changes, by path in the tree.
 *
 * @throws an `Error` that says which change does not fit
 */
export function changedFiles(submission: Submission): Map<string, string> {
  const { kind, chapter, name, page, base, changes } = submission;
  const texts = kind === 'stage' ? stageFiles(chapter, name) : new Map<string, string>();
  // The files in chapters/ are the learner's; the starters are those that were packed.
  const starters = base === BASES.stage ? readStarters(chapter) : undefined;
  for (const change of changes) {
    try {
      texts.set(change.file, applyChange(starters === undefined ? readText(join(ROOT, fileIn(base, change.file))) : starters[change.file], change));
    } catch (error) {
      throw new Error(`${page}, ${name}: ${(error as Error).message}`);
    }
  }
  return texts;
}

/** Puts the whole tree of a submission together and returns the files that it changes. */
export function buildSubmission(submission: Submission, tree: string): string[] {
  const changed = changedFiles(submission);
  if (submission.kind === 'stage') writeStage(tree, submission.chapter);
  else writeTree(tree, join(ROOT, submission.base), submission.chapter);
  for (const [file, text] of changed) {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    writeFileSync(join(tree, file), text);
  }
  return [...changed.keys()];
}
