import { describe, expect, test } from 'vitest';
import { boundaryFaults, cycleFaults } from './imports.ts';

function faults(file: string, specifier: string): string[] {
  return boundaryFaults(new Map([[file, `import { x } from '${specifier}';\nexport const y = x;`]]), new Set(['mime-db', '@scope/name']));
}

describe('what a chapter may import', () => {
  test.each([
    ['solutions/02-http/server.ts', 'node:net'],
    ['solutions/02-http/server.ts', './lines.ts'],
    ['solutions/02-http/deep/server.ts', '../lines.ts'],
    ['solutions/02-http/server.ts', '../01-echo/index.ts'],
    ['solutions/03-static/server.ts', '../01-echo/index.ts'],
    ['solutions/03-static/types.ts', 'mime-db/db.json'],
    ['solutions/03-static/types.ts', '@scope/name/deep'],
    ['chapters/02-http/server.ts', '#course/not-implemented.ts'],
    ['solutions/10-bake-off/tuned/02-http/server.ts', '../01-echo/index.ts'],
  ])('%s may import %s', (file, specifier) => expect(faults(file, specifier)).toEqual([]));

  test.each([
    ['solutions/02-http/server.ts', 'net', 'write node:net'],
    ['solutions/02-http/server.ts', '../01-echo/echo.ts', 'the only door is 01-echo/index.ts'],
    ['solutions/10-bake-off/tuned/02-http/server.ts', '../01-echo/echo.ts', 'the only door is 01-echo/index.ts'],
    ['solutions/01-echo/server.ts', '../02-http/index.ts', 'does not build on chapter 2'],
    ['solutions/04-workers/server.ts', '../03-static/index.ts', 'does not build on chapter 3'],
    ['solutions/02-http/server.ts', '#course/not-implemented.ts', 'only a starter'],
    ['solutions/02-http/server.ts', '#subject/01-echo/index.ts', 'by relative path'],
    ['chapters/02-http/server.ts', '../../solutions/01-echo/index.ts', 'by relative path'],
    ['chapters/02-http/server.ts', '../../tests/support/bytes.ts', 'by relative path'],
    ['chapters/02-http/server.ts', '#support/bytes.ts', 'by relative path'],
    ['solutions/02-http/server.ts', 'vitest', 'dependencies'],
    ['solutions/99-none/server.ts', 'node:net', 'does not know'],
  ])('%s may not import %s', (file, specifier, why) => {
    expect(faults(file, specifier)).toHaveLength(1);
    expect(faults(file, specifier)[0]).toContain(why);
  });

  test('types and dynamic imports count', () => {
    const text = "import type { X } from 'vitest';\nexport type { Y } from 'vite';\nexport const z = await import('tsx');";
    expect(boundaryFaults(new Map([['solutions/01-echo/a.ts', text]]), new Set())).toHaveLength(3);
  });
});

describe('circles', () => {
  test('are found, types included, and each told once', () => {
    const sources = new Map([
      ['course/a.ts', "import './b.ts';"],
      ['course/b.ts', "import type { C } from './c.ts';"],
      ['course/c.ts', "export { a } from '#course/a.ts';"],
      ['course/d.ts', "import './a.ts';"],
    ]);
    expect(cycleFaults(sources)).toEqual(['imports go in a circle: course/a.ts → course/b.ts → course/c.ts → course/a.ts']);
  });

  test('are not two ways to the same file', () => {
    const sources = new Map([
      ['course/a.ts', "import './b.ts'; import './c.ts';"],
      ['course/b.ts', "import './d.ts';"],
      ['course/c.ts', "import './d.ts';"],
      ['course/d.ts', ''],
    ]);
    expect(cycleFaults(sources)).toEqual([]);
  });
});
