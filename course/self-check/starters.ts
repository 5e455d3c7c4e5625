/** The untouched starters fail, each exercise with the message that was meant. */
import { rmSync } from 'node:fs';
import type { ExerciseResult } from '../check-result.ts';
import { chapterName, readyChapters } from '../manifest.ts';
import type { Chapter } from '../manifest.ts';
import type { JobPool } from './job-pool.ts';
import { sum } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { shortFailure } from './references.ts';
import { scratch } from './scratch.ts';
import { writeStage } from './trees.ts';

export async function checkStarters(pool: JobPool): Promise<Outcome> {
  return sum(await Promise.all(readyChapters.map(async (chapter) => await checkChapter(pool, chapter))));
}

async function checkChapter(pool: JobPool, chapter: Chapter): Promise<Outcome> {
  const tree = scratch(`starters-${chapterName(chapter)}`);
  // Earlier chapters are done: this one is what the learner has just opened.
  writeStage(tree, chapter);
  const result = await pool.check({ chapter, tree, subject: 'the starters', bail: false });
  rmSync(tree, { recursive: true, force: true });
  const faults = result.exercises.map((exercise) => starterFaults(chapter, exercise));
  const problem = result.problem === undefined ? [] : [`the starters of ${result.chapter} did not come to their end: ${result.problem}`];
  const failed = faults.filter((list) => list.length > 0).length;
  return {
    passed: result.exercises.length - failed,
    failed: failed + problem.length,
    skipped: [],
    faults: [...faults.flat(), ...problem],
  };
}

/**
 * The first rule is what a learner sees first, so it has to fail and to name
 * the right exercise. Rules behind it may stumble over an earlier exercise.
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
