import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts', 'course/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/submissions/**', '.ten-servers/**'],
    pool: 'forks',
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 20_000,
    teardownTimeout: 5000,
  },
});
