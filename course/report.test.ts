import { describe, expect, test } from 'vitest';
import { stripVTControlCharacters } from 'node:util';
import type { FailureKind, FailureReport } from '#support/failure.ts';
import type { CheckResult, ExerciseResult, RuleResult } from './check-result.ts';
import { renderReport } from './report.ts';

const PLAIN = { columns: 80, colors: false };

function rule(id: string, extra: Partial<RuleResult> = {}): RuleResult {
  return { id, name: `the rule ${id}`, status: 'passed', durationMs: 5, rule: 'a server answers (RFC 862)', section: 'The smallest server', ...extra };
}

function failing(id: string, failure: FailureReport, extra: Partial<RuleResult> = {}): RuleResult {
  return rule(id, { status: 'failed', failure, ...extra });
}

function exercise(id: string, rules: readonly RuleResult[]): ExerciseResult {
  const status = rules.some((one) => one.status === 'failed') ? 'failed' : rules.some((one) => one.status === 'busy') ? 'busy' : rules.length === 0 ? 'not run' : 'passed';
  return { id, title: `title of ${id}`, status, rules };
}

function result(exercises: readonly ExerciseResult[], extra: Partial<CheckResult> = {}): CheckResult {
  return {
    version: 1,
    chapter: 'chapter-01',
    title: 'a raw socket',
    subject: 'chapters',
    seed: 81723,
    startedAt: '2026-01-01T00:00:00.000Z',
    durationMs: 1234,
    passed: exercises.every((one) => one.status === 'passed'),
    exercises,
    ...extra,
  };
}

const LONG = 'a sentence that goes on and on until no line of eighty columns could ever hold the whole of it';

