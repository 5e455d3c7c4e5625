/**
 * The course checks itself: `npm test`, and with more patience `npm run test:all`.
 *
 * What it looks at is the list below. A check that ends says so on a line; a
 * fault is a sentence that says what to do; the last line is what a machine
 * reads.
 */
import { styleText } from 'node:util';
import { listed } from '../screen.ts';
import { starterDrift } from '../starters.ts';
import { checkSubmissions } from '../submissions.ts';
import { JobPool } from './job-pool.ts';
import { checkLeftOver, markRun } from './left-over.ts';
import { oneUnit } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { checkCommand, checkDocs, checkFuzz, checkTools } from './programs.ts';
import { Progress } from './progress.ts';
import type { Tell } from './progress.ts';
import { checkReferences } from './references.ts';
import { scratch } from './scratch.ts';
import { checkStarters } from './starters.ts';

interface SelfCheck {
  /** A word or two, shown in the progress. */
  readonly name: string;
  /** What holds when it passes. */
  readonly sentence: string;
  /**
   * Roughly the core seconds that it takes in `npm test` and in `test:all`: by
   * them the time that is left is estimated. 0: it is left to `test:all`.
   */
  readonly seconds: readonly [test: number, all: number];
  /** What only `test:all` looks at, where `npm test` does the rest. */
  readonly rest?: string;
  /**
   * Does the work. Whatever takes a core goes through the pool, which lets no
   * more run at once than the machine has cores.
   */
  readonly run: (pool: JobPool, tell: Tell, all: boolean) => Promise<Outcome>;
}

/** A check that a module of this folder does in one go. */
function faultsOf(module: string): SelfCheck['run'] {
  return async (pool, _tell, all) => await pool.faults(module, all);
}

/** The short ones first, whose faults are then seen at once; after them the longest first, so that nothing long is left for the end. */
const CHECKS: readonly SelfCheck[] = [
  { name: 'repository', sentence: 'nothing names the machine that it was written on', seconds: [1, 1], run: faultsOf('repository.ts') },
  { name: 'manifest', sentence: 'what the manifest promises is there, and tests keep the house rules', seconds: [1, 1], run: faultsOf('map.ts') },
  { name: 'imports', sentence: 'chapters import only what they build on, and nothing in circles', seconds: [2, 2], run: faultsOf('imports.ts') },
  { name: 'lessons', sentence: 'code, commands and links in the lessons are right', seconds: [3, 3], run: faultsOf('lessons.ts') },
  { name: 'pattern', sentence: 'the learner writes at least half of a server that can be read in an evening', seconds: [2, 2], run: faultsOf('pattern.ts') },
  { name: 'pack', sentence: 'the packed starters are those in chapters/', seconds: [0, 1], run: checkPack },
  { name: 'tools', sentence: "the tools' own tests pass", seconds: [40, 300], rest: 'whole runs of the tools', run: checkTools },
  { name: 'types', sentence: 'everything typechecks', seconds: [25, 80], rest: 'types of the submissions', run: faultsOf('types.ts') },
  { name: 'surface', sentence: 'starters and reference export the same names with the same types', seconds: [10, 10], run: faultsOf('surface.ts') },
  { name: 'promises', sentence: 'no promise of a server is left without a handler', seconds: [5, 5], run: faultsOf('promises.ts') },
  { name: 'lint', sentence: 'the linter has nothing to say', seconds: [0, 5], run: async (pool) => await checkCommand(pool, 'lint') },
  { name: 'docs', sentence: 'the API reference builds without a warning', seconds: [0, 15], run: checkDocs },
  { name: 'reference', sentence: 'the reference passes the hidden tests', seconds: [100, 300], rest: 'most rules of slow chapters, and each rule in a process of its own', run: checkReferences },
  { name: 'starters', sentence: 'every untouched starter fails with the message that was meant', seconds: [15, 150], rest: 'all rules on the starters', run: checkStarters },
  { name: 'fuzz', sentence: 'parsers take any bytes, however they are cut', seconds: [0, 30], run: checkFuzz },
  { name: 'submissions', sentence: 'wrong ones are caught by their rule, right ones pass, stages stop where they end', seconds: [0, 900], run: checkSubmissions },
];

/** When all others are over. */
function lastCheck(mark: string): SelfCheck {
  return { name: 'processes', sentence: 'no process is left behind', seconds: [1, 1], run: async () => await checkLeftOver(mark) };
}

