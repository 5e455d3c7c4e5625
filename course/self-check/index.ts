/**
 * The course checks itself: `npm test`, and with more patience `npm run test:all`.
 *
 * What it looks at is the list below. A check that ends says so on a line; a
 * fault is a sentence that says what to do; the last line is what a machine
 * reads.
 */
import { styleText } from 'node:util';
import { starterDrift } from '../starters.ts';
import { checkSubmissions } from '../submissions.ts';
import { JobPool } from './job-pool.ts';
import { oneUnit } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { checkCommand, checkDocs, checkFuzz, checkTools } from './programs.ts';
import { checkReferences } from './references.ts';
import { scratch } from './scratch.ts';
import { checkStarters } from './starters.ts';

/** Says how far a long check has come. */
export type Tell = (done: number, of: number) => void;

/** How often a run says what it is still at, in milliseconds. */
const PATIENCE_MS = 20_000;

interface SelfCheck {
  /** A few words, shown in the progress. */
  readonly name: string;
  /** What holds when it passes. */
  readonly sentence: string;
  /** Only in `npm run test:all`. */
  readonly all?: true;
  /**
   * Does the work. Whatever takes a core goes through the pool, which lets no
   * more run at once than the machine has cores.
   */
  readonly run: (pool: JobPool, tell: Tell, all: boolean) => Promise<Outcome>;
}

/** The longest first: the short ones fill the gaps. */
const CHECKS: readonly SelfCheck[] = [
  { name: 'tools', sentence: "the tools' own tests pass", run: async (pool, _tell, all) => await checkTools(pool, all) },
  { name: 'types', sentence: 'repository, starters and right submissions typecheck', run: async (pool) => await pool.faults('types.ts') },
  { name: 'surface', sentence: 'starters and reference export the same names with the same types', run: async (pool) => await pool.faults('surface.ts') },
  { name: 'reference', sentence: 'the reference passes every hidden test', run: checkReferences },
  { name: 'starters', sentence: 'every untouched starter fails with the message that was meant', run: checkStarters },
  { name: 'lessons', sentence: 'code, commands and links in the lessons are right', run: async (pool) => await pool.faults('lessons.ts') },
  { name: 'imports', sentence: 'chapters import only what they stand on, and nothing in circles', run: async (pool) => await pool.faults('imports.ts') },
  { name: 'manifest', sentence: 'what the manifest promises is there, and tests keep the house rules', run: async (pool) => await pool.faults('map.ts') },
  { name: 'repository', sentence: 'nothing names the machine that it was written on', run: async (pool) => await pool.faults('repository.ts') },
  { name: 'pack', sentence: 'the packed starters are those in chapters/', all: true, run: checkPack },
  { name: 'lint', sentence: 'the linter has nothing to say', all: true, run: async (pool) => await checkCommand(pool, 'lint') },
  { name: 'docs', sentence: 'the API reference builds without a warning', all: true, run: checkDocs },
  { name: 'fuzz', sentence: 'parsers take any bytes, however they are cut', all: true, run: checkFuzz },
  { name: 'submissions', sentence: 'wrong ones are caught by their rule, right ones pass, stages stop where they end', all: true, run: checkSubmissions },
];

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
export async function selfCheck(options: SelfCheckOptions): Promise<number> {
  const chosen = CHECKS.filter((check) => options.all || !check.all);
  const strict = process.env['REQUIRE_ALL'] === '1';
  scratch();
  const pool = new JobPool();
  console.log(`The course checks itself: ${chosen.length} checks on ${pool.cores} cores.\n`);
  const running = new Map(chosen.map(({ name }) => [name, name]));
  const stillAt = setInterval(() => console.log(styleText('gray', `  … still at ${[...running.values()].join(', ')}`)), PATIENCE_MS);
  const totals = { passed: 0, failed: 0, skipped: 0 };
  const reports = await Promise.all(
    chosen.map(async (check) => {
      const started = performance.now();
      const outcome = strictly(await outcomeOf(check, pool, (done, of) => running.set(check.name, `${check.name} (${done} of ${of})`), options.all), strict);
      running.delete(check.name);
      totals.passed += outcome.passed;
      totals.failed += outcome.failed;
      totals.skipped += outcome.skipped.length;
      printLine(check, outcome, performance.now() - started);
      return { check, outcome };
    }),
  );
  clearInterval(stillAt);
  pool.close();
  for (const { check, outcome } of reports) printFaults(check, outcome, strict);
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

function printLine({ name, sentence }: SelfCheck, outcome: Outcome, durationMs: number): void {
  const { passed, failed, skipped } = outcome;
  const units = passed + failed > 1 ? ` (${passed} of ${passed + failed})` : '';
  const some = skipped.length > 0 ? ` (${skipped.length} skipped)` : '';
  const seconds = `${(durationMs / 1000).toFixed(1)} s`;
  const sign = failed === 0 ? styleText('green', '✓') : styleText('red', '✗ FAILED');
  console.log(`  ${sign} ${name.padEnd(12)} ${sentence}${units}${some}  ${styleText('gray', seconds)}`);
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
