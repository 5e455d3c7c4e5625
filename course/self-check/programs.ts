/** Checks that are programs of their own: the tools' tests, the linter, the API reference. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { chapterName, readyChapters } from '../manifest.ts';
import { ROOT } from '../root.ts';
import type { JobPool } from './job-pool.ts';
import { oneUnit, sum } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import type { Tell } from './progress.ts';
import { scratch } from './scratch.ts';

/** As much of what a program printed as a person reads. */
const LINES_MAX = 25;

/** A command of the course that says by its exit code whether all is well. */
export async function checkCommand(pool: JobPool, command: string): Promise<Outcome> {
  const { ok, output } = await pool.program(1, [join('course', 'ten.mjs'), command]);
  return oneUnit(ok ? [] : [`npm run ${command} fails:\n${lastLines(output)}`]);
}

/** The API reference builds, and nothing that it says is a warning. */
export async function checkDocs(pool: JobPool): Promise<Outcome> {
  const { ok, output } = await pool.program(1, [join('course', 'ten.mjs'), 'docs']);
  const clean = ok && !/\[warning\]|\bwarning:/i.test(output);
  return oneUnit(clean ? [] : [`npm run docs ${ok ? 'warns' : 'fails'}:\n${lastLines(output)}`]);
}

/** How many inputs each fuzzer is given: bounded, so that CI ends. */
const FUZZED_INPUTS = 4000;

/** Every chapter that has a `fuzz.ts` beside its tests is fuzzed, each time with another seed, which is printed. */
export async function checkFuzz(pool: JobPool): Promise<Outcome> {
  const fuzzers = readyChapters.map((chapter) => join('tests', chapterName(chapter), 'fuzz.ts')).filter((file) => existsSync(join(ROOT, file)));
  const outcomes = fuzzers.map(async (file) => {
    const { ok, output } = await pool.program(1, [file, '--subject', 'solutions', '--count', String(FUZZED_INPUTS)]);
    return oneUnit(ok ? [] : [`${file} found something:\n${lastLines(output)}`]);
  });
  return sum(await Promise.all(outcomes));
}

interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string; readonly failureMessages: readonly string[] | null }[];
  }[];
}

/** Tests that start whole commands or whole runs, which takes seconds each: `*.whole.test.ts`. */
const WHOLE = '**/*.whole.test.ts';

/** Tests of what runs the course: each is a unit. Those of whole runs are left to `test:all`. */
export async function checkTools(pool: JobPool, _tell: Tell, all: boolean): Promise<Outcome> {
  const report = scratch('tools.json');
  rmSync(report, { force: true });
  const cores = Math.max(1, pool.cores - 1);
  const vitest = join('node_modules', 'vitest', 'vitest.mjs');
  const config = join('course', 'self-check', 'vitest.config.ts');
  const { output } = await pool.program(cores, [vitest, 'run', '--config', config, `--maxWorkers=${cores}`, '--reporter=json', `--outputFile=${report}`, ...(all ? [] : [`--exclude=${WHOLE}`])]);
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
