/** How rules are declared and run, seen from a run of small exercises of their own. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createVitest } from 'vitest/node';
import type { TestCase } from 'vitest/node';
import type { RuleMeta } from '#support/exercise.ts';
import { serverThat, treeOf } from '#support/fixtures/evil.ts';

const project = fileURLToPath(new URL('../../', import.meta.url));
const folder = join(project, '.ten-servers', 'tests', `exercise-${process.pid}`);
const tree = treeOf(serverThat("socket.on('data', (bytes) => socket.write(bytes)).on('error', () => {})"));
const runs: string[] = [];

/** A test file of an exercise of chapter 01 with these rules. */
function testFile(id: string, rules: string): void {
  const text = `import { exercise } from '#support/exercise.ts';
    import { check } from '#support/failure.ts';
    exercise('${id}', import.meta.url, (rule) => { ${rules} });`;
  writeFileSync(join(folder, `${id}.test.ts`), text);
}

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'driver.ts'), "export { default } from '#support/fixtures/evil-driver.ts';");
  testFile(
    '1.1',
    `rule('draws', 'draws', { rule: 'a' }, async ({ random, seed }) => { throw new Error(seed + ' ' + random.words(2)); });
     rule('draws-too', 'draws too', { rule: 'b' }, async ({ random }) => { throw new Error(random.words(2)); });
     rule('absent', 'is skipped', { rule: 'c', skip: 'there is no nginx here' }, async () => { throw new Error('it ran'); });
     rule('reports', 'reports', { rule: 'd', likely: 'e', section: 'f' }, async () => check(false, { sent: 'x', received: 'y', expected: 'z' }));`,
  );
  // What a machine does that is busy with something else, or is not: the account says it, and a clock of the test decides.
  const account = (lostMs: number): string => `Object.defineProperties(subject.ownTime, { lostMs: { value: ${lostMs} }, toStrangersMs: { value: ${lostMs} }, wallMs: { value: 10_000 } });`;
  testFile(
    '1.3',
    `let late = 2;
     rule('late', 'is late', { rule: 'a' }, async ({ subject }) => { ${account(8000)} check(false, { timed: true, received: 'late' }); });
     rule('late-in-peace', 'is late though nobody else is there', { rule: 'b' }, async ({ subject }) => { ${account(1000)} check(false, { timed: true, received: 'late' }); });
     rule('late-at-first', 'is late twice', { rule: 'c' }, async ({ subject }) => { ${account(8000)} check(late-- <= 0, { timed: true, received: 'late' }); });
     rule('wrong', 'is wrong', { rule: 'd' }, async ({ subject }) => { ${account(8000)} check(false, { received: 'wrong' }); });`,
  );
  testFile(
    '1.4',
    `rule('first', 'comes first', { rule: 'a' }, async ({ call, subject }) => { await call('start'); check(!subject.reused, { received: 'used before' }); });
     rule('in-company', 'comes second', { rule: 'b' }, async ({ call, subject }) => { await call('start'); check(subject.reused, { received: 'a process of its own' }); });
     rule('only-alone', 'fails in company', { rule: 'c' }, async ({ call, subject }) => { await call('start'); check(!subject.reused, { received: 'in company' }); });
     rule('never', 'fails alone too', { rule: 'd' }, async ({ call, subject }) => { await call('start'); check(false, { received: subject.reused ? 'in company' : 'alone' }); });`,
  );
  testFile('1.2', "rule('fine', 'is fine', { rule: 'a' }, async ({ connect, call }) => { const client = await connect(await call('start')); client.write('hi'); await client.expectBytes('hi'); });");
});

afterAll(() => {
  for (const path of [folder, tree, ...runs]) rmSync(path, { recursive: true, force: true });
});

interface Seen {
  readonly state: string;
  readonly note?: string;
  readonly meta?: RuleMeta;
}

async function run(ids: readonly string[], env: Record<string, string> = {}): Promise<Map<string, Seen>> {
  const runFolder = mkdtempSync(join(tmpdir(), 'ten-run-'));
  runs.push(runFolder);
  const vitest = await createVitest({
    root: project,
    config: false,
    watch: false,
    silent: true,
    reporters: [{}],
    maxWorkers: 1,
    isolate: false,
    pool: 'forks',
    env: { TEN_SUBJECT: tree, TEN_SEED: '5', TEN_RUN: runFolder, TEN_BAIL: '0', ...env },
  });
  try {
    const specifications = ids.flatMap((id) => vitest.getRootProject().createSpecification(join(folder, `${id}.test.ts`)));
    const { testModules } = await vitest.runTestSpecifications(specifications, false);
    const cases = testModules.flatMap((module) => Array.from<TestCase>(module.children.allTests()));
    return new Map(
      cases.map((one) => {
        const result = one.result();
        const meta = one.meta().rule as RuleMeta | undefined;
        const note = result.state === 'skipped' ? result.note : undefined;
        return [meta?.id ?? one.name, { state: result.state, ...(note === undefined ? {} : { note }), ...(meta === undefined ? {} : { meta }) }];
      }),
    );
  } finally {
    await vitest.close();
  }
}

