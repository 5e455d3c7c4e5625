/** Every state in which a clone may be. Each test is dozens of runs of git. */
import { chmodSync } from 'node:fs';
import { delimiter } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FakeCourse } from '../fake-course.ts';
import { learnersClone, oneLine, STARTER, twoVersions } from '../fake-versions.ts';

let course: FakeCourse;
let mine: FakeCourse;

beforeAll(() => void (course = twoVersions()));
afterAll(() => course[Symbol.dispose]());
beforeEach(() => {
  mine = learnersClone(course);
  return () => mine[Symbol.dispose]();
});

const update = (args = '', options = {}) => mine.run(`update${args === '' ? '' : ` ${args}`}`, options);
const status = (): string => mine.git('status', '--porcelain');

describe('update', () => {
  test.each(['committed', 'committed on a branch'])('keeps the learner\'s work, %s', async (how) => {
    if (how === 'committed on a branch') mine.git('switch', '--quiet', '-c', 'my-work');
    mine.write('chapters/01-echo/echo.ts', STARTER.replace('// one', 'mine()'));
    mine.write('chapters/01-echo/README.md', '# The lesson, with notes\n');
    mine.write('chapters/01-echo/main.ts', '// mine alone\n');
    mine.write('chapters/01-echo/own.ts', '// my own file\n');
    mine.write('notes.txt', 'my notes\n');
    mine.commit('my work');
    const work = mine.git('rev-parse', 'HEAD').trim();
    const { code, stdout } = await update();
    expect(code).toBe(0);
    // In different lines: both. In the same: the learner's, and the new one beside it.
    expect(mine.read('chapters/01-echo/echo.ts')).toBe(STARTER.replace('// one', 'mine()').replace('five', 'five, better'));
    expect(mine.read('chapters/01-echo/README.md')).toBe('# The lesson, with notes\n');
    expect(mine.read('chapters/01-echo/README.md.new')).toBe('# The lesson\n\nMore.\n');
    expect(mine.read('chapters/01-echo/main.ts')).toBe('// mine alone\n');
    expect(mine.read('chapters/01-echo/own.ts')).toBe('// my own file\n');
    expect(mine.read('notes.txt')).toBe('my notes\n');
    expect(mine.read('chapters/02-http/http.ts')).toBe('// new starter of http\n');
    expect(mine.exists('chapters/02-http/added.ts')).toBe(true);
    expect(oneLine(stdout)).toContain("chapters/01-echo/echo.ts keeps your work and gets the course's changes");
    expect(oneLine(stdout)).toContain('The new version is saved as chapters/01-echo/README.md.new');
    const [backup = ''] = mine.backups();
    expect(stdout).toContain(`Your files are kept in .ten-servers/backups/${backup}`);
    expect(mine.read(`.ten-servers/backups/${backup}/chapters/01-echo/echo.ts`)).toBe(STARTER.replace('// one', 'mine()'));
    // git knows what was committed and what was not.
    expect(mine.git('merge-base', 'HEAD', work).trim()).toBe(work);
    expect(status()).toBe('?? chapters/01-echo/README.md.new\n');
    expect((await update()).stdout).toMatch(/^Nothing new/);
  });

  test('keeps what was committed and what was changed since', async () => {
    mine.write('chapters/01-echo/echo.ts', STARTER.replace('// one', 'committed()'));
    mine.commit();
    mine.write('chapters/01-echo/echo.ts', STARTER.replace('// one', 'committed()').replace('// three', 'since()'));
    expect((await update()).code).toBe(0);
    const committed = STARTER.replace('// one', 'committed()').replace('five', 'five, better');
    expect(mine.git('show', 'HEAD:chapters/01-echo/echo.ts')).toBe(committed);
    expect(mine.read('chapters/01-echo/echo.ts')).toBe(committed.replace('// three', 'since()'));
  });

  test('takes a file that differs by its line endings for untouched', async () => {
    mine.write('chapters/01-echo/echo.ts', STARTER.replaceAll('\n', '\r\n'));
    await update();
    expect(mine.read('chapters/01-echo/echo.ts')).toBe(STARTER.replace('five', 'five, better'));
  });

  test('takes what catch-up filled in to the new reference', async () => {
    await mine.run('catch-up 2');
    const { stdout } = await update();
    expect(mine.read('chapters/01-echo/lines.ts')).toBe('// new reference: pass 1.3\n');
    expect(oneLine(stdout)).toContain('1 file that `npm run catch-up` filled in becomes the new reference.');
  });

  test('keeps a file that the course drops where the learner changed it, and leaves one away that they removed', async () => {
    mine.write('chapters/01-echo/old.ts', '// mine\n');
    mine.remove('chapters/01-echo/echo.ts');
    const { stdout } = await update();
    expect(mine.read('chapters/01-echo/old.ts')).toBe('// mine\n');
    expect(oneLine(stdout)).toContain('chapters/01-echo/old.ts stays as it is, although the course no longer has it.');
    expect(mine.exists('chapters/01-echo/echo.ts')).toBe(false);
  });

  test('replaces what the learner changed outside chapters/, and keeps it', async () => {
    mine.write('package.json', mine.read('package.json').replace('"private"', '"mine": 1, "private"'));
    mine.write('course/news.ts', '// mine, by chance\n');
    const { stdout } = await update();
    expect(mine.read('package.json')).toBe(course.read('package.json'));
    expect(mine.read('course/news.ts')).toBe('// a file of the runner\n');
    expect(oneLine(stdout)).toContain('course/news.ts is replaced by the new version; yours is in the backup.');
    const [backup = ''] = mine.backups();
    expect(mine.read(`.ten-servers/backups/${backup}/package.json`)).toContain('"mine": 1');
    expect(mine.read(`.ten-servers/backups/${backup}/course/news.ts`)).toBe('// mine, by chance\n');
    // Restoring such a backup never puts an old runner under a new course.
    expect((await mine.runWhole(`reset --restore ${backup}`)).code).toBe(2);
  });

  test('keeps an earlier .new that the learner has written into', async () => {
    mine.write('chapters/01-echo/README.md', '# Mine\n');
    mine.write('chapters/01-echo/README.md.new', '# Mine, too\n');
    await update();
    const [backup = ''] = mine.backups();
    expect(mine.read(`.ten-servers/backups/${backup}/chapters/01-echo/README.md.new`)).toBe('# Mine, too\n');
  });

  test('comes from a folder or a tag that is named, and leaves the remotes as they are', async () => {
    mine.git('remote', 'remove', 'origin');
    expect(await update()).toMatchObject({ code: 2, stderr: expect.stringMatching(/does not know where the course is[^]*--from URL/) });
    const refs = mine.git('for-each-ref');
    const none = await mine.run(['update', '--from', course.folder, '--ref', 'v1']);
    expect(none).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Nothing new/) });
    expect(mine.git('for-each-ref')).toBe(refs);
    expect((await mine.run(['update', '--from', course.folder])).code).toBe(0);
    expect(mine.read('chapters/02-http/http.ts')).toBe('// new starter of http\n');
  });

  test('finds its way in a copy without history, by its starters', async () => {
    mine.remove('.git');
    mine.write('chapters/01-echo/echo.ts', STARTER.replace('// one', 'mine()'));
    mine.commit('copied from a template');
    expect((await mine.run(['update', '--from', course.folder])).code).toBe(0);
    expect(mine.read('chapters/01-echo/echo.ts')).toBe(STARTER.replace('// one', 'mine()').replace('five', 'five, better'));
    expect((await mine.run(['update', '--from', course.folder])).stdout).toMatch(/^Nothing new/);
  });
});

