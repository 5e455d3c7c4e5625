/** Checks that are programs of their own: the tools' tests, the linter, the API reference. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../root.ts';
import type { JobPool } from './job-pool.ts';
import { oneUnit } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { scratch } from './scratch.ts';

/** A program that is still running after this long is killed, in milliseconds. */
const PROGRAM_MS_MAX = 10 * 60_000;
/** As much of what a program printed as a person reads. */
const LINES_MAX = 25;

interface Ended {
  readonly ok: boolean;
  readonly output: string;
}

async function runNode(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return await new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...env },
      timeout: PROGRAM_MS_MAX,
      killSignal: 'SIGKILL',
      windowsHide: true,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', (error) => resolve({ ok: false, output: error.message }));
    child.on('close', (code, signal) => resolve({ ok: code === 0, output: signal === null ? output : `${output}\nended by ${signal}` }));
  });
}

/** A command of the course that says by its exit code whether all is well. */
export async function checkCommand(pool: JobPool, command: string): Promise<Outcome> {
  const { ok, output } = await pool.hold(1, async () => await runNode([join('course', 'ten.mjs'), command]));
  return oneUnit(ok ? [] : [`npm run ${command} fails:\n${lastLines(output)}`]);
}

/** The API reference builds, and nothing that it says is a warning. */
export async function checkDocs(pool: JobPool): Promise<Outcome> {
  const { ok, output } = await pool.hold(1, async () => await runNode([join('course', 'ten.mjs'), 'docs']));
  const clean = ok && !/\[warning\]|\bwarning:/i.test(output);
  return oneUnit(clean ? [] : [`npm run docs ${ok ? 'warns' : 'fails'}:\n${lastLines(output)}`]);
}

interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string; readonly failureMessages: readonly string[] | null }[];
  }[];
}

/** Tests of what runs the course: each is a unit. */
export async function checkTools(pool: JobPool): Promise<Outcome> {
  const report = scratch('tools.json');
  rmSync(report, { force: true });
  const cores = Math.max(1, Math.min(2, pool.cores - 1));
  const vitest = join('node_modules', 'vitest', 'vitest.mjs');
  const config = join('course', 'self-check', 'vitest.config.ts');
  const { output } = await pool.hold(cores, async () =>
    await runNode([vitest, 'run', '--config', config, `--maxWorkers=${cores}`, '--reporter=json', `--outputFile=${report}`], { TEN_SCRATCH: undefined }),
  );
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: [], faults: [`the tools' tests did not come to their end:\n${lastLines(output)}`] };
  return toolsOutcome(JSON.parse(readFileSync(report, 'utf8')) as VitestReport);
}

function toolsOutcome({ testResults }: VitestReport): Outcome {
  const tests = testResults.flatMap((file) => file.assertionResults.map((test) => ({ ...test, file: file.name.replace(ROOT, '').replace(/^[\\/]/, '') })));
  const failed = tests.filter((test) => test.status === 'failed');
  const skipped = tests.filter((test) => test.status !== 'failed' && test.status !== 'passed');
  const broken = testResults.filter((file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'));
  return {
    passed: tests.length - failed.length - skipped.length,
    failed: failed.length + broken.length,
    skipped: skipped.map((test) => `${test.file}: ${test.fullName}`),
    faults: [
      ...failed.map((test) => `${test.file}: ${test.fullName}: ${(test.failureMessages?.[0] ?? '').split('\n')[0]}`),
      ...broken.map((file) => `${file.name.replace(ROOT, '')}: ${file.message}`),
    ],
  };
}

function lastLines(output: string): string {
  return output.trimEnd().split('\n').slice(-LINES_MAX).map((line) => `    ${line}`).join('\n');
}
