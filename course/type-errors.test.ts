/** Those that start the compiler are in type-errors.whole.test.ts. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { chapters } from './manifest.ts';
import type { Chapter } from './manifest.ts';
import { typeErrorsOf } from './type-errors.ts';

test('a tree outside the project is not typechecked', async () => {
  expect(await typeErrorsOf(join(tmpdir(), 'elsewhere'), chapters[0] as Chapter)).toBeUndefined();
});