/** In a learner's clone they differ from the first save on, so this is for the maintainer. */
async function checkPack(): Promise<Outcome> {
  const files = starterDrift();
  return await Promise.resolve(oneUnit(files.map((file) => `chapters/${file} is not what is packed in course/starters.md: npm run pack-starters packs them`)));
}

export interface SelfCheckOptions {
  /** What CI runs: submissions, lint, API reference and pack too. */
  all: boolean;
}

/** Runs the checks and prints what they find. Resolves to the exit code: 0 or 1. */
export async function selfCheck({ all }: SelfCheckOptions): Promise<number> {
  const costOf = ({ seconds }: SelfCheck): number => seconds[all ? 1 : 0];
  const chosen = CHECKS.filter((check) => costOf(check) > 0);
  const strict = process.env['REQUIRE_ALL'] === '1';
  scratch();
  const mark = markRun();
  const pool = new JobPool();
  console.log(`The course checks itself: ${chosen.length + 1} checks on ${pool.cores} cores.\n`);
  const last = lastCheck(mark);
  const progress = new Progress(new Map([...chosen, last].map((check) => [check.name, costOf(check)])));
  const totals = { passed: 0, failed: 0, skipped: 0 };
  const run = async (check: SelfCheck): Promise<{ check: SelfCheck; outcome: Outcome }> => {
    const started = performance.now();
    const outcome = strictly(await outcomeOf(check, pool, (done, of) => progress.tell(check.name, done, of), all), strict);
    totals.passed += outcome.passed;
    totals.failed += outcome.failed;
    totals.skipped += outcome.skipped.length;
    progress.end(check.name, lineOf(check, outcome, performance.now() - started));
    return { check, outcome };
  };
  const reports = await Promise.all(chosen.map(run));
  pool.close();
  reports.push(await run(last));
  progress.close();
  for (const { check, outcome } of reports) printFaults(check, outcome, strict);
  const left = CHECKS.flatMap((check) => (costOf(check) === 0 ? check.name : check.rest ?? []));
  if (!all) console.log(`\nLeft to \`npm run test:all\`: ${listed(left)}.`);
  const skipped = totals.skipped > 0 && !strict ? `, ${totals.skipped} skipped` : '';
  console.log(`\n${totals.passed} passed, ${totals.failed} failed${skipped}`);
  return totals.failed === 0 ? 0 : 1;
}

/** A check that breaks is a check that fails. */
async function outcomeOf(check: SelfCheck, pool: JobPool, tell: Tell, all: boolean): Promise<Outcome> {
  try {
    const outcome = await check.run(pool, tell, all);
    if (outcome.passed + outcome.failed + outcome.skipped.length > 0) return outcome;
    return { passed: 0, failed: 1, skipped: [], faults: ['it found nothing to look at'] };
  } catch (error) {
    return { passed: 0, failed: 1, skipped: [], faults: [error instanceof Error ? error.message : String(error)] };
  }
}

/** Where nothing may be skipped, a skip is a failure. */
function strictly(outcome: Outcome, strict: boolean): Outcome {
  if (!strict) return outcome;
  return { ...outcome, failed: outcome.failed + outcome.skipped.length };
}

function lineOf({ name, sentence }: SelfCheck, outcome: Outcome, durationMs: number): string {
  const { passed, failed, skipped } = outcome;
  const units = passed + failed > 1 ? ` (${passed} of ${passed + failed})` : '';
  const some = skipped.length > 0 ? ` (${skipped.length} skipped)` : '';
  const seconds = `${(durationMs / 1000).toFixed(1)} s`;
  const sign = failed === 0 ? styleText('green', '✓') : styleText('red', '✗ FAILED');
  const measured = (outcome.figures ?? []).map((line) => `\n${' '.repeat(17)}${line}`).join('');
  return `  ${sign} ${name.padEnd(12)} ${sentence}${units}${some}  ${styleText('gray', seconds)}${measured}`;
}

function printFaults({ name }: SelfCheck, { failed, faults, skipped, notes = [] }: Outcome, strict: boolean): void {
  if (failed > 0) {
    console.log(`\n${styleText('red', `✗ ${name}`)}`);
    for (const fault of faults) console.log(`  - ${fault}`);
  }
  if (skipped.length > 0) {
    console.log(`\n– ${name}: skipped on this machine${strict ? ', which REQUIRE_ALL=1 does not allow' : ''}`);
    for (const reason of skipped) console.log(`  - ${reason}`);
  }
  if (notes.length > 0) {
    console.log(`\n– ${name}: no failure, and worth a look`);
    for (const note of notes) console.log(`  - ${note}`);
  }
}
