/**
 * The pristine starters, kept apart from the files that the learner edits.
 *
 * `chapters/` belongs to the learner from the first save on. What it held
 * before is packed in `starters.json`, so that `reset`, `diff --starter` and
 * the course's own tests work in a clone without git and after any edit.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { listFiles, readText, writeFileAtomic } from './files.ts';
import { readyChapters } from './manifest.ts';
import type { Chapter } from './manifest.ts';
import { Problem } from './problem.ts';
import { CHAPTERS, ROOT } from './root.ts';

/** Texts by path below `chapters/`: `01-echo/echo.ts`. */
export type Starters = Readonly<Record<string, string>>;

const PACK = join(ROOT, 'course', 'starters.json');

/** The lesson, its hints, its pictures and the site that it serves: never the learner's to fill in. */
const NOT_STARTER = /^(?:README|hints)\.md$|^public\/|\.(?:svg|png|jpe?g|gif|webp)$/i;

/** The files of one chapter's folder that the learner works on. */
export function learnerFiles(folder: string): string[] {
  return listFiles(folder).filter((file) => !NOT_STARTER.test(file));
}

/** The starters as they were packed. */
export function readStarters(): Starters {
  const text = readText(PACK);
  if (text === undefined) throw new Problem('course/starters.json is missing: `git checkout course/starters.json` brings it back.');
  return JSON.parse(text) as Starters;
}

/** The starters of one chapter by their path inside it. Throws where none are packed. */
export function startersOf(chapter: Chapter): Map<string, string> {
  const prefix = `${chapter.folder}/`;
  const files = Object.entries(readStarters()).filter(([path]) => path.startsWith(prefix));
  if (files.length === 0) throw new Problem(`No starters are packed for chapters/${chapter.folder}: \`git pull\` may bring them.`);
  return new Map(files.map(([path, text]) => [path.slice(prefix.length), text]));
}

/** What stands in `chapters/` now, as it would be packed: the written chapters. */
function currentFiles(): Starters {
  const files: Record<string, string> = {};
  for (const { folder } of readyChapters) {
    for (const file of learnerFiles(join(CHAPTERS, folder))) {
      files[`${folder}/${file}`] = readText(join(CHAPTERS, folder, file)) ?? '';
    }
  }
  return files;
}

/** Packs the starters in `chapters/`. The same files give the same bytes. */
export function packStarters(): { path: string; files: number } {
  const files = currentFiles();
  writeFileAtomic(PACK, `${JSON.stringify(files, undefined, 2)}\n`);
  return { path: PACK, files: Object.keys(files).length };
}

/** Writes the pristine tree into a folder, which then holds `01-echo/echo.ts` and so on. */
export function writeStarterTree(folder: string): void {
  for (const [path, text] of Object.entries(readStarters())) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

/** Files that differ between `chapters/` and the pack: edited, added or missing, sorted. */
export function starterDrift(): string[] {
  const packed = readStarters();
  const current = currentFiles();
  const paths = new Set([...Object.keys(packed), ...Object.keys(current)]);
  return [...paths].filter((path) => packed[path] !== current[path]).sort();
}
