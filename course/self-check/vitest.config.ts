/** The tools' own tests; the hidden tests of the chapters are run by course/check.ts. */
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: join(import.meta.dirname, '..', '..'),
  test: {
    include: ['course/**/*.test.ts', 'tests/support/**/*.test.ts', 'tests/*/reference/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    pool: 'forks',
    // Whole runs of the runner are tested in here, on busy machines too.
    testTimeout: 60_000,
    hookTimeout: 30_000,
    teardownTimeout: 5000,
  },
});
