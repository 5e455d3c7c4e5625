/**
 * Lessons and the other pages: code equals its source, commands exist, links
 * lead somewhere, and each chapter has what a chapter needs.
 *
 *     npx tsx course/self-check/lessons.ts --write    rewrites code from its sources
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { effortOf } from '../effort.ts';
import { listFiles } from '../files.ts';
import { chapterName, readyChapters } from '../manifest.ts';
import type { Chapter, Exercise } from '../manifest.ts';
import { ROOT } from '../root.ts';
import { attackFaults, rewriteAttacks } from './attacks-page.ts';
import { commandFaults } from './commands.ts';
import { parsePage } from './markdown.ts';
import type { Block, Page } from './markdown.ts';
import { mapFaults, mentionFaults, reportFaults } from './mentions.ts';
import { oneUnit } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { blockFault, rewriteBlocks } from './regions.ts';
import { rewriteSettings, settingsFaults, SETTINGS_PAGE } from './settings-page.ts';

const WORDS_MIN = 2500;
const WORDS_MAX = 4500;
const DIAGRAMS_MIN = 3;
/** TypeScript of more lines than this comes out of a file, where it is compiled. */
const LOOSE_LINES_MAX = 3;
/** Pages that speak of the course's own code and of nothing else: what they name must exist. */
const FOR_MAINTAINERS = ['CONTRIBUTING.md', 'docs/design-notes.md'];
const HINT_LEVELS = ['A question', 'A pointer', 'Nearly the answer'];

export function findFaults(): Outcome {
  const pages = new Map(pageFiles().map((file) => [file, parsePage(readPage(file))]));
  return oneUnit([
    ...[...pages].flatMap(([file, page]) => pageFaults(file, page, pages)),
    ...readyChapters.flatMap((chapter) => chapterFaults(chapter, pages)),
    ...FOR_MAINTAINERS.flatMap((file) => mentionFaults(file, readPage(file))),
    ...mapFaults(readPage('README.md')),
    ...settingsFaults(readPage(SETTINGS_PAGE)),
    ...[...pages.keys()].flatMap((file) => attackFaults(file, readPage(file))),
  ]);
}

/** Every Markdown file that people read, by its path from the project's folder. */
export function pageFiles(): string[] {
  const folders = ['chapters', 'solutions', 'docs', 'tests', 'course'];
  const deep = folders.flatMap((folder) => listFiles(join(ROOT, folder)).map((file) => `${folder}/${file}`));
  const top = listFiles(ROOT, '').filter((file) => !file.includes('/'));
  return [...top, ...deep].filter((file) => file.endsWith('.md') && !file.startsWith('docs/api/'));
}

function readPage(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8').replaceAll('\r\n', '\n');
}

/** What holds for every page. */
function pageFaults(file: string, page: Page, pages: ReadonlyMap<string, Page>): string[] {
  const blocks = page.blocks.flatMap((block) => {
    const fault = blockFault(block);
    return fault === undefined ? [] : [`${file}:${block.line}: this code ${fault}`];
  });
  blocks.push(...page.blocks.flatMap((block) => reportFaults(file, block)));
  if (FOR_MAINTAINERS.includes(file)) blocks.push(...looseFaults(file, page));
  return [...blocks, ...commandFaults(file, readPage(file), page), ...linkFaults(file, page, pages)];
}

function linkFaults(file: string, page: Page, pages: ReadonlyMap<string, Page>): string[] {
  return page.links.flatMap(({ target, line }) => {
    if (/^[a-z][a-z+.-]*:/i.test(target) || target.startsWith('//')) return [];
    const [path = '', anchor] = decodeURIComponent(target).split('#');
    const wanted = path === '' ? file : posix.normalize(posix.join(dirname(file), path)).replace(/\/$/, '');
    const exists = existsSync(join(ROOT, wanted));
    if (!exists) return [`${file}:${line}: the link to ${target} leads nowhere`];
    if (anchor === undefined || anchor === '' || !/\.md$|^[^.]*$/.test(wanted)) return [];
    const linked = pages.get(wanted) ?? pages.get(`${wanted}/README.md`);
    if (!linked || linked.headings.some((heading) => heading.anchor === anchor)) return [];
    return [`${file}:${line}: the link to ${target} names a heading that is not there`];
  });
}

