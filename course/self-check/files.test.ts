/** Checks that put files together: regions, submissions, and what must not be in a file. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { chapters } from '../manifest.ts';
import type { Chapter } from '../manifest.ts';
import { applyChange, changeOf, parseOverlay, printOverlay } from '../overlay.ts';
import type { Change } from '../overlay.ts';
import { ROOT, shown, STATE } from '../root.ts';
import { readStarters } from '../starters.ts';
import { SLOW_TURNS, turnOf } from '../submissions.ts';
import { TUNED } from '../tuned.ts';
import { forbidden } from './map.ts';
import { readRegion, rewriteBlocks } from './regions.ts';
import { lockFaults, pathFaults } from './repository.ts';
import { starterFaults } from './starters.ts';
import { buildSubmission, readPage } from './submission.ts';
import type { Kind, Submission } from './submission.ts';

const chapter = chapters[0] as Chapter;
const folder = join(STATE, 'tests', `self-check-${process.pid}`);

function write(path: string, text: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a region', () => {
  const SOURCE = `import a from 'a';
  // #region outer
  function f() {

    // #region inner
    return 1;
    // #endregion inner
  }
  // #endregion outer
`;

  test('is what is between its marks, without its indentation and other marks', () => {
    const source = shown(write('a.ts', SOURCE));
    expect(readRegion(`${source}#outer`)).toBe('function f() {\n\n  return 1;\n}');
    expect(readRegion(`${source}#inner`)).toBe('return 1;');
    expect(readRegion(source)).toMatch(/^import a[^#]*\}$/);
  });

  test('that is missing, twice or without an end is told', () => {
    const source = shown(write('a.ts', '// #region twice\n// #endregion twice\n// #region twice\n// #endregion twice\n// #region open\n'));
    expect(() => readRegion(`${source}#none`)).toThrow('has no region none');
    expect(() => readRegion(`${source}#twice`)).toThrow('twice');
    expect(() => readRegion(`${source}#open`)).toThrow('never ends');
    expect(() => readRegion('nowhere.ts')).toThrow('does not exist');
  });

  test('is written into the page, which is then right', () => {
    const source = shown(write('a.ts', SOURCE));
    const page = `Before.\n\n<!-- code: ${source}#inner -->\n\n\`\`\`ts\nold\nlines\n\`\`\`\n\nBetween.\n\n\`\`\`ts\nloose\n\`\`\`\n`;
    const rewritten = rewriteBlocks(page);
    expect(rewritten).toBe(page.replace('old\nlines', 'return 1;'));
    expect(rewriteBlocks(rewritten)).toBe(rewritten);
  });
});

test('each submission of a slow chapter or a tuned server has its turn within six days, and any other every day', () => {
  const of = (whose: Chapter): Submission[] => Array.from({ length: 10 }, (_, index) => ({
    chapter: whose, kind: 'wrong', name: `number-${index}`, page: 'p.md', base: 'solutions', says: 'so', changes: [],
  }));
  const all = [...of({ ...chapter, slow: true }), ...of(chapter)];
  const days = Array.from({ length: SLOW_TURNS }, (_, day) => turnOf(all, day * 86_400_000).submissions);
  expect(days.map(({ length }) => length - 10).toSorted()).toEqual([1, 1, 2, 2, 2, 2]);
  expect(new Set(days.flat()).size).toBe(all.length);
  expect(turnOf(all, 0).notes).toEqual([expect.stringMatching(/^2 of 10 submissions of chapter-01 /)]);
  expect(turnOf(of(chapter), 0)).toEqual({ submissions: of(chapter), notes: [] });
  const tuned = of(chapter).map((submission) => ({ ...submission, base: TUNED }));
  expect(turnOf(tuned, 0).submissions).toHaveLength(2);
});

describe('a submission', () => {
  /** The first one on a page, ready to be built. */
  function submission(text: string, kind: Kind = 'wrong'): () => string[] {
    const page = shown(write('page.md', text));
    return () => buildSubmission(readPage(chapter, kind, page)[0] as Submission, join(folder, 'tree'));
  }

  const wrong = (blocks: string, says = 'Caught by `1.1/x`. It is wrong.'): string => `# Wrong\n\n## sub\n\n${says}\n\n${blocks}\n`;
  const diff = (lines: string, file = '01-echo/echo.ts'): string => `\`\`\`diff ${file}\n${lines}\n\`\`\``;
  const line = (file: string, part: string): string => readFileSync(join(ROOT, 'solutions', file), 'utf8').split('\n').find((one) => one.includes(part)) ?? '';
  const half = line('01-echo/echo.ts', 'allowHalfOpen: true');
  const patch = diff(`-${half}\n+${half.replace('true', 'false')}`);
  const built = (file: string): string => readFileSync(join(folder, 'tree', file), 'utf8');

  test('is the reference with its lines and files', () => {
    const build = submission(wrong(`${patch}\n\n\`\`\`ts 01-echo/close.ts\nexport {};\n\`\`\``));
    expect(build()).toEqual(['01-echo/echo.ts', '01-echo/close.ts']);
    expect(built('01-echo/echo.ts')).toContain('allowHalfOpen: false');
    expect(built('01-echo/close.ts')).toBe('export {};\n');
    expect(built('01-echo/index.ts')).toContain('createEchoServer');
  });

  test('changes several places of a file, each found by the lines around it', () => {
    const kept = line('01-echo/index.ts', 'ListenAddress');
    const gone = line('01-echo/index.ts', 'createEchoServer');
    submission(wrong(diff(`-${gone}\n@@\n ${kept}\n+// more`, '01-echo/index.ts')))();
    expect(built('01-echo/index.ts')).toContain(`${kept}\n// more`);
    expect(built('01-echo/index.ts')).not.toContain(gone);
  });

  test('may change another tree', () => {
    write('base/01-echo/echo.ts', 'one\ntwo\n');
    const base = shown(join(folder, 'base'));
    submission(wrong(diff('-two\n+three'), `Base: \`${base}\`\n\nCaught by \`1.1/x\`. It is wrong.`))();
    expect(built('01-echo/echo.ts')).toBe('one\nthree\n');
  });

  test('may change a tree that holds only some chapters', () => {
    write('base/02-http/index.ts', '');
    const base = shown(join(folder, 'base'));
    submission(wrong(patch, `Base: \`${base}\`\n\nCaught by \`1.1/x\`. It is wrong.`))();
    expect(built('01-echo/echo.ts')).toContain('allowHalfOpen: false');
  });

  test('that is right may have files of its own beside the page', () => {
    write('page/sub/01-echo/echo.ts', 'export {};\n');
    expect(submission('# Right\n\n## sub\n\nAll in one.\n', 'right')()).toEqual(['01-echo/echo.ts']);
    expect(built('01-echo/echo.ts')).toBe('export {};\n');
  });

  test('that is a stage changes the starters', () => {
    const todo = (readStarters(chapter)['01-echo/echo.ts'] ?? '').split('\n').find((one) => one.includes('TODO 1.1')) ?? '';
    expect(submission(`# Stages\n\n## 1.1\n\n${diff(`-${todo}`)}\n`, 'stage')()).toContain('01-echo/echo.ts');
    expect(built('01-echo/echo.ts')).not.toContain('TODO 1.1');
    expect(built('01-echo/echo.ts')).toContain('TODO 1.2');
  });

  test('that is a stage may take out of the reference what comes later', () => {
    const kept = readStarters(chapter)['01-echo/line-decoder.ts'];
    submission(`# Stages\n\n## 1.1\n\nBase: \`solutions\`\n\n${patch}\n`, 'stage')();
    expect(built('01-echo/echo.ts')).toBe(readFileSync(join(ROOT, 'solutions/01-echo/echo.ts'), 'utf8').replace('allowHalfOpen: true', 'allowHalfOpen: false'));
    expect(built('01-echo/line-decoder.ts')).toBe(kept);
  });

  test.each([
    ['a diff that finds nothing', wrong(diff('-not there')), 'has no such lines: "not there"'],
    ['a diff that finds it twice', wrong(diff('-}')), 'times; add lines'],
    ['a diff for no file', wrong(diff('-x', '01-echo/none.ts')), 'there is no file 01-echo/none.ts'],
    ['a diff that only adds', wrong(diff('+x')), 'has no such lines'],
    ['a line without its sign', wrong(diff('x')), 'a line of a diff begins with'],
    ['a block without an end', wrong(patch.slice(0, -3)), 'never ends'],
    ['a block without a path', wrong('```ts\nx\n```'), 'a block begins with its language and a path'],
    ['no tag', wrong(patch, 'It is wrong.'), 'must begin with the rule that catches it'],
    ['a tag of another chapter', wrong(patch, 'Caught by `2.1/x`. It is wrong.'), 'must be an exercise of this chapter'],
    ['no reason', wrong(patch, 'Caught by `1.1/x`.'), 'does not say why'],
    ['nothing changed', wrong(''), 'changes nothing'],
    ['a file of a later chapter', wrong('```ts 02-http/index.ts\n```'), 'belongs to no chapter up to 1'],
    ['a name that is there twice', `${wrong(patch)}\n${wrong(patch)}`, 'is there twice'],
  ])('with %s says so', (_, text, told) => expect(submission(text)).toThrow(told));
});

