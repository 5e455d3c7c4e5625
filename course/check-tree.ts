/**
 * One check from the command line: `test`, `check` and `solution` are this with
 * another tree.
 */
import { accessSync, constants, existsSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CheckResult } from './check-result.ts';
import { effortOf } from './effort.ts';
import { readText, writeFileAtomic } from './files.ts';
import { chapterName, chapters, readyChapters } from './manifest.ts';
import type { Chapter, Exercise } from './manifest.ts';
import { seedOf } from './options.ts';
import { isOpen, nextExercise, readProgress, recordCheck, updateProgress } from './progress.ts';
import { Problem, reason, UsageProblem } from './problem.ts';
import { CHAPTERS, fromUser, SOLUTIONS } from './root.ts';
import { soFar } from './results.ts';
import { requireTestRunner } from './run-tool.ts';
import { colors, columns, count, listed, print, StatusLine, wrap } from './screen.ts';
import { readStarters } from './starters.ts';
import type { Starters } from './starters.ts';
import { targetOf, treeOf } from './trees.ts';

export const CHECK_OPTIONS = {
  seed: { type: 'string' },
  all: { type: 'boolean' },
  subject: { type: 'string' },
  json: { type: 'string' },
} as const;

export interface CheckValues {
  seed?: string | undefined;
  all?: boolean | undefined;
  subject?: string | undefined;
  json?: string | undefined;
}

/** Runs the check that the arguments ask for and shows it; resolves to the exit code. */
export async function checkTree(command: string, names: readonly string[], values: CheckValues): Promise<number> {
  const { chapter: whole, exercise } = targetOf(command, names);
  const chapter = soFar(whole);
  if (!chapter.exercises.some(({ id }) => exercise === undefined || id === exercise.id)) {
    throw new UsageProblem(`${exercise?.id ?? chapterName(chapter)} is still being written, and has no hidden tests yet.`);
  }
  const seed = seedOf(values.seed);
  const json = values.json === undefined ? undefined : outputFile(values.json);
  const tree = treeOf(values.subject ?? 'chapters', chapter);
  requireTestRunner();
  const [{ runCheck }, { renderReport }] = await Promise.all([import('./check.ts'), import('./report.ts')]);
  const working = new StatusLine();
  const result = await runCheck({
    chapter,
    tree: tree.folder,
    subject: tree.label,
    bail: values.all !== true && json === undefined,
    types: tree.own,
    onExercise: ({ id, status }) => working.add(`${id} ${status}`),
    ...(exercise !== undefined && { exercise: exercise.id }),
    ...(seed !== undefined && { seed }),
  }).finally(() => working.clear());
  process.stdout.write(renderReport(result, { columns: columns(), colors: colors() }));
  if (tree.own) for (const line of afterCheck(chapter, result)) print(wrap(line, '  '));
  if (json !== undefined) writeJson(json, result);
  return exitCode(result);
}

/** 3 where nothing has failed and something could not be judged: neither green nor red. */
function exitCode({ passed, exercises, problem }: CheckResult): number {
  if (passed) return 0;
  const failed = problem !== undefined || exercises.some(({ status }) => status === 'failed');
  return !failed && exercises.some(({ status }) => status === 'busy') ? 3 : 1;
}

/** Where the JSON goes: looked at before the check, so that nobody waits for nothing. */
function outputFile(given: string): string {
  const file = fromUser(given);
  if (existsSync(file) && statSync(file).isDirectory()) throw new UsageProblem(`--json ${given} is a folder: give a file.`);
  try {
    accessSync(dirname(file), constants.W_OK);
  } catch (error) {
    throw new UsageProblem(`--json ${given} cannot be written: ${reason(error)}.`);
  }
  return file;
}

function writeJson(file: string, result: CheckResult): void {
  const text = `${JSON.stringify(result, undefined, 2)}\n`;
  try {
    // A pipe or /dev/stdout must be written to, not replaced.
    if (existsSync(file) && !statSync(file).isFile()) writeFileSync(file, text);
    else writeFileAtomic(file, text);
  } catch (error) {
    throw new Problem(`The result could not be written to ${file}: ${reason(error)}.`, 2);
  }
}