/** What a chapter's lesson and hints must have. */
function chapterFaults(chapter: Chapter, pages: ReadonlyMap<string, Page>): string[] {
  const lesson = `chapters/${chapter.folder}/README.md`;
  const hints = `chapters/${chapter.folder}/hints.md`;
  const faults: string[] = [];
  const lessonPage = pages.get(lesson);
  const hintsPage = pages.get(hints);
  if (lessonPage) faults.push(...lessonFaults(chapter, lesson, lessonPage));
  else faults.push(`${lesson} is missing`);
  if (hintsPage) faults.push(...chapter.exercises.flatMap(({ id }) => hintFaults(id, hints, hintsPage)));
  else faults.push(`${hints} is missing`);
  return faults;
}

function lessonFaults(chapter: Chapter, file: string, page: Page): string[] {
  const faults: string[] = [];
  if (page.words < WORDS_MIN || page.words > WORDS_MAX) {
    faults.push(`${file} has ${page.words} words; a lesson has ${WORDS_MIN} to ${WORDS_MAX}`);
  }
  const text = readPage(file).split('\n');
  for (const block of page.blocks.filter(isDiagram)) {
    if (!isDescribed(text.slice(block.endLine))) faults.push(`${file}:${block.line}: this diagram has no words for those who cannot see it: <details> with <summary>In words</summary>, right below`);
  }
  const diagrams = page.blocks.filter(isDiagram).length + page.links.filter(({ target }) => /\.(?:svg|png)$/.test(target)).length;
  if (diagrams < DIAGRAMS_MIN) faults.push(`${file} has ${diagrams} diagrams; a lesson has at least ${DIAGRAMS_MIN}`);
  for (const { id, section } of chapter.exercises) {
    if (!page.headings.some((heading) => heading.text === section)) {
      faults.push(`${file} has no heading "${section}", which course/manifest.ts names for exercise ${id}`);
    }
  }
  faults.push(...looseFaults(file, page), ...frameFaults(chapter, file, text));
  return faults;
}

/** TypeScript that was typed into a page, where nothing checks it. */
function looseFaults(file: string, page: Page): string[] {
  return page.blocks.flatMap((block) => {
    const lines = block.text.split('\n').length;
    if (!/^(?:ts|typescript)\b/.test(block.info) || block.source !== undefined || lines <= LOOSE_LINES_MAX) return [];
    return [`${file}:${block.line}: ${lines} lines of TypeScript without a source; put them into a file and name it above: <!-- code: PATH#REGION -->`];
  });
}

/** How a lesson opens, what it says of each exercise, and where it leads. */
export function frameFaults(chapter: Chapter, file: string, lines: readonly string[]): string[] {
  const faults: string[] = [];
  const opening = lines.slice(1).find((line) => line.trim() !== '') ?? '';
  if (!opening.startsWith('> **Before you begin:**')) faults.push(`${file} does not open with "> **Before you begin:**" and what must be done before it`);
  else if (chapter.number > 1 && !opening.includes(`npm run catch-up ${chapterName(chapter)}`)) faults.push(`${file} does not say at its beginning that \`npm run catch-up ${chapterName(chapter)}\` fills in the chapters before`);
  faults.push(...hoursFaults(chapter, file, opening));
  for (const exercise of chapter.exercises) {
    const { id } = exercise;
    const turn = lines.findIndex((line) => line.startsWith(`**Your turn: ${id}.**`));
    if (turn < 0) faults.push(`${file} has no "**Your turn: ${id}.**"`);
    else faults.push(...noteFaults(file, exercise, lines.slice(turn + 1).find((line) => line.trim() !== '') ?? ''));
  }
  const next = readyChapters.find((candidate) => candidate.number === chapter.number + 1);
  const last = lines.findLast((line) => line.trim() !== '') ?? '';
  if (next && !last.includes(`(../${next.folder}/README.md)`)) faults.push(`${file} does not end with a link to the next lesson, ../${next.folder}/README.md`);
  return faults;
}

