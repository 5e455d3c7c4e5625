/**
 * What the learner has done, in `.ten-servers/progress.json`, by exercise id.
 *
 * It is a convenience and never a judge: a file that is damaged is moved aside,
 * a folder that cannot be written costs a sentence, and no verdict depends on it.
 */
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckResult } from './check-result.ts';
import { writeFileAtomic } from './files.ts';
import { chapterName, findExercise, readyChapters } from './manifest.ts';
import type { Chapter, Exercise } from './manifest.ts';
import { reason } from './problem.ts';
import { shown, STATE } from './root.ts';
import { listed } from './screen.ts';

/** What is known of one exercise. Times are ISO 8601. */
export interface ExerciseProgress {
  /** When its hidden tests passed for the first time since it was last undone. */
  passedAt?: string;
  /** The seed of that run. */
  seed?: number;
  /** When it failed, or its file was put back, after it had passed. */
  undoneAt?: string;
  /** When `catch-up` put the reference in its place. */
  filledAt?: string;
  /** When it was skipped because this machine cannot check it. */
  skippedAt?: string;
  /** How many levels of its hints were shown. */
  hintLevel?: number;
  /** The cut of its chapter, from the second on: see the manifest. */
  cut?: number;
}

export interface Progress {
  /** Grows when a field changes its meaning. */
  readonly version: 1;
  /** Unknown ids are kept: they may be known to a newer version of the course. */
  exercises: Record<string, ExerciseProgress>;
}

export interface ProgressRead {
  readonly progress: Progress;
  /** A sentence, where the file could not be taken as it was. */
  readonly problem?: string;
  /** Some of the file is about exercises that are no more; when it is written next, it is without them. */
  readonly outdated?: boolean;
  /** It may be read but must not be written over. */
  readonly frozen?: boolean;
}

export const PROGRESS_FILE = join(STATE, 'progress.json');

const NUMBERS = ['seed', 'hintLevel', 'cut'] as const;
const TIMES = ['passedAt', 'undoneAt', 'filledAt', 'skippedAt'] as const;

/** Reads the progress. Never throws: what cannot be read is empty and has a `problem`. */
export function readProgress(): ProgressRead {
  const empty: Progress = { version: 1, exercises: {} };
  let text: string;
  try {
    text = readFileSync(PROGRESS_FILE, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { progress: empty };
    return { progress: empty, frozen: true, problem: `Your progress cannot be read: ${reason(error)}.` };
  }
  const parsed = parseProgress(text);
  if (parsed === 'newer') {
    const problem = `${shown(PROGRESS_FILE)} was written by a newer version of the course: run \`npm run update\`. It is left as it is.`;
    return { progress: empty, frozen: true, problem };
  }
  if (parsed.damaged) return { progress: parsed.progress, problem: moveAside(parsed.progress) };
  return { progress: parsed.progress, ...(parsed.cutAnew.length > 0 && { outdated: true, problem: newCut(parsed.cutAnew) }) };
}

/** Keeps the damaged file under another name, and what is sound of it under its own. */
function moveAside(sound: Progress): string {
  const aside = `${PROGRESS_FILE}.damaged-${stamp()}`;
  try {
    renameSync(PROGRESS_FILE, aside);
    write(sound);
    return `Your progress file was damaged. It is kept as ${shown(aside)}; what could be read from it still counts.`;
  } catch (error) {
    return `Your progress file is damaged and cannot be moved aside: ${reason(error)}.`;
  }
}

/** The time as part of a file's name, on any system. */
export function stamp(now = new Date()): string {
  return now.toISOString().replaceAll(/[:.]/g, '-');
}

/** What a progress file says. */
export interface ProgressText {
  /** What is sound of it, and about exercises that are still the same. */
  readonly progress: Progress;
  readonly damaged: boolean;
  /** Chapters that were cut anew since. */
  readonly cutAnew: readonly string[];
}

/** Reads the text of a progress file. */
export function parseProgress(text: string): ProgressText | 'newer' {
  const progress: Progress = { version: 1, exercises: {} };
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return { progress, damaged: true, cutAnew: [] };
  }
  if (!isRecord(data)) return { progress, damaged: true, cutAnew: [] };
  if (typeof data['version'] === 'number' && data['version'] > 1) return 'newer';
  if (data['version'] !== 1 || !isRecord(data['exercises'])) return { progress, damaged: true, cutAnew: [] };
  let damaged = false;
  const cutAnew = new Set<string>();
  for (const [id, entry] of Object.entries(data['exercises'])) {
    const chapter = findExercise(id)?.chapter;
    if (!/^\d+\.\d+$/.test(id) || !isRecord(entry) || !isEntry(entry)) damaged = true;
    else if (chapter !== undefined && (entry.cut ?? 1) < (chapter.cut ?? 1)) cutAnew.add(chapterName(chapter));
    else progress.exercises[id] = entry;
  }
  return { progress, damaged, cutAnew: [...cutAnew] };
}

