/**
 * What is in a directory, as far as it may be shown.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { isUtf8 } from 'node:buffer';
import { readdir } from 'node:fs/promises';
import type { Stats } from 'node:fs';

import { fileError } from './file-error.ts';
import { stat } from './file-system.ts';
import { mayBeServed } from './path-name.ts';
import type { Root } from './root.ts';
import type { RootOptions } from './root.ts';

export interface DirectoryEntry {
  readonly name: string;
  readonly isDirectory: boolean;
  /** In bytes. */
  readonly size: number;
  readonly mtimeMs: number;
}

/** How many entries are looked up at a time: the rest of the server wants to read, too. */
const AT_ONCE = 32;

/** `file2` before `file10`, in the order of no particular language. */
const { compare } = new Intl.Collator('en', { numeric: true });

/**
 * The files and directories in a directory that a request could get, directories first.
 *
 * @param names of the directory, below the root
 * @throws HttpError 403, 404
 */
export async function readEntries(path: string, names: readonly string[], root: Root, rules: RootOptions): Promise<DirectoryEntry[]> {
  let inside: string[];
  try {
    // As bytes: a name that is not UTF-8 cannot be written in a URL that we decode, and as a string it would look like
    // another name, with U+FFFD in it.
    const found = await readdir(path, { encoding: 'buffer' });
    inside = found.filter((name) => isUtf8(name)).map(String);
  } catch (error) {
    throw fileError(error);
  }
  const shown = inside.filter((name) => mayBeServed(name, rules));
  const entries: DirectoryEntry[] = [];
  for (let start = 0; start < shown.length; start += AT_ONCE) {
    const some = shown.slice(start, start + AT_ONCE).map((name) => readEntry(name, [...names, name], root));
    for (const entry of await Promise.all(some)) if (entry !== null) entries.push(entry);
  }
  return entries.sort((a, b) => Number(b.isDirectory) - Number(a.isDirectory) || compare(a.name, b.name));
}

/** `null` for what is neither file nor directory, leads out of the root, or has gone. */
async function readEntry(name: string, names: readonly string[], root: Root): Promise<DirectoryEntry | null> {
  // TODO 3.3  Find it below the root, as a request would, and see what it is. What cannot be looked at is not shown.
  throw new NotImplemented('3.3');
}
