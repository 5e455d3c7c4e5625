import { describe, expect, test } from 'vitest';
import type { Chapter } from './manifest.ts';
import { codeLines, describeFigures, figuresOf, patternFaults, readmeFaults, writeColumn } from './pattern.ts';

const chapter: Chapter = { number: 7, folder: '07-prefork', title: 'a supervisor', builds: '', standsOn: [], learnerWrites: { linesMax: 100 }, exercises: [] };

/** That many different lines of code. */
function lines(count: number, name = 'a'): string {
  return Array.from({ length: count }, (_, index) => `let ${name}${index} = ${index};\n`).join('');
}

function figures(answer: Record<string, string>, starters?: Record<string, string>): ReturnType<typeof figuresOf> {
  return figuresOf(new Map(Object.entries(answer)), starters && new Map(Object.entries(starters)));
}

describe('a line of code', () => {
  test('is neither blank nor comment only', () => {
    const text = `/** What it does. */\n\nimport a from 'a'; // why\n  // #region x\n/* one\n two */ call();\n/**\n * @param b it\n */\nfunction f(b) {\n  /* here */\n}\n`;
    expect(codeLines(text)).toEqual(["import a from 'a'; // why", 'two */ call();', 'function f(b) {', '}']);
  });

  test('is every line of a text that goes over several', () => {
    expect(codeLines('const page = `<p>\n\n// no comment ${\n  // a comment\n  value}\n`;\n')).toEqual(['const page = `<p>', '', '// no comment ${', 'value}', '`;']);
  });

  test('is found where slashes are not a comment', () => {
    expect(codeLines("const pattern = /[/]\\/*/;\nconst url = 'http://x';\n")).toHaveLength(2);
  });
});

describe("the learner's lines", () => {
  test('are those that the starter does not have, in any indentation', () => {
    const answer = 'function f() {\n  if (x) {\n    given();\n  }\n  mine();\n}\n';
    expect(figures({ 'a.ts': answer }, { 'a.ts': '// TODO 7.1\nfunction f() {\n  given();\n  throw new NotImplemented();\n}\n' }).own).toBe(3);
  });

  test('are a whole file that the starter lacks or leaves empty', () => {
    expect(figures({ 'a.ts': lines(10), 'b.ts': lines(5), 'c.ts': lines(3) }, { 'b.ts': '/** What must hold. */\n', 'c.ts': lines(3) })).toMatchObject({ lines: 18, own: 15 });
  });

  test('are not known before there are starters', () => {
    expect(describeFigures(figures({ 'a.ts': lines(3) }))).toBe('no starters yet, 1 file, 3 lines, longest 3, 0 values at the door');
  });
});

test('the door has the values that index.ts exports', () => {
  const index = [
    "export { a, type B, c as d } from './a.ts';",
    "export type { E } from './a.ts';",
    "export * from './f.ts';",
    "export * as g from './a.ts';",
    'export const h = 1, i = 2;',
    'export function j() {}',
    'export class K {}',
    'export interface L {}',
    'const hidden = 1;',
    'export default hidden;',
  ].join('\n');
  expect(figures({ 'index.ts': index, 'f.ts': 'export const m = 1;\nexport type N = 1;\n' }).door).toBe(9);
});

describe('a chapter in the pattern', () => {
  const starters = { 'a.ts': '' };

  test('is told in one line', () => {
    expect(describeFigures(figures({ 'a.ts': lines(60), 'b.ts': lines(1050) }, { 'b.ts': lines(510) }))).toBe("learner's share 54 %, 2 files, 1,110 lines, longest 1050, 0 values at the door");
  });

  test('may be a tenth longer than its budget', () => {
    expect(patternFaults(chapter, figures({ 'a.ts': lines(110) }, starters))).toEqual([]);
  });

  const many = Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`${index}.ts`, 'x();\n']));
  const door = Array.from({ length: 26 }, (_, index) => `export const v${index} = 1;\n`).join('');
  test.each<[what: string, answer: Record<string, string>, starters: Record<string, string> | undefined, told: RegExp]>([
    ['with too many files', many, {}, /07-prefork has 16 files; a reader keeps 15 in mind: join/],
    ['with too many lines', { 'a.ts': lines(111) }, starters, /has 111 lines of code; its budget .* is 100: leave something out/],
    ['with a door too wide', { 'index.ts': door }, {}, /index\.ts exports 26 values; the door has at most 25: export what/],
    ['that gives more than half', { 'a.ts': lines(49), 'b.ts': lines(51, 'b') }, { 'b.ts': lines(51, 'b') }, /writes 49 of 100 lines, 49 %; it must be half of them\. Most is given in b\.ts \(51 of 51\), a\.ts \(0 of 49\): take bodies out/],
    ['without starters', { 'a.ts': lines(3) }, undefined, /chapters\/07-prefork has no packed starters/],
  ])('%s is told what to do', (_, answer, starter, told) => {
    expect(patternFaults(chapter, figures(answer, starter))).toEqual([expect.stringMatching(told)]);
  });

  test('of many rooms may have more files', () => {
    const roomy = { ...chapter, learnerWrites: { linesMax: 100, files: 16 } };
    expect(patternFaults(roomy, figures(many, {}))).toEqual([]);
    expect(patternFaults(roomy, figures({ ...many, 'one-more.ts': 'x();\n' }, {}))).toEqual([expect.stringMatching(/has 17 files; a reader keeps 16 in mind/)]);
  });

  test('that is not there yet has limits of its own', () => {
    const early = { ...chapter, learnerWrites: { linesMax: 1000, share: 0.4, longest: 210 } };
    const written = (own: number): ReturnType<typeof figures> => figures({ 'a.ts': lines(own), 'b.ts': lines(201, 'b') }, { 'b.ts': lines(201, 'b') });
    expect(patternFaults(early, written(140))).toEqual([]);
    expect(patternFaults(early, written(130))).toEqual([expect.stringMatching(/writes 130 of 331 lines, 39 %; it must be 40 % of them/)]);
  });

  test('with a file too long is told which', () => {
    const wide = { ...chapter, learnerWrites: { linesMax: 1000 } };
    expect(patternFaults(wide, figures({ 'a.ts': lines(200), 'b.ts': lines(201) }, {}))).toEqual([expect.stringMatching(/07-prefork\/b\.ts has 201 lines of code; no file has more than 200/)]);
  });
});

describe('the README', () => {
  const readme = '| | Chapter | You write |\n| --- | --- | --- |\n| 07 | a supervisor | 605 of 1,120 lines |\n';
  const measured = new Map([[chapter, figures({ 'a.ts': lines(600), 'b.ts': lines(520) }, { 'b.ts': lines(520) })]]);

  test('says how much the learner writes, more or less', () => {
    expect(readmeFaults(readme, measured)).toEqual([]);
    expect(readmeFaults(readme.replace('605', '650'), measured)).toEqual([expect.stringMatching(/^README\.md says "650 of 1,120 lines" .* and it is 600 of 1,120 lines/)]);
    expect(readmeFaults(readme.replace('1,120', '1,000'), measured)).toHaveLength(1);
    expect(readmeFaults(readme.replace('605 of 1,120 lines', ''), measured)).toHaveLength(1);
    expect(readmeFaults('', measured)).toHaveLength(1);
  });

  test('is written anew', () => {
    const written = writeColumn(readme.replace('605 of 1,120 lines', ''), measured);
    expect(written).toContain('| 07 | a supervisor | 600 of 1,120 lines |\n');
    expect(readmeFaults(written, measured)).toEqual([]);
  });
});
