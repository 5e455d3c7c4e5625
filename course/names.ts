/**
 * What people type for a chapter or an exercise, understood.
 *
 * Forgiving about form (`4`, `04`, `chapter-4`, `04-workers`, `workers`, a path
 * that the shell completed), strict about meaning: `chapter-1` is never
 * chapter 10, and nothing is guessed. A name that does not exist gets a
 * sentence with those that do.
 */
import { chapterName, chapters as allChapters, isReady } from './manifest.ts';
import type { Chapter, Exercise } from './manifest.ts';
import { UsageProblem } from './problem.ts';
import { listed, wrap } from './screen.ts';

/** What a name means. */
export interface Target {
  readonly chapter: Chapter;
  readonly exercise?: Exercise;
  /** The file inside the chapter's folder, where a path to one was given. */
  readonly file?: string;
}

const EXERCISE = /^(?:(?:exercise|ex|chapter|ch)[- _]?)?0*(\d+)\.0*(\d+)$/;
const NUMBERED = /^(?:(?:chapter|ch)[- _]?)?0*(\d+)$/;
const FOLDER = /^(?:chapter[- _])?0*(\d+)-([a-z][a-z-]*)$/;

/**
 * The written chapter, and the exercise if one was named.
 *
 * @throws {UsageProblem} where there is no such chapter or exercise, or the chapter is not written yet
 */
export function findTarget(text: string, chapters: readonly Chapter[] = allChapters): Target {
  const path = text.trim().replaceAll('\\', '/').replace(/\/+$/, '');
  const segments = path.split('/');
  // From the right: in a path, the folder nearest to its end names the chapter.
  for (let index = segments.length - 1; index >= 0; index--) {
    const target = targetOf(segments[index] as string, chapters);
    if (!target) continue;
    const written = requireWritten(target, chapters);
    const file = segments.slice(index + 1).join('/');
    return file === '' || /^(README|hints)\.md$/i.test(file) ? written : { ...written, file };
  }
  throw new UsageProblem(unknownChapter(segments.length > 1 ? path : text.trim(), chapters));
}

/** What one segment means, written or not; undefined where it is not a name. */
function targetOf(segment: string, chapters: readonly Chapter[]): Target | undefined {
  const name = segment.toLowerCase();
  const numbered = (number: string) => chapters.find((chapter) => chapter.number === Number(number));

  const [, ofChapter, step] = EXERCISE.exec(name) ?? [];
  if (ofChapter !== undefined && step !== undefined) {
    const chapter = numbered(ofChapter);
    if (!chapter) return undefined;
    const exercise = chapter.exercises.find(({ id }) => id === `${chapter.number}.${Number(step)}`);
    if (exercise) return { chapter, exercise };
    if (chapter.exercises.length === 0) return { chapter };
    throw new UsageProblem(unknownExercise(`${chapter.number}.${Number(step)}`, chapter));
  }

  const [, number] = NUMBERED.exec(name) ?? [];
  const [, folderNumber, folderName] = FOLDER.exec(name) ?? [];
  const chapter = number !== undefined
    ? numbered(number)
    : chapters.find(({ number, folder }) => {
        const bare = folder.slice(3);
        return name === bare || (folderName === bare && Number(folderNumber) === number);
      });
  return chapter && { chapter };
}

function requireWritten(target: Target, chapters: readonly Chapter[]): Target {
  if (target.chapter.exercises.length > 0) return target;
  const written = chapters.filter(isReady).map(chapterName);
  const so = written.length > 0 ? ` Written so far: ${listed(written)}.` : '';
  throw new UsageProblem(wrap(`${chapterName(target.chapter)} (${target.chapter.title}) is not written yet.${so}`));
}

/** The sentence for a missing or unknown chapter, with the list of those that exist. */
function unknownChapter(text: string, chapters: readonly Chapter[]): string {
  const names = chapters.flatMap((chapter) => [chapterName(chapter), chapter.folder, chapter.folder.slice(3)]);
  const close = nearest(text.toLowerCase(), names);
  const chapter = chapters[Math.floor(names.indexOf(close ?? '') / 3)];
  const guess = close !== undefined && chapter ? ` Did you mean ${chapterName(chapter)}?` : '';
  return `There is no chapter or exercise "${text}".${guess}\n${listOfChapters(chapters)}`;
}

function unknownExercise(id: string, chapter: Chapter): string {
  return wrap(`There is no exercise ${id}: ${chapterName(chapter)} has ${listed(chapter.exercises.map((one) => one.id))}.`);
}

/** Every chapter, one on a line, as it is called and what it is about. */
export function listOfChapters(chapters: readonly Chapter[] = allChapters): string {
  const lines = chapters.map((chapter) => {
    const { exercises } = chapter;
    const first = exercises[0];
    const ids = !first ? 'not written yet' : `exercises ${first.id} to ${exercises.at(-1)?.id}${isReady(chapter) ? '' : ', still being written'}`;
    return `  ${chapterName(chapter)}  ${chapter.title}, ${ids}`;
  });
  return ['The chapters:', ...lines].join('\n');
}

/** The candidate that is at most two typing mistakes away, if there is one. */
export function nearest(text: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = 3;
  for (const candidate of candidates) {
    const distance = mistakes(text, candidate);
    // Two mistakes in a word of three letters are another word.
    if (distance < bestDistance && distance * 2 < candidate.length) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Letters to change, add, leave out, or swap with their neighbour. */
function mistakes(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  const at = (row: readonly number[], index: number): number => row[index] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(beforeLast, j - 2) + 1 : Infinity;
      const changed = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(changed, at(last, j) + 1, at(row, j - 1) + 1, swapped));
    }
    [beforeLast, last] = [last, row];
  }
  return at(last, b.length);
}