function received(seen: Map<string, Seen>, id: string): string | undefined {
  return seen.get(id)?.meta?.failure?.received;
}

/** Each run is a start of the runner, so the tests share them. */
let plain: Map<string, Seen>;
let otherSeed: Map<string, Seen>;
let oneRule: Map<string, Seen>;
let bailed: Map<string, Seen>;

beforeAll(async () => {
  plain = await run(['1.1', '1.2']);
  otherSeed = await run(['1.1'], { TEN_SEED: '6' });
  oneRule = await run(['1.1', '1.2'], { TEN_RULE: '1.1/draws-too' });
  bailed = await run(['1.1', '1.2'], { TEN_BAIL: '1' });
});

describe('a rule', () => {
  test('carries its words, and its failure as data', () => {
    expect(plain.get('1.1/reports')).toMatchObject({
      state: 'failed',
      meta: { id: '1.1/reports', exercise: '1.1', rule: 'd', likely: 'e', section: 'f', failure: { kind: 'wrong behaviour', sent: 'x', received: 'y', expected: 'z' } },
    });
    expect(plain.get('1.1/absent')).toMatchObject({ state: 'skipped', note: 'there is no nginx here' });
  });

  test('draws the same from the same seed, and nothing that its neighbours draw', () => {
    expect(received(bailed, '1.1/draws')).toBe(received(plain, '1.1/draws'));
    expect(received(otherSeed, '1.1/draws')).not.toBe(received(plain, '1.1/draws'));
    expect(received(plain, '1.1/draws')).not.toContain(String(received(plain, '1.1/draws-too')));
  });

  test('talks to the subject', () => {
    expect(plain.get('1.2/fine')?.state).toBe('passed');
  });
});

describe('one rule', () => {
  test('is run without its neighbours', () => {
    expect(oneRule.get('1.1/draws-too')?.state).toBe('failed');
    expect(oneRule.get('1.1/draws')).toMatchObject({ state: 'skipped', note: 'not run' });
    expect(oneRule.get('1.2/fine')).toMatchObject({ state: 'skipped', note: 'not run' });
  });

  test('draws what it draws in company', () => {
    expect(received(plain, '1.1/draws-too')).toMatch(/./);
    expect(received(oneRule, '1.1/draws-too')).toBe(received(plain, '1.1/draws-too'));
  });
});

describe('a rule on a machine that is busy with something else', () => {
  test('is neither passed nor failed where time decides', async () => {
    const seen = await run(['1.3']);
    expect(seen.get('1.3/late')).toMatchObject({ state: 'skipped', note: 'busy', meta: { busy: { lostShare: 0.8, attempts: 3 }, failure: { received: 'late' } } });
    expect(seen.get('1.3/late-in-peace')).toMatchObject({ state: 'failed' });
    expect(seen.get('1.3/late-at-first')).toMatchObject({ state: 'passed' });
    expect(seen.get('1.3/wrong')).toMatchObject({ state: 'failed' });
  });

  test('stops what comes after it where a failure would', async () => {
    const seen = await run(['1.3'], { TEN_BAIL: '1' });
    expect(seen.get('1.3/late')).toMatchObject({ state: 'skipped', note: 'busy' });
    expect(seen.get('1.3/wrong')).toMatchObject({ state: 'skipped', note: 'not run' });
  });
});

describe('a rule that shares the process of trusted code', () => {
  test('takes over what the one before it left as it was, and fails only alone', async () => {
    const seen = await run(['1.4'], { TEN_PROCESSES: 'shared' });
    expect([...seen].map(([id, { state }]) => [id, state])).toEqual([
      ['1.4/first', 'passed'], ['1.4/in-company', 'passed'], ['1.4/only-alone', 'passed'], ['1.4/never', 'failed'],
    ]);
    expect(received(seen, '1.4/never')).toBe('alone');
  });
});

describe('the first failure', () => {
  test('stops its exercise and the later ones where that was asked for', () => {
    expect(bailed.get('1.1/draws')?.state).toBe('failed');
    expect(bailed.get('1.1/draws-too')).toMatchObject({ state: 'skipped', note: 'not run' });
    expect(bailed.get('1.1/absent')?.state).toBe('skipped');
  });

  test('stops nothing otherwise', () => {
    expect(plain.get('1.1/draws-too')?.state).toBe('failed');
    expect(plain.get('1.2/fine')?.state).toBe('passed');
  });
});
