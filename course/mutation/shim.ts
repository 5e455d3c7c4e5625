/**
 * Stands in for vitest while mutants are tested.
 *
 * A mutant needs one verdict and nothing else: no reporters, no file watching,
 * no module graph. So the hidden tests are loaded once into a plain process,
 * which keeps their rules here and runs those that it is told to, in the order
 * that kills fastest. Only what `tests/support/exercise.ts` and the chapters'
 * helpers use is here; an import of more fails at once and by name.
 */

/** What vitest would pass to a test. */
export interface TestContext {
  task: { meta: Record<string, unknown> };
  skip: (reason?: string) => never;
}

interface TestOptions {
  meta?: { rule?: { id?: string } };
}

type TestBody = (context: TestContext) => unknown;

/** The rules of every test file that was loaded, by id such as `1.4/memory-stays-flat`. */
export const rules = new Map<string, TestBody>();

/** What is to be done when a mutant's rules are through. */
export const cleanups: (() => unknown)[] = [];

/** What is to be done when the rule is through that runs now. */
const finished: (() => unknown)[] = [];

/** Thrown by `context.skip`. */
export class Skipped extends Error {}

export function describe(_name: string, body: () => void): void {
  body();
}

export function test(name: string, options: TestOptions, body: TestBody): void {
  const id = options.meta?.rule?.id;
  if (id === undefined) throw new Error(`the test "${name}" is not a rule of an exercise`);
  if (rules.has(id)) throw new Error(`two rules are called ${id}`);
  rules.set(id, async (context) => {
    try {
      await body(context);
    } finally {
      for (const cleanup of finished.splice(0).toReversed()) await cleanup();
    }
  });
}

export function afterAll(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

export function onTestFinished(cleanup: () => unknown): void {
  finished.push(cleanup);
}
