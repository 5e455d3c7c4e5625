/** `start`: the map of the course, where the learner is, and the next step. */
import { chapterEffort, effortOf, nextCore } from '../effort.ts';
import { chapterName, chapters, isReady } from '../manifest.ts';
import type { Chapter } from '../manifest.ts';
import { parseCommand } from '../options.ts';
import { nextExercise, readProgress, standing } from '../progress.ts';
import type { Progress } from '../progress.ts';
import { paint, print, wrap } from '../screen.ts';

const INDENT = ' '.repeat(14);

export async function run(args: readonly string[]): Promise<number> {
  parseCommand(args, { command: 'start', options: {} });
  const { progress, problem } = readProgress();
  print(paint('bold', 'Ten Servers: from a raw socket to systemd, in TypeScript'));
  print();
  for (const chapter of chapters) {
    print(`  ${chapterName(chapter)}  ${paint('bold', chapter.title.padEnd(38))}${state(chapter, progress)}`);
    print(wrap(chapter.builds, INDENT));
    if (isReady(chapter)) print(wrap(chapterEffort(chapter), INDENT));
  }
  print();
  nextStep(progress);
  if (problem !== undefined) print(`\n${wrap(problem)}`);
  print('\nAll commands: npm run help     Is everything in place? npm run doctor');
  return 0;
}

function state(chapter: Chapter, progress: Progress): string {
  const all = chapter.exercises.length;
  if (!isReady(chapter)) return 'not written yet';
  const count = (wanted: string) => chapter.exercises.filter(({ id }) => standing(progress, id) === wanted).length;
  const filled = count('filled in');
  return `${count('done')} of ${all} done${filled > 0 ? `, ${filled} filled in` : ''}`;
}

function nextStep(progress: Progress): void {
  const next = nextExercise(progress);
  if (!next) {
    print('You have done everything that is written so far.');
    return;
  }
  const { chapter, exercise } = next;
  const fresh = Object.keys(progress.exercises).length === 0;
  print(wrap(`You ${fresh ? 'start with' : 'are at'} ${exercise.id}, ${exercise.title} (${effortOf(exercise)}).`));
  print(`  read    chapters/${chapter.folder}/README.md, "${exercise.section}"`);
  print(`  open    chapters/${chapter.folder}/${exercise.file}`);
  print(`  run     npm run watch ${chapterName(chapter)}     (checks again on every save)`);
  const core = exercise.kind === 'extra' ? nextCore(chapter, exercise.id) : undefined;
  if (core) print(`  skip    ${exercise.id} is extra; the next core exercise is ${core.id}: npm test ${core.id}`);
  if (fresh) {
    print();
    print(wrap('The first check is red, and that is as it should be: the hidden tests are waiting for code that you have not written yet. Each red says what is missing and where to read about it.'));
  }
}
