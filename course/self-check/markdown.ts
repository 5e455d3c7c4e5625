/**
 * As much Markdown as the checks need: headings, fenced blocks, links, words.
 *
 * Not a renderer, and on purpose line by line: the fixer puts text back into
 * the lines that it came from.
 */

export interface Heading {
  readonly level: number;
  readonly text: string;
  /** What a link to it says after the `#`. */
  readonly anchor: string;
  readonly line: number;
}

export interface Block {
  /** What follows the opening fence: `ts`, `console`, `mermaid`. */
  readonly info: string;
  readonly text: string;
  /** The line of the opening fence, counted from 1. */
  readonly line: number;
  /** The line of the closing fence. */
  readonly endLine: number;
  /** `PATH` or `PATH#REGION` of the comment `<!-- code: … -->` right above. */
  readonly source?: string;
}

export interface Link {
  readonly target: string;
  readonly line: number;
}

export interface Page {
  readonly headings: readonly Heading[];
  readonly blocks: readonly Block[];
  readonly links: readonly Link[];
  /** Words outside blocks and comments, and outside `<details>`, which say a picture once more. */
  readonly words: number;
}

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*(.*)$/;

export function parsePage(markdown: string): Page {
  const lines = markdown.split('\n');
  const headings: Heading[] = [];
  const blocks: Block[] = [];
  const links: Link[] = [];
  const anchors = new Map<string, number>();
  let words = 0;
  let folded = false;
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] as string;
    const fence = FENCE.exec(line);
    if (fence) {
      const block = readBlock(lines, index, fence[1] as string, (fence[2] as string).trim());
      blocks.push(block);
      index = block.endLine - 1;
      continue;
    }
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
    if (heading) {
      const text = heading[2] as string;
      headings.push({ level: (heading[1] as string).length, text, anchor: unique(anchorOf(text), anchors), line: index + 1 });
    }
    links.push(...linksOf(line, index + 1));
    if (line.startsWith('<details')) folded = true;
    if (!folded) words += line.replaceAll(/<!--.*?-->/g, '').split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
    if (line.startsWith('</details')) folded = false;
  }
  return { headings, blocks, links, words };
}

function readBlock(lines: readonly string[], start: number, fence: string, info: string): Block {
  let end = start + 1;
  while (end < lines.length && !isClosing(lines[end] as string, fence)) end++;
  let above = start - 1;
  while (above >= 0 && lines[above]?.trim() === '') above--;
  const source = /^<!--\s*code:\s*(\S+)\s*-->$/.exec(lines[above]?.trim() ?? '')?.[1];
  return {
    info,
    text: lines.slice(start + 1, end).join('\n'),
    line: start + 1,
    endLine: end + 1,
    ...(source === undefined ? {} : { source }),
  };
}

function isClosing(line: string, fence: string): boolean {
  const closing = /^ {0,3}(`{3,}|~{3,})\s*$/.exec(line)?.[1];
  return closing !== undefined && closing[0] === fence[0] && closing.length >= fence.length;
}

/** The anchor that the usual hosts make of a heading. */
export function anchorOf(heading: string): string {
  return heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');
}

function unique(anchor: string, seen: Map<string, number>): string {
  const times = seen.get(anchor) ?? 0;
  seen.set(anchor, times + 1);
  return times === 0 ? anchor : `${anchor}-${times}`;
}

function linksOf(line: string, number: number): Link[] {
  const text = line.replaceAll(/`[^`]*`/g, '');
  const inline = Array.from(text.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g), (match) => match[1] as string);
  const html = Array.from(text.matchAll(/\b(?:src|href|srcset)="([^"]+)"/g), (match) => match[1] as string);
  const reference = /^\s*\[[^\]]+\]:\s*(\S+)/.exec(text)?.[1];
  return [...inline, ...html, ...(reference === undefined ? [] : [reference])].map((target) => ({ target, line: number }));
}
