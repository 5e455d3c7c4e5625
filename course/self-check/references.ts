/** The reference passes every hidden test of every chapter. */
import type { CheckResult, RuleResult } from '../check-result.ts';
import { readyChapters } from '../manifest.ts';
import type { Chapter, Exercise } from '../manifest.ts';
import { SOLUTIONS } from '../root.ts';
import type { JobPool } from './job-pool.ts';
import { sum } from './outcome.ts';
import type { Outcome } from './outcome.ts';

/** Each exercise is a job of its own, so that a long chapter does not hold one core to the end. */
export async function checkReferences(pool: JobPool): Promise<Outcome> {
  const jobs = readyChapters.flatMap((chapter) => chapter.exercises.map((exercise) => ({ chapter, exercise })));
  return sum(await Promise.all(jobs.map(async ({ chapter, exercise }) => await checkReference(pool, chapter, exercise))));
}

async function checkReference(pool: JobPool, chapter: Chapter, exercise: Exercise): Promise<Outcome> {
  const result = await pool.check({ chapter, exercise: exercise.id, tree: SOLUTIONS, subject: 'solutions', bail: false });
  return rulesOutcome(result);
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
  if (rule.status === 'busy') return `the machine was too busy; ${rule.failure.kind}: ${rule.failure.received}`;
  const { kind, received, expected } = rule.failure;
  return `${kind}: ${received}${expected === undefined ? '' : `; expected ${expected}`}`;
}