describe('an overlay', () => {
  const base = `${Array.from({ length: 30 }, (_, index) => (index % 3 === 0 ? 'same' : `line ${index}`)).join('\n')}\n`;

  test.each([
    ['a line changed', base.replace('line 4', 'four')],
    ['a line added between equal ones', base.replace('same\nline 4', 'same\nmore\nline 4')],
    ['an equal line gone', base.replace('line 8\nsame', 'line 8')],
    ['lines added at both ends', `first\n\n${base}last\n`],
    ['two places that share the lines between', base.replace('line 4', 'four').replace('line 5\nsame', 'line 5')],
    ['a fence in the text', base.replace('line 4', '```\n````ts x\n')],
    ['everything', 'new\n'],
    ['nothing left', ''],
  ])('with %s gives the text back after it was printed and read', (_, text) => {
    const printed = printOverlay('x', [{ title: 'a', prose: ['Says.'], changes: [changeOf('f.ts', base, text)] }]);
    const [, section] = parseOverlay(printed);
    expect(section?.prose).toEqual(['Says.']);
    expect(applyChange(base, section?.changes[0] as Change)).toBe(text);
  });
});

describe('what the untouched starters must say', () => {
  const rule = { id: '1.4/a', name: 'a', durationMs: 1, rule: '', section: '' };
  const fails = (failure: object): string[] =>
    starterFaults(chapter, { id: '1.4', title: '', status: 'failed', rules: [{ ...rule, status: 'failed', failure: { kind: 'not started', received: '', ...failure } }] });

  test('the exercise that the manifest names', () => {
    expect(fails({ notImplemented: '1.1' })).toEqual([]);
    expect(fails({ notImplemented: '1.2' })[0]).toContain('it should name 1.1');
    expect(fails({ kind: 'silent' })[0]).toContain('must fail on the untouched starter as "not started"');
  });

  test('something, at least', () => {
    expect(starterFaults(chapter, { id: '1.4', title: '', status: 'passed', rules: [{ ...rule, status: 'passed' }] })[0]).toContain('does not fail');
  });
});

