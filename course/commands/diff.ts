/** `diff`: the learner's files beside the reference's, or beside the starters. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readText } from '../files.ts';
import { chapterName } from '../manifest.ts';
import type { Chapter } from '../manifest.ts';
import { parseCommand } from '../options.ts';
import { CHAPTERS, SOLUTIONS } from '../root.ts';
import { paint, print } from '../screen.ts';
import { learnerFiles, startersOf } from '../starters.ts';
import { fileArgument } from '../file-argument.ts';
import { referenceTree, targetOf } from '../trees.ts';

/** Two texts of one file; undefined where one side does not have it. */
interface Pair {
  readonly file: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, {
    command: 'diff',
    options: { starter: { type: 'boolean' } },
    namesMax: 2,
  });
  const target = targetOf('diff', positionals.slice(0, 1));
  const { chapter } = target;
  const starter = values.starter === true;
  const pairs = starter ? withStarters(chapter) : withReference(chapter);
  const file = fileArgument(chapter, positionals[1] ?? target.file ?? target.exercise?.file, pairs.map((pair) => pair.file));
  const [from, to] = starter
    ? ['the starter', `chapters/${chapter.folder}`]
    : [`chapters/${chapter.folder}`, `solutions/${chapter.folder}`];
  if (!starter) print(paint('bold', `This shows the solution: - is yours, + is the reference.\n`));
  else print(paint('bold', `What you changed: - is the starter, + is yours.\n`));
  const different = pairs.filter((pair) => (file === undefined || pair.file === file) && pair.before !== pair.after);
  if (different.length === 0) {
    print(`${file ?? chapterName(chapter)}: no difference between ${from} and ${to}.`);
    return 0;
  }
  for (const pair of different) show(pair, from, to);
  return 0;
}

/** - the learner's, + the reference's. Files that only the learner has do not count. */
function withReference(chapter: Chapter): Pair[] {
  const { folder } = referenceTree(chapter);
  const files = learnerFiles(join(folder, chapter.folder)).filter((file) => file !== 'ANSWERS.md');
  return files.map((file) => ({
    file,
    before: readText(join(CHAPTERS, chapter.folder, file)),
    after: readText(join(SOLUTIONS, chapter.folder, file)),
  }));
}

/** - the starter, + the learner's. */
function withStarters(chapter: Chapter): Pair[] {
  const starters = startersOf(chapter);
  const files = new Set([...starters.keys(), ...learnerFiles(join(CHAPTERS, chapter.folder))]);
  return [...files].sort().map((file) => ({
    file,
    before: starters.get(file),
    after: readText(join(CHAPTERS, chapter.folder, file)),
  }));
}

function show({ file, before, after }: Pair, from: string, to: string): void {
  const hunks = gitDiff(before ?? '', after ?? '');
  print(paint('bold', `--- ${file}  (${before === undefined ? 'not there' : from})`));
  print(paint('bold', `+++ ${file}  (${after === undefined ? 'not there' : to})`));
  for (const line of hunks ?? ['differs. (Install git to see the lines.)']) {
    print(line.startsWith('+') ? paint('green', line) : line.startsWith('-') ? paint('red', line) : line);
  }
  print();
}

/** The hunks of a unified diff, without its file names; undefined without git. */
function gitDiff(before: string, after: string): string[] | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'ten-servers-diff-'));
  try {
    writeFileSync(join(folder, 'before'), before);
    writeFileSync(join(folder, 'after'), after);
    const args = ['--no-pager', 'diff', '--no-index', '--no-color', '--no-ext-diff', '--no-textconv', '--', 'before', 'after'];
    const { status, stdout } = spawnSync('git', args, { cwd: folder, encoding: 'utf8' });
    if (status !== 0 && status !== 1) return undefined;
    const lines = stdout.trimEnd().split('\n');
    return lines.slice(lines.findIndex((line) => line.startsWith('@@')));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
