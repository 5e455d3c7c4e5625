/** The files that a test serves: made for it alone, and gone when it ends. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** The modification time of files for which a test names none: long ago, so that their tags are strong. */
export const LONG_AGO_MS = Date.UTC(2020, 0, 2, 3, 4, 5);

/**
 * A folder of its own for a test, empty; its real path. What else a test makes beside the root that it serves, a
 * secret say, it makes in here too.
 */
export function scratchFolder(parent = tmpdir()): string {
  const folder = realpathSync(mkdtempSync(join(parent, 'ten-static-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes files below a folder, `{ 'sub/a.txt': 'text' }`; a name that ends in a slash is a folder. */
export function writeFiles(folder: string, files: Record<string, string | Uint8Array>, mtimeMs = LONG_AGO_MS): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    if (name.endsWith('/')) {
      mkdirSync(path, { recursive: true });
      continue;
    }
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    setModified(path, mtimeMs);
  }
}

/** A root with these files, in a scratch folder of its own: `<scratch>/root`. */
export function site(files: Record<string, string | Uint8Array>): string {
  const root = join(scratchFolder(), 'root');
  mkdirSync(root);
  writeFiles(root, files);
  return root;
}

/** A file of zeros that takes no room on the disk. */
export function writeSparse(path: string, bytes: number): void {
  writeFileSync(path, '');
  truncateSync(path, bytes);
  setModified(path, LONG_AGO_MS);
}

export function setModified(path: string, mtimeMs: number): void {
  // As a string: of a negative number Node makes the present time.
  const seconds = String(mtimeMs / 1000);
  utimesSync(path, seconds, seconds);
}

/** A folder in which a file may have any time of modification, if this machine has one: a tmpfs. */
export function folderOfAnyTime(): string | undefined {
  const folder = '/dev/shm';
  const probe = join(folder, `ten-static-probe-${process.pid}`);
  const timeMs = -9_050_000_000_000_000;
  try {
    writeFileSync(probe, '');
    setModified(probe, timeMs);
    return statSync(probe).mtimeMs === timeMs ? folder : undefined;
  } catch {
    return undefined;
  } finally {
    rmSync(probe, { force: true });
  }
}