/** What a learner is told when what they have passed does not count any more. */
export function newCut(chapters: readonly string[]): string {
  const resets = listed(chapters.map((name) => `\`npm run reset ${name}\``));
  return `The exercises of ${listed(chapters)} were cut anew: what was passed of the earlier ones does not count for them. Begin with ${resets}, for the new starters; your files are kept in a backup. To go on with a later chapter instead, run \`npm run catch-up\` with its name.`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEntry(entry: Record<string, unknown>): entry is Record<string, unknown> & ExerciseProgress {
  return NUMBERS.every((key) => entry[key] === undefined || Number.isSafeInteger(entry[key]))
    && TIMES.every((key) => entry[key] === undefined || !Number.isNaN(Date.parse(String(entry[key]))));
}

/**
 * Reads, changes and writes the progress in one go. Two commands at the same
 * time (a watch and a test) each read what the other wrote last; only within
 * the same millisecond could one entry be missed, and the next check heals it.
 *
 * @returns sentences to print, empty where all went well
 */
export function updateProgress(change: (progress: Progress) => void): string[] {
  const { progress, problem, outdated, frozen } = readProgress();
  const sentences = problem === undefined ? [] : [problem];
  if (frozen === true) return sentences;
  const before = JSON.stringify(progress);
  change(progress);
  if (JSON.stringify(progress) === before && outdated !== true) return sentences;
  try {
    write(progress);
  } catch (error) {
    sentences.push(`Your progress could not be saved in ${shown(STATE)}: ${reason(error)}. The verdict above stands.`);
  }
  return sentences;
}

function write(progress: Progress): void {
  const entries = Object.entries(progress.exercises);
  entries.sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
  const stamped = entries.map(([id, entry]) => {
    const cut = findExercise(id)?.chapter.cut;
    return [id, cut === undefined ? entry : { ...entry, cut }];
  });
  const sorted: Progress = { version: 1, exercises: Object.fromEntries(stamped) };
  writeFileAtomic(PROGRESS_FILE, `${JSON.stringify(sorted, undefined, 2)}\n`);
}

/** Where an exercise stands. */
export type Standing = 'done' | 'filled in' | 'undone' | 'skipped' | 'open';

export function standing(progress: Progress, id: string): Standing {
  const entry = progress.exercises[id];
  if (!entry) return 'open';
  if (entry.passedAt !== undefined && entry.undoneAt === undefined) return 'done';
  if (entry.filledAt !== undefined) return 'filled in';
  if (entry.passedAt !== undefined) return 'undone';
  return entry.skippedAt === undefined ? 'open' : 'skipped';
}

/** Whether the learner still has something to do there. */
export function isOpen(progress: Progress, id: string): boolean {
  return ['open', 'undone'].includes(standing(progress, id));
}

/** The first exercise that is still open, from `chapters` on in order. */
export function nextExercise(
  progress: Progress,
  chapters: readonly Chapter[] = readyChapters,
): { chapter: Chapter; exercise: Exercise } | undefined {
  for (const chapter of chapters) {
    const exercise = chapter.exercises.find(({ id }) => isOpen(progress, id));
    if (exercise) return { chapter, exercise };
  }
  return undefined;
}

/**
 * Enters the result of a check of the learner's own tree.
 *
 * @param isReference whether the learner's file for this exercise is the reference's, word for word
 */
export function recordCheck(progress: Progress, result: CheckResult, isReference: (id: string) => boolean): void {
  for (const { id, status } of result.exercises) {
    const entry = (progress.exercises[id] ??= {});
    if (status === 'passed') {
      // What catch-up filled in passes, and is still not the learner's work.
      if (entry.filledAt !== undefined && isReference(id)) continue;
      if (standing(progress, id) !== 'done') {
        entry.passedAt = result.startedAt;
        entry.seed = result.seed;
      }
      delete entry.undoneAt;
      delete entry.filledAt;
      delete entry.skippedAt;
    } else if (status === 'failed') {
      markUndone(progress, id, result.startedAt);
    } else if (status === 'skipped') {
      entry.skippedAt = result.startedAt;
    }
    if (Object.keys(entry).length === 0) delete progress.exercises[id];
  }
}

/** Takes an exercise back: it failed, or its file was put back. That it once passed is kept. */
export function markUndone(progress: Progress, id: string, at: string): void {
  const entry = progress.exercises[id];
  if (!entry) return;
  delete entry.filledAt;
  delete entry.skippedAt;
  if (entry.passedAt !== undefined) entry.undoneAt ??= at;
}

/** Adds another clone's progress. What is done in either is done; nothing is taken away. */
export function mergeProgress(progress: Progress, other: Progress): string[] {
  const gained: string[] = [];
  for (const [id, theirs] of Object.entries(other.exercises)) {
    const mine = progress.exercises[id] ?? {};
    const hintLevel = Math.max(mine.hintLevel ?? 0, theirs.hintLevel ?? 0);
    const theirsWins = standing(other, id) === 'done' && standing(progress, id) !== 'done';
    if (theirsWins) gained.push(id);
    const merged = theirsWins ? { ...theirs } : { ...theirs, ...mine };
    // Done here and undone there: it stays done.
    if (!theirsWins && mine.passedAt !== undefined && mine.undoneAt === undefined) delete merged.undoneAt;
    if (hintLevel > 0) merged.hintLevel = hintLevel;
    progress.exercises[id] = merged;
  }
  return gained;
}
