/** The untouched starters fail, each exercise with the message that was meant. */
import { rmSync } from 'node:fs';
import type { CheckResult, ExerciseResult } from '../check-result.ts';
import { chapterName, readyChapters } from '../manifest.ts';
import type { Chapter } from '../manifest.ts';
import type { JobPool } from './job-pool.ts';
import { oneUnit, sum } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import type { Tell } from './progress.ts';
import { allSteps, shortFailure } from './references.ts';
import { scratch } from './scratch.ts';
import { writeStage } from './trees.ts';

/** @param all every rule; otherwise the first of each exercise, which is the one that a learner sees */
export async function checkStarters(pool: JobPool, tell: Tell, all: boolean): Promise<Outcome> {
  const trees = new Map(readyChapters.map((chapter) => [chapter, scratch(`starters-${chapterName(chapter)}`)]));
  // Earlier chapters are done: this one is what the learner has just opened.
  for (const [chapter, tree] of trees) writeStage(tree, chapter);
  const steps = allSteps();
  let done = 0;
  const outcomes = steps.map(async ({ chapter, exercise }) => {
    const tree = trees.get(chapter) as string;
    const result = await pool.rules({ chapter, exercise: exercise.id, tree, subject: 'the starters', bail: false, ...(all ? {} : { rulesMax: 1 }) });
    tell(++done, steps.length);
    return starterOutcome(chapter, result);
  });
  const outcome = sum(await Promise.all(outcomes));
  for (const tree of trees.values()) rmSync(tree, { recursive: true, force: true });
  return outcome;
}

function starterOutcome(chapter: Chapter, result: CheckResult): Outcome {
  const problem = result.problem === undefined ? [] : [`the starters of ${result.chapter} did not come to their end: ${result.problem}`];
  const faults = [...result.exercises.flatMap((exercise) => starterFaults(chapter, exercise)), ...problem];
  return oneUnit(faults);
}

/**
 * The first rule is what a learner sees first, so it has to fail and to name
 * the right exercise. Later rules may stumble over an earlier exercise.
 */
export function starterFaults(chapter: Chapter, result: ExerciseResult): string[] {
  const exercise = chapter.exercises.find((candidate) => candidate.id === result.id);
  const meant = exercise?.growsFrom ?? result.id;
  const first = result.rules.find((rule) => rule.status !== 'skipped');
  if (!first) return [];
  if (first.status !== 'failed') return [`${first.id}, the first rule of ${result.id}, does not fail on the untouched starter: a learner would not know where to begin`];
  const faults: string[] = [];
  for (const rule of result.rules) {
    if (rule.status !== 'failed') continue;
    const named = rule.failure?.notImplemented;
    if (rule.failure?.kind !== 'not started' || named === undefined) {
      faults.push(`${rule.id} must fail on the untouched starter as "not started", and fails as ${shortFailure(rule)}`);
    } else if (rule === first ? named !== meant : !upTo(chapter, result.id).includes(named)) {
      faults.push(`${rule.id} names exercise ${named} on the untouched starter; it should name ${meant} (or the manifest's growsFrom of ${result.id} is wrong)`);
    }
  }
  return faults;
}

function upTo(chapter: Chapter, id: string): string[] {
  const ids = chapter.exercises.map((exercise) => exercise.id);
  return ids.slice(0, ids.indexOf(id) + 1);
}
