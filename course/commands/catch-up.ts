/** `catch-up`: the reference into the chapters before one, so that you can begin there. */
import { join } from 'node:path';
import { replaceFiles } from '../backup.ts';
import { readText } from '../files.ts';
import { chapterName, readyChapters } from '../manifest.ts';
import type { Chapter } from '../manifest.ts';
import { parseCommand } from '../options.ts';
import { readProgress, standing, updateProgress } from '../progress.ts';
import type { Progress } from '../progress.ts';
import { CHAPTERS } from '../root.ts';
import { count, listed, print, wrap } from '../screen.ts';
import { learnerFiles, readStarters } from '../starters.ts';
import { referenceTree, targetOf } from '../trees.ts';
import { announceBackup } from './reset.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, {
    command: 'catch-up',
    options: { all: { type: 'boolean' } },
    namesMax: 2,
    careful: true,
  });
  const { chapter } = targetOf('catch-up', positionals);
  const before = readyChapters.filter(({ number }) => number < chapter.number);
  if (before.length === 0) {
    print(`No chapter comes before ${chapterName(chapter)}: begin with npm run watch ${chapterName(chapter)}`);
    return 0;
  }
  const { progress } = readProgress();
  const done = values.all === true ? [] : before.filter((one) => isDone(one, progress));
  const wanted = before.filter((one) => !done.includes(one));
  if (done.length > 0) print(wrap(`${listed(done.map(chapterName))}: done by you, left as ${done.length === 1 ? 'it is' : 'they are'}. (--all would fill in the reference.)`));
  fill(wanted);
  print(`You can begin ${chapterName(chapter)}: npm run watch ${chapterName(chapter)}`);
  return 0;
}

/** Every exercise was passed here, and the files are not the starters again. */
function isDone(chapter: Chapter, progress: Progress): boolean {
  return chapter.exercises.every(({ id }) => standing(progress, id) === 'done') && !isUntouched(chapter);
}

/** Progress that was imported, or files that were checked out again, leave starters in chapters that count as done. */
function isUntouched(chapter: Chapter): boolean {
  const starters = readStarters();
  return chapter.exercises.every(({ file }) => {
    const path = `${chapter.folder}/${file}`;
    return starters[path] !== undefined && readText(join(CHAPTERS, path)) === starters[path];
  });
}

function fill(wanted: readonly Chapter[]): void {
  const files = new Map<string, string>();
  for (const chapter of wanted) {
    const folder = join(referenceTree(chapter).folder, chapter.folder);
    for (const file of learnerFiles(folder)) {
      if (file !== 'ANSWERS.md') files.set(`chapters/${chapter.folder}/${file}`, readText(join(folder, file)) ?? '');
    }
  }
  const { written } = replaceFiles(files, announceBackup);
  for (const chapter of wanted) {
    const here = written.filter((path) => path.startsWith(`chapters/${chapter.folder}/`));
    const what = here.length === 0 ? 'already holds the reference' : `filled in with the reference (${count(here.length, 'file')})`;
    print(`${chapterName(chapter)}: ${what}`);
  }
  const now = new Date().toISOString();
  const sentences = updateProgress((progress) => {
    for (const { id } of wanted.flatMap((chapter) => chapter.exercises)) {
      if (standing(progress, id) !== 'done') (progress.exercises[id] ??= {}).filledAt ??= now;
    }
  });
  for (const sentence of sentences) print(wrap(sentence));
}
