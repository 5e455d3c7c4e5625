/** The reference passes every hidden test of every chapter, and so do the tuned servers. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckResult, RuleResult } from '../check-result.ts';
import { readyChapters } from '../manifest.ts';
import type { Chapter, Exercise } from '../manifest.ts';
import { testFileOf } from '../results.ts';
import { SOLUTIONS } from '../root.ts';
import { layTuned, tunedChapters } from '../tuned.ts';
import type { JobPool } from './job-pool.ts';
import { sum } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import type { Tell } from './progress.ts';

/** An exercise of a chapter: a job of its own, so that a long chapter does not hold one core to the end. */
export interface Step {
  readonly chapter: Chapter;
  readonly exercise: Exercise;
}

/** Every exercise there is. Those with the longest tests come first: nothing long is left for the end. */
export function allSteps(): readonly Step[] {
  const steps = readyChapters.flatMap((chapter) => chapter.exercises.map((exercise) => ({ chapter, exercise })));
  const length = ({ chapter, exercise }: Step): number => statSync(testFileOf(chapter, exercise)).size;
  return steps.toSorted((one, other) => length(other) - length(one));
}

/** How many rules of each exercise of a slow chapter `npm test` asks. */
const SLOW_RULES_MAX = 2;

/**
 * The reference is trusted, so rules may share its processes. `test:all` asks as
 * a learner's check does: by vitest, each rule in a process of its own. It asks
 * the tuned servers, too, where they are not the reference.
 */
export async function checkReferences(pool: JobPool, tell: Tell, all: boolean): Promise<Outcome> {
  const steps = allSteps();
  const tuned = all ? steps.filter(({ chapter }) => tunedChapters().includes(chapter)) : [];
  const tree = tuned.length === 0 ? '' : join(layTuned(), 'solutions');
  let done = 0;
  const tellOne = (): void => tell(++done, steps.length + tuned.length);
  const outcomes = steps.map(async ({ chapter, exercise }) => {
    const options = { chapter, exercise: exercise.id, tree: SOLUTIONS, subject: 'solutions', bail: false };
    const some = chapter.slow && !all;
    const result = await (all ? pool.check(options) : pool.rules({ ...options, shared: true, ...(some ? { rulesMax: SLOW_RULES_MAX } : {}) }));
    tellOne();
    return rulesOutcome(some ? withoutThoseNotRun(result) : result);
  });
  const onTuned = tuned.map(async ({ chapter, exercise }) => {
    const result = await pool.rules({ chapter, exercise: exercise.id, tree, subject: 'the tuned servers', bail: false });
    tellOne();
    return rulesOutcome(result);
  });
  return sum(await Promise.all([...outcomes, ...onTuned]));
}

function withoutThoseNotRun(result: CheckResult): CheckResult {
  return { ...result, exercises: result.exercises.map((exercise) => ({ ...exercise, rules: exercise.rules.filter(({ status }) => status !== 'not run') })) };
}

/** Every rule is a unit. */
export function rulesOutcome(result: CheckResult): Outcome {
  const rules = result.exercises.flatMap((exercise) => exercise.rules);
  const wrong = rules.filter((rule) => !['passed', 'skipped'].includes(rule.status));
  const empty = result.exercises.filter((exercise) => exercise.rules.length === 0);
  const faults = [
    ...wrong.map((rule) => `${rule.id} ${rule.status === 'busy' ? 'could not be judged' : 'fails'} on ${result.subject}: ${shortFailure(rule)} (seed ${result.seed})`),
    ...empty.map((exercise) => `${exercise.id} has no rule that was run on ${result.subject}`),
    ...(result.problem === undefined ? [] : [`${result.chapter} on ${result.subject} did not come to its end: ${result.problem}`]),
  ];
  const skipped = rules.filter((rule) => rule.status === 'skipped');
  return {
    passed: rules.length - wrong.length - skipped.length,
    failed: wrong.length + empty.length + (result.problem === undefined ? 0 : 1),
    skipped: skipped.map((rule) => `${rule.id}: ${rule.skipped ?? ''}`),
    faults,
  };
}

/** What a rule's failure was, on one line. */
export function shortFailure(rule: RuleResult): string {
  if (!rule.failure) return rule.status;
  if (rule.status === 'busy') return `the machine was too busy (${Math.round(100 * (rule.busy?.lostShare ?? 0))} % lost to others); ${rule.failure.kind}: ${rule.failure.received}`;
  const { kind, received, expected } = rule.failure;
  return `${kind}: ${received}${expected === undefined ? '' : `; expected ${expected}`}`;
}
