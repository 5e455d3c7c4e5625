/**
 * "The learner writes the server": how much of a chapter the learner writes, and
 * whether its model answer can be read in an evening.
 *
 *     npx tsx course/pattern.ts [chapter-05 …]    the figures, file by file
 *     npx tsx course/pattern.ts --write           brings the README's column "You write" up to date
 *
 * A line of code is a line that is neither blank nor comment only. The learner's
 * are those that the starter of the same name does not have, by a diff of the
 * lines of code. Pages for the browser do not count. Values at the door are what `index.ts` exports, types aside.
 *
 * Exit codes: 0 done, 2 wrong use.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { readText } from './files.ts';
import { begunChapters, chapterName, readyChapters } from './manifest.ts';
import type { Chapter } from './manifest.ts';
import { ROOT, SOLUTIONS } from './root.ts';
import { count } from './screen.ts';
import { learnerFiles, readStarters } from './starters.ts';

/** What a chapter in the pattern may have at most, unless the manifest says otherwise. Its lines of code are there, since they depend on the subject. */
export const LIMITS = { files: 15, longest: 200, door: 25, share: 0.5 } as const;
/** Lines of code may be this much more than the manifest says. */
const LINES_OVER_MAX = 0.1;

export interface FileFigures {
  readonly file: string;
  readonly lines: number;
  /** How many of them the learner writes. */
  readonly own: number;
}

export interface Figures {
  readonly files: readonly FileFigures[];
  /** Lines of code of the model answer. */
  readonly lines: number;
  /** How many of them the learner writes; undefined where there are no starters yet. */
  readonly own: number | undefined;
  readonly longest: FileFigures;
  /** Values that `index.ts` exports. */
  readonly door: number;
}

/**
 * The figures of a chapter.
 *
 * @param answer the model answer's TypeScript, by path inside the chapter's folder
 * @param starters the starters in the same way; undefined where there are none yet
 */
export function figuresOf(answer: ReadonlyMap<string, string>, starters: ReadonlyMap<string, string> | undefined): Figures {
  const files = [...answer].map(([file, text]) => {
    const code = codeLines(text);
    return { file, lines: code.length, own: code.length - common(code, codeLines(starters?.get(file) ?? '')) };
  });
  const sum = (of: (file: FileFigures) => number): number => files.reduce((total, file) => total + of(file), 0);
  const longest = files.reduce((most, file) => (file.lines > most.lines ? file : most), { file: 'none', lines: 0, own: 0 });
  return { files, lines: sum(({ lines }) => lines), own: starters && sum(({ own }) => own), longest, door: doorValues(answer, 'index.ts').size };
}

/** Reads a chapter's model answer and its packed starters. */
export function readFigures(chapter: Chapter): Figures {
  const folder = join(SOLUTIONS, chapter.folder);
  const answer = new Map(learnerFiles(folder).filter((file) => file.endsWith('.ts')).map((file) => [file, readFileSync(join(folder, file), 'utf8')]));
  const packed = Object.entries(readStarters(chapter)).map(([path, text]) => [path.slice(chapter.folder.length + 1), text] as const);
  return figuresOf(answer, packed.length === 0 ? undefined : new Map(packed));
}

/** The lines that hold something else than blanks and comments, without their indentation. */
export function codeLines(text: string): string[] {
  const source = ts.createSourceFile('a.ts', text, ts.ScriptTarget.Latest, true);
  const numbers = new Set<number>();
  const visit = (node: ts.Node): void => {
    if (node.kind >= ts.SyntaxKind.FirstJSDocNode && node.kind <= ts.SyntaxKind.LastJSDocNode) return;
    const parts = node.getChildren(source);
    if (parts.length > 0) return parts.forEach(visit);
    const [start, end] = [node.getStart(source), node.getEnd()];
    if (start === end) return;
    // A text that goes over several lines is code on all of them.
    const last = source.getLineAndCharacterOfPosition(end).line;
    for (let line = source.getLineAndCharacterOfPosition(start).line; line <= last; line++) numbers.add(line);
  };
  visit(source);
  const lines = text.split('\n');
  return [...numbers].sort((one, other) => one - other).map((number) => (lines[number] ?? '').trim());
}

