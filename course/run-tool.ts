/** Runs another program of the course with its output where ours goes. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { Problem } from './problem.ts';
import { installAdvice, placeProblem } from './requirements.mjs';
import { ROOT } from './root.ts';
import { wrap } from './screen.ts';

/**
 * Runs a JavaScript or TypeScript file with this Node and resolves to its exit
 * code, 128 and the signal's number where a signal ended it.
 *
 * SIGTERM and SIGHUP are passed on. So are SIGINT and SIGQUIT, unless they came
 * from the keyboard: Ctrl-C and Ctrl-\ reach every process of the terminal by
 * themselves, and a server that gets one twice takes the second for impatience.
 */
export function runNode(file: string, args: readonly string[], options: { cwd?: string; nodeOptions?: readonly string[] } = {}): Promise<number> {
  const child = spawn(process.execPath, [...(options.nodeOptions ?? []), file, ...args], { stdio: 'inherit', cwd: options.cwd ?? ROOT });
  const fromKeyboard = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const passOn = new Map<NodeJS.Signals, () => void>();
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const) {
    const typed = signal === 'SIGINT' || signal === 'SIGQUIT';
    const handler = (): void => {
      if (!typed || !fromKeyboard) child.kill(signal);
    };
    passOn.set(signal, handler);
    process.on(signal, handler);
  }
  const orphaned = whenOrphaned(() => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearInterval(orphaned);
      for (const [name, handler] of passOn) process.off(name, handler);
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/**
 * Calls back when npm has gone. A signal that is sent to npm ends the shell
 * between npm and us, and reaches nothing further: without this, a
 * server that nobody can see any more would go on running.
 */
export function whenOrphaned(callback: () => void): NodeJS.Timeout | undefined {
  if (process.env['npm_lifecycle_event'] === undefined || process.platform === 'win32') return undefined;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    callback();
  }, 500);
  return timer.unref();
}

/**
 * Runs an installed tool.
 *
 * @param script its file below node_modules, such as `typescript/bin/tsc`
 */
export function runTool(script: string, args: readonly string[]): Promise<number> {
  const file = join(ROOT, 'node_modules', ...script.split('/'));
  requireInstalled(script.split('/')[0] as string);
  return runNode(file, args);
}

/** @throws {Problem} where the package is not installed */
export function requireInstalled(name: string): void {
  if (existsSync(join(ROOT, 'node_modules', name, 'package.json'))) return;
  throw new Problem(wrap(notInstalled(name)), 2);
}

/** What to do about a package that is missing, and why it is. */
export function notInstalled(name: string): string {
  const { command, why } = installAdvice(ROOT, process.env, false);
  return `The packages of the course are not all installed (${name} is missing): ${why === undefined ? '' : `${why}. Now `}run \`${command}\`.`;
}

/** @throws {Problem} where the tests cannot run: the test runner is missing, or does not bear the path of this folder */
export function requireTestRunner(): void {
  const place = placeProblem(ROOT);
  if (place !== undefined) throw new Problem(wrap(place), 2);
  requireInstalled('vitest');
}
