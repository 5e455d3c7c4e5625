/**
 * Takes vitest's place where hidden tests are run by the thousand.
 *
 * The course's check of itself and its mutants need verdicts and nothing else:
 * no reporters, no file watching, no module graph. So the hidden tests are
 * loaded once into a plain process, which keeps their rules here and runs those
 * that it is told to. Only what `tests/support/exercise.ts` and the chapters'
 * helpers use is here; an import of more fails at once and by name.
 */
import { registerHooks } from 'node:module';
import type { RuleMeta } from '#support/exercise.ts';

/** What vitest would pass to a test. */
export interface TestContext {
  task: { meta: { rule?: RuleMeta } };
  skip: (reason?: string) => never;
}

interface TestOptions {
  meta: { rule: RuleMeta };
}

export interface DeclaredRule {
  readonly name: string;
  readonly meta: RuleMeta;
  readonly body: (context: TestContext) => Promise<void>;
}

/** The rules of every test file that was loaded, by id such as `1.4/memory-stays-flat`. */
export const rules = new Map<string, DeclaredRule>();

/** What is to be done when a run of rules is through. */
const cleanups: (() => unknown)[] = [];

/** What is to be done when the rule is through that runs now. */
const finished: (() => unknown)[] = [];

/** Thrown by `context.skip`. */
export class Skipped extends Error {}

/** From now on, whatever imports vitest gets this file. */
export function standIn(): void {
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'vitest' ? { url: import.meta.url, format: 'module-typescript', shortCircuit: true } : next(specifier, context),
  });
}

/** Does what the loaded test files want done at their end. They can be run again. */
export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups) await cleanup();
}

export function describe(_name: string, body: () => void): void {
  body();
}

export function test(name: string, options: TestOptions, body: (context: TestContext) => unknown): void {
  const meta = options.meta.rule;
  if (rules.has(meta.id)) throw new Error(`two rules are called ${meta.id}`);
  rules.set(meta.id, {
    name,
    meta,
    body: async (context) => {
      try {
        await body(context);
      } finally {
        for (const cleanup of finished.splice(0).toReversed()) await cleanup();
      }
    },
  });
}

export function afterAll(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

export function onTestFinished(cleanup: () => unknown): void {
  finished.push(cleanup);
}
