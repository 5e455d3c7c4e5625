/**
 * Mutation testing: do the hidden tests notice when the reference is changed?
 *
 *     node course/mutation/run.ts chapter-01 [--files GLOB] [--concurrency N] [--seed N]
 *                                            [--survivors] [--rules ID,ID…] [--confirm] [--engine tuned]
 *
 * Each mutant is one small change to `solutions/NN-name`. The rules that reach
 * it run against it until one fails, which kills it; a mutant that no rule
 * notices survives, and either a rule is missing or the change makes no
 * difference: what `ignored.ts` excuses does not count, where nothing kills it.
 * `--survivors` runs what the last full run did not kill, and what is new, and
 * brings its report up to date; with `--rules` only by these rules, which is what
 * one does after writing them. With `--confirm` a rule must fail twice to kill.
 * `--engine tuned` takes the chapter of `solutions/10-bake-off/tuned`.
 * Reports go to `.ten-servers/mutation/chapter-NN.json` and `.md`; of a run on
 * some of the files, to `chapter-NN-partial.…`.
 *
 * Exit codes: 0 done and at least 85 % killed, 1 fewer or it could not be done, 2 wrong use.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { chapterName } from '../manifest.ts';
import type { Chapter } from '../manifest.ts';
import { findTarget } from '../names.ts';
import { Problem, UsageProblem } from '../problem.ts';
import { ROOT, shown, STATE } from '../root.ts';
import { TUNED, tunedChapters } from '../tuned.ts';
import { excuseOf, ignored } from './ignored.ts';
import { isGiven, makeSandbox, mutableFiles } from './mutants.ts';
import type { Mutant } from './mutants.ts';
import type { Failure, Job } from './messages.ts';
import { RuleOrder } from './order.ts';
import { Pool, warmUp } from './pool.ts';
import type { Outcome } from './pool.ts';
import { countsOf, describeChange, describeMutant, isSurvivor, scoreOf, summaryOf, toMarkdown } from './report.ts';
import type { MutantResult, MutationReport } from './report.ts';

const SCORE_MIN = 85;
/** A rule on the reference may take this long, and on a mutant this long and some times its usual time. */
const RULE_MS = 20_000;
const USUAL_TIMES = 5;

interface Settings {
  chapter: Chapter;
  /** The folder that holds them, below `solutions/`. */
  from: string;
  files: string[];
  concurrency: number;
  seed: number;
  /** Only what survived in the last full run. */
  survivors: boolean;
  /** Only these; undefined for all. */
  rules: readonly string[] | undefined;
  /** Run a rule that failed a second time: it may just be a busy machine, and not the mutant. */
  confirm: boolean;
}

function settings(): Settings {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      files: { type: 'string', default: '**' },
      concurrency: { type: 'string', default: '2' },
      seed: { type: 'string', default: '1' },
      survivors: { type: 'boolean', default: false },
      rules: { type: 'string' },
      confirm: { type: 'boolean', default: false },
      engine: { type: 'string' },
    },
  });
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) {
    throw new UsageProblem('usage: node course/mutation/run.ts chapter-01 [--files GLOB] [--concurrency N] [--seed N] [--survivors] [--rules ID,ID…] [--confirm] [--engine tuned]');
  }
  if (values.rules !== undefined && !values.survivors) throw new UsageProblem('--rules goes with --survivors: a score is of all rules');
  const { chapter } = findTarget(name);
  if (values.engine !== undefined && (values.engine !== 'tuned' || !tunedChapters().includes(chapter))) {
    throw new UsageProblem(`--engine ${values.engine}: the one other engine is "tuned", and it holds ${tunedChapters().map(chapterName).join(', ')}`);
  }
  const from = values.engine === undefined ? chapter.folder : `${TUNED.slice('solutions/'.length)}/${chapter.folder}`;
  const files = mutableFiles(from, values.files);
  if (files.length === 0) {
    throw new UsageProblem(`--files ${values.files} matches none of these: ${mutableFiles(from).join(', ')}`);
  }
  const concurrency = Number(values.concurrency);
  if (!Number.isInteger(concurrency) || concurrency < 1) throw new UsageProblem(`--concurrency ${values.concurrency}: a number from 1`);
  const seed = Number(values.seed);
  if (!Number.isInteger(seed)) throw new UsageProblem(`--seed ${values.seed}: a whole number`);
  return { chapter, from, files, concurrency, seed, survivors: values.survivors, rules: values.rules?.split(','), confirm: values.confirm };
}

