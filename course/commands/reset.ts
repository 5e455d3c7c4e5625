/** `reset`: the starters back in place, or an earlier backup. */
import { replaceFiles, readBackup } from '../backup.ts';
import { fileArgument } from '../file-argument.ts';
import { chapterName, chapters } from '../manifest.ts';
import type { Chapter } from '../manifest.ts';
import { parseCommand } from '../options.ts';
import { markUndone, updateProgress } from '../progress.ts';
import { UsageProblem } from '../problem.ts';
import { shown } from '../root.ts';
import { count, listed, print, wrap } from '../screen.ts';
import { isLeftIn, startersOf } from '../starters.ts';
import { targetOf } from '../trees.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, {
    command: 'reset',
    options: { restore: { type: 'string' } },
    namesMax: 2,
    careful: true,
  });
  if (values.restore !== undefined) {
    if (positionals.length > 0) throw new UsageProblem('--restore puts a whole backup back: do not name a chapter with it.');
    return restore(values.restore);
  }
  const { chapter, exercise, file: ofPath } = targetOf('reset', positionals.slice(0, 1));
  if (exercise) {
    throw new UsageProblem(
      `reset works on a chapter or a file. ${exercise.id} is in ${exercise.file}: npm run reset ${chapterName(chapter)} ${exercise.file}`,
    );
  }
  const starters = startersOf(chapter);
  const file = fileArgument(chapter, positionals[1] ?? ofPath, [...starters.keys()]);
  return putBack(chapter, starters, file);
}

function putBack(chapter: Chapter, starters: ReadonlyMap<string, string>, only: string | undefined): number {
  const wanted = [...starters].filter(([file]) => only === undefined || file === only);
  const files = new Map(wanted.map(([file, text]) => [`chapters/${chapter.folder}/${file}`, text]));
  const { written, backup } = replaceFiles(files, announceBackup);
  if (written.length === 0) {
    print(`${only ?? chapterName(chapter)} is already as it was at the start: nothing to do.`);
    return 0;
  }
  const names = written.map((path) => path.slice(`chapters/${chapter.folder}/`.length));
  print(wrap(`${count(written.length, 'starter')} put back in chapters/${chapter.folder}: ${listed(names)}.`));
  if (backup !== undefined) print(`To undo this: npm run reset -- --restore ${backup.split(/[/\\]/).at(-1)}`);
  const now = new Date().toISOString();
  const undone = chapter.exercises.filter(({ id, file }) => only === undefined || file === only || isLeftIn(starters.get(only) ?? '', id));
  const sentences = updateProgress((progress) => {
    for (const { id } of undone) markUndone(progress, id, now);
  });
  for (const sentence of sentences) print(wrap(sentence));
  return 0;
}

/** Shows where the learner's files are before the first of them is replaced. */
export function announceBackup(folder: string): void {
  print(`Your files are kept in ${shown(folder)}`);
}

function restore(name: string): number {
  const files = readBackup(name);
  const { written } = replaceFiles(files, announceBackup);
  if (written.length === 0) print('Everything in that backup is already in place: nothing to do.');
  else print(wrap(`${count(written.length, 'file')} restored: ${listed(written)}.`));
  const chapter = chapters.find(({ folder }) => written.some((path) => path.startsWith(`chapters/${folder}/`)));
  if (chapter) print(`To check them: npm test ${chapterName(chapter)}`);
  return 0;
}
