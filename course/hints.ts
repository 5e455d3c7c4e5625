/** The hints of a chapter, out of its `hints.md`. */
import { join } from 'node:path';
import { readText } from './files.ts';
import type { Chapter } from './manifest.ts';
import { CHAPTERS } from './root.ts';

export interface Hint {
  /** `A question`, `A pointer`, `Nearly the answer`. */
  readonly title: string;
  /** Markdown. */
  readonly text: string;
}

/** The hints of every exercise of a chapter by exercise id, each list from the gentlest on; undefined without a file. */
export function readHints(chapter: Chapter): Map<string, Hint[]> | undefined {
  const text = readText(join(CHAPTERS, chapter.folder, 'hints.md'));
  return text === undefined ? undefined : parseHints(text);
}

/** `## 1.1` opens an exercise, `### A question` one of its levels. Headings inside code fences are code. */
export function parseHints(text: string): Map<string, Hint[]> {
  const hints = new Map<string, Hint[]>();
  let levels: Hint[] | undefined;
  let title: string | undefined;
  let lines: string[] = [];
  let fenced = false;

  const finish = (): void => {
    const body = lines.join('\n').trim();
    if (title !== undefined && body !== '') levels?.push({ title, text: body });
    title = undefined;
    lines = [];
  };

  for (const line of text.split('\n')) {
    if (/^\s*(?:```|~~~)/.test(line)) fenced = !fenced;
    const exercise = fenced ? undefined : /^## +(\d+\.\d+)\b/.exec(line)?.[1];
    const level = fenced ? undefined : /^### +(.+?)\s*$/.exec(line)?.[1];
    if (exercise !== undefined) {
      finish();
      levels = [];
      hints.set(exercise, levels);
    } else if (level !== undefined) {
      finish();
      title = level;
    } else {
      lines.push(line);
    }
  }
  finish();
  return hints;
}
