/** Advice that looks at why earlier advice did not help. */
import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FakeCourse } from './fake-course.ts';
import { installAdvice, inWords, neededNode, newerFix, nodeProblem, placeProblem, satisfies } from './requirements.mjs';
import { ROOT } from './root.ts';

const NEEDED = neededNode(ROOT);

describe('the Node that is needed', () => {
  test.each(['16.20.2', '18.20.4', '20.20.2', '24.14.9', '24.18.0', '25.9.0', '26.0.0', '26.5.0'])('is not %s', (version) => {
    expect(satisfies(version, NEEDED)).toBe(false);
  });

  test.each(['24.18.1', '24.21.0', 'v24.22.3', '26.5.1', '26.13.1', '27.0.0'])('may be %s', (version) => {
    expect(satisfies(version, NEEDED)).toBe(true);
  });

  test('is the one that package.json brings, and the lock file says the same', () => {
    const { optionalDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { optionalDependencies: { node: string } };
    expect(satisfies(optionalDependencies.node, NEEDED)).toBe(true);
    const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as { packages: { '': { engines: { node: string } } } };
    expect(packages[''].engines.node).toBe(NEEDED);
  });

  test('is said in words, and a range that they do not cover is a fault', () => {
    expect(inWords(NEEDED)).toBe('Node 24 (24.18.1 or newer) or Node 26 (26.5.1 or newer)');
    expect(() => satisfies('24.0.0', '^24')).toThrow('is not understood');
  });

  test('may be one for which there is a better', () => {
    expect([newerFix('24.21.0'), newerFix('24.22.3'), newerFix('26.5.1'), newerFix('26.14.0'), newerFix('27.0.0')]).toEqual(['24.22.3', undefined, '26.13.1', undefined, undefined]);
  });
});

describe('a Node that is too old', () => {
  /** What is said in a folder with these files. */
  function said(files: Readonly<Record<string, string>>, env: NodeJS.ProcessEnv = {}): string {
    using course = new FakeCourse();
    for (const [path, text] of Object.entries(files)) course.write(path, text);
    return nodeProblem('20.20.2', course.folder, env) ?? '';
  }
  const lock = (...names: readonly string[]) => ({ 'node_modules/.package-lock.json': JSON.stringify({ packages: Object.fromEntries(names.map((name) => [`node_modules/${name}`, {}])) }) });
  const own = { 'node_modules/.bin/node': '', 'node_modules/node/bin/node': '', 'node_modules/node/package.json': '{"version":"24.21.0"}' };
  const byNpm = { npm_lifecycle_event: 'test' };

  test('where nothing is installed', () => {
    expect(said({})).toMatch(/^Ten Servers needs Node 24 .*, and this is Node 20\.20\.2: run "npm ci" in the folder of the course, which brings the right one, or install Node 24/);
  });

  test('where npm would leave out the rest', () => {
    expect(said({}, { NODE_ENV: 'production' })).toContain('run "npm ci --include=dev" in');
  });

  test('where npm was told to leave optional packages out', () => {
    expect(said(lock('vitest'))).toMatch(/npm left out the package that brings Node, as the setting omit=optional makes it do\. So run "npm ci --include=optional"/);
  });

  test('where npm was told to run no scripts', () => {
    expect(said(lock('vitest', 'node'))).toMatch(/did not run its install script.* So run "npm ci --ignore-scripts=false"/);
  });

  test('where both came together', () => {
    expect(said(lock('mime-db'))).toMatch(/run "npm ci --include=dev --include=optional"/);
  });

  test('where the right one is there, and npm was not asked', () => {
    expect(said({ ...lock('vitest', 'node'), ...own })).toMatch(/use the npm commands \(npm start, npm test, npm run …\), which bring the right one\.$/);
  });

  test('where the one that is there is too old itself', () => {
    expect(said({ ...lock('vitest', 'node'), ...own, 'node_modules/node/package.json': '{"version":"24.15.0"}' }, byNpm)).toMatch(/node_modules has Node 24\.15\.0\. So run "npm ci" in/);
  });

  test('where npm did not use the right one', () => {
    const text = said({ ...lock('vitest', 'node'), ...own }, byNpm);
    expect(text).toMatch(/npm has the right one in node_modules\/\.bin and did not use it\. Install Node 24/);
    expect(text).not.toContain('npm ci');
  });

  test.skipIf(process.platform === 'win32')('where npm cannot find it, since the path has a colon', () => {
    using course = new FakeCourse();
    for (const [path, text] of Object.entries(own)) course.write(`a${delimiter}b/${path}`, text);
    course.write(`a${delimiter}b/package.json`, JSON.stringify({ engines: { node: NEEDED } }));
    expect(nodeProblem('20.20.2', course.path(`a${delimiter}b`), byNpm)).toMatch(/the path of this folder contains a ":" \(.*a:b\)\. Move the folder/);
  });
});

test('packages that were left out are told from those that were never installed', () => {
  using course = new FakeCourse();
  expect(installAdvice(course.folder, {}, false)).toEqual({ command: 'npm ci', why: undefined });
  course.write('node_modules/.package-lock.json', '{"packages":{"node_modules/mime-db":{}}}');
  expect(installAdvice(course.folder, {}, false)).toEqual({ command: 'npm ci --include=dev', why: expect.stringContaining('NODE_ENV=production') });
  // A file that is half written tells nothing.
  course.write('node_modules/.package-lock.json', '{"pack');
  expect(installAdvice(course.folder, {}, false)).toEqual({ command: 'npm ci', why: undefined });
});

test('a path in which the test runner cannot work', () => {
  for (const path of ['/tmp/a#b', '/tmp/a?b/course', '/tmp/*']) expect(placeProblem(path)).toMatch(/^The tests cannot run in this folder, since its path contains a "[#?*]"/);
  for (const path of ['/tmp/a b', '/tmp/a:b', '/tmp/a%20b', '/tmp/ä[1]{2}(3)']) expect(placeProblem(path)).toBeUndefined();
});