/** The quoted line below "Your turn". Kind and minutes are the manifest's. */
function noteFaults(file: string, { id, kind, minutes }: Exercise, note: string): string[] {
  const effort = effortOf({ kind, minutes });
  const begins = `> ${effort.charAt(0).toUpperCase()}${effort.slice(1)}.`;
  if (!note.startsWith(begins)) return [`${file}: the note below "Your turn: ${id}" must begin with "${begins}", as course/manifest.ts says`];
  if (!/Predict first: /.test(note)) return [`${file}: the note of ${id} has no "Predict first:" and a question`];
  const skip = kind === 'core' ? 'Do not skip' : 'Can be skipped';
  return note.includes(skip) ? [] : [`${file}: the note of ${id} must say "${skip}" and why, since course/manifest.ts calls it ${kind}`];
}

const NUMBERS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve', 'thirteen', 'fourteen', 'fifteen'];
/** What an opening says may be this far from the sum of the exercises. */
const HOURS_OFF_MAX = 0.25;

/** `The six exercises take about two and a half hours.` */
function hoursFaults({ exercises }: Chapter, file: string, opening: string): string[] {
  const [, count = '', whole = '', half] = /The (\w+) exercises take about (\w+)( and a half)? hours/.exec(opening) ?? [];
  const hours = exercises.reduce((sum, { minutes }) => sum + minutes, 0) / 60;
  const said = NUMBERS.indexOf(whole) + (half === undefined ? 0 : 0.5);
  if (NUMBERS.indexOf(count) === exercises.length && Math.abs(said - hours) <= HOURS_OFF_MAX) return [];
  return [`${file} must say in its opening how many exercises it has and how long they take: course/manifest.ts has ${exercises.length}, and ${hours.toFixed(1)} hours in all ("The six exercises take about two and a half hours")`];
}

/** Mermaid, or a drawing made of lines and arrows. */
function isDiagram(block: Block): boolean {
  if (/^mermaid\b|\bdiagram\b/.test(block.info)) return true;
  return /^(?:text)?$/.test(block.info) && /[─│┌└├▶→]|--+>|\+--/.test(block.text);
}

/** The first thing below a diagram is its description, folded. */
function isDescribed(below: readonly string[]): boolean {
  const [first, second] = below.filter((line) => line.trim() !== '');
  return first === '<details>' && second === '<summary>In words</summary>';
}

function hintFaults(id: string, file: string, page: Page): string[] {
  const start = page.headings.findIndex((heading) => heading.level === 2 && (heading.text === id || heading.text.startsWith(`${id} `)));
  if (start < 0) return [`${file} has no hints for exercise ${id}: it needs a heading "## ${id}"`];
  const after = page.headings.slice(start + 1);
  const end = after.findIndex((heading) => heading.level <= 2);
  const levels = (end < 0 ? after : after.slice(0, end)).filter((heading) => heading.level === 3).map((heading) => heading.text);
  if (levels.join() === HINT_LEVELS.join()) return [];
  return [`${file}: the hints for ${id} are ${levels.join(', ') || 'empty'}; they must be ${HINT_LEVELS.map((level) => `"### ${level}"`).join(', ')}, in this order`];
}

function write(): void {
  for (const file of pageFiles()) {
    const before = readPage(file);
    const after = rewriteAttacks(file === SETTINGS_PAGE ? rewriteSettings(before) : rewriteBlocks(before));
    if (after === before) continue;
    writeFileSync(join(ROOT, file), after);
    console.log(`${file}: rewritten from its sources`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--write')) write();
  const { faults } = findFaults();
  for (const fault of faults) console.log(fault);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
