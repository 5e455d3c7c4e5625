/**
 * Runs the hidden tests of a chapter on the reference again and again, on a machine that is kept busy, and tells how
 * often each rule was refused or not judged.
 *
 *     npx tsx course/flaky.ts chapter-01|1.4|1.4/stops-reading --runs 50 --load 16
 *
 * `--load` is how many programs that never rest are started for each core. They are gone when this is. `--subject DIR`
 * takes another tree than the reference; `--seed` is that of the first run. Rules run one after another, in new processes.
 *
 * Exit codes: 0 nothing was refused, 1 something was, 2 wrong use.
 */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { CheckResult, RuleResult } from './check-result.ts';
import { targetOf, treeOf } from './trees.ts';
import { Problem, UsageProblem } from './problem.ts';
import { renderReport } from './report.ts';
import { runRules } from './rule-runner.ts';
import { shortFailure } from './self-check/references.ts';

/**
 * Starts programs that run without end, and gives their pids. They are not our children: a run cannot excuse itself with
 * its own load. They end by themselves if we are gone without having ended them.
 */
function startHogs(howMany: number): number[] {
  const hog = `for (;;) { for (let n = 0; n < 1e9; n++); try { process.kill(${process.pid}, 0); } catch { process.exit(); } }`;
  const starter = `
    const { spawn } = require('node:child_process');
    for (let n = 0; n < ${howMany}; n++) {
      const hog = spawn(process.execPath, ['-e', ${JSON.stringify(hog)}], { stdio: 'ignore', detached: true });
      process.kill(hog.pid, 'SIGSTOP');
      console.log(hog.pid);
    }
    process.exit();`;
  return spawnSync(process.execPath, ['-e', starter], { encoding: 'utf8' }).stdout.split('\n').map(Number).filter((pid) => pid > 0);
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { runs: { type: 'string', default: '10' }, load: { type: 'string', default: '0' }, subject: { type: 'string', default: 'solutions' }, seed: { type: 'string' } },
  });
  const [wanted = ''] = positionals;
  const [name = '', rule] = wanted.split('/');
  const { chapter, exercise } = targetOf('flaky', [name]);
  const tree = treeOf(values.subject, chapter);
  const firstSeed = values.seed === undefined ? Math.floor(Math.random() * 1e6) : Number(values.seed);
  const hogs = startHogs(Math.round(Number(values.load) * availableParallelism()));
  const signal = (which: NodeJS.Signals): void => hogs.forEach((pid) => process.kill(pid, which));
  process.on('exit', () => signal('SIGKILL'));
  for (const which of ['SIGINT', 'SIGTERM'] as const) process.once(which, () => process.exit(1));

  const totals = { passed: 0, busy: 0, failed: 0 };
  const rules = new Map<string, { busy: number; failed: number }>();
  const tell = (one: RuleResult): void => {
    if (one.status !== 'failed' && one.status !== 'busy') return;
    const entry = rules.get(one.id) ?? { busy: 0, failed: 0 };
    entry[one.status]++;
    rules.set(one.id, entry);
    console.log(`   ${one.status} ${one.id} (${(one.durationMs / 1000).toFixed(1)} s): ${shortFailure(one)}`);
  };
  let firstRed: CheckResult | undefined;
  for (let run = 0; run < Number(values.runs); run++) {
    const seed = firstSeed + run;
    const found: RuleResult[] = [];
    const problems: string[] = [];
    for (const { id } of chapter.exercises.filter((one) => exercise === undefined || one.id === exercise.id)) {
      signal('SIGCONT');
      const result = await runRules({ chapter, exercise: id, tree: tree.folder, subject: tree.label, bail: false, seed, ...(rule !== undefined && { rule: wanted }) });
      signal('SIGSTOP');
      const rules = result.exercises.flatMap((one) => one.rules);
      rules.forEach(tell);
      found.push(...rules);
      if (result.problem !== undefined) problems.push(result.problem);
      if (result.problem !== undefined || rules.some(({ status }) => status === 'failed')) firstRed ??= result;
    }
    problems.forEach((problem) => console.log(`   ${problem}`));
    const of = (status: string): number => found.filter((one) => one.status === status).length;
    const verdict = of('failed') > 0 || problems.length > 0 ? 'failed' : of('busy') > 0 ? 'busy' : 'passed';
    if (verdict === 'passed' && of('passed') === 0) throw new UsageProblem(`no rule was run: is there a rule ${wanted}?`);
    totals[verdict]++;
    const seconds = found.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000;
    console.log(`${run + 1}: ${verdict}, ${of('passed')} rules passed, ${of('busy')} not judged, ${of('failed')} failed (${seconds.toFixed(1)} s, seed ${seed})`);
  }
  console.log(`\n${totals.passed} runs passed, ${totals.busy} not judged, ${totals.failed} failed`);
  for (const [id, { busy, failed }] of rules) console.log(`  ${id}: not judged ${busy}, failed ${failed}`);
  if (firstRed) console.log(`\nThe first that failed:\n\n${renderReport(firstRed, { columns: 100, colors: false })}`);
  return totals.failed === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.exit(await main(process.argv.slice(2)));
  } catch (error) {
    console.error(error instanceof Problem ? error.message : error);
    process.exit(2);
  }
}
