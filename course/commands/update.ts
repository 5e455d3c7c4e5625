/** `update`: the newest course under the learner's work. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { backUp } from '../backup.ts';
import { writeFileAtomic } from '../files.ts';
import { blob, checkOut, git, gitLine, treeOf, tryGit, writeTree } from '../git.ts';
import { npmCommand, parseCommand } from '../options.ts';
import { Problem } from '../problem.ts';
import { ROOT } from '../root.ts';
import { count, print, wrap } from '../screen.ts';
import { newsOf, versionOf } from '../update-news.ts';
import { fetchCourse, requireClone } from '../update-source.ts';
import type { Source } from '../update-source.ts';
import { planUpdate } from '../update.ts';
import type { Fate, Plan } from '../update.ts';
import { announceBackup } from './reset.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseCommand(args, {
    command: 'update',
    options: { from: { type: 'string' }, ref: { type: 'string' }, 'dry-run': { type: 'boolean' }, 'no-install': { type: 'boolean' } },
    careful: true,
  });
  requireClone();
  const source = fetchCourse(values.from, values.ref);
  const [before, after] = [treeOf(source.base), treeOf(source.theirs)];
  if (source.base === source.theirs) {
    print(`Nothing new: version ${versionOf(after)} from ${source.from} is already here.`);
    return 0;
  }
  const plan = planUpdate(source);
  print(`Version ${versionOf(after)} of the course (yours is ${versionOf(before)}), from ${source.from}\n`);
  for (const line of await newsOf(before, after)) print(wrap(line, '  '));
  for (const line of fates(plan.files)) print(wrap(line, '  '));
  const install = before.get('package-lock.json')?.oid !== after.get('package-lock.json')?.oid;
  if (values['dry-run'] === true) {
    print(`\nNothing was changed. \`npm run update\` does it${install ? ', and `npm ci` after it' : ''}.`);
    return 0;
  }
  print();
  apply(source, plan);
  print('Your course is up to date. `npm start` shows where you are; your progress is unchanged.');
  return install ? installPackages(values['no-install'] === true) : 0;
}

/** What becomes of the files: counts for what costs the learner nothing, a line for each that does. */
function fates(files: Plan['files']): string[] {
  const inside = [...files].filter(([path]) => path.startsWith('chapters/'));
  const of = (kind: Fate['kind']) => inside.filter(([, fate]) => fate.kind === kind).map(([path]) => path);
  const lines: string[] = [];
  const [added, renewed, removed, filled] = [of('added'), of('renewed'), of('removed'), of('filled in')];
  if (added.length > 0) lines.push(`${count(added.length, 'new file')} in chapters/.`);
  if (renewed.length > 0) lines.push(`${count(renewed.length, 'file')} in chapters/ that you have not changed ${renewed.length === 1 ? 'is' : 'are'} updated.`);
  if (removed.length > 0) lines.push(`${count(removed.length, 'file')} in chapters/ that you have not changed ${removed.length === 1 ? 'goes' : 'go'}, since the course no longer has ${removed.length === 1 ? 'it' : 'them'}.`);
  if (filled.length > 0) lines.push(`${count(filled.length, 'file')} that \`npm run catch-up\` filled in ${filled.length === 1 ? 'becomes' : 'become'} the new reference.`);
  for (const path of of('merged')) lines.push(`${path} keeps your work and gets the course's changes, which are in other lines.`);
  for (const path of of('beside')) lines.push(`${path} stays as it is, since the course changed the same lines as you did. The new version is saved as ${path}.new: take what you want from it, then delete it.`);
  for (const path of of('dropped')) lines.push(`${path} stays as it is, although the course no longer has it.`);
  for (const [path, fate] of files) if (fate.kind === 'replaced') lines.push(`${path} is replaced by the new version; yours is in the backup.`);
  return lines;
}

/** First the backup, then the files, then git: interrupted anywhere, the same command goes on from there. */
function apply({ theirs, head, base }: Source, { files, touched, committed }: Plan): void {
  const entries = [...files];
  const kept = [...touched, ...entries.filter(([, fate]) => fate.kind === 'replaced').map(([path]) => path)];
  const beside = entries.filter(([, fate]) => fate.kind === 'beside').map(([path]) => `${path}.new`);
  const safe = [...kept, ...beside].filter((path) => existsSync(join(ROOT, path)));
  if (safe.length > 0) announceBackup(backUp(safe));

  const folder = mkdtempSync(join(tmpdir(), 'ten-servers-update-'));
  try {
    const index = join(folder, 'index');
    const tree = writeTree(theirs, committed, index);
    // In another index, what was committed of a file may differ from what is written now.
    const written = join(folder, 'written');
    const fresh = new Map(entries.flatMap(([path, fate]) => ('entry' in fate && fate.entry !== undefined && fate.kind !== 'beside' ? [[path, fate.entry] as const] : [])));
    writeTree(theirs, fresh, written);
    // Removals first: a file may become a folder.
    for (const [path, fate] of entries) {
      if (fate.kind === 'removed' || (fate.kind === 'replaced' && fate.entry === undefined)) rmSync(join(ROOT, path), { force: true });
    }
    checkOut([...fresh.keys()], written);
    for (const [path, fate] of entries) {
      if (fate.kind === 'merged') writeFileAtomic(join(ROOT, path), fate.text);
      if (fate.kind === 'beside') writeFileAtomic(join(ROOT, `${path}.new`), blob(fate.entry.oid));
    }
    const forward = head === base && tree === gitLine('rev-parse', `${theirs}^{tree}`);
    git(['update-ref', '-m', npmCommand('update'), 'HEAD', forward ? theirs : mergeCommit(tree, head, theirs), head]);
    git(['read-tree', 'HEAD']);
    tryGit(['update-index', '-q', '--refresh']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function mergeCommit(tree: string, head: string, theirs: string): string {
  const known = tryGit(['var', 'GIT_COMMITTER_IDENT']).status === 0 && tryGit(['var', 'GIT_AUTHOR_IDENT']).status === 0;
  const identity = known ? [] : ['-c', 'user.name=npm run update', '-c', 'user.email=update@ten-servers.invalid'];
  const version = versionOf(treeOf(theirs));
  const args = ['commit-tree', tree, '-p', head, '-p', theirs, '-m', `Update the course to version ${version}`];
  return git([...identity, ...args]).toString().trim();
}

/** npm with the Node of the user's own shell: the one in node_modules is about to be replaced. */
function installPackages(leftToUser: boolean): number {
  const command = 'npm ci --include=dev';
  // On Windows a program that runs cannot be deleted.
  const inside = process.platform === 'win32' && process.execPath.includes('node_modules');
  if (leftToUser || inside) {
    print(`The packages have changed: run \`${command}\` before you go on.`);
    return 0;
  }
  print(`The packages have changed: running \`${command}\` …`);
  const PATH = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !/node_modules|node-gyp-bin/.test(folder)).join(delimiter);
  const { status } = spawnSync(process.platform === 'win32' ? 'npm.cmd' : 'npm', ['ci', '--include=dev', '--no-fund', '--no-audit'], {
    cwd: ROOT,
    env: { ...process.env, PATH },
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status === 0) return 0;
  throw new Problem(`The course is up to date, but its packages are not: run \`${command}\` in this folder.`);
}
