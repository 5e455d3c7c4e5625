import { mkdirSync, mkdtempSync, renameSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FolderWatch } from './folder-watch.ts';

let folder = '';
let open: FolderWatch | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ten-watch-'));
  mkdirSync(join(folder, '01-echo'));
  writeFileSync(join(folder, '01-echo', 'echo.ts'), 'one');
});
afterEach(() => {
  open?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A watch whose saves can be waited for, one after the other. */
function start(watchFolder?: typeof watch): { saved: () => Promise<string>; polling: () => string | undefined } {
  const saves: string[] = [];
  let wake = (): void => {};
  let polling: string | undefined;
  open = new FolderWatch([join(folder, '01-echo')], { onSave: (file) => { saves.push(file); wake(); }, onPolling: (error) => (polling = error.code) }, watchFolder);
  const saved = async (): Promise<string> => {
    while (saves.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return saves.splice(0)[0] as string;
  };
  return { saved, polling: () => polling };
}

/** The system has `left` watches, and no more. */
function exhausted(code: string, left = 0): typeof watch {
  let given = 0;
  return ((...args: Parameters<typeof watch>) => {
    if (given++ >= left) throw Object.assign(new Error(`${code}: too many`), { code });
    return watch(...args);
  }) as typeof watch;
}

test.each([['EMFILE', 0], ['ENOSPC', 1]] as const)('where the system has no more watches (%s after %i), files are looked at', async (code, left) => {
  const { saved, polling } = start(exhausted(code, left));
  expect(polling()).toBe(code);
  writeFileSync(join(folder, '01-echo', 'echo.ts'), 'longer');
  expect(await saved()).toBe('01-echo/echo.ts');
  // As vim saves.
  writeFileSync(join(folder, '01-echo', '.echo.ts.swp'), 'second');
  renameSync(join(folder, '01-echo', '.echo.ts.swp'), join(folder, '01-echo', 'echo.ts'));
  expect(await saved()).toBe('01-echo/echo.ts');
  mkdirSync(join(folder, '01-echo', 'steps'));
  writeFileSync(join(folder, '01-echo', 'steps', 'one.ts'), '');
  expect(await saved()).toBe('01-echo/steps/one.ts');
  rmSync(join(folder, '01-echo'), { recursive: true });
  expect(await saved()).toMatch(/^01-echo\//);
});

test('a folder that is gone does not count as that', async () => {
  rmSync(join(folder, '01-echo'), { recursive: true });
  const { saved, polling } = start();
  mkdirSync(join(folder, '01-echo'));
  writeFileSync(join(folder, '01-echo', 'echo.ts'), 'back');
  expect(await saved()).toMatch(/^01-echo/);
  expect(polling()).toBeUndefined();
});