describe('a failure', () => {
  const failure: FailureReport = {
    kind: 'wrong bytes',
    sent: 'hello␍␊',
    received: 'helpo',
    mark: '   ^',
    expected: 'hello␍␊',
    lastLines: ['listening', 'oops'],
    at: 'chapters/01-echo/echo.ts:31',
  };
  const page = renderReport(
    result([exercise('1.1', [rule('1.1/a')]), exercise('1.2', [failing('1.2/b', failure, { likely: 'a byte is mistyped' }), failing('1.2/c', failure)]), exercise('1.3', [])]),
    PLAIN,
  );

  test('is told in the order in which it is read', () => {
    const labels = ['rule', 'sent', 'received', 'expected', 'at', 'printed', 'likely', 'reread', 'hint', 'again'];
    const places = labels.map((label) => page.search(new RegExp(`^ +${label} {2,}`, 'm')));
    expect(places.every((place) => place > 0)).toBe(true);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  test('has its mark under the wrong byte', () => {
    const lines = page.split('\n');
    const at = lines.findIndex((line) => line.includes('helpo'));
    expect(lines[at]?.[lines[at + 1]?.indexOf('^') ?? -1]).toBe('p');
  });

  test('says what to read, and what to type to see it again', () => {
    expect(page).toContain('chapters/01-echo/README.md, "The smallest server"');
    expect(page).toContain('npm test 1.2 -- --seed 81723');
    expect(page).toContain('npm run hint 1.2');
    expect(page).toContain('1 more rule of 1.2 broken:');
  });

  test('says what passed, what failed and what was not run without colours', () => {
    expect(page).toMatch(/✓ 1\.1 .*✗ 1\.2 .*|✓ 1\.1/);
    expect(page).toContain('· 1.3');
    expect(page).toContain('1 of 3 exercises');
  });

  test('of another tree is repeated on that tree', () => {
    const elsewhere = (subject: string): string => renderReport(result([exercise('1.2', [failing('1.2/b', failure)])], { subject }), PLAIN);
    expect(elsewhere('solutions')).toContain('npm run solution 1.2 -- --seed 81723');
    expect(elsewhere('../ada')).toContain('npm run check -- --subject ../ada 1.2 --seed 81723');
  });
});

describe('the ways to be silent', () => {
  const told: Readonly<Record<FailureKind, RegExp>> = {
    'did not start': /received +did not start: it is so/,
    exited: /received +exited: it is so/,
    silent: /received +it is so/,
    'closed early': /received +closed early: it is so/,
    'wrong bytes': /received +it is so/,
    blocked: /received +blocked: it is so/,
    'does not load': /received +does not load: it is so/,
    'wrong behaviour': /received +it is so/,
    'not started': /Not started yet/,
  };

  test.each(Object.entries(told))('%s', (kind, words) => {
    const page = renderReport(result([exercise('1.1', [failing('1.1/a', { kind: kind as FailureKind, received: 'it is so' })])]), PLAIN);
    expect(page).toMatch(words);
  });
});

describe('a machine that was too busy', () => {
  const busy = rule('1.4/a', { status: 'busy', busy: { lostShare: 0.87, attempts: 3 }, failure: { kind: 'silent', received: 'nothing' } });

  test('is not held against the code', () => {
    const page = renderReport(result([exercise('1.4', [rule('1.4/0'), busy])]), PLAIN);
    expect(page.replaceAll(/\s+/g, ' ')).toContain('This machine was too busy to judge 1.4: for 87 % of the time, the test and the server waited for a processor');
    expect(page.replaceAll(/\s+/g, ' ')).toContain('Nothing is wrong with your code as far as we saw. Close what keeps the machine busy, or wait, and run: npm test 1.4');
    expect(page).toContain('? 1.4 title of 1.4 (not judged)');
    expect(page).toContain('the rule 1.4/a');
    expect(page).toContain('Nothing failed, but not everything could be judged.');
    expect(page).not.toMatch(/✗|received/);
  });

  test('says how to run it again on another tree', () => {
    expect(renderReport(result([exercise('1.4', [busy])], { subject: 'solutions' }), PLAIN).replaceAll(/\s+/g, ' ')).toContain('wrong with this code as far as we saw. Close what keeps the machine busy, or wait, and run: npm run solution 1.4');
  });

  test('is yellow', () => {
    const page = renderReport(result([exercise('1.4', [busy])]), { columns: 80, colors: true });
    expect(page).toContain('\x1b[33m? 1.4 title of 1.4');
    expect(page).not.toContain('\x1b[31m');
  });
});

describe('the first red', () => {
  function firstRed(id: string, notImplemented: string): string {
    return renderReport(result([exercise(id, [failing(`${id}/a`, { kind: 'not started', received: 'x', notImplemented })])]), PLAIN);
  }

  test('says that nothing is wrong, what to open and what to type', () => {
    const page = firstRed('1.1', '1.1');
    expect(page).toContain('This red is where everybody begins');
    expect(page).toContain('chapters/01-echo/echo.ts, and look for TODO 1.1');
    expect(page).toContain('npm test 1.1');
    expect(page).toContain('npm run hint 1.1');
    expect(page).toContain('✗ 1.1 title of 1.1 (core, about 15 minutes)');
    expect(page).not.toMatch(/^ +rule |skip/m);
  });

  test('of an extra exercise says where to go on without it', () => {
    expect(firstRed('1.5', '1.5')).toMatch(/✗ 1\.5 title of 1\.5 \(extra, about 40 minutes\)\n[^]*skip\? +npm test 1\.6/);
  });

  test('of a whole chapter lists what is extra and not done', () => {
    const page = renderReport(result([exercise('1.4', [rule('1.4/a')]), exercise('1.5', [failing('1.5/a', { kind: 'silent', received: 'x' })])]), PLAIN);
    expect(page).toContain('Extra, and can be skipped: 1.5.');
  });

  test('of an exercise that grows out of another names the other', () => {
    const page = firstRed('1.4', '1.1');
    expect(page).toContain('Exercise 1.4 grows out of 1.1, and 1.1 is not started yet.');
    expect(page).toContain('look for TODO 1.1');
  });
});

describe('the page', () => {
  const everything = result(
    [
      exercise('1.1', [rule('1.1/a'), rule('1.1/b', { status: 'skipped', skipped: LONG })]),
      exercise('1.2', [failing('1.2/c', { kind: 'silent', received: LONG, expected: LONG, sent: LONG, likely: LONG, lastLines: [LONG] }, { rule: LONG, name: LONG })]),
    ],
    { typeErrors: [`echo.ts:1  ${LONG}`], problem: LONG },
  );

  test.each([60, 80, 100])('fits into %i columns', (columns) => {
    const lines = renderReport(everything, { columns, colors: false }).split('\n');
    expect(lines.filter((line) => line.length > columns)).toEqual([]);
  });

  test('says the same with colours and without', () => {
    const colored = renderReport(everything, { columns: 80, colors: true });
    expect(colored).not.toBe(stripVTControlCharacters(colored));
    expect(stripVTControlCharacters(colored)).toBe(renderReport(everything, PLAIN));
  });

  test('says what was skipped and why, and what the types say', () => {
    const page = renderReport(everything, PLAIN);
    expect(page).toContain('skipped: the rule 1.1/b');
    expect(page).toContain('1 type error');
    expect(page).toContain('did not finish');
  });

  test('ends with good news where all passed', () => {
    expect(renderReport(result([exercise('1.1', [rule('1.1/a')])]), PLAIN)).toMatch(/Exercise 1\.1 is done\. \(1\.2 s, seed 81723\)\n$/);
    expect(renderReport(result([exercise('1.1', [rule('1.1/a')]), exercise('1.2', [rule('1.2/a')])]), PLAIN)).toContain('All 2 exercises pass.');
  });

  test('ends with a line break, once', () => {
    expect(renderReport(everything, PLAIN)).toMatch(/[^\n]\n$/);
  });
});