/** The chapter's test files below a folder, in the order of the course. */
function testFiles(chapter: Chapter, root: string): string[] {
  const folder = join(root, 'tests', chapterName(chapter));
  const step = (file: string): number => Number(/^\d+\.(\d+)-/.exec(file)?.[1] ?? 0);
  const files = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.test.ts')) : [];
  if (files.length === 0) throw new Problem(`tests/${chapterName(chapter)} holds no hidden tests yet.`);
  return files.toSorted((a, b) => step(a) - step(b)).map((file) => join(folder, file));
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/** Runs every rule on the reference: all must pass, and what each reaches is written down. */
async function dryRun(pool: Pool, rules: readonly string[]): Promise<{ reachedBy: Map<string, string[]>; ms: Map<string, number> }> {
  const folder = mkdtempSync(join(STATE, 'mutation', 'reached-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const reachedBy = new Map<string, string[]>();
  const ms = new Map<string, number>();
  const skipped: string[] = [];
  await pool.each(rules, async (rule, run) => {
    const coverageFile = join(folder, rule.replaceAll('/', '_'));
    const outcome = await run({ rules: [rule], coverageFile, ruleMs: 3 * RULE_MS });
    if (!outcome || outcome.failure) {
      throw new Problem(`The reference itself fails ${rule}: ${outcome?.failure?.received ?? 'the test process died'}`);
    }
    ms.set(rule, outcome.ms);
    skipped.push(...outcome.skipped);
    const ids = existsSync(coverageFile) ? readFileSync(coverageFile, 'utf8').split('\n') : [];
    for (const id of new Set(ids)) if (id !== '') reachedBy.set(id, [...(reachedBy.get(id) ?? []), rule]);
    progress(`${ms.size} of ${rules.length} rules on the reference`);
  });
  progress('');
  if (skipped.length > 0) console.log(`skipped on this machine, so they kill nothing: ${skipped.join(', ')}\n`);
  return { reachedBy, ms };
}

interface Verdict {
  failure?: Failure;
  /** Rules that did not fail again when they were asked again. */
  unsteady: string[];
  ms: number;
}

/** Runs a mutant's rules; with `confirm`, a rule must fail twice to kill. */
async function judge(job: Job, run: (job: Job) => Promise<Outcome | undefined>, confirm: boolean): Promise<Verdict> {
  const unsteady: string[] = [];
  let ms = 0;
  for (let rules = job.rules; ;) {
    // A test process may die for another reason once.
    const outcome = (await run({ ...job, rules })) ?? (await run({ ...job, rules }));
    if (!outcome) return { failure: { rule: rules[0] as string, kind: 'timeout', received: 'the test process died' }, unsteady, ms };
    ms += outcome.ms;
    const { failure } = outcome;
    if (!failure) return { unsteady, ms };
    if (!confirm || (await run({ ...job, rules: [failure.rule] }))?.failure) return { failure, unsteady, ms };
    unsteady.push(failure.rule);
    rules = rules.slice(rules.indexOf(failure.rule) + 1);
    if (rules.length === 0) return { unsteady, ms };
  }
}

async function testMutants(pool: Pool, mutants: readonly Mutant[], { confirm, rules: wanted }: Settings): Promise<{ results: MutantResult[]; rules: number }> {
  const all = await pool.rules();
  const unknown = wanted?.find((rule) => !all.includes(rule));
  if (unknown !== undefined) throw new UsageProblem(`there is no rule ${unknown}`);
  const rules = wanted ? all.filter((rule) => wanted.includes(rule)) : all;
  const { reachedBy, ms } = await dryRun(pool, rules);
  const order = new RuleOrder(ms, reachedBy);
  const results: MutantResult[] = [];
  await pool.each(mutants, async (mutant, run) => {
    const excuse = excuseOf(mutant);
    const reaching = reachedBy.get(mutant.id) ?? [];
    const note = (result: Pick<MutantResult, 'status' | 'failure' | 'reason'>, ms = 0): void => {
      results.push({ ...mutant, ...result, reachedBy: reaching.length, ms });
      progress(`${results.length} of ${mutants.length} mutants, ${results.filter(isSurvivor).length} survived`);
    };
    if (reaching.length === 0) return note(excuse ? { status: 'ignored', reason: excuse.reason } : { status: 'not reached' });
    const sorted = order.sort(mutant, reaching);
    const ruleMs = RULE_MS + USUAL_TIMES * Math.max(...reaching.map((rule) => ms.get(rule) ?? 0));
    const job = { mutant: mutant.id, rules: sorted, ruleMs };
    const verdict = await judge(job, run, confirm);
    for (const rule of verdict.unsteady) console.log(`${rule} failed once and passed once on this mutant:\n${describeChange(mutant)}\n`);
    const { failure, ms: took } = verdict;
    order.learn(mutant, failure ? sorted.slice(0, sorted.indexOf(failure.rule)) : sorted, failure?.rule);
    if (!failure) return note(excuse ? { status: 'ignored', reason: excuse.reason } : { status: 'survived' }, took);
    note({ status: failure.kind === 'timeout' || failure.kind === 'blocked' ? 'timeout' : 'killed', failure }, took);
  });
  progress('');
  const position = new Map(mutants.map(({ id }, index) => [id, index]));
  return { results: results.toSorted((a, b) => (position.get(a.id) ?? 0) - (position.get(b.id) ?? 0)), rules: all.length };
}

/** What stays the same when the code around a mutant changes. */
const keyOf = ({ file, sourceLine, mutator, original, replacement }: Mutant): string =>
  JSON.stringify([file, sourceLine, mutator, original, replacement]);

/** What the last full run said, by key. */
function lastRun(reportFile: string): Map<string, MutantResult> {
  if (!existsSync(reportFile)) throw new Problem(`${shown(reportFile)} is not there: run without --survivors first.`);
  const { mutants } = JSON.parse(readFileSync(reportFile, 'utf8')) as MutationReport;
  return new Map(mutants.map((mutant) => [keyOf(mutant), mutant]));
}

/** Whether it need not be run again: it was killed, or it survived and has an excuse. */
function isSettled(before: MutantResult | undefined): boolean {
  return before !== undefined && (!isSurvivor(before) || excuseOf(before) !== undefined);
}

/** The results of this run, and of the last one for what this one did not run or by other rules, in the order of the code. */
function broughtUpToDate(all: readonly Mutant[], last: ReadonlyMap<string, MutantResult>, seen: readonly MutantResult[]): MutantResult[] {
  const byId = new Map(seen.map((result) => [result.id, result]));
  return all.flatMap((mutant) => {
    const before = last.get(keyOf(mutant));
    const now = byId.get(mutant.id);
    if (!before || (now && !isSurvivor(now))) return now ?? [];
    const excuse = isSurvivor(before) ? excuseOf(mutant) : undefined;
    return [{ ...before, ...(now?.status === 'survived' ? now : mutant), ...(excuse && { status: 'ignored' as const, reason: excuse.reason }), reachedBy: before.reachedBy + (now?.reachedBy ?? 0) }];
  });
}

async function main(): Promise<number> {
  const wish = settings();
  const { chapter, from, files, concurrency, seed, survivors } = wish;
  const whole = files.length === mutableFiles(from).length;
  const reportFile = join(STATE, 'mutation', `${chapterName(chapter)}${from === chapter.folder ? '' : '-tuned'}`);
  const last = survivors ? lastRun(`${reportFile}.json`) : undefined;
  const startedAt = new Date();
  testFiles(chapter, ROOT);
  const { sandbox, mutants: all } = await makeSandbox(chapter, from, files);
  process.on('exit', () => rmSync(sandbox, { recursive: true, force: true }));
  const mutants = last ? all.filter((mutant) => !isSettled(last.get(keyOf(mutant)))) : all;
  const tests = testFiles(chapter, sandbox);
  await warmUp(sandbox, join(dirname(tests[0] as string), 'driver.ts'));
  const pool = new Pool({ testFiles: tests, sandbox, seed, concurrency });
  const stop = (): never => process.exit(1);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  process.on('exit', () => pool.stop());
  const { results: seen, rules } = await testMutants(pool, mutants, wish);
  const results = last ? broughtUpToDate(all, last, seen) : seen;

  const counts = countsOf(results);
  const given = [...new Set(results.map(({ file }) => file))].filter((file) => isGiven(file));
  const report: MutationReport = {
    version: 1,
    chapter: chapterName(chapter),
    seed,
    startedAt: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
    score: scoreOf(counts),
    rules,
    counts,
    given,
    ownScore: scoreOf(countsOf(results.filter(({ file }) => !given.includes(file)))),
    mutants: results,
  };
  const path = whole ? reportFile : `${reportFile}-partial`;
  writeFileSync(`${path}.json`, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(`${path}.md`, toMarkdown(report));

  for (const mutant of results.filter(isSurvivor)) console.log(`${describeMutant(mutant)}\n`);
  console.log(summaryOf(report));
  if (whole) {
    for (const entry of ignored.filter(({ file }) => file.startsWith(`${from}/`))) {
      if (!results.some((result) => result.status === 'ignored' && excuseOf(result) === entry)) console.log(`ignored.ts excuses nothing with "${[entry.line].flat().join('" or "')}" in ${entry.file}`);
    }
  }
  console.log(`Report: ${shown(`${path}.md`)}`);
  return report.score >= SCORE_MIN ? 0 : 1;
}

try {
  process.exit(await main());
} catch (error) {
  const wrongUse = error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  if (!(error instanceof Problem) && !wrongUse) throw error;
  progress('');
  console.error(error.message);
  process.exit(wrongUse ? 2 : (error as Problem).exitCode);
}
