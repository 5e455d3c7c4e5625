/**
 * git, as `npm run update` needs it: trees and blobs of this clone, by plumbing
 * commands that neither ask nor look at the user's configuration of colours,
 * pagers and diffs.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Problem, reason } from './problem.ts';
import { ROOT } from './root.ts';

/** A file in a tree: its mode and the name of its content. */
export interface Entry {
  readonly mode: string;
  readonly oid: string;
}

/** Files by their path from the course's folder, with `/`. */
export type Tree = ReadonlyMap<string, Entry>;

interface GitOptions {
  readonly input?: string | Buffer;
  /** Another index than the user's. */
  readonly index?: string;
}

/** Variables by which a surrounding git would point us at another repository. */
const FOREIGN = /^GIT_(?:DIR|WORK_TREE|INDEX_FILE|PREFIX|COMMON_DIR|OBJECT_DIRECTORY)$/;

export interface GitResult {
  /** Null where git could not be started. */
  readonly status: number | null;
  readonly stdout: Buffer;
  /** What it said last. */
  readonly complaint: string;
}

/** Runs git in the course's folder, whatever comes of it. */
export function tryGit(args: readonly string[], options: GitOptions = {}): GitResult {
  const inherited = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name));
  const env = { ...Object.fromEntries(inherited), LC_ALL: 'C', ...(options.index !== undefined && { GIT_INDEX_FILE: options.index }) };
  const result = spawnSync('git', args, {
    cwd: ROOT,
    env,
    maxBuffer: 1 << 30,
    stdio: [options.input === undefined ? 'inherit' : 'pipe', 'pipe', 'pipe'],
    ...(options.input !== undefined && { input: options.input }),
  });
  if ((result.error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') {
    throw new Problem('git is not installed, and `npm run update` needs it: https://git-scm.com/downloads', 2);
  }
  if (result.error) throw new Problem(`git could not be run: ${reason(result.error)}.`);
  const said = result.stderr.toString().trim().split('\n').filter((line) => /^(?:fatal|error):/.test(line));
  const complaint = (said[0] ?? result.stderr.toString().trim().split('\n').at(-1) ?? '').replace(/^(?:fatal|error): /, '');
  return { status: result.status, stdout: result.stdout, complaint };
}

/** Runs git and returns what it printed. @throws {Problem} where it fails */
export function git(args: readonly string[], options: GitOptions = {}): Buffer {
  const { status, stdout, complaint } = tryGit(args, options);
  if (status !== 0) throw new Problem(`git ${args[0]} failed: ${complaint}`);
  return stdout;
}

/** One line of git's output. */
export function gitLine(...args: readonly string[]): string {
  return git(args).toString().trim();
}

/** The commit that a revision means; undefined where there is none. */
export function commitOf(revision: string): string | undefined {
  const { status, stdout } = tryGit(['rev-parse', '--verify', '--quiet', `${revision}^{commit}`]);
  return status === 0 ? stdout.toString().trim() : undefined;
}

/** Every file of a commit. */
export function treeOf(commit: string): Tree {
  const tree = new Map<string, Entry>();
  for (const line of git(['ls-tree', '-r', '-z', '--full-tree', commit]).toString().split('\0')) {
    const [, mode, oid, path] = /^(\d+) \w+ ([0-9a-f]+)\t([^]+)$/.exec(line) ?? [];
    if (mode !== undefined && oid !== undefined && path !== undefined) tree.set(path, { mode, oid });
  }
  return tree;
}

/** The content of a blob. */
export function blob(oid: string): Buffer {
  return git(['cat-file', 'blob', oid]);
}

/** The names that the contents of files have, with the line endings that git would store. */
export function hashFiles(paths: readonly string[]): string[] {
  if (paths.length === 0) return [];
  return git(['hash-object', '--stdin-paths'], { input: `${paths.join('\n')}\n` }).toString().trim().split('\n');
}

/** Stores a content and returns its name. */
export function storeBlob(content: string): string {
  return git(['hash-object', '-w', '--stdin'], { input: content }).toString().trim();
}

/** Merges what two sides made of a text; undefined where both changed the same lines. */
export function mergeTexts(mine: string, base: string, theirs: string): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'ten-servers-merge-'));
  try {
    const files = [mine, base, theirs].map((text, index) => {
      const file = join(folder, String(index));
      writeFileSync(file, text);
      return file;
    });
    const { status, stdout } = tryGit(['merge-file', '-p', '-q', ...files]);
    return status === 0 ? stdout.toString() : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A tree made of another one's files, with some replaced, added or (undefined) left out. */
export function writeTree(base: string, changes: ReadonlyMap<string, Entry | undefined>, index: string): string {
  git(['read-tree', base], { index });
  const lines = [...changes].map(([path, entry]) => (entry === undefined ? `0 ${'0'.repeat(40)}\t${path}\0` : `${entry.mode} ${entry.oid}\t${path}\0`));
  // Removals first: a file may become a folder.
  lines.sort((a, b) => Number(b.startsWith('0 ')) - Number(a.startsWith('0 ')));
  git(['update-index', '-z', '--index-info'], { index, input: lines.join('') });
  return git(['write-tree'], { index }).toString().trim();
}

/** Writes files of an index into the working tree, over what is there. */
export function checkOut(paths: readonly string[], index: string): void {
  if (paths.length > 0) git(['checkout-index', '-f', '-z', '--stdin'], { index, input: paths.map((path) => `${path}\0`).join('') });
}
