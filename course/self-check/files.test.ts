/** Checks that put files together: regions, surfaces, submissions, and what must not stand in a file. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { chapters } from '../manifest.ts';
import type { Chapter } from '../manifest.ts';
import { shown, STATE } from '../root.ts';
import { forbidden } from './map.ts';
import { readRegion, rewriteBlocks } from './regions.ts';
import { lockFaults, pathFaults } from './repository.ts';
import { starterFaults } from './starters.ts';
import { buildSubmission, readSubmission } from './submission.ts';
import { compareTrees } from './surface.ts';

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

  test('is what stands between its marks, without its indentation and other marks', () => {
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

describe('the surfaces of starters and reference', () => {
  /** Each pair in a folder of its own, all with one start of the compiler. */
  function compare(pairs: readonly (readonly [name: string, starter: string, reference: string])[]): string[] {
    for (const [name, starter, reference] of pairs) {
      write(`starters/${name}/index.ts`, `${starter}\nexport {};`);
      write(`reference/${name}/index.ts`, `${reference}\nexport {};`);
    }
    return compareTrees(join(folder, 'starters'), join(folder, 'reference'), pairs.map(([name]) => ({ folder: name })));
  }

  test('are the same where only what nobody sees differs', () => {
    const reference = `
      export class A { #b = 1; private c = 2; readonly d: string = ''; constructor(x: number, y?: string) { this.#b = x; } f(): number { return this.#b; } static make(): A { return new A(1); } }
      export interface O { readonly a?: number; b: string }
      export type T = { readonly type: 'a' } | { readonly type: 'b' };
      export const LIMIT = 10;
      export async function go(o: O = { b: '' }): Promise<T> { return { type: 'a' }; }`;
    const starter = `
      export const LIMIT = 10;
      export type T = { readonly type: 'a' } | { readonly type: 'b' };
      export interface O { b: string; readonly a?: number }
      export function go(o: O = { b: '' }): Promise<T> { throw new Error(); }
      export class A { #other = ''; static make(): A { throw new Error(); } readonly d: string = ''; f(): number { throw new Error(); } constructor(x: number, y?: string) {} }`;
    expect(compare([['same', starter, reference]])).toEqual([]);
  });

  test('differ by anything that another file can see', () => {
    const cases = [
      ['a-name-that-is-missing', '', 'export const a = 1;', 'does not export a'],
      ['a-name-too-many', 'export const a = 1;', '', 'exports a, the reference does not'],
      ['a-value', 'export const a = 1;', 'export const a = 2;', 'a is'],
      ['a-parameter', 'export function f(x: string): void {}', 'export function f(x: number): void {}', 'f is'],
      ['an-option', 'export interface O { a?: number }', 'export interface O { a: number }', 'O is'],
      ['a-readonly', 'export interface O { a: number }', 'export interface O { readonly a: number }', 'O is'],
      ['a-union', "export type T = 'a';", "export type T = 'a' | 'b';", 'T is'],
      ['a-method', 'export class A { f(): void {} }', 'export class A { f(): number { return 1; } }', 'A is'],
      ['a-constructor', 'export class A { constructor(x: number) {} }', 'export class A { constructor(x: string) {} }', 'A is'],
      ['a-static', 'export class A {}', 'export class A { static x = 1; }', 'A is'],
      ['what-a-class-stands-on', 'export class A {}', 'export class A extends Error {}', 'A is'],
    ] as const;
    const faults = compare(cases.map(([name, starter, reference]) => [name, starter, reference]));
    expect(faults).toHaveLength(cases.length);
    for (const [index, [name, , , told]] of cases.entries()) {
      expect(faults[index]).toContain(name);
      expect(faults[index]).toContain(told);
    }
  });
});

describe('a submission', () => {
  function submission(data: object, files: Readonly<Record<string, string>> = {}): () => string[] {
    write('sub/submission.json', JSON.stringify({ caughtBy: '1.1/x', because: 'it is wrong', ...data }));
    for (const [path, text] of Object.entries(files)) write(`sub/${path}`, text);
    return () => buildSubmission(readSubmission(chapter, 'wrong', join(folder, 'sub'), 'sub'), join(folder, 'tree'));
  }

  const patch = { file: '01-echo/echo.ts', find: 'allowHalfOpen: true', replace: 'allowHalfOpen: false' };

  test('is the reference with its patches and files', () => {
    const build = submission({ patches: [patch] }, { '01-echo/close.ts': 'export {};' });
    expect(build()).toEqual(['01-echo/close.ts', '01-echo/echo.ts']);
    expect(readFileSync(join(folder, 'tree/01-echo/echo.ts'), 'utf8')).toContain('allowHalfOpen: false');
    expect(readFileSync(join(folder, 'tree/01-echo/close.ts'), 'utf8')).toBe('export {};');
    expect(readFileSync(join(folder, 'tree/01-echo/index.ts'), 'utf8')).toContain('createEchoServer');
  });

  test('finds lines as well as text', () => {
    const build = submission({ patches: [{ file: '01-echo/index.ts', find: ["export { listen } from './listen.ts';", "export type { ListenAddress } from './listen.ts';"], replace: [''] }] });
    build();
    expect(readFileSync(join(folder, 'tree/01-echo/index.ts'), 'utf8')).not.toContain('listen.ts');
  });

  test.each([
    ['a patch that finds nothing', { patches: [{ ...patch, find: 'not there' }] }, 'is not there'],
    ['a patch that finds it twice', { patches: [{ ...patch, find: 'socket' }] }, 'times; add lines'],
    ['a patch for no file', { patches: [{ ...patch, file: '01-echo/none.ts' }] }, 'has no file to change'],
    ['a patch without text', { patches: [{ file: '01-echo/echo.ts', find: 'x' }] }, 'patch 1 needs "replace"'],
    ['patches that are no list', { patches: {} }, '"patches" must be a list'],
    ['no tag', { caughtBy: '', patches: [patch] }, 'needs "caughtBy"'],
    ['a tag of another chapter', { caughtBy: '2.1/x', patches: [patch] }, 'must be an exercise of this chapter'],
    ['no reason', { because: ' ', patches: [patch] }, 'needs "because"'],
    ['nothing changed', {}, 'changes nothing'],
  ])('with %s says so', (_, data, told) => expect(submission(data)).toThrow(told));

  test('with a file of a later chapter says so', () => {
    expect(submission({}, { '02-http/index.ts': '' })).toThrow('belongs to no chapter up to 1');
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

describe('what must not stand in a file', () => {
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