/** How many lines two texts have in common, in the same order. */
function common(one: readonly string[], other: readonly string[]): number {
  let last = new Array<number>(other.length + 1).fill(0);
  for (const line of one) {
    const row = [0];
    for (const [index, there] of other.entries()) row.push(line === there ? (last[index] ?? 0) + 1 : Math.max(last[index + 1] ?? 0, row[index] ?? 0));
    last = row;
  }
  return last.at(-1) ?? 0;
}

/** The names of the values that a file exports, those of `export *` included. */
function doorValues(files: ReadonlyMap<string, string>, file: string): Set<string> {
  const source = ts.createSourceFile(file, files.get(file) ?? '', ts.ScriptTarget.Latest);
  const values = new Set<string>();
  for (const statement of source.statements) {
    if (ts.isExportDeclaration(statement)) {
      if (statement.isTypeOnly) continue;
      const clause = statement.exportClause;
      if (clause && ts.isNamedExports(clause)) for (const { name, isTypeOnly } of clause.elements) isTypeOnly || values.add(name.text);
      else if (clause) values.add(clause.name.text);
      else if (statement.moduleSpecifier && ts.isStringLiteral(statement.moduleSpecifier)) {
        for (const name of doorValues(files, posix.join(dirname(file), statement.moduleSpecifier.text))) values.add(name);
      }
    } else if (ts.canHaveModifiers(statement) && ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) {
      if (ts.isVariableStatement(statement)) for (const { name } of statement.declarationList.declarations) values.add(name.getText(source));
      else if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) values.add(statement.name?.text ?? 'default');
    } else if (ts.isExportAssignment(statement)) values.add('default');
  }
  return values;
}

/** `learner's share 54 %, 11 files, 1,120 lines, longest 180, 22 values at the door`. */
export function describeFigures(figures: Figures): string {
  const { files, lines, own, longest, door } = figures;
  const share = own === undefined ? 'no starters yet' : `learner's share ${percent(own / lines)}`;
  return `${share}, ${count(files.length, 'file')}, ${number(lines)} lines, longest ${longest.lines}, ${door} values at the door`;
}

/** Sentences that say which limit of the pattern is passed, and what to do about it. */
export function patternFaults(chapter: Chapter, figures: Figures): string[] {
  const { linesMax = Infinity, files: filesMax = LIMITS.files, share = LIMITS.share, longest: longestMax = LIMITS.longest } = chapter.learnerWrites ?? {};
  const { files, lines, own, longest, door } = figures;
  const name = `solutions/${chapter.folder}`;
  const faults: string[] = [];
  if (files.length > filesMax) faults.push(`${name} has ${files.length} files; a reader keeps ${filesMax} in mind: join those that are always read together`);
  if (lines > linesMax * (1 + LINES_OVER_MAX)) faults.push(`${name} has ${number(lines)} lines of code; its budget (learnerWrites in course/manifest.ts) is ${number(linesMax)}: leave something out, or move it to an extra exercise or to solutions/10-bake-off/tuned`);
  for (const { file, lines: length } of files) {
    if (length > longestMax) faults.push(`${name}/${file} has ${length} lines of code; no file has more than ${longestMax}${file === longest.file ? ', and this one is the longest' : ''}: give one of its nouns a file of its own`);
  }
  if (door > LIMITS.door) faults.push(`${name}/index.ts exports ${door} values; the door has at most ${LIMITS.door}: export what hidden tests call and later chapters import, and nothing else`);
  if (own === undefined) faults.push(`chapters/${chapter.folder} has no packed starters: write them, and \`npm run pack-starters\``);
  else if (own < lines * share) {
    const given = files.toSorted((a, b) => (b.lines - b.own) - (a.lines - a.own)).slice(0, 3).map((one) => `${one.file} (${one.lines - one.own} of ${one.lines})`);
    faults.push(`the learner of ${chapterName(chapter)} writes ${number(own)} of ${number(lines)} lines, ${percent(own / lines)}; it must be ${share === 0.5 ? 'half' : percent(share)} of them. Most is given in ${given.join(', ')}: take bodies out of the starters, or given code out of the chapter`);
  }
  return faults;
}

