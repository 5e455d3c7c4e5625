/**
 * Code in lessons comes out of files.
 *
 *     <!-- code: solutions/01-echo/listen.ts#bind -->
 *     ```ts
 *     (the lines between `// #region bind` and `// #endregion bind`)
 *     ```
 *
 * Without `#name`, the whole file. Inner markers are left out, and the
 * indentation that all lines share.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../root.ts';
import type { Block } from './markdown.ts';
import { parsePage } from './markdown.ts';

const MARKER = /^\s*(?:\/\/|#|--|<!--)\s*#(?:end)?region\b/;
const MARKER_NAME = /#(region|endregion)\s+([\w.-]+)/;

/** The code that `PATH#REGION` means. @throws an `Error` that says what is missing */
export function readRegion(source: string): string {
  const [path = '', name] = source.split('#');
  const file = join(ROOT, path);
  if (!existsSync(file)) throw new Error(`${path} does not exist`);
  const lines = readFileSync(file, 'utf8').replaceAll('\r\n', '\n').trimEnd().split('\n');
  return dedent((name === undefined ? lines : between(lines, name, path)).filter((line) => !MARKER.test(line)));
}

function between(lines: readonly string[], name: string, path: string): string[] {
  const at = (word: string): number[] =>
    lines.flatMap((line, index) => (MARKER_NAME.exec(line)?.slice(1, 3).join(' ') === `${word} ${name}` ? [index] : []));
  const [start, ...more] = at('region');
  const [end] = at('endregion').filter((index) => index > (start ?? 0));
  if (start === undefined) throw new Error(`${path} has no region ${name}: put "// #region ${name}" above the lines`);
  if (more.length > 0) throw new Error(`${path} has the region ${name} twice`);
  if (end === undefined) throw new Error(`${path}: the region ${name} never ends; put "// #endregion ${name}" below the lines`);
  return lines.slice(start + 1, end);
}

function dedent(lines: readonly string[]): string {
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length);
  const shared = Math.min(...indents, 1000);
  return lines.map((line) => line.slice(shared).trimEnd()).join('\n').replaceAll(/^\n+|\n+$/g, '');
}

/** What is wrong with a block that names a source; undefined where nothing is. */
export function blockFault(block: Block): string | undefined {
  if (block.source === undefined) return undefined;
  try {
    return readRegion(block.source) === block.text ? undefined : `is not what ${block.source} says: run \`npx tsx course/self-check/lessons.ts --write\``;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The page with every block that names a source rewritten from it. */
export function rewriteBlocks(markdown: string): string {
  const lines = markdown.split('\n');
  for (const block of parsePage(markdown).blocks.toReversed()) {
    if (block.source !== undefined) lines.splice(block.line, block.endLine - block.line - 1, ...readRegion(block.source).split('\n'));
  }
  return lines.join('\n');
}
