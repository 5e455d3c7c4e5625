/** `progress`: what is done; `--import` adds another clone's. */
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { backUp } from '../backup.ts';
import { effortOf } from '../effort.ts';
import { chapterName, readyChapters } from '../manifest.ts';
import { parseCommand } from '../options.ts';
import { mergeProgress, newCut, nextExercise, parseProgress, PROGRESS_FILE, readProgress, standing, updateProgress } from '../progress.ts';
import type { ExerciseProgress, Progress, Standing } from '../progress.ts';
import { Problem, reason, UsageProblem } from '../problem.ts';
import { fromUser } from '../root.ts';
import { count, listed, paint, print, wrap } from '../screen.ts';
import { announceBackup } from './reset.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseCommand(args, {
    command: 'progress',
    options: { import: { type: 'string' }, json: { type: 'boolean' }, reset: { type: 'boolean' } },
    careful: true,
  });
  if (Object.keys(values).length > 1) throw new UsageProblem('Use only one of --import, --json and --reset at a time.');
  if (values.import !== undefined) return importFrom(values.import);
  if (values.reset === true) return reset();
  const { progress, problem } = readProgress();
  if (problem !== undefined) process.stderr.write(`${wrap(problem)}\n`);
  if (values.json === true) print(JSON.stringify(progress, undefined, 2));
  else table(progress);
  return 0;
}

const WORDS: Readonly<Record<Standing, string>> = {
  done: 'done',
  'filled in': 'filled in by catch-up',
  undone: 'passed once, not now',
  skipped: 'skipped on this machine',
  open: 'open',
};

function table(progress: Progress): void {
  for (const chapter of readyChapters) {
    const done = chapter.exercises.filter(({ id }) => standing(progress, id) === 'done').length;
    print(paint('bold', `${chapterName(chapter)}  ${chapter.title}: ${done} of ${chapter.exercises.length} done`));
    for (const { id, title } of chapter.exercises) {
      const how = standing(progress, id);
      const text = `  ${id.padEnd(5)} ${title.padEnd(28)} ${WORDS[how]}${details(progress.exercises[id], how)}`;
      print(how === 'done' ? paint('green', text) : text);
    }
    print();
  }
  const next = nextExercise(progress);
  print(next ? `Next: ${next.exercise.id} ${next.exercise.title} (${effortOf(next.exercise)}). npm test ${next.exercise.id}` : 'Nothing is left to do.');
}

function details(entry: ExerciseProgress | undefined, how: Standing): string {
  const parts = [];
  if (how === 'done' && entry?.passedAt !== undefined) parts.push(new Date(entry.passedAt).toISOString().slice(0, 10));
  if (entry?.hintLevel !== undefined) parts.push(count(entry.hintLevel, 'hint'));
  return parts.length === 0 ? '' : `, ${parts.join(', ')}`;
}

function importFrom(given: string): number {
  const path = fromUser(given);
  if (!existsSync(path)) throw new UsageProblem(`--import ${given}: there is no such file or folder.`);
  const file = statSync(path).isDirectory()
    ? [join(path, '.ten-servers', 'progress.json'), join(path, 'progress.json')].find((one) => existsSync(one))
    : path;
  if (file === undefined) throw new UsageProblem(`--import ${given}: no progress is kept there (no .ten-servers/progress.json).`);
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Problem(`${file} cannot be read: ${reason(error)}.`, 2);
  }
  const theirs = parseProgress(text);
  if (theirs === 'newer') throw new UsageProblem(`${file} was written by a newer version of the course: run \`npm run update\` here first.`);
  if (theirs.damaged && Object.keys(theirs.progress.exercises).length === 0) throw new UsageProblem(`${file} is not a progress file of this course.`);
  let gained: string[] = [];
  const sentences = updateProgress((progress) => (gained = mergeProgress(progress, theirs.progress)));
  for (const sentence of sentences) print(wrap(sentence));
  if (theirs.cutAnew.length > 0) print(wrap(newCut(theirs.cutAnew)));
  if (theirs.damaged) print(`Parts of ${file} are damaged; the rest was imported.`);
  print(gained.length === 0 ? 'Nothing new: everything that is done there is done here too.' : wrap(`Now done here too: ${listed(gained)}.`));
  return sentences.length === 0 ? 0 : 1;
}

function reset(): number {
  if (!existsSync(PROGRESS_FILE)) {
    print('There is no progress yet: nothing to do.');
    return 0;
  }
  const backup = backUp(['progress.json']);
  announceBackup(backup);
  try {
    rmSync(PROGRESS_FILE);
  } catch (error) {
    throw new Problem(`The progress could not be removed: ${reason(error)}.`);
  }
  print('Your progress starts again from zero; your files in chapters/ were not touched.');
  print(`To undo this: npm run reset -- --restore ${backup.split(/[/\\]/).at(-1)}`);
  return 0;
}
