/**
 * The tools' own tests, and the reference's; the hidden tests of the chapters are run by course/check.ts.
 *
 * `npm test` leaves out `*.whole.test.ts`: whole runs of a command, or tests that take seconds each. What they test has
 * faster tests beside them.
 */
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: join(import.meta.dirname, '..', '..'),
  test: {
    include: ['course/**/*.test.ts', 'tests/support/**/*.test.ts', 'tests/*/reference/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    pool: 'forks',
    // A process for each file would take longer to start than most of them run.
    isolate: false,
    // Whole runs of the runner are tested in here, on busy machines too.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 5000,
  },
});
