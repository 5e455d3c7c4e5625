/**
 * Lets a real browser judge the reference: `node course/browser/run.ts`.
 *
 * It needs Chromium (CHROMIUM names another than /usr/bin/chromium) and what `npm ci --prefix course/browser` brings.
 * Without them it says so and passes; with REQUIRE_ALL=1 it fails.
 *
 * Exit codes: 0 passed or skipped, 1 failed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const FOLDER = import.meta.dirname;
const chromium = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** What is missing here, as a sentence; undefined if nothing is. */
function missing(): string | undefined {
  if (!existsSync(chromium)) return `there is no ${chromium}: install Chromium, or say in CHROMIUM where it is`;
  try {
    createRequire(import.meta.url).resolve('playwright-core');
  } catch {
    return 'playwright-core is not installed: npm ci --prefix course/browser';
  }
  return undefined;
}

const reason = missing();
if (reason !== undefined) {
  console.log(`skipped: ${reason}`);
  process.exitCode = process.env['REQUIRE_ALL'] === '1' ? 1 : 0;
} else {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.browser.mjs')).map((file) => join(FOLDER, file));
  const { status } = spawnSync(process.execPath, ['--test', '--test-reporter=spec', ...files], {
    stdio: 'inherit',
    env: { ...process.env, CHROMIUM: chromium },
  });
  process.exitCode = status === 0 ? 0 : 1;
}
