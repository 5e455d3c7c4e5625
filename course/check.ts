/**
 * Runs the hidden tests of a chapter against a tree and tells what was found.
 *
 * The tests run in vitest, in processes of their own; the code under test runs
 * in further processes that the tests start. Nothing of either is left when a
 * run is over: see guard.mjs.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BaseSequencer, createVitest } from 'vitest/node';
import type { TestCase, TestModule, TestSpecification, Vitest } from 'vitest/node';
import type { RuleMeta } from '#support/exercise.ts';
import type { CheckResult, ExerciseResult, RuleResult, Status } from './check-result.ts';
import { chapterName } from './manifest.ts';
import type { Chapter, Exercise } from './manifest.ts';
import { typeErrorsOf } from './type-errors.ts';

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
  /** Look for type errors too. They never decide the verdict. */
  types?: boolean;
  /** Tests that run at once. Default: one for each core. */
  workers?: number;
  /** Told of each exercise as soon as its verdict is there. */
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

const project = fileURLToPath(new URL('../', import.meta.url));

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
    const vitest = await createVitest({
      root: project,
      config: join(project, 'vitest.config.ts'),
      watch: false,
      env,
      reporters: [{ onTestModuleEnd: (module) => reportExercise(options, module) }],
      sequence: { sequencer: CourseOrder },
      maxWorkers: options.workers ?? availableParallelism(),
      // What a test process prints is for the maintainer; the report is ours.
      silent: true,
    });
    return new CheckSession(options, vitest, guard, seed);
  }

  async run(): Promise<CheckResult> {
    const { chapter, exercise, tree, subject, types = false } = this.#options;
    const startedAt = new Date();
    this.#guard.forgetFailures();
    const files = exercises(this.#options).map((wanted) => testFileOf(chapter, wanted));
    const specifications = files.flatMap((file) => this.#vitest.getRootProject().createSpecification(file));
    const [run, typeErrors] = await Promise.all([
      this.#vitest.runTestSpecifications(specifications, false),
      types ? typeErrorsOf(tree, chapter) : undefined,
    ]);
    const problems = [...run.unhandledErrors, ...run.testModules.flatMap((module) => module.errors())];
    const found = exercises(this.#options).map((wanted) => exerciseResult(chapter, wanted, run.testModules));
    const results = this.#options.bail ? upToFirstFailure(found) : found;
    return {
      version: 1,
      chapter: chapterName(chapter),
      title: chapter.title,
      subject,
      seed: this.#seed,
      startedAt: startedAt.toISOString(),
      durationMs: Date.now() - startedAt.getTime(),
      passed: problems.length === 0 && results.every((result) => result.status === 'passed' || result.status === 'skipped'),
      exercises: results,
      ...(exercise !== undefined && results.length === 0 ? { problem: `there is no exercise ${exercise}` } : {}),
      ...(typeErrors === undefined ? {} : { typeErrors }),
      ...(problems.length > 0 ? { problem: problems.map((problem) => problemText(problem)).join('\n') } : {}),
    };
  }

  async close(): Promise<void> {
    await this.#vitest.close();
    this.#guard.release();
  }
}

function exercises(options: CheckOptions): readonly Exercise[] {
  return options.chapter.exercises.filter((exercise) => options.exercise === undefined || exercise.id === options.exercise);
}

/** `tests/chapter-01/1.4-backpressure.test.ts`: found by the id, whatever the words behind it. */
function testFileOf(chapter: Chapter, exercise: Exercise): string {
  const folder = join(project, 'tests', chapterName(chapter));
  const name = readdirSync(folder).find((file) => file.startsWith(`${exercise.id}-`) && file.endsWith('.test.ts'));
  if (name === undefined) throw new Error(`${relative(project, folder)} has no test file for exercise ${exercise.id}`);
  return join(folder, name);
}

function reportExercise(options: CheckOptions, module: TestModule): void {
  const exercise = exercises(options).find((wanted) => testFileOf(options.chapter, wanted) === module.moduleId);
  if (exercise) options.onExercise?.(exerciseResult(options.chapter, exercise, [module]));
}

function exerciseResult(chapter: Chapter, exercise: Exercise, modules: readonly TestModule[]): ExerciseResult {
  const file = testFileOf(chapter, exercise);
  const module = modules.find((candidate) => candidate.moduleId === file);
  const rules = module ? Array.from(module.children.allTests(), (test) => ruleResult(test, exercise)) : [];
  return { id: exercise.id, title: exercise.title, status: statusOf(rules), rules };
}

/** Later exercises may have begun before an earlier one failed, or was not judged; the learner's next step is the earlier one. */
function upToFirstFailure(results: readonly ExerciseResult[]): ExerciseResult[] {
  const first = results.findIndex((result) => result.status === 'failed' || result.status === 'busy');
  return results.map((result, index) => (first >= 0 && index > first ? { ...result, status: 'not run', rules: [] } : result));
}

/** An exercise is passed when every rule is, those that this machine cannot show aside. */
function statusOf(rules: readonly RuleResult[]): Status {
  if (rules.some((rule) => rule.status === 'failed')) return 'failed';
  if (rules.some((rule) => rule.status === 'busy')) return 'busy';
  if (rules.length === 0 || rules.some((rule) => rule.status === 'not run')) return 'not run';
  return rules.every((rule) => rule.status === 'skipped') ? 'skipped' : 'passed';
}

function ruleResult(test: TestCase, exercise: Exercise): RuleResult {
  const meta = test.meta().rule as RuleMeta | undefined;
  const result = test.result();
  const note = result.state === 'skipped' ? result.note : undefined;
  const status: Status =
    result.state === 'passed' ? 'passed'
    : result.state === 'failed' ? 'failed'
    : meta?.busy !== undefined ? 'busy'
    : note === undefined || note === 'not run' ? 'not run'
    : 'skipped';
  const failure = meta?.failure ?? (result.state === 'failed'
    ? { kind: 'wrong behaviour' as const, received: result.errors[0]?.message ?? 'the test failed without saying why' }
    : undefined);
  return {
    id: meta?.id ?? `${exercise.id}/${test.name}`,
    name: test.name,
    status,
    durationMs: Math.round(test.diagnostic()?.duration ?? 0),
    rule: meta?.rule ?? '',
    section: meta?.section ?? exercise.section,
    ...(meta?.likely === undefined ? {} : { likely: meta.likely }),
    ...(status === 'skipped' && note !== undefined ? { skipped: note } : {}),
    ...(failure === undefined ? {} : { failure }),
    ...(meta?.busy === undefined ? {} : { busy: meta.busy }),
  };
}

function problemText(problem: unknown): string {
  if (typeof problem !== 'object' || problem === null || !('message' in problem)) return String(problem);
  const { message, stack } = problem as { message: unknown; stack?: unknown };
  const place = typeof stack === 'string' ? /\(?([^\s()]+:\d+:\d+)\)?$/m.exec(stack)?.[1] : undefined;
  return place === undefined ? String(message) : `${String(message)} (${place})`;
}

/** A new folder for a run; where the project cannot be written to, the system's own place will do. */
function runFolder(): string {
  try {
    const runs = join(project, '.ten-servers', 'runs');
    mkdirSync(runs, { recursive: true });
    return mkdtempSync(join(runs, 'run-'));
  } catch {
    return mkdtempSync(join(tmpdir(), 'ten-servers-run-'));
  }
}

/** The folder in which a run writes down its processes, and the process that ends them. */
class Guard {
  readonly folder: string;
  readonly #process: ChildProcess;

  constructor() {
    this.folder = runFolder();
    this.#process = spawn(process.execPath, [join(project, 'course', 'guard.mjs'), this.folder], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      windowsHide: true,
    });
    this.#process.on('error', () => {});
    this.#process.stdin?.on('error', () => {});
    this.#process.unref();
  }

  /** A new run in the same folder: nothing has failed yet. */
  forgetFailures(): void {
    if (!existsSync(this.folder)) return;
    for (const name of readdirSync(this.folder)) {
      if (name.endsWith('.failed')) rmSync(join(this.folder, name), { force: true });
    }
  }

  /** Lets the guard do its work and go. */
  release(): void {
    this.#process.stdin?.end();
  }
}