function number(value: number): string {
  return value.toLocaleString('en');
}

/** Rounded down: 49.9 % is not half. */
function percent(share: number): string {
  return `${Math.floor(share * 100)} %`;
}

/** The README's column: what it says may be this far from the truth, as a share or in lines, so that a small change does not have to touch it. */
const TOLD_OFF_MAX = { share: 0.05, lines: 10 };
/** `75 of 270 lines`. */
const TOLD = /^([\d,]+) of ([\d,]+) lines$/;

/** What the README says of the learner's lines and is no longer so. */
export function readmeFaults(readme: string, figures: ReadonlyMap<Chapter, Figures>): string[] {
  return [...figures].flatMap(([chapter, { own = 0, lines }]) => {
    const told = cellOf(readme, chapter)?.trim() ?? '';
    const [, ownTold = '', linesTold = ''] = TOLD.exec(told) ?? [];
    if (isAbout(ownTold, own) && isAbout(linesTold, lines)) return [];
    return [`README.md says "${told}" of what the learner writes in ${chapterName(chapter)}, and it is ${number(own)} of ${number(lines)} lines: \`npx tsx course/pattern.ts --write\` brings it up to date`];
  });
}

function isAbout(told: string, is: number): boolean {
  const off = Math.abs(Number(told.replaceAll(',', '')) - is);
  return told !== '' && off <= Math.max(TOLD_OFF_MAX.lines, TOLD_OFF_MAX.share * is);
}

/** The README with its column written anew. */
export function writeColumn(readme: string, figures: ReadonlyMap<Chapter, Figures>): string {
  let text = readme;
  for (const [chapter, { own = 0, lines }] of figures) {
    const before = rowOf(text, chapter);
    if (before !== undefined) text = text.replace(before, () => before.replace(/[^|]*\|$/, () => ` ${number(toFive(own))} of ${number(toFive(lines))} lines |`));
  }
  return text;
}

function toFive(value: number): number {
  return 5 * Math.round(value / 5);
}

function rowOf(readme: string, { number: chapter }: Chapter): string | undefined {
  return readme.split('\n').find((line) => line.startsWith(`| ${String(chapter).padStart(2, '0')} |`));
}

/** The last cell of a chapter's row. */
function cellOf(readme: string, chapter: Chapter): string | undefined {
  return rowOf(readme, chapter)?.split('|').at(-2);
}

function main(args: readonly string[]): number {
  if (args.join() === '--write') {
    const file = join(ROOT, 'README.md');
    writeFileSync(file, writeColumn(readText(file) ?? '', new Map(readyChapters.map((chapter) => [chapter, readFigures(chapter)]))));
    return 0;
  }
  const chosen = args.length === 0 ? begunChapters : begunChapters.filter((chapter) => args.includes(chapterName(chapter)));
  if (args.length > 0 && chosen.length !== new Set(args).size) {
    console.error(`usage: npx tsx course/pattern.ts [CHAPTER …] or --write, where CHAPTER is ${begunChapters.map(chapterName).join(', ')}`);
    return 2;
  }
  for (const chapter of chosen) {
    const figures = readFigures(chapter);
    if (args.length > 0) for (const { file, lines, own } of figures.files) console.log(`  ${file.padEnd(28)}${String(lines).padStart(6)} lines${figures.own === undefined ? '' : `, ${own} the learner's`}`);
    console.log(`${chapterName(chapter)}: ${describeFigures(figures)}`);
    if (chapter.learnerWrites) for (const fault of patternFaults(chapter, figures)) console.log(`  - ${fault}`);
  }
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2));
