import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './root.ts';
import { fileIn, layTuned, TUNED } from './tuned.ts';

test('a tree that holds only some chapters has the others from the reference', () => {
  expect(fileIn(TUNED, '02-http/index.ts')).toBe(`${TUNED}/02-http/index.ts`);
  expect(fileIn(TUNED, '01-echo/echo.ts')).toBe('solutions/01-echo/echo.ts');
});

test('the tuned servers are laid over the reference, with what is asked for beside them', () => {
  const place = layTuned(['course/bench/servers']);
  const same = (file: string, from: string): void => expect(readFileSync(join(place, file), 'utf8')).toBe(readFileSync(join(ROOT, from), 'utf8'));
  same('solutions/02-http/index.ts', `${TUNED}/02-http/index.ts`);
  same('solutions/03-static/index.ts', 'solutions/03-static/index.ts');
  same('course/bench/servers/ten-servers.ts', 'course/bench/servers/ten-servers.ts');
});
