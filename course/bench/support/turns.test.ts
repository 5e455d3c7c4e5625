import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

/** The module keeps in mind that somebody wants an end: each test has one of its own. */
async function fresh(): Promise<typeof import('./turns.ts')> {
  vi.resetModules();
  return await import('./turns.ts');
}

const said: string[] = [];
const servers = [{ name: 'one' }, { name: 'two' }, { name: 'three' }];

beforeEach(() => {
  said.length = 0;
  vi.spyOn(console, 'log').mockImplementation((line: string) => void said.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe('what is measured in turns', () => {
  test('is kept of all but the one that fails, and that is said once', async () => {
    const { inTurns, benchExitCode } = await fresh();
    const measured = await inTurns('large', servers, 2, async ({ name }, warmsUp) => {
      if (name === 'two' && !warmsUp) throw new Error('it has none of that');
      return await Promise.resolve(`${name}, ${warmsUp}`);
    });
    expect([...measured].map(([{ name }, rounds]) => [name, rounds])).toEqual([
      ['one', ['one, false', 'one, false']],
      ['three', ['three, false', 'three, false']],
    ]);
    expect(said).toEqual(['Without two in large: it has none of that']);
    expect(benchExitCode()).toBe(0);
  });

  test('is kept when somebody wants an end; nothing more is begun, and the file says that it is not all', async () => {
    const { announce, attempt, benchExitCode, inTurns, keepWhatIsMeasured, writeResults } = await fresh();
    keepWhatIsMeasured();
    let calls = 0;
    const measured = await inTurns('large', servers, 3, async (_, warmsUp) => {
      calls++;
      // In the first round that counts, during the second server's measurement.
      if (!warmsUp && calls === 5) process.emit('SIGTERM', 'SIGTERM');
      return await Promise.resolve(calls);
    });
    expect([...measured].map(([{ name }, rounds]) => [name, rounds])).toEqual([['one', [4]]]);
    expect(await attempt('more', () => calls++)).toBeNull();
    announce('more');
    expect(calls).toBe(5);
    expect(said).toHaveLength(1);
    expect(benchExitCode()).toBe(130);
    const folder = mkdtempSync(join(tmpdir(), 'bench-'));
    writeResults(join(folder, 'results.json'), { rows: [1] });
    expect(JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'))).toEqual({ complete: false, rows: [1] });
    rmSync(folder, { recursive: true });
  });
});
