/** Whole runs of hidden tests on trees that are known, as the commands start them. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CheckResult, RuleResult } from './check-result.ts';
import type { CheckOptions } from './check.ts';
import { chapters } from './manifest.ts';
import type { Chapter } from './manifest.ts';
import { SOLUTIONS } from './root.ts';
import { JobPool } from './self-check/job-pool.ts';

const chapter = chapters[0] as Chapter;
// The runner in a process of its own: one test runner inside another is not what a learner has.
const pool = new JobPool(2);
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ten-check-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
afterAll(() => pool.close());

async function check(options: Partial<CheckOptions>): Promise<CheckResult> {
  return await pool.check({ chapter, tree: SOLUTIONS, subject: 'solutions', bail: true, ...options });
}

/** The reference with one line changed, outside the project. */
function changed(file: string, find: string, replace: string): string {
  cpSync(join(SOLUTIONS, '01-echo'), join(folder, '01-echo'), { recursive: true });
  const path = join(folder, '01-echo', file);
  const text = readFileSync(path, 'utf8');
  expect(text).toContain(find);
  writeFileSync(path, text.replace(find, replace));
  return folder;
}

function rules(result: CheckResult): readonly RuleResult[] {
  return result.exercises.flatMap((exercise) => exercise.rules);
}

describe('a check', () => {
  test('of one exercise that is right', async () => {
    const result = await check({ exercise: '1.1', seed: 42 });
    expect(result).toMatchObject({ version: 1, chapter: 'chapter-01', subject: 'solutions', seed: 42, passed: true });
    expect(result.problem).toBeUndefined();
    expect(result.exercises.map(({ id, status }) => ({ id, status }))).toEqual([{ id: '1.1', status: 'passed' }]);
    for (const rule of rules(result)) {
      expect(rule.id).toMatch(/^1\.1\/[a-z0-9-]+$/i);
      expect(rule).toMatchObject({ status: 'passed', rule: expect.stringMatching(/./) as string, section: expect.stringMatching(/./) as string });
    }
  });

  test('stops at the first exercise that fails, and says what it did not run', async () => {
    const tree = changed('echo.ts', "socket.on('error', () => socket.destroy());", '');
    const { passed, exercises } = await check({ tree, chapter: { ...chapter, exercises: chapter.exercises.slice(0, 3) } });
    expect(passed).toBe(false);
    expect(exercises.find(({ id }) => id === '1.1')?.status).toBe('passed');
    expect(exercises.find(({ id }) => id === '1.2')?.status).toBe('failed');
    // One worker takes the files in an order of its own: the third may have been run before.
    expect(exercises.find(({ id }) => id === '1.2')?.rules.filter((rule) => rule.status === 'failed')).toHaveLength(1);
  });

  test('goes on where it was told to', async () => {
    const tree = changed('echo.ts', 'socket.write(bytes)', "socket.write('?')");
    const result = await check({ tree, exercise: '1.1', bail: false });
    expect(rules(result).filter((rule) => rule.status === 'not run')).toEqual([]);
    expect(rules(result).filter((rule) => rule.status === 'failed').length).toBeGreaterThan(3);
  });

  test('is repeated by its seed, and only by its seed', async () => {
    const tree = changed('echo.ts', 'socket.write(bytes)', "socket.write('?')");
    const failures = async (seed: number): Promise<unknown[]> => rules(await check({ tree, exercise: '1.1', seed })).map((rule) => rule.failure?.sent);
    const first = await failures(7);
    expect(await failures(7)).toEqual(first);
    expect(await failures(8)).not.toEqual(first);
  });

  test('of a folder without the chapter says so', async () => {
    const result = await check({ tree: folder, exercise: '1.1' });
    expect(rules(result)[0]?.failure).toMatchObject({ kind: 'does not load', received: expect.stringMatching(/index\.ts is missing$/) as string });
  });

  test('of a file with a syntax error names the file', async () => {
    const tree = changed('close.ts', 'export async function closeGracefully(', 'export async function closeGracefully((');
    const failure = rules(await check({ tree, exercise: '1.1' }))[0]?.failure;
    expect(failure?.kind).toBe('does not load');
    expect(`${failure?.at} ${failure?.received}`).toContain('close.ts');
  });

  test('of a chapter that exports too little names what is missing', async () => {
    const tree = changed('index.ts', 'createEchoServer', '');
    const failure = rules(await check({ tree, exercise: '1.1' }))[0]?.failure;
    expect(failure).toMatchObject({ kind: 'does not load', received: '01-echo/index.ts does not export createEchoServer' });
  });
});
