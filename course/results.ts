/** What a check found, put together from what was seen of each rule, whatever ran it. */
import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { RuleMeta } from '#support/exercise.ts';
import type { CheckResult, ExerciseResult, RuleResult, Status } from './check-result.ts';
import { chapterName, isReady } from './manifest.ts';
import type { Chapter, Exercise } from './manifest.ts';
import { ROOT } from './root.ts';

export interface CheckOptions {
  chapter: Chapter;
  /** Only this exercise, such as `1.4`. */
  exercise?: string;
  /** Only this rule, such as `1.4/counts-bytes`: the others are not run. */
  rule?: string;
  /** The absolute folder that holds `01-echo` and its siblings. */
  tree: string;
  /** How the tree is called in reports: `chapters`, `solutions`, or as given. */
  subject: string;
  /** Replays a run; random where it is missing. */
  seed?: number;
  /** Stop at the first rule that fails; later exercises are not run. */
  bail: boolean;
}

/** One rule, as it was run. */
export interface SeenRule {
  readonly name: string;
  /** What the rule says of itself and, where it failed, why. */
  readonly meta: RuleMeta | undefined;
  readonly state: 'passed' | 'failed' | 'skipped' | 'pending';
  /** Why it was skipped. `not run`: nobody asked for it, or an earlier one failed. */
  readonly note?: string | undefined;
  readonly durationMs: number;
  /** The message of an error that brought no report of its own. */
  readonly error?: string | undefined;
}

/** The exercises that a check is asked for. */
export function exercisesOf({ chapter, exercise }: Pick<CheckOptions, 'chapter' | 'exercise'>): readonly Exercise[] {
  return chapter.exercises.filter(({ id }) => exercise === undefined || id === exercise);
}

/** `tests/chapter-01/1.4-backpressure.test.ts`: found by the id, whatever words follow it. */
export function testFileOf(chapter: Chapter, exercise: Exercise): string {
  const folder = join(ROOT, 'tests', chapterName(chapter));
  const name = readdirSync(folder).find((file) => file.startsWith(`${exercise.id}-`) && file.endsWith('.test.ts'));
  if (name === undefined) throw new Error(`${relative(ROOT, folder)} has no test file for exercise ${exercise.id}`);
  return join(folder, name);
}

/** A chapter that is still being written, with those of its exercises that have a hidden test; any other as it is. */
export function soFar(chapter: Chapter): Chapter {
  if (isReady(chapter)) return chapter;
  const folder = join(ROOT, 'tests', chapterName(chapter));
  const files = existsSync(folder) ? readdirSync(folder) : [];
  return { ...chapter, exercises: chapter.exercises.filter(({ id }) => files.some((file) => file.startsWith(`${id}-`) && file.endsWith('.test.ts'))) };
}

export function exerciseResult(exercise: Exercise, seen: readonly SeenRule[]): ExerciseResult {
  const rules = seen.map((rule) => ruleResult(rule, exercise));
  return { id: exercise.id, title: exercise.title, status: statusOf(rules), rules };
}

/** An exercise is passed when every rule is, those that this machine cannot show aside. */
function statusOf(rules: readonly RuleResult[]): Status {
  if (rules.some((rule) => rule.status === 'failed')) return 'failed';
  if (rules.some((rule) => rule.status === 'busy')) return 'busy';
  if (rules.length === 0 || rules.some((rule) => rule.status === 'not run')) return 'not run';
  return rules.every((rule) => rule.status === 'skipped') ? 'skipped' : 'passed';
}

function ruleResult({ name, meta, state, note, durationMs, error }: SeenRule, exercise: Exercise): RuleResult {
  const status: Status =
    state === 'passed' || state === 'failed' ? state
    : meta?.busy !== undefined ? 'busy'
    : note === undefined || note === 'not run' ? 'not run'
    : 'skipped';
  const failure = meta?.failure ?? (state === 'failed'
    ? { kind: 'wrong behaviour' as const, received: error ?? 'the test failed without saying why' }
    : undefined);
  return {
    id: meta?.id ?? `${exercise.id}/${name}`,
    name,
    status,
    durationMs: Math.round(durationMs),
    rule: meta?.rule ?? '',
    section: meta?.section ?? exercise.section,
    ...(meta?.likely === undefined ? {} : { likely: meta.likely }),
    ...(status === 'skipped' && note !== undefined ? { skipped: note } : {}),
    ...(failure === undefined ? {} : { failure }),
    ...(meta?.busy === undefined ? {} : { busy: meta.busy }),
  };
}

/** What a run brings besides its exercises. */
export interface Run {
  readonly seed: number;
  readonly startedAt: Date;
  /** What kept it from its end. */
  readonly problems: readonly unknown[];
  readonly typeErrors?: readonly string[] | undefined;
}

export function checkResult(options: CheckOptions, found: readonly ExerciseResult[], run: Run): CheckResult {
  const { chapter, exercise, subject } = options;
  const { seed, startedAt, problems, typeErrors } = run;
  const results = options.bail ? upToFirstFailure(found) : found;
  return {
    version: 1,
    chapter: chapterName(chapter),
    title: chapter.title,
    subject,
    seed,
    startedAt: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
    passed: problems.length === 0 && results.every((result) => result.status === 'passed' || result.status === 'skipped'),
    exercises: results,
    ...(exercise !== undefined && results.length === 0 ? { problem: `there is no exercise ${exercise}` } : {}),
    ...(typeErrors === undefined ? {} : { typeErrors }),
    ...(problems.length > 0 ? { problem: problems.map((problem) => problemText(problem)).join('\n') } : {}),
  };
}

/** Later exercises may have begun before an earlier one failed, or was not judged; the learner's next step is the earlier one. */
function upToFirstFailure(results: readonly ExerciseResult[]): ExerciseResult[] {
  const first = results.findIndex((result) => result.status === 'failed' || result.status === 'busy');
  return results.map((result, index) => (first >= 0 && index > first ? { ...result, status: 'not run', rules: [] } : result));
}

function problemText(problem: unknown): string {
  if (typeof problem !== 'object' || problem === null || !('message' in problem)) return String(problem);
  const { message, stack } = problem as { message: unknown; stack?: unknown };
  const place = typeof stack === 'string' ? /\(?([^\s()]+:\d+:\d+)\)?$/m.exec(stack)?.[1] : undefined;
  return place === undefined ? String(message) : `${String(message)} (${place})`;
}
