/**
 * The pristine starters, kept apart from the files that the learner edits.
 *
 * `chapters/` belongs to the learner from the first save on. What it held
 * before is packed in `starters.md`, so that `reset`, `diff --starter` and
 * the course's own tests work in a clone without git and after any edit.
 *
 * The pack holds what differs from the reference, as an overlay (overlay.ts), and
 * a digest of every starter, by which a reference that somebody has edited is
 * noticed. Where a chapter has no reference, as in a kit, it holds whole files.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { listFiles, readText, writeFileAtomic } from './files.ts';
import { begunChapters } from './manifest.ts';
import type { Chapter } from './manifest.ts';
import { applyChange, changeOf, parseOverlay, printOverlay } from './overlay.ts';
import type { Change } from './overlay.ts';
import { Problem } from './problem.ts';
import { CHAPTERS, ROOT, SOLUTIONS } from './root.ts';

/** Texts by path below `chapters/`: `01-echo/echo.ts`. */
export type Starters = Readonly<Record<string, string>>;

const PACK = join('course', 'starters.md');

/** The lesson, its hints, its pictures and the site that it serves: never the learner's to fill in. */
const NOT_STARTER = /^(?:README|hints)\.md$|^public\/|\.new$|\.(?:svg|png|jpe?g|gif|webp)$/i;

/** The files of one chapter's folder that the learner works on. */
export function learnerFiles(folder: string): string[] {
  return listFiles(folder).filter((file) => !NOT_STARTER.test(file));
}

/**
 * The starters as they were packed, of all chapters or of one.
 *
 * @param chapter only the starters of this one
 * @param root the folder of the course that they belong to
 */
export function readStarters(chapter?: Chapter, root: string = ROOT): Starters {
  const pack = readText(join(root, PACK));
  if (pack === undefined) throw new Problem('course/starters.md is missing: `git checkout course/starters.md` brings it back.');
  const [top] = parseOverlay(pack);
  const changes = new Map(top?.changes.map((change) => [change.file, change]));
  const starters: Record<string, string> = {};
  for (const [, path = '', digest] of top?.prose.join(' ').matchAll(/`(\S+)` ([0-9a-f]{16})/g) ?? []) {
    if (chapter !== undefined && !path.startsWith(`${chapter.folder}/`)) continue;
    const change = changes.get(path);
    const reference = change !== undefined && 'text' in change ? undefined : readText(join(root, 'solutions', path));
    starters[path] = unpack(path, reference, change, digest);
  }
  return starters;
}

function unpack(path: string, reference: string | undefined, change: Change | undefined, digest: string | undefined): string {
  try {
    const text = change === undefined ? reference : applyChange(reference, change);
    if (text !== undefined && digestOf(text) === digest) return text;
  } catch {
    // The reference has been changed where the starter differs.
  }
  throw new Problem(
    `The starter chapters/${path} is stored as a diff against solutions/${path}, and that file has been edited or is missing:`
      + ` \`git checkout solutions/${path}\` brings it back. (If you maintain the course and meant to change it: \`npm run pack-starters\`.)`,
  );
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** The starters of one chapter by their path inside it. Throws where none are packed. */
export function startersOf(chapter: Chapter): Map<string, string> {
  const prefix = `${chapter.folder}/`;
  const files = Object.entries(readStarters(chapter));
  if (files.length === 0) throw new Problem(`No starters are packed for chapters/${chapter.folder}: \`git pull\` may bring them.`);
  return new Map(files.map(([path, text]) => [path.slice(prefix.length), text]));
}

/** Whether an exercise is still to be done in this starter: one file may be worked on in several. */
export function isLeftIn(starter: string, id: string): boolean {
  return new RegExp(`TODO ${id.replace('.', '\\.')}\\b|NotImplemented\\('${id.replace('.', '\\.')}'`).test(starter);
}

/** What is in `chapters/` now, as it would be packed: the written chapters, and those that are being written. */
function currentFiles(): Starters {
  const files: Record<string, string> = {};
  for (const { folder } of begunChapters) {
    for (const file of learnerFiles(join(CHAPTERS, folder))) {
      files[`${folder}/${file}`] = readText(join(CHAPTERS, folder, file)) ?? '';
    }
  }
  return files;
}

/** Packs the starters in `chapters/`. The same files give the same bytes. */
export function packStarters(): { path: string; files: number } {
  const files = currentFiles();
  const path = join(ROOT, PACK);
  writeFileAtomic(path, packOf(files));
  return { path, files: Object.keys(files).length };
}

/**
 * What the pack says of these starters.
 *
 * @param solutions the reference that it takes as known
 */
export function packOf(files: Starters, solutions: string = SOLUTIONS): string {
  const paths = Object.keys(files).sort();
  // An empty one is legal: the learner writes it from nothing.
  const unended = paths.find((path) => files[path] !== '' && !files[path]?.endsWith('\n'));
  if (unended !== undefined) throw new Problem(`chapters/${unended} does not end with a line break: add one, and pack again.`);
  const list = paths.map((path) => `- \`${path}\` ${digestOf(files[path] ?? '')}`).join('\n');
  const changes = paths.flatMap((path) => {
    const reference = readText(join(solutions, path));
    return files[path] === reference ? [] : [changeOf(path, reference, files[path] ?? '')];
  });
  const says = 'Written by `npm run pack-starters`: every starter with its digest, then what differs from `solutions/`.';
  return printOverlay('The starters', [{ title: '', prose: [says, list], changes }]);
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