describe('update says what to do', () => {
  const refused: readonly (readonly [what: string, prepare: () => void, says: RegExp])[] = [
    ['while a merge is in progress', () => mine.write('.git/MERGE_HEAD', mine.git('rev-parse', 'HEAD')), /A merge is in progress here: `git merge --continue` finishes it/],
    ['while a rebase is in progress', () => mine.write('.git/rebase-merge/x', ''), /A rebase is in progress here/],
    ['while another git is at work', () => mine.write('.git/index.lock', ''), /Another git command is running here/],
    ['without a branch', () => mine.git('switch', '--quiet', '--detach'), /git calls it a detached HEAD/],
    ['without a network', () => mine.git('remote', 'set-url', 'origin', 'http://127.0.0.1:1/course.git'), /The course could not be fetched from http:\/\/127\.0\.0\.1:1\/course\.git: .*Nothing was changed\./],
    ['with a folder in the place of a file', () => { mine.remove('chapters/01-echo/echo.ts'); mine.write('chapters/01-echo/echo.ts/x', ''); }, /chapters\/01-echo\/echo\.ts is a folder, and a file of the course belongs there/],
  ];
  test.each(refused)('%s', async (_, prepare, says) => {
    prepare();
    const { code, stdout, stderr } = await update();
    expect([code, stdout]).toEqual([says.source.includes('folder, and') ? 1 : 2, '']);
    expect(oneLine(stderr)).toMatch(says);
    expect(mine.exists('chapters/02-http/added.ts')).toBe(false);
  });

  test('without the program git', async () => {
    const { code, stderr } = await update('', { env: { PATH: mine.folder } });
    expect([code, stderr]).toEqual([2, expect.stringContaining('git is not installed, and `npm run update` needs it')]);
  });

  test('where something else was fetched', async () => {
    using other = new FakeCourse();
    other.remove('course');
    other.commit();
    expect(await mine.run(['update', '--from', other.folder])).toMatchObject({ code: 2, stderr: expect.stringContaining('is not this course') });
    expect(await update('--ref nowhere')).toMatchObject({ code: 2, stderr: expect.stringContaining('"nowhere" could not be fetched') });
  });
});

describe('packages that have changed', () => {
  beforeEach(() => {
    mine.git('remote', 'set-url', 'origin', mine.folder);
    mine.git('switch', '--quiet', '-c', 'newer');
    mine.write('package-lock.json', '{}\n');
    mine.commit();
    mine.git('switch', '--quiet', 'main');
  });

  test('are installed, with those that only a developer would get', async () => {
    mine.write('bin/npm', '#!/bin/sh\necho "$@" > npm.txt\nexit ${NPM_CODE:-0}\n');
    chmodSync(mine.path('bin/npm'), 0o755);
    const PATH = [mine.path('bin'), process.env['PATH']].join(delimiter);
    const { code, stdout } = await update('--ref newer', { env: { PATH } });
    expect([code, stdout]).toEqual([0, expect.stringContaining('The packages have changed: running')]);
    expect(mine.read('npm.txt')).toMatch(/^ci --include=dev/);
  });

  test('are left to the learner with --no-install', async () => {
    const { code, stdout } = await update('--ref newer --no-install', { env: { PATH: process.env['PATH'] ?? '' } });
    expect([code, stdout]).toEqual([0, expect.stringContaining('The packages have changed: run `npm ci')]);
  });
});
