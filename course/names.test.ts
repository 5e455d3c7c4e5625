import { describe, expect, test } from 'vitest';
import type { Chapter } from './manifest.ts';
import { findTarget, nearest } from './names.ts';

const chapter = (number: number, name: string, steps: number): Chapter => ({
  number,
  folder: `${String(number).padStart(2, '0')}-${name}`,
  title: `about ${name}`,
  builds: '',
  standsOn: [],
  exercises: Array.from({ length: steps }, (_, index) => ({ id: `${number}.${index + 1}`, title: '', kind: 'core', minutes: 20, file: 'a.ts', section: '' })),
});
const chapters = [chapter(1, 'echo', 12), chapter(2, 'http', 0), chapter(4, 'workers', 3), chapter(10, 'bake-off', 2)];
const find = (text: string) => findTarget(text, chapters);

describe('a chapter is understood', () => {
  const four = ['4', '04', '004', 'chapter-4', 'chapter-04', 'chapter-004', 'Chapter-04', 'chapter4', 'chapter_4', 'ch-4', '04-workers', '4-workers',
    'workers', ' 4 ', 'chapters/04-workers', 'chapters/04-workers/', './chapters/04-workers/README.md', 'chapters\\04-workers\\hints.md',
    '/home/me/10/chapters/04-workers', 'tests/chapter-04', 'chapter-04-workers'];
  test.each(four)('as %s', (name) => {
    expect(find(name)).toEqual({ chapter: chapters[2] });
  });

  test('with a dash in its name', () => {
    expect(find('bake-off').chapter.number).toBe(10);
    expect(find('10-bake-off').chapter.number).toBe(10);
  });

  test('and 1 is never 10', () => {
    for (const name of ['1', '01', 'chapter-1', 'chapter-01', 'chapters/01-echo']) expect(find(name).chapter.number).toBe(1);
    for (const name of ['10', 'chapter-10']) expect(find(name).chapter.number).toBe(10);
  });
});

describe('an exercise is understood', () => {
  test.each(['4.2', '04.2', '4.02', 'chapter-4.2', 'exercise-4.2', ' 4.2'])('as %s', (name) => {
    expect(find(name)).toEqual({ chapter: chapters[2], exercise: chapters[2]?.exercises[1] });
  });

  test('and 1.1 is neither 1.10 nor 1.11', () => {
    expect(find('1.1').exercise?.id).toBe('1.1');
    expect(find('1.10').exercise?.id).toBe('1.10');
    expect(find('1.11').exercise?.id).toBe('1.11');
  });
});

test('a path to a file names the chapter and the file', () => {
  expect(find('chapters/04-workers/pool.ts')).toEqual({ chapter: chapters[2], file: 'pool.ts' });
  expect(find('chapters/04-workers/steps/one.ts')).toEqual({ chapter: chapters[2], file: 'steps/one.ts' });
});

describe('what does not exist gets a sentence', () => {
  test.each(['', '3', '0', '-1', '44', 'chapter-11', '04-echo', '4-', 'four', 'work', '4.2.1', '1e1', '*', '../..', '4;ls'])('%j', (name) => {
    expect(() => find(name)).toThrow(/There is no chapter or exercise[^]*chapter-01[^]*chapter-10/);
  });

  test('with the nearest one', () => {
    expect(() => find('werkers')).toThrow(/Did you mean chapter-04\?/);
    expect(() => find('bakeoff')).toThrow(/Did you mean chapter-10\?/);
    expect(() => find('xyzzy')).not.toThrow(/Did you mean/);
  });

  test('with the exercises of the chapter', () => {
    expect(() => find('4.9')).toThrow('There is no exercise 4.9: chapter-04 has 4.1, 4.2 and 4.3.');
    expect(() => find('4.0')).toThrow(/There is no exercise 4\.0/);
  });

  test('with what is written, for a chapter that is not', () => {
    for (const name of ['2', 'http', '2.1']) expect(() => find(name)).toThrow(/chapter-02 \(about http\) is not written yet/);
  });
});

test('nearest: two letters off at most, and never half of the word', () => {
  expect(nearest('tset', ['reset', 'test'])).toBe('test');
  expect(nearest('--sed', ['--seed', '--json'])).toBe('--seed');
  expect(nearest('abc', ['xyz'])).toBeUndefined();
  expect(nearest('a', ['b'])).toBeUndefined();
});
