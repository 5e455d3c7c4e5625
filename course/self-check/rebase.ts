/**
 * Submissions after a change of the reference.
 *
 * A submission is written as lines of a file that differ. When that file changes
 * near them, they no longer fit, although in most cases it is plain what they
 * should be now: the merge of what the reference has become and what the
 * submission makes of the reference as it was.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readText } from '../files.ts';
import { begunChapters } from '../manifest.ts';
import { applyChange, changeOf, parseOverlay, printOverlay } from '../overlay.ts';
import type { Change } from '../overlay.ts';
import { ROOT } from '../root.ts';
import { fileIn } from '../tuned.ts';
import { listSubmissions } from './submission.ts';
import type { Submission } from './submission.ts';

export interface Rebased {
  /** Pages that were written, from the project's folder. */
  readonly changed: readonly string[];
  /** Sentences about changes that could not be merged. Their text is left as it was. */
  readonly conflicts: readonly string[];
}

/** @param before gives a file as it was, by its path from the project's folder; undefined where there was none */
export function rebaseSubmissions(before: (file: string) => string | undefined): Rebased {
  const known = new Map<string, string | undefined>();
  const cached = (file: string): string | undefined => {
    if (!known.has(file)) known.set(file, before(file));
    return known.get(file);
  };
  const changed: string[] = [];
  const conflicts: string[] = [];
  const submissions = listSubmissions(begunChapters);
  for (const page of new Set(submissions.map((submission) => submission.page))) {
    const text = readText(join(ROOT, page));
    if (text === undefined) continue;
    const sections = parseOverlay(text).map((section) => {
      const submission = submissions.find((one) => one.page === page && one.name === section.title);
      if (!submission) return section;
      const changes = section.changes.map((change) => {
        const result = rebaseChange(submission, change, cached);
        if (typeof result !== 'string') return result;
        conflicts.push(`${page}, ${section.title}: ${result}`);
        return change;
      });
      return { ...section, changes };
    });
    const heading = /^# (.*)$/m.exec(text)?.[1] ?? '';
    const written = printOverlay(heading, sections);
    if (written === text) continue;
    writeFileSync(join(ROOT, page), written);
    changed.push(page);
  }
  return { changed, conflicts };
}

/** The change as it must be now, or what is in the way. One that still fits stays as it is. */
function rebaseChange({ base }: Submission, change: Change, before: (file: string) => string | undefined): Change | string {
  if ('text' in change) return change;
  const path = fileIn(base, change.file);
  const now = readText(join(ROOT, path));
  if (now === undefined) return `${path} is gone`;
  if (fits(now, change)) return change;
  // Where the tree has it now, it may have had it from the reference.
  const then = before(path) ?? before(`solutions/${change.file}`);
  if (then === undefined || !fits(then, change)) return `the diff for ${change.file} fits neither what ${base} is nor what it was`;
  const merged = merge(now, then, applyChange(then, change));
  if (merged === undefined) return `the diff for ${change.file} and what ${base} has become change the same lines`;
  if (merged === now) return `${change.file} has become what the submission makes of it`;
  return changeOf(change.file, now, merged);
}

function fits(text: string, change: Change): boolean {
  try {
    applyChange(text, change);
    return true;
  } catch {
    return false;
  }
}

/** Undefined where both change the same lines. */
function merge(ours: string, base: string, theirs: string): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'ten-servers-merge-'));
  try {
    for (const [name, text] of Object.entries({ ours, base, theirs })) writeFileSync(join(folder, name), text);
    const { status, error } = spawnSync('git', ['merge-file', '--quiet', 'ours', 'base', 'theirs'], { cwd: folder });
    if (error) throw error;
    return status === 0 ? readFileSync(join(folder, 'ours'), 'utf8') : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
