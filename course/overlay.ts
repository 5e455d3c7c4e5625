/**
 * A tree as what differs from another: the one way in which this repository
 * keeps a second version of a file.
 *
 * An overlay is Markdown that people read and write. Each file that differs has
 * a fenced block, named by its path. A `diff` block changes lines of the base;
 * any other block is the whole file:
 *
 *     ```diff 01-echo/echo.ts
 *      socket.on('error', () => {});
 *     -socket.on('end', () => socket.end());
 *     @@
 *     -  allowHalfOpen: true,
 *     +  allowHalfOpen: false,
 *     ```
 *
 * `@@` alone on a line separates two places of one file. There are no line
 * numbers: the lines that a place keeps or removes, together, must be in the
 * base exactly once.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';

/** How one file differs from the base: some of its lines, or all of it. */
export type Change =
  | { readonly file: string; readonly hunks: readonly Hunk[] }
  | { readonly file: string; readonly text: string };

/** Lines of a diff, each with ` `, `-` or `+` before it. */
export type Hunk = readonly string[];

/** A level-two heading with what is below it. */
export interface Section {
  readonly title: string;
  /** Its paragraphs, each on one line. */
  readonly prose: readonly string[];
  readonly changes: readonly Change[];
}

const FENCE = /^(`{3,})(\w+) (\S+)$/;

/**
 * The sections of an overlay. What comes before the first heading is a section
 * with an empty title.
 *
 * @throws an `Error` that names the line
 */
export function parseOverlay(text: string): Section[] {
  const sections: { title: string; prose: string[]; changes: Change[] }[] = [{ title: '', prose: [], changes: [] }];
  const lines = text.split('\n');
  let paragraph: string[] = [];
  const endParagraph = (): void => {
    if (paragraph.length > 0) sections.at(-1)?.prose.push(paragraph.join(' '));
    paragraph = [];
  };
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] as string;
    const fence = FENCE.exec(line);
    if (line.startsWith('## ')) {
      endParagraph();
      sections.push({ title: line.slice(3).trim(), prose: [], changes: [] });
    } else if (fence) {
      endParagraph();
      const [, mark = '', language, file = ''] = fence;
      const end = lines.indexOf(mark, index + 1);
      if (end < 0) throw new Error(`line ${index + 1}: the block for ${file} never ends`);
      const body = lines.slice(index + 1, end);
      sections.at(-1)?.changes.push(language === 'diff' ? { file, hunks: parseHunks(body, index + 2) } : { file, text: body.map((one) => `${one}\n`).join('') });
      index = end;
    } else if (line.startsWith('```')) {
      throw new Error(`line ${index + 1}: a block begins with its language and a path, such as \`\`\`diff 01-echo/echo.ts`);
    } else if (line.trim() === '' || line.startsWith('# ')) endParagraph();
    else paragraph.push(line.trim());
  }
  endParagraph();
  return sections;
}

function parseHunks(body: readonly string[], firstLine: number): Hunk[] {
  const hunks: string[][] = [[]];
  for (const [index, line] of body.entries()) {
    if (line === '@@') hunks.push([]);
    // Editors take the space off the end of an empty line.
    else if (line === '') hunks.at(-1)?.push(' ');
    else if (/^[ +-]/.test(line)) hunks.at(-1)?.push(line);
    else throw new Error(`line ${firstLine + index}: a line of a diff begins with a space, + or -, and this one is: ${line}`);
  }
  if (hunks.some((hunk) => hunk.length === 0)) throw new Error(`line ${firstLine}: a place without lines`);
  return hunks;
}

/**
 * The text of a file with its change.
 *
 * @param base the file in the base; undefined where it has none
 * @throws an `Error` that quotes the lines which do not fit
 */
export function applyChange(base: string | undefined, change: Change): string {
  if ('text' in change) return change.text;
  if (base === undefined) throw new Error(`there is no file ${change.file} to change`);
  const lines = base.split('\n');
  const places = change.hunks.map((hunk) => ({ hunk, at: placeOf(lines, hunk, change.file) })).sort((a, b) => a.at - b.at);
  const result: string[] = [];
  let next = 0;
  for (const { hunk, at } of places) {
    if (at < next) throw new Error(`two places in ${change.file} overlap at: ${quote(before(hunk))}`);
    result.push(...lines.slice(next, at), ...after(hunk));
    next = at + before(hunk).length;
  }
  return [...result, ...lines.slice(next)].join('\n');
}

const before = (hunk: Hunk): string[] => hunk.filter((line) => !line.startsWith('+')).map((line) => line.slice(1));
const after = (hunk: Hunk): string[] => hunk.filter((line) => !line.startsWith('-')).map((line) => line.slice(1));
const quote = (lines: readonly string[]): string => JSON.stringify(lines.join('\n'));

