/** `hint`: one level further each time it is asked. */
import { chapters, chapterName } from '../manifest.ts';
import type { Chapter, Exercise } from '../manifest.ts';
import { readHints } from '../hints.ts';
import { parseCommand } from '../options.ts';
import { nextExercise, readProgress, updateProgress } from '../progress.ts';
import { UsageProblem } from '../problem.ts';
import { paint, print, wrap, wrapMarkdown } from '../screen.ts';
import { targetOf } from '../trees.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, {
    command: 'hint',
    options: { level: { type: 'string' } },
    namesMax: 2,
  });
  const { chapter, exercise } = exerciseOf(positionals);
  const levels = readHints(chapter)?.get(exercise.id) ?? [];
  if (levels.length === 0) {
    throw new UsageProblem(`There are no hints for ${exercise.id} yet. Read "${exercise.section}" in chapters/${chapter.folder}/README.md.`);
  }
  const seen = Math.min(readProgress().progress.exercises[exercise.id]?.hintLevel ?? 0, levels.length);
  const level = values.level === undefined ? Math.min(seen + 1, levels.length) : levelOf(values.level, levels.length);
  const hint = levels[level - 1];
  if (!hint) throw new UsageProblem(`--level ${values.level}: ${exercise.id} has ${levels.length} hints.`);
  print(paint('bold', `Hint ${level} of ${levels.length} for ${exercise.id} ${exercise.title}: ${hint.title}`));
  print(`\n${wrapMarkdown(hint.text)}\n`);
  print(wrap(after(exercise, chapter, level, levels.length)));
  const sentences = updateProgress((progress) => {
    const entry = (progress.exercises[exercise.id] ??= {});
    entry.hintLevel = Math.max(entry.hintLevel ?? 0, level);
  });
  for (const sentence of sentences) print(wrap(sentence.replace(' The verdict above stands.', ` For the next hint: \`npm run hint ${exercise.id} -- --level ${level + 1}\`.`)));
  return 0;
}

/** The named exercise, or the next open one of the chapter or of the course. */
function exerciseOf(names: readonly string[]): { chapter: Chapter; exercise: Exercise } {
  const target = names.length === 0 ? undefined : targetOf('hint', names);
  if (target?.exercise) return { chapter: target.chapter, exercise: target.exercise };
  const next = nextExercise(readProgress().progress, target ? [target.chapter] : chapters);
  if (next) return next;
  const where = target ? chapterName(target.chapter) : 'the course';
  throw new UsageProblem(`Nothing is left to do in ${where}. For a hint anyway, name the exercise: npm run hint 1.1`);
}

function levelOf(text: string, levels: number): number {
  const level = /^\d+$/.test(text) ? Number(text) : 0;
  if (level < 1 || level > levels) throw new UsageProblem(`--level ${text}: the hints are 1 to ${levels}.`);
  return level;
}

function after(exercise: Exercise, chapter: Chapter, level: number, levels: number): string {
  if (level < levels) return `Still stuck? \`npm run hint ${exercise.id}\` says more: ${levels - level} to go.`;
  return `This was the last one. \`npm run diff ${chapterName(chapter)} ${exercise.file}\` compares your file with the reference.`;
}