/**
 * Enters a check of the learner's tree into the progress, and says what the
 * learner can do now that the report does not say.
 */
export function afterCheck(chapter: Chapter, result: CheckResult): string[] {
  const lines = updateProgress((progress) => recordCheck(progress, result, (id) => isReference(chapter, id)));
  if (result.passed) lines.push(nextStep(chapter, result));
  else lines.push(...missingFiles(chapter), ...openBefore(chapter));
  return lines;
}

function isReference(chapter: Chapter, id: string): boolean {
  const file = chapter.exercises.find((exercise) => exercise.id === id)?.file ?? '';
  const reference = readText(join(SOLUTIONS, chapter.folder, file));
  return reference !== undefined && reference === readText(join(CHAPTERS, chapter.folder, file));
}

/** What comes after a green check. */
function nextStep(chapter: Chapter, result: CheckResult): string {
  const { progress } = readProgress();
  const passed = result.exercises.map(({ id }) => id);
  // Right after these, even where the progress could not be saved.
  const rest = chapter.exercises.filter(({ id }) => isOpen(progress, id) && !passed.includes(id));
  const next = rest[0] ?? nextExercise(progress, readyChapters.filter(({ number }) => number > chapter.number))?.exercise;
  if (next === undefined) return 'Nothing is open after this: `npm run progress` shows all that you have done.';
  return `Next: ${next.id} ${next.title} (${effortOf(next)}). \`npm test ${next.id}\``;
}

/** The starters by their path in `chapters/`; none where they cannot be read: what they are used for here is advice. */
function packedStarters(): Starters {
  try {
    return readStarters();
  } catch (error) {
    if (error instanceof Problem) return {};
    throw error;
  }
}

/** Starter files that the learner has lost; a few of them are enough to say. */
function missingFiles(chapter: Chapter): string[] {
  const packed = Object.keys(packedStarters()).filter((path) => path.startsWith(`${chapter.folder}/`));
  const missing = packed.filter((path) => !existsSync(join(CHAPTERS, path)));
  if (missing.length > 0 && missing.length === packed.length) {
    return [`chapters/${chapter.folder} is empty: \`npm run reset ${chapterName(chapter)}\` puts the starters there.`];
  }
  return missing.slice(0, 3).map((path) => {
    const file = path.slice(chapter.folder.length + 1);
    return `chapters/${path} is missing: \`npm run reset ${chapterName(chapter)} ${file}\` puts the starter back.`;
  });
}

/** Chapters that this one builds on and that are not done: two ways on. */
function openBefore(chapter: Chapter): string[] {
  const { progress } = readProgress();
  // Where a course is handed out with its first chapters done, no check has seen them: only starters are open.
  const starters = packedStarters();
  const isLeft = ({ folder }: Chapter, { id, file }: Exercise): boolean =>
    isOpen(progress, id) && readText(join(CHAPTERS, folder, file)) === starters[`${folder}/${file}`];
  const open = chaptersBelow(chapter)
    .map((one) => ({ one, left: one.exercises.filter((exercise) => isLeft(one, exercise)).length }))
    .filter(({ left }) => left > 0);
  if (open.length === 0) return [];
  const parts = open.map(({ one, left }) => `${chapterName(one)} (${count(left, 'exercise')} left)`);
  return [
    `${chapterName(chapter)} builds on ${listed(parts)}: do ${open.length === 1 ? 'it' : 'them'} first,`
      + ` or let \`npm run catch-up ${chapterName(chapter)}\` fill in the reference.`,
  ];
}

/** The written chapters that this one imports, directly or through another, in order. */
export function chaptersBelow(chapter: Chapter): Chapter[] {
  const below = new Set<Chapter>();
  const add = (one: Chapter): void => {
    for (const number of one.standsOn) {
      const found = chapters.find((candidate) => candidate.number === number);
      if (!found || below.has(found)) continue;
      below.add(found);
      add(found);
    }
  };
  add(chapter);
  return [...below].filter(({ exercises }) => exercises.length > 0).sort((a, b) => a.number - b.number);
}
