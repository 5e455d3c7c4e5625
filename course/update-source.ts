/** Where the newest course comes from, and whether this clone can take it now. Nothing is changed by looking. */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { commitOf, git, gitLine, treeOf, tryGit } from './git.ts';
import { Problem } from './problem.ts';
import { fromUser, ROOT } from './root.ts';
import { wrap } from './screen.ts';
import type { Versions } from './update.ts';

/** Work of git that is half done, by the file that it leaves, and how it is ended. */
const HALF_DONE: readonly (readonly [file: string, what: string, how: string])[] = [
  ['MERGE_HEAD', 'A merge', '`git merge --continue` finishes it, `git merge --abort` undoes it'],
  ['rebase-merge', 'A rebase', '`git rebase --continue` finishes it, `git rebase --abort` undoes it'],
  ['rebase-apply', 'A rebase', '`git rebase --continue` finishes it, `git rebase --abort` undoes it'],
  ['CHERRY_PICK_HEAD', 'A cherry-pick', '`git cherry-pick --continue` finishes it, `git cherry-pick --abort` undoes it'],
  ['REVERT_HEAD', 'A revert', '`git revert --continue` finishes it, `git revert --abort` undoes it'],
  ['BISECT_LOG', 'A bisect', '`git bisect reset` ends it'],
];

/**
 * Makes sure that git is at rest here.
 *
 * @throws {Problem} with the way out, where it is not
 */
export function requireClone(): void {
  const top = tryGit(['rev-parse', '--show-toplevel']);
  if (top.status !== 0 && !/not a git repository/.test(top.complaint)) throw problem(`git cannot be used here: ${top.complaint}.`);
  if (top.status !== 0 || realpathSync(top.stdout.toString().trim()) !== realpathSync(ROOT)) {
    throw problem(
      'This folder is not a git clone of the course, so there is nothing to compare a new version with. Clone or download the new version into a folder of its own,'
        + ' copy your `chapters/` into it, and there run `npm run progress -- --import` with the path of this folder.',
    );
  }
  if (commitOf('HEAD') === undefined) throw problem('This repository has no commit yet: `git add -A`, then `git commit`, and then update.');
  for (const [file, what, how] of HALF_DONE) {
    if (existsSync(resolve(ROOT, gitLine('rev-parse', '--git-path', file)))) throw problem(`${what} is in progress here: ${how}. Then update.`);
  }
  const lock = gitLine('rev-parse', '--git-path', 'index.lock');
  if (existsSync(resolve(ROOT, lock))) throw problem(`Another git command is running here (${lock} exists): wait until it is done. If there is none, delete that file.`);
  if (tryGit(['symbolic-ref', '-q', 'HEAD']).status !== 0) {
    throw problem('No branch is checked out here (git calls it a detached HEAD): `git switch -c my-work` makes one here. Then update.');
  }
  if (tryGit(['diff', '--cached', '--quiet', '--ignore-submodules']).status !== 0) {
    throw problem('Some changes are staged: `git commit` commits them, `git restore --staged .` unstages them and leaves the files as they are. Then update.');
  }
}

/** What was fetched. */
export interface Source extends Versions {
  /** As it is shown: an address or a folder. */
  readonly from: string;
}

/**
 * Fetches the new version and finds the one that this clone began with.
 *
 * @param from a folder or an address instead of the remote that was cloned
 * @param ref a tag, a branch or nothing for the newest
 * @throws {Problem} where it cannot be fetched, or has nothing in common with this clone
 */
export function fetchCourse(from: string | undefined, ref: string | undefined): Source {
  const remote = from === undefined ? remoteOfCourse() : addressOf(from);
  const shownAs = from ?? gitLine('remote', 'get-url', remote);
  const { status, complaint } = tryGit(['fetch', '--quiet', '--no-tags', '--', remote, `+${ref ?? 'HEAD'}:${FETCHED}`]);
  if (status !== 0) {
    const what = ref === undefined ? 'The course' : `"${ref}"`;
    throw problem(`${what} could not be fetched from ${shownAs}: ${complaint.replace(/\.$/, '')}. Nothing was changed. Is there a network, and is that where the course is? \`npm run update -- --from URL\` takes it from elsewhere.`);
  }
  const theirs = commitOf(FETCHED);
  tryGit(['update-ref', '-d', FETCHED]);
  const head = commitOf('HEAD');
  if (theirs === undefined || head === undefined) throw problem(`What ${shownAs} calls ${ref ?? 'HEAD'} is not a commit.`);
  if (!treeOf(theirs).has('course/ten.mjs')) throw problem(`What was fetched from ${shownAs} is not this course: it has no course/ten.mjs. Nothing was changed.`);
  return { from: shownAs, theirs, head, base: baseOf(head, theirs, shownAs) };
}

/** A name that only we use, gone again at once: the user's remotes stay as they were. */
const FETCHED = 'refs/ten-servers/fetched';

/** By custom, people with a fork call the original `upstream`. */
function remoteOfCourse(): string {
  const remotes = gitLine('remote').split('\n');
  const remote = ['upstream', 'origin'].find((name) => remotes.includes(name)) ?? (remotes.length === 1 ? remotes[0] : undefined);
  if (remote === undefined || remote === '') {
    throw problem('This clone does not know where the course is (it has no remote called origin): `npm run update -- --from URL` names the place, which may be a folder.');
  }
  return remote;
}

/** A folder as the user sees it, or an address as it is. */
function addressOf(from: string): string {
  const folder = fromUser(from);
  return existsSync(folder) && statSync(folder).isDirectory() ? folder : from;
}

/** The version of the course that this clone has: where the two histories part. */
function baseOf(head: string, theirs: string, from: string): string {
  const { status, stdout } = tryGit(['merge-base', head, theirs]);
  if (status === 0) return stdout.toString().trim();
  // A copy without the history, as from a template: it has the starters of one version.
  const pack = treeOf(head).get('course/starters.md')?.oid;
  for (const commit of git(['rev-list', theirs, '--', 'course/starters.md']).toString().split('\n')) {
    if (commit !== '' && pack !== undefined && tryGit(['rev-parse', '--verify', '--quiet', `${commit}:course/starters.md`]).stdout.toString().trim() === pack) return commit;
  }
  throw problem(`The course at ${from} has no history in common with this clone, so there is no telling which changes are yours. Clone it into a folder of its own and copy your chapters/ into it. Nothing was changed.`);
}

function problem(text: string): Problem {
  return new Problem(wrap(text), 2);
}
