/** The repository speaks of itself only: nothing in it knows the machine that it was written on. */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { listFiles } from '../files.ts';
import { ROOT } from '../root.ts';
import { oneUnit } from './outcome.ts';
import type { Outcome } from './outcome.ts';

/** Larger files are data. */
const TEXT_BYTES_MAX = 2 << 20;

/**
 * Folders of a person or a build machine. `/tmp`, `/etc` and the like are places
 * that every system has, and `/home/me` is nobody's.
 */
const PRIVATE_PATH = /(?<![\w.~-])(?:\/(?:home|Users|work|workspace|builds|mnt|media)\/(?!(?:me|you)\b)[\w.-]+|\/root\/|[A-Z]:\\{1,2}Users\\)/;

export function findFaults(): Outcome {
  const files = repositoryFiles();
  const lock = readFileSync(join(ROOT, 'package-lock.json'), 'utf8');
  return oneUnit([...files.flatMap((file) => pathFaults(file, readText(file))), ...lockFaults(lock)]);
}

/** Files that are, or would be, under version control; all of them where there is no git. */
function repositoryFiles(): string[] {
  const git = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' });
  if (git.status === 0) return git.stdout.split('\0').filter((file) => file !== '');
  return ['chapters', 'course', 'docs', 'solutions', 'tests'].flatMap((folder) => listFiles(join(ROOT, folder)).map((file) => `${folder}/${file}`));
}

function readText(file: string): string {
  const path = join(ROOT, file);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats?.isFile() || stats.size > TEXT_BYTES_MAX) return '';
  const bytes = readFileSync(path);
  return bytes.includes(0) ? '' : bytes.toString('utf8');
}

/** Lines that name a folder of one machine. */
export function pathFaults(file: string, text: string, here: readonly string[] = [ROOT.replace(/[\\/]$/, ''), homedir()]): string[] {
  // A clone may lie in a folder whose name is a word, such as `/course`.
  const own = here.filter((folder) => folder.split(/[\\/]/).filter(Boolean).length > 1);
  return text.split('\n').flatMap((line, index) => {
    const found = own.find((folder) => line.includes(folder)) ?? PRIVATE_PATH.exec(line)?.[0];
    return found === undefined ? [] : [`${file}:${index + 1} names ${found}, a folder of one machine: say it from the project's folder`];
  });
}

/** A lock file without download addresses works with every registry. */
export function lockFaults(lock: string): string[] {
  const { packages = {} } = JSON.parse(lock) as { packages?: Record<string, { resolved?: string }> };
  const hosts = Object.entries(packages).filter(([, entry]) => /^[a-z+]+:\/\//.test(entry.resolved ?? ''));
  const [first] = hosts;
  if (!first) return [];
  return [`package-lock.json: ${hosts.length} packages name the host that they came from (${first[0]}); install with omit-lockfile-registry-resolved=true`];
}
