/** An excuse is for a line that is there. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SOLUTIONS } from '../root.ts';
import { ignored } from './ignored.ts';

/** The lines of a file, or of all files in a folder. */
function linesOf(path: string): string[] {
  const files = path.endsWith('/') ? readdirSync(join(SOLUTIONS, path)).filter((name) => name.endsWith('.ts')).map((name) => path + name) : [path];
  return files.flatMap((file) => readFileSync(join(SOLUTIONS, file), 'utf8').split('\n'));
}

test('every excuse quotes lines of the reference', () => {
  const lines = new Map([...new Set(ignored.map(({ file }) => file))].map((file) => [file, linesOf(file)]));
  const stale = ignored.flatMap(({ file, line }) => [line].flat().filter((part) => !lines.get(file)!.some((text) => text.includes(part))).map((part) => `${file}: ${part}`));
  expect(stale).toEqual([]);
});
