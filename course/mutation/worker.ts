/**
 * A process that holds the hidden tests of one chapter and runs rules on demand.
 *
 *     node worker.ts TEST_FILE…      told by IPC what to run, see messages.ts
 *
 * The code under test runs in children of this process, as in every check. The
 * active mutant reaches them through the environment; each rule starts a child
 * of its own, so mutants in code that runs once, on load, are switched on too.
 */
import { pathToFileURL } from 'node:url';
import { cleanUp, rules, Skipped, standIn } from '../vitest-stand-in.ts';
import type { Failure, FromWorker, Job } from './messages.ts';

const RSS_BYTES_MAX = 2 * 2 ** 30;

standIn();

/** What nobody awaited. vitest fails a run for it, so it kills a mutant here. */
let stray: unknown;
process.on('unhandledRejection', (error) => (stray ??= error));
process.on('uncaughtException', (error) => (stray ??= error));
process.on('disconnect', () => process.exit(0));

const say = (message: FromWorker): void => void process.send?.(message);

/** Resolves to the verdict `timeout` where a rule takes too long or too much memory. */
function limit(ms: number): { exceeded: Promise<string>; clear: () => void } {
  const { promise, resolve } = Promise.withResolvers<string>();
  const late = setTimeout(() => resolve(`no verdict after ${Math.round(ms / 1000)} s`), ms);
  const memory = setInterval(() => {
    if (process.memoryUsage.rss() > RSS_BYTES_MAX) resolve('the test process was flooded');
  }, 250);
  return {
    exceeded: promise,
    clear: () => {
      clearTimeout(late);
      clearInterval(memory);
    },
  };
}

async function runRule(id: string, ruleMs: number): Promise<Failure | 'passed' | 'skipped'> {
  const rule = rules.get(id);
  if (!rule) throw new Error(`there is no rule ${id}`);
  const skip = (reason = ''): never => {
    throw new Skipped(reason);
  };
  const { exceeded, clear } = limit(ruleMs);
  try {
    const received = await Promise.race([exceeded, (async () => void (await rule.body({ task: { meta: {} }, skip })))()]);
    if (received !== undefined) return { rule: id, kind: 'timeout', received };
    if (stray !== undefined) throw stray;
    return 'passed';
  } catch (error) {
    if (error instanceof Skipped) return 'skipped';
    const { report } = error as { report?: { kind: string; received: string } };
    return { rule: id, kind: report?.kind ?? 'error', received: report?.received ?? String(error) };
  } finally {
    clear();
    stray = undefined;
  }
}

function setEnvironment(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

async function run(job: Job): Promise<void> {
  setEnvironment('__STRYKER_ACTIVE_MUTANT__', job.mutant);
  setEnvironment('MUTATION_COVERAGE', job.coverageFile);
  const started = performance.now();
  const skipped: string[] = [];
  let failure: Failure | undefined;
  for (const id of job.rules) {
    const verdict = await runRule(id, job.ruleMs);
    if (verdict === 'skipped') skipped.push(id);
    else if (verdict !== 'passed') {
      failure = verdict;
      break;
    }
  }
  const ms = Math.round(performance.now() - started);
  // The process that stands by for the next rule carries this mutant: it must go.
  if (failure?.kind !== 'timeout') await cleanUp();
  say({ type: 'done', ...(failure ? { failure } : {}), skipped, ms });
}

try {
  for (const file of process.argv.slice(2)) await import(pathToFileURL(file).href);
} catch (error) {
  // Not as a stray one: nobody would ever hear of it.
  console.error(error);
  process.exit(1);
}
process.on('message', (job: Job) => void run(job));
say({ type: 'ready', rules: [...rules.keys()] });
