/**
 * The one way in which a command of the course writes over the learner's files.
 *
 * Everything that is about to change is copied first, the copy is complete
 * before it gets its name, its path is printed, and only then is anything
 * replaced, each file in one step. Interrupted anywhere, the old text is in
 * its place, in the backup, or in both.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { listFiles, readText, writeFileAtomic } from './files.ts';
import { Problem, reason } from './problem.ts';
import { CHAPTERS, fromUser, ROOT, shown, STATE } from './root.ts';
import { stamp } from './progress.ts';

/** `.ten-servers/backups/<time>/` holds `chapters/…`, `progress.json` and other files of the course, as far as they were saved. */
export const BACKUPS = join(STATE, 'backups');

/** What tells a backup from any other folder that holds `chapters/`. */
const MARK = 'backup.json';

/** Where a path inside a backup belongs. */
function home(path: string): string {
  if (path.startsWith('chapters/')) return join(CHAPTERS, path.slice('chapters/'.length));
  return path === 'progress.json' ? join(STATE, path) : join(ROOT, path);
}

/** What is restored: never a file of the course itself, which another version may need otherwise. */
function belongs(path: string): boolean {
  return path.startsWith('chapters/') || path === 'progress.json';
}

/**
 * Copies files into a new backup.
 *
 * @param paths `chapters/01-echo/echo.ts`, `progress.json`, or a file of the course such as `README.md`
 * @returns the backup's folder
 * @throws {Problem} where it cannot be made; nothing has been changed then
 */
export function backUp(paths: readonly string[]): string {
  let partial: string | undefined;
  try {
    mkdirSync(BACKUPS, { recursive: true });
    const folder = freeFolder();
    partial = `${folder}.partial`;
    for (const path of paths) {
      mkdirSync(dirname(join(partial, path)), { recursive: true });
      copyFileSync(home(path), join(partial, path));
    }
    writeFileSync(join(partial, MARK), `${JSON.stringify({ version: 1, files: paths }, undefined, 2)}\n`);
    renameSync(partial, folder);
    return folder;
  } catch (error) {
    if (partial !== undefined) rmSync(partial, { recursive: true, force: true });
    throw new Problem(`No backup could be made in ${shown(BACKUPS)}: ${reason(error)}. Nothing was changed.`);
  }
}

/** A name that no backup has yet; the folder `<name>.partial` is made, which claims it. */
function freeFolder(): string {
  for (let attempt = 1; ; attempt++) {
    const folder = join(BACKUPS, attempt === 1 ? stamp() : `${stamp()}-${attempt}`);
    if (existsSync(folder)) continue;
    try {
      mkdirSync(`${folder}.partial`);
      return folder;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 100) throw error;
    }
  }
}

export interface Replaced {
  /** The files that were written, because they were missing or different. */
  readonly written: readonly string[];
  readonly backup?: string;
}

/**
 * Replaces files of the learner's, after a backup of those that differ.
 *
 * @param files what they shall hold, by path such as `chapters/01-echo/echo.ts`: a text, or bytes to the letter
 * @param onBackup is told the backup's folder before the first file is replaced
 * @throws {Problem} where a backup or a file cannot be written
 */
export function replaceFiles(files: ReadonlyMap<string, string | Buffer>, onBackup: (folder: string) => void): Replaced {
  const different = [...files].filter(([path, content]) => !holds(home(path), content));
  const existing = different.map(([path]) => path).filter((path) => existsSync(home(path)));
  const blocked = existing.find((path) => statSync(home(path)).isDirectory());
  if (blocked !== undefined) throw new Problem(`${blocked} is a folder where a file should be: move it away first. Nothing was changed.`);
  const backup = existing.length > 0 ? backUp(existing) : undefined;
  if (backup !== undefined) onBackup(backup);
  for (const [path, content] of different) {
    try {
      writeFileAtomic(home(path), content);
    } catch (error) {
      const rest = backup === undefined ? '' : ` What was there is in ${shown(backup)}.`;
      throw new Problem(`${path} could not be written: ${reason(error)}.${rest} Run the same command again once that is fixed.`);
    }
  }
  return { written: different.map(([path]) => path), ...(backup !== undefined && { backup }) };
}

function holds(file: string, content: string | Buffer): boolean {
  if (typeof content === 'string') return readText(file) === content;
  return existsSync(file) && statSync(file).isFile() && readFileSync(file).equals(content);
}

/** The backups that there are, oldest first. */
export function listBackups(): string[] {
  try {
    return readdirSync(BACKUPS).filter((name) => !name.startsWith('.') && !name.endsWith('.partial')).sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw new Problem(`The backups in ${shown(BACKUPS)} cannot be read: ${reason(error)}.`);
  }
}

/**
 * Reads a backup by its name or its path.
 *
 * @throws {Problem} of wrong use, with the list of those that exist
 */
export function readBackup(name: string): Map<string, Buffer> {
  const folder = [join(BACKUPS, name), fromUser(name)].find((path) => existsSync(join(path, MARK)));
  const files = folder === undefined ? [] : listFiles(folder).filter(belongs);
  if (folder === undefined || files.length === 0) {
    const known = listBackups();
    const list = known.length === 0 ? 'There are no backups yet.' : `The backups are:\n${known.map((one) => `  ${one}`).join('\n')}`;
    throw new Problem(`There is no backup "${name}". ${list}`, 2);
  }
  return new Map(files.map((file) => [file, readFileSync(join(folder, file))]));
}
