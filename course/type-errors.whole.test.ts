import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { chapters } from './manifest.ts';
import type { Chapter } from './manifest.ts';
import { SOLUTIONS, STATE } from './root.ts';
import { typeErrorsOf } from './type-errors.ts';

const chapter = chapters[0] as Chapter;
const tree = join(STATE, 'tests', `types-${process.pid}`);

afterEach(() => rmSync(tree, { recursive: true, force: true }));

test('the reference has none', async () => {
  expect(await typeErrorsOf(SOLUTIONS, chapter)).toEqual([]);
});

test('an error has its file, its line and the words of the compiler, and its neighbours are left alone', async () => {
  mkdirSync(tree, { recursive: true });
  cpSync(join(SOLUTIONS, '01-echo'), join(tree, '01-echo'), { recursive: true });
  writeFileSync(join(tree, '01-echo', 'wrong.ts'), "\nexport const port: number = 'seven';\n");
  const errors = await typeErrorsOf(tree, chapter);
  expect(errors).toHaveLength(1);
  expect(errors?.[0]).toMatch(/01-echo\/wrong\.ts:2 {2}Type 'string' is not assignable to type 'number'\.$/);
});
