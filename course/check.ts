/**
 * Runs the hidden tests of a chapter against a tree and tells what was found.
 *
 * The tests run in vitest, in processes of their own; the code under test runs
 * in further processes that the tests start. Nothing of either is left when a
 * run is over: see guard.mjs.
 */
import { accessSync, constants } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { BaseSequencer, createVitest } from 'vitest/node';
import type { TestModule, TestSpecification, Vitest } from 'vitest/node';
import type { RuleMeta } from '#support/exercise.ts';
import type { CheckResult, ExerciseResult } from './check-result.ts';
import { Guard } from './guard.ts';
import type { Chapter } from './manifest.ts';
import { checkResult, exerciseResult, exercisesOf, testFileOf } from './results.ts';
import type { CheckOptions as Asked, SeenRule } from './results.ts';
import { ROOT } from './root.ts';
import { typeErrorsOf } from './type-errors.ts';

export interface CheckOptions extends Asked {
  /** Look for type errors too. They never decide the verdict. */
  types?: boolean;
  /** Tests that run at once. Default: one for each core. */
  workers?: number;
  /** Called for each exercise as soon as its verdict is there. */
  onExercise?: (result: ExerciseResult) => void;
}

/** Exercises in the order of the course: vitest would begin with the slowest. */
class CourseOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => stepOf(a.moduleId) - stepOf(b.moduleId));
  }
}

/** 10 for `…/2.10-name.test.ts`. */
function stepOf(path: string): number {
  return Number(/\.(\d+)-[^/\\]*$/.exec(path)?.[1] ?? 0);
}

/** Runs the tests once. */
export async function runCheck(options: CheckOptions): Promise<CheckResult> {
  const session = await CheckSession.open(options);
  try {
    return await session.run();
  } finally {
    await session.close();
  }
}

/** A vitest that is kept alive, for checking the same chapter again and again. */
export class CheckSession {
  readonly #options: CheckOptions;
  readonly #vitest: Vitest;
  readonly #guard: Guard;
  readonly #seed: number;

  private constructor(options: CheckOptions, vitest: Vitest, guard: Guard, seed: number) {
    this.#options = options;
    this.#vitest = vitest;
    this.#guard = guard;
    this.#seed = seed;
  }

  static async open(options: CheckOptions): Promise<CheckSession> {
    const guard = new Guard();
    const seed = options.seed ?? Math.floor(Math.random() * 1_000_000);
    const env = {
      TEN_SUBJECT: options.tree,
      TEN_SEED: String(seed),
      TEN_RUN: guard.folder,
      TEN_BAIL: options.bail ? '1' : '0',
      ...(options.rule === undefined ? {} : { TEN_RULE: options.rule }),
    };
    const vitest = await withDataFolder(guard.folder, () => createVitest({
      root: ROOT,
      config: join(ROOT, 'vitest.config.ts'),
      // As it is. By default Vite bundles it into a file beside it, where this user may not write.
      configLoader: 'native',
      fsModuleCache: isWritable(join(ROOT, 'node_modules')),
      watch: false,
      env,
      reporters: [{ onTestModuleEnd: (module) => reportExercise(options, module) }],
      sequence: { sequencer: CourseOrder },
      maxWorkers: options.workers ?? availableParallelism(),
      // What a test process prints is for the maintainer; the report is ours.
      silent: true,
    }));
    return new CheckSession(options, vitest, guard, seed);
  }

  async run(): Promise<CheckResult> {
    const { chapter, tree, types = false } = this.#options;
    const startedAt = new Date();
    this.#guard.forgetFailures();
    const files = exercisesOf(this.#options).map((exercise) => testFileOf(chapter, exercise));
    const specifications = files.flatMap((file) => this.#vitest.getRootProject().createSpecification(file));
    const [run, typeErrors] = await Promise.all([
      this.#vitest.runTestSpecifications(specifications, false),
      types ? typeErrorsOf(tree, chapter) : undefined,
    ]);
    const problems = [...run.unhandledErrors, ...run.testModules.flatMap((module) => module.errors())];
    const found = exercisesOf(this.#options).map((exercise) => {
      const module = run.testModules.find(({ moduleId }) => moduleId === testFileOf(chapter, exercise));
      return exerciseResult(exercise, module ? seenIn(module) : []);
    });
    return checkResult(this.#options, found, { seed: this.#seed, startedAt, problems, typeErrors });
  }

  async close(): Promise<void> {
    await this.#vitest.close();
    this.#guard.release();
  }
}

/** vitest keeps a file in the user's folder for data, and does not start where there is none that can be written. */
async function withDataFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const before = process.env['XDG_DATA_HOME'];
  if (isWritable(before ?? homedir())) return await work();
  process.env['XDG_DATA_HOME'] = folder;
  try {
    return await work();
  } finally {
    if (before === undefined) delete process.env['XDG_DATA_HOME'];
    else process.env['XDG_DATA_HOME'] = before;
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function reportExercise(options: CheckOptions, module: TestModule): void {
  const exercise = exercisesOf(options).find((wanted) => testFileOf(options.chapter, wanted) === module.moduleId);
  if (exercise) options.onExercise?.(exerciseResult(exercise, seenIn(module)));
}

function seenIn(module: TestModule): SeenRule[] {
  return Array.from(module.children.allTests(), (test) => {
    const result = test.result();
    return {
      name: test.name,
      meta: test.meta().rule as RuleMeta | undefined,
      state: result.state,
      note: result.state === 'skipped' ? result.note : undefined,
      durationMs: test.diagnostic()?.duration ?? 0,
      error: result.errors?.[0]?.message,
    };
  });
}