describe('what must not be in a file', () => {
  test('tests that are left out, sleeps and fixed ports', () => {
    const lines = ["test.only('x')", 'describe.skip(', 'await sleep(100)', 'setTimeout(resolve, 5)', 'listen(8080)', '{ port: 7000 }', "fetch('http://127.0.0.1:3000/')"];
    for (const line of lines) expect(forbidden('a.test.ts', line), line).toHaveLength(1);
    const fine = ['// setTimeout( is what a learner would use', '{ port: 0 }', 'listen(0)', "rule('a', 'b', { skip: 'no nginx' })", "'Host: example.com:8080'"];
    for (const line of fine) expect(forbidden('a.test.ts', line), line).toEqual([]);
  });

  test('folders of one machine', () => {
    const somebody = ['', 'home', 'ada', 'ten-servers'].join('/');
    for (const line of [somebody, `see ${somebody}/x.ts`, `"${['', 'Users', 'ada'].join('/')}"`]) expect(pathFaults('a.md', line, []), line).toHaveLength(1);
    for (const line of ['GET /home HTTP/1.1', '/etc/nginx/nginx.conf', '/tmp/x', 'https://example.com/home/ada', '../home/ada', '/home/me/course']) expect(pathFaults('a.md', line, []), line).toEqual([]);
    expect(pathFaults('a.md', 'in /opt/here/x', ['/opt/here'])).toHaveLength(1);
  });

  test('hosts in the lock file', () => {
    expect(lockFaults('{"packages":{"node_modules/a":{"version":"1.0.0"}}}')).toEqual([]);
    expect(lockFaults('{"packages":{"node_modules/a":{"resolved":"https://registry.example/a.tgz"}}}')).toHaveLength(1);
  });
});
