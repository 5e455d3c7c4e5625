/** A course, a learner's clone of it, and a new version. More of what may be the matter: update.whole.test.ts. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FakeCourse } from '../fake-course.ts';
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
  test('of a clone without work is the new version, and a second one has nothing to do', async () => {
    const { code, stdout, stderr } = await update();
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Version 9\.0\.0 of the course \(yours is \d/);
    expect(oneLine(stdout)).toContain('chapter-03 files is new, with 2 exercises.');
    expect(oneLine(stdout)).toContain('New in chapter-02: 2.3 step 2.3.');
    expect(oneLine(stdout)).toContain('What is checked has changed in 1.1.');
    expect(oneLine(stdout)).toContain('The lesson has changed in chapter-01.');
    expect(mine.git('rev-parse', 'HEAD')).toBe(course.git('rev-parse', 'HEAD'));
    expect(status()).toBe('');
    expect(mine.exists('chapters/01-echo/old.ts')).toBe(false);
    expect(mine.backups()).toEqual([]);
    const again = await update();
    expect(again).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Nothing new: version 9\.0\.0 from /) });
  });

  test('keeps the learner\'s work', async () => {
    mine.write('chapters/01-echo/echo.ts', STARTER.replace('// one', 'mine()'));
    mine.write('chapters/01-echo/README.md', '# The lesson, with notes\n');
    mine.write('chapters/01-echo/main.ts', '// mine alone\n');
    mine.write('chapters/01-echo/own.ts', '// my own file\n');
    mine.write('notes.txt', 'my notes\n');
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
    // It is as little committed as it was.
    expect(status()).toContain(' M chapters/01-echo/echo.ts\n');
    expect(mine.git('rev-parse', 'HEAD')).toBe(course.git('rev-parse', 'v2'));
  });

  test('only says what it would do, with --dry-run', async () => {
    mine.write('chapters/01-echo/echo.ts', STARTER.replace('// one', 'mine()'));
    const head = mine.git('rev-parse', 'HEAD');
    const { code, stdout } = await update('--dry-run');
    expect(code).toBe(0);
    expect(oneLine(stdout)).toMatch(/chapters\/01-echo\/echo\.ts keeps your work and gets the course's changes.* Nothing was changed\. `npm run update` does it\./);
    expect(mine.git('rev-parse', 'HEAD')).toBe(head);
    expect(status()).toBe(' M chapters/01-echo/echo.ts\n');
    expect(mine.backups()).toEqual([]);
  });
});

describe('update says what to do', () => {
  const refused: readonly (readonly [what: string, prepare: () => void, says: RegExp])[] = [
    ['without git', () => mine.remove('.git'), /not a git clone of the course.*progress -- --import/],
    ['with changes that are staged', () => { mine.write('chapters/01-echo/echo.ts', '// mine\n'); mine.git('add', '.'); }, /Some changes are staged: `git commit` commits them/],
  ];
  test.each(refused)('%s', async (_, prepare, says) => {
    prepare();
    const { code, stdout, stderr } = await update();
    expect([code, stdout]).toEqual([2, '']);
    expect(oneLine(stderr)).toMatch(says);
    expect(mine.exists('chapters/02-http/added.ts')).toBe(false);
  });
});
