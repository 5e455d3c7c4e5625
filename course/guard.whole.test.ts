/** However a run ends, nothing that it started is left. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isRunning, untilGone } from '#support/fixtures/evil.ts';
import { ROOT, SOLUTIONS } from './root.ts';

let folder = '';

/** A chapter 01 that starts children of its own, writes down every process, and then hangs. */
function evilTree(): string {
  const tree = join(folder, 'tree');
  cpSync(join(SOLUTIONS, '01-echo'), join(tree, '01-echo'), { recursive: true });
  const children = join(folder, 'pids');
  mkdirSync(children);
  writeFileSync(
    join(tree, '01-echo', 'echo.ts'),
    `import { spawn } from 'node:child_process';
    import { writeFileSync } from 'node:fs';
    export const CONNECTIONS_MAX = 1;
    const note = (pid: number | undefined): void => writeFileSync(${JSON.stringify(children)} + '/' + pid, '');
    export function createEchoServer(): never {
      process.on('SIGTERM', () => {});
      note(process.pid);
      const idle = ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)'];
      note(spawn(process.execPath, idle, { stdio: 'inherit' }).pid);
      ${process.platform === 'linux' ? "note(spawn(process.execPath, idle, { stdio: 'ignore', detached: true }).pid);" : ''}
      for (;;);
    }`,
  );
  return tree;
}

function startedPids(): number[] {
  return readdirSync(join(folder, 'pids')).map(Number);
}

function startRunner(tree: string): ChildProcess {
  const script = `
    import { runCheck } from ${JSON.stringify(join(ROOT, 'course', 'check.ts'))};
    import { chapters } from ${JSON.stringify(join(ROOT, 'course', 'manifest.ts'))};
    const options = { chapter: chapters[0], exercise: '1.1', tree: ${JSON.stringify(tree)}, subject: 'evil', bail: true, workers: 1 };
    const { exercises } = await runCheck(options);
    console.log(JSON.stringify(exercises[0].rules[0].failure.kind));`;
  const file = join(folder, 'runner.ts');
  writeFileSync(file, script);
  return spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'], cwd: ROOT });
}

/** Every process below this one, as the system tells it. */
function descendants(pid: number): number[] {
  if (process.platform !== 'linux') return [];
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((other) => parentOf(other) === pid);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]);
  } catch {
    return undefined;
  }
}

async function until(condition: () => boolean): Promise<void> {
  const { setTimeout: pause } = await import('node:timers/promises');
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('it did not come to that in 20 s');
    await pause(20);
  }
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ten-guard-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('nothing is left', () => {
  const started = process.platform === 'linux' ? 3 : 2;

  test('when a run comes to its end', async () => {
    const runner = startRunner(evilTree());
    let printed = '';
    runner.stdout?.on('data', (text: Buffer) => (printed += text.toString()));
    await new Promise((resolve) => runner.on('exit', resolve));
    expect(printed.trim()).toBe('"blocked"');
    expect(startedPids().length).toBeGreaterThanOrEqual(started);
    expect(await untilGone(startedPids())).toEqual([]);
  });

  test.for(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)('when the runner gets %s', async (signal) => {
    const runner = startRunner(evilTree());
    const ended = new Promise((resolve) => runner.on('exit', resolve));
    await until(() => startedPids().length >= started);
    const pids = [...descendants(runner.pid as number), ...startedPids()];
    expect(pids.every(isRunning)).toBe(true);
    runner.kill(signal);
    await ended;
    expect(await untilGone(pids)).toEqual([]);
  });
});
