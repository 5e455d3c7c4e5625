/**
 * What a page names is there: identifiers and files between backticks, the map
 * of chapters in the README, and what the report of a check says in a page.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { effortOf } from '../effort.ts';
import { listFiles } from '../files.ts';
import { chapters, findExercise, isReady } from '../manifest.ts';
import type { Chapter } from '../manifest.ts';
import { ROOT } from '../root.ts';
import { readStarters } from '../starters.ts';
import type { Block } from './markdown.ts';

/** The folders whose code a page may speak of. */
const CODE = ['course', 'solutions', 'tests'];
/** `readToEnd`, `client.until`, `subject.ownMs()`, `#take`: with a capital inside or a dot, so that no English word is taken for one. */
const IDENTIFIER = /^#?[a-z]\w*(?:\.[a-z]\w*)*(?:\(\))?$/;
/** `course/manifest.ts`, `tests/support/`; placeholders such as `chapters/NN-name/` are not looked for. */
const PATH = /^(?:course|solutions|chapters|tests|docs)\/[\w./-]+$/;

/** What the text between backticks names and does not exist. */
export function mentionFaults(file: string, markdown: string, words: ReadonlySet<string> = codeWords()): string[] {
  let fence = '';
  return markdown.split('\n').flatMap((line, index) => {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== '' || mark !== undefined) {
      if (fence === '') fence = mark as string;
      else if (mark?.startsWith(fence)) fence = '';
      return [];
    }
    return Array.from(line.matchAll(/(?<!`)`([^`]+)`(?!`)/g), (match) => match[1] as string).flatMap((name) => {
      const fault = mentionFault(name, words);
      return fault === undefined ? [] : [`${file}:${index + 1}: \`${name}\` ${fault}`];
    });
  });
}

function mentionFault(name: string, words: ReadonlySet<string>): string | undefined {
  if (PATH.test(name)) return /NN|\.\.\./.test(name) || existsSync(join(ROOT, name)) ? undefined : 'is not there';
  if (!IDENTIFIER.test(name) || !/[A-Z.]/.test(name) || /\.(?:[cm]?[jt]s|json|md|mjs|sh)$/.test(name)) return undefined;
  const missing = name.replace(/\(\)$/, '').replace('#', '').split('.').find((word) => !words.has(word));
  return missing === undefined ? undefined : `is a name that no code has: ${missing}`;
}

/** Every word of the code. Read once. */
function codeWords(): ReadonlySet<string> {
  words ??= new Set(
    CODE.flatMap((folder) => listFiles(join(ROOT, folder)).filter((file) => /\.(?:[cm]?ts|mjs)$/.test(file)).map((file) => join(ROOT, folder, file)))
      .flatMap((file) => readFileSync(file, 'utf8').match(/\w+/g) ?? []),
  );
  return words;
}
let words: ReadonlySet<string> | undefined;

/** A report of `npm test` that a page shows names lines of starters and quotes rules: both move. */
export function reportFaults(file: string, block: Block): string[] {
  if (!/^\$ npm test\b/m.test(block.text)) return [];
  const at = `${file}:${block.line}`;
  const lines = Array.from(block.text.matchAll(/^ *open +chapters\/(\S+):(\d+), and look for TODO (\d+\.\d+)$/gm)).flatMap(([, path = '', line, id]) => {
    const wanted = 1 + (readStarters()[path] ?? '').split('\n').findIndex((text) => text.includes(`NotImplemented('${id}')`));
    return wanted === Number(line) ? [] : [`${at}: the report names chapters/${path}:${line}; exercise ${id} is at line ${wanted}`];
  });
  const quotes = Array.from(block.text.matchAll(/^ {6}(rule|likely) {2,}(.*(?:\n {16}.*)*)$/gm)).flatMap(([, what, text = '']) => {
    const sentence = text.replaceAll(/\n +/g, ' ');
    return testSources().includes(sentence) ? [] : [`${at}: the report quotes a ${what} that no hidden test has: "${sentence}"`];
  });
  const efforts = Array.from(block.text.matchAll(/^ {2}✗ (\d+\.\d+) [^·\n]*\n {4,}\S/gm)).flatMap(([text, id = '']) => {
    const { exercise } = findExercise(id) ?? {};
    const wanted = exercise && `✗ ${id} ${exercise.title} (${effortOf(exercise)})`;
    return wanted === undefined || text.split('\n')[0]?.trim() === wanted ? [] : [`${at}: the report of exercise ${id} begins with "${wanted}"`];
  });
  return [...lines, ...quotes, ...efforts];
}

/** All hidden tests, with their escaped quotes as a report shows them. Read once. */
function testSources(): string {
  return (sources ??= listFiles(join(ROOT, 'tests'))
    .filter((file) => /^chapter-\d+\/[^/]+\.test\.ts$/.test(file))
    .map((file) => readFileSync(join(ROOT, 'tests', file), 'utf8'))
    .join('\n')
    .replaceAll("\\'", "'"));
}
let sources: string | undefined;

/** The README's table of chapters says what course/manifest.ts says. */
export function mapFaults(readme: string): string[] {
  return chapters.flatMap((chapter) => {
    const row = readme.split('\n').find((line) => line.startsWith(`| ${number(chapter)} |`));
    if (row === undefined) return [`README.md has no row for chapter ${number(chapter)}`];
    const ready = isReady(chapter);
    const [, , title = '', , status = ''] = row.split('|').map((cell) => cell.trim());
    const wanted = ready ? `[${chapter.title}](chapters/${chapter.folder}/README.md)` : chapter.title;
    return [
      ...(title === wanted ? [] : [`README.md calls chapter ${number(chapter)} ${title}; course/manifest.ts makes it ${wanted}`]),
      ...(status === (ready ? 'yes' : 'planned') ? [] : [`README.md says "${status}" of chapter ${number(chapter)}, which ${ready ? 'can be followed' : 'is planned'}`]),
    ];
  });
}

function number(chapter: Chapter): string {
  return String(chapter.number).padStart(2, '0');
}
