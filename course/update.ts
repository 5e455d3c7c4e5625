/**
 * The newest course under the learner's work: what becomes of each file.
 *
 * Three trees decide, as in a merge: the version of the course that the learner
 * began with (base), what they made of it (mine), and the new version (theirs).
 * Outside `chapters/` the new version counts. Inside, what the learner has not
 * changed is renewed and what they have changed is never taken from them. It
 * is done twice, for the files as they are and for those that were committed,
 * and the result of the second becomes a merge commit: so a later update, or
 * any other git command, knows what this clone has.
 */
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { blob, hashFiles, mergeTexts, storeBlob, treeOf } from './git.ts';
import type { Entry, Tree } from './git.ts';
import { Problem } from './problem.ts';
import { ROOT } from './root.ts';

/** What becomes of one file. */
export type Fate =
  /** It is as it should be, or it is the learner's and nothing new came for it. */
  | { readonly kind: 'stays' }
  /** The new version's file, over one that the learner had not changed. */
  | { readonly kind: 'renewed' | 'added' | 'filled in'; readonly entry: Entry }
  /** Outside chapters/: over the learner's change, of which there is a backup. */
  | { readonly kind: 'replaced'; readonly entry: Entry | undefined }
  | { readonly kind: 'removed' }
  /** Both changed it, in different lines. */
  | { readonly kind: 'merged'; readonly text: string }
  /** Both changed it, in the same lines: the learner's stays. */
  | { readonly kind: 'beside'; readonly entry: Entry }
  /** The learner changed it, and the new version no longer has it. */
  | { readonly kind: 'dropped' };

export interface Plan {
  /** What becomes of the files in the working tree, by path; those that stay are left out. */
  readonly files: ReadonlyMap<string, Fate>;
  /** Files below chapters/ that are not as the old version had them: the learner's work. */
  readonly touched: readonly string[];
  /** How the tree of the new commit differs from the new version's. */
  readonly committed: ReadonlyMap<string, Entry | undefined>;
}

/** The commits that an update is about. */
export interface Versions {
  readonly base: string;
  readonly head: string;
  readonly theirs: string;
}

/** One side's file, and a way to its text. */
interface Mine {
  readonly oid: string | undefined;
  readonly text: () => string;
}

const NOTHING: Mine = { oid: undefined, text: () => '' };

/** What becomes of each file. Changes nothing. */
export function planUpdate({ base, head, theirs }: Versions): Plan {
  const [baseTree, headTree, theirTree] = [base, head, theirs].map((commit) => treeOf(commit)) as [Tree, Tree, Tree];
  const paths = new Set([...baseTree.keys(), ...theirTree.keys()]);
  const work = workingFiles([...paths]);
  const decide = (path: string, mine: Mine): Fate => fateOf(path, mine, baseTree, theirTree);

  const files = new Map<string, Fate>();
  const touched: string[] = [];
  for (const path of paths) {
    const mine = work.get(path) ?? NOTHING;
    if (path.startsWith('chapters/') && mine.oid !== undefined && mine.oid !== baseTree.get(path)?.oid) touched.push(path);
    const fate = decide(path, mine);
    if (fate.kind !== 'stays') files.set(path, fate);
  }

  const committed = new Map<string, Entry | undefined>();
  for (const path of new Set([...paths, ...headTree.keys()])) {
    const entry = headTree.get(path);
    const mine = entry === undefined ? NOTHING : { oid: entry.oid, text: () => textOf(blob(entry.oid)) };
    const fate: Fate = paths.has(path) ? decide(path, mine) : { kind: 'stays' };
    const result = resultOf(fate, entry);
    const expected = theirTree.get(path);
    if (result?.oid !== expected?.oid || result?.mode !== expected?.mode) committed.set(path, result);
  }
  return { files, touched, committed };
}

function resultOf(fate: Fate, mine: Entry | undefined): Entry | undefined {
  switch (fate.kind) {
    case 'renewed':
    case 'added':
    case 'filled in':
    case 'replaced':
      return fate.entry;
    case 'removed':
      return undefined;
    case 'merged':
      return { mode: mine?.mode ?? '100644', oid: storeBlob(fate.text) };
    case 'stays':
    case 'beside':
    case 'dropped':
      return mine;
  }
}

function fateOf(path: string, mine: Mine, baseTree: Tree, theirTree: Tree): Fate {
  const [base, theirs] = [baseTree.get(path), theirTree.get(path)];
  if (mine.oid === theirs?.oid) return { kind: 'stays' };
  if (mine.oid === base?.oid) return fresh(mine, theirs);
  if (!path.startsWith('chapters/')) return mine.oid === undefined ? fresh(mine, theirs) : { kind: 'replaced', entry: theirs };
  if (base?.oid === theirs?.oid || mine.oid === undefined) return { kind: 'stays' };
  if (theirs === undefined) return { kind: 'dropped' };
  const reference = path.replace('chapters/', 'solutions/');
  const newReference = theirTree.get(reference);
  if (newReference !== undefined && mine.oid === baseTree.get(reference)?.oid) {
    return newReference.oid === mine.oid ? { kind: 'stays' } : { kind: 'filled in', entry: newReference };
  }
  return merge(mine.text(), base, theirs);
}

function fresh(mine: Mine, theirs: Entry | undefined): Fate {
  if (theirs === undefined) return { kind: 'removed' };
  return { kind: mine.oid === undefined ? 'added' : 'renewed', entry: theirs };
}

function merge(mine: string, base: Entry | undefined, theirs: Entry): Fate {
  const [before, after] = [base === undefined ? '' : textOf(blob(base.oid)), textOf(blob(theirs.oid))];
  if ([mine, before, after].some((text) => text.includes('\0'))) return { kind: 'beside', entry: theirs };
  // An editor may have changed every line ending: that is not the learner's work.
  const unix = mine.replaceAll('\r\n', '\n');
  if (unix === before) return { kind: 'renewed', entry: theirs };
  const merged = mergeTexts(unix, before, after);
  if (merged === undefined) return { kind: 'beside', entry: theirs };
  const text = unix === mine ? merged : merged.replaceAll('\n', '\r\n');
  return text === mine ? { kind: 'stays' } : { kind: 'merged', text };
}

/** Bytes that are not text become one that can be told: it holds a NUL. */
function textOf(bytes: Buffer): string {
  return bytes.includes(0) ? '\0' : bytes.toString();
}

/** The files of the working tree, of these paths. @throws {Problem} where a folder is in the place of a file */
function workingFiles(paths: readonly string[]): Map<string, Mine> {
  const present = paths.filter((path) => {
    const stats = lstatSync(join(ROOT, path), { throwIfNoEntry: false });
    if (stats?.isDirectory()) throw new Problem(`${path} is a folder, and a file of the course belongs there: move it away first. Nothing was changed.`);
    return stats !== undefined && existsSync(join(ROOT, path));
  });
  const oids = hashFiles(present);
  return new Map(present.map((path, index) => [path, { oid: oids[index], text: () => textOf(readFileSync(join(ROOT, path))) }]));
}