function placeOf(lines: readonly string[], hunk: Hunk, file: string): number {
  const wanted = before(hunk);
  const places = occurrences(lines, wanted);
  const [first] = places;
  if (first === undefined || wanted.length === 0) throw new Error(`${file} has no such lines: ${quote(wanted)}`);
  if (places.length > 1) throw new Error(`${file} has these lines ${places.length} times; add lines around them until they are there once: ${quote(wanted)}`);
  return first;
}

function occurrences(lines: readonly string[], wanted: readonly string[]): number[] {
  const places: number[] = [];
  for (let at = 0; at + wanted.length <= lines.length; at++) {
    if (wanted.every((line, index) => lines[at + index] === line)) places.push(at);
  }
  return places;
}

/** How `text` differs from `base`: as a diff where that is shorter, else as a whole. */
export function changeOf(file: string, base: string | undefined, text: string): Change {
  if (base === undefined) return { file, text };
  const hunks = hunksOf(base.split('\n'), text.split('\n'));
  const lines = hunks.reduce((sum, hunk) => sum + hunk.length, 0);
  return lines < text.split('\n').length ? { file, hunks } : { file, text };
}

/** Lines `from` to `to` of the base become other ones. */
interface Range {
  from: number;
  to: number;
  /** What the diff shows of them. */
  shown: string[];
}

/** Each with as few lines around it as make it the only such place. */
function hunksOf(base: readonly string[], text: readonly string[]): Hunk[] {
  const ranges = changedRanges(base, text);
  const isFound = ({ from, to }: Range): boolean => to > from && occurrences(base, base.slice(from, to)).length === 1;
  for (let index = 0; index < ranges.length; index++) {
    const range = ranges[index] as Range;
    for (let turn = 0; !isFound(range); turn++) {
      if ((turn % 2 === 0 && range.from > 0) || range.to === base.length) range.shown.unshift(` ${base[--range.from]}`);
      else range.shown.push(` ${base[range.to++]}`);
      for (const [one, other] of [[index - 1, index], [index, index + 1]] as const) {
        const [left, right] = [ranges[one], ranges[other]];
        if (!left || !right || left.to < right.from) continue;
        // They share the lines from right.from to left.to: shown once.
        const merged = { from: left.from, to: right.to, shown: [...left.shown, ...right.shown.slice(left.to - right.from)] };
        ranges.splice(one, 2, merged);
        index = -1;
        break;
      }
      if (index < 0) break;
    }
  }
  return ranges.map(({ shown }) => shown);
}

function changedRanges(base: readonly string[], text: readonly string[]): Range[] {
  const folder = mkdtempSync(join(tmpdir(), 'ten-servers-diff-'));
  try {
    writeFileSync(join(folder, 'before'), base.join('\n'));
    writeFileSync(join(folder, 'after'), text.join('\n'));
    const args = ['--no-pager', 'diff', '--no-index', '--no-color', '--no-ext-diff', '--no-textconv', '--text', '--histogram', '-U0', '--', 'before', 'after'];
    const { stdout, error } = spawnSync('git', args, { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28 });
    if (error) throw error;
    return [...stdout.matchAll(/^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/gm)].map(([, from, gone = '1', to, come = '1']) => {
      const [fromLine, removed, toLine, added] = [from, gone, to, come].map(Number) as [number, number, number, number];
      const start = removed === 0 ? fromLine : fromLine - 1;
      const textStart = added === 0 ? toLine : toLine - 1;
      const shown = [...base.slice(start, start + removed).map((line) => `-${line}`), ...text.slice(textStart, textStart + added).map((line) => `+${line}`)];
      return { from: start, to: start + removed, shown };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An overlay as it is written to disk. */
export function printOverlay(heading: string, sections: readonly Section[]): string {
  const parts = [`# ${heading}`];
  for (const { title, prose, changes } of sections) {
    if (title !== '') parts.push(`## ${title}`);
    parts.push(...prose, ...changes.map(printChange));
  }
  return `${parts.join('\n\n')}\n`;
}

function printChange(change: Change): string {
  const isDiff = 'hunks' in change;
  const body = isDiff
    ? change.hunks.map((hunk) => hunk.map((line) => (line === ' ' ? '' : line)).join('\n')).join('\n@@\n')
    : change.text.replace(/\n$/, '');
  const ticks = Math.max(2, ...[...body.matchAll(/`{3,}/g)].map(([run]) => run.length));
  const fence = '`'.repeat(ticks + 1);
  const language = isDiff ? 'diff' : extname(change.file).slice(1) || 'text';
  // An empty file has no line, not an empty one.
  const lines = !isDiff && change.text === '' ? '' : `${body}\n`;
  return `${fence}${language} ${change.file}\n${lines}${fence}`;
}
