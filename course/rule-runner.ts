/**
 * Runs hidden tests in this process, without vitest: for the course's check of
 * itself, which runs thousands of them. A learner's check is check.ts; both say
 * the same of the same code.
 *
 * Test files are loaded once and kept. The code under test runs in processes of
 * its own, as in every check, and none of them is left when a run is over.
 */
import { pathToFileURL } from 'node:url';
import type { CheckResult } from './check-result.ts';
import { Guard } from './guard.ts';
import { checkResult, exerciseResult, exercisesOf, testFileOf } from './results.ts';
import type { CheckOptions, SeenRule } from './results.ts';
import { sweep } from './sweep.ts';
import { cleanUp, rules, Skipped, standIn } from './vitest-stand-in.ts';
import type { DeclaredRule, TestContext } from './vitest-stand-in.ts';

export interface RuleRunOptions extends CheckOptions {
  /** At most this number of rules of each exercise: the first ones that this machine can run. */
  rulesMax?: number;
  /** The code is trusted: rules may share its processes. One that fails in company is run again alone before it counts. */
  shared?: boolean;
}

standIn();
const guard = new Guard();
process.env['TEN_RUN'] = guard.folder;

/** What nobody awaited: no rule can answer for it, so the run does. */
const strays: unknown[] = [];
process.on('unhandledRejection', (error) => strays.push(error));
process.on('uncaughtException', (error) => strays.push(error));

/** Runs the rules that are asked for, one after another. */
export async function runRules(options: RuleRunOptions): Promise<CheckResult> {
  const startedAt = new Date();
  const seed = options.seed ?? Math.floor(Math.random() * 1_000_000);
  Object.assign(process.env, { TEN_SUBJECT: options.tree, TEN_SEED: String(seed), TEN_PROCESSES: options.shared ? 'shared' : 'new' });
  const problems: unknown[] = [];
  const found = [];
  let failed = false;
  for (const exercise of exercisesOf(options)) {
    const seen: SeenRule[] = [];
    try {
      for (const rule of await rulesIn(testFileOf(options.chapter, exercise))) {
        const wanted: boolean = (options.rule ?? rule.meta.id) === rule.meta.id
          && !(options.bail && failed)
          && seen.filter(({ state, note }) => state !== 'skipped' || note === 'busy').length < (options.rulesMax ?? Infinity);
        const result: SeenRule = wanted ? await runRule(rule) : { name: rule.name, meta: rule.meta, state: 'skipped', note: 'not run', durationMs: 0 };
        failed ||= result.state === 'failed' || result.note === 'busy';
        seen.push(result);
      }
    } catch (error) {
      problems.push(error);
    }
    await cleanUp();
    found.push(exerciseResult(exercise, seen));
  }
  sweep(guard.folder);
  problems.push(...strays.splice(0));
  return checkResult(options, found, { seed, startedAt, problems });
}

/** The ids of the rules of each test file that was loaded. */
const loaded = new Map<string, readonly string[]>();

/** The rules of a test file, in its order. */
async function rulesIn(file: string): Promise<readonly DeclaredRule[]> {
  let ids = loaded.get(file);
  if (ids === undefined) {
    const before = new Set(rules.keys());
    await import(pathToFileURL(file).href);
    ids = [...rules.keys()].filter((id) => !before.has(id));
    loaded.set(file, ids);
  }
  return ids.map((id) => rules.get(id) as DeclaredRule);
}

async function runRule({ name, meta, body }: DeclaredRule): Promise<SeenRule> {
  const startedMs = performance.now();
  const context: TestContext = {
    task: { meta: {} },
    skip: (reason) => {
      throw new Skipped(reason);
    },
  };
  const end = (state: SeenRule['state'], more: Partial<SeenRule> = {}): SeenRule =>
    ({ name, meta: context.task.meta.rule ?? meta, state, durationMs: performance.now() - startedMs, ...more });
  try {
    await body(context);
    return end('passed');
  } catch (error) {
    if (error instanceof Skipped) return end('skipped', { note: error.message });
    return end('failed', { error: error instanceof Error ? error.message : String(error) });
  }
}
