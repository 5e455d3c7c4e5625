/**
 * The mutants of a chapter, and a sandbox that carries all of them at once.
 *
 * Stryker's instrumenter gives every mutant a switch, so one copy of the
 * reference will do for all: the environment says which one is on.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Chapter } from '../manifest.ts';
import { Problem } from '../problem.ts';
import { CHAPTERS, ROOT, SOLUTIONS, STATE } from '../root.ts';

/** One change to the reference that a hidden test should notice. */
export interface Mutant {
  readonly id: string;
  /** Below `solutions/`, with `/`. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly column: number;
  /** Stryker's name for the kind of change, such as `ConditionalExpression`. */
  readonly mutator: string;
  readonly original: string;
  readonly replacement: string;
  /** The source line in which it begins, trimmed. */
  readonly sourceLine: string;
}

/** What we use of Stryker's types, which are there only where it is installed. */
interface InstrumentResult {
  readonly files: readonly { readonly name: string; readonly content: string }[];
  readonly mutants: readonly {
    readonly id: string;
    readonly fileName: string;
    readonly mutatorName: string;
    readonly replacement: string;
    readonly location: { readonly start: Position; readonly end: Position };
  }[];
}
interface Position {
  readonly line: number;
  readonly column: number;
}
interface Stryker {
  readonly Instrumenter: new (logger: object) => {
    instrument: (files: readonly object[], options: object) => Promise<InstrumentResult>;
  };
}

async function loadStryker(): Promise<Stryker> {
  try {
    // Not a literal: the course type-checks without it.
    return (await import(['@stryker-mutator', 'instrumenter'].join('/'))) as Stryker;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Problem('Mutation testing has an install of its own, which is not there yet: npm ci --prefix course/mutation');
  }
}

/**
 * The files of the reference that are mutated: its code, but not its program.
 *
 * @param from the folder that holds them, below `solutions/`
 */
export function mutableFiles(from: string, glob = '**'): string[] {
  return readdirSync(join(SOLUTIONS, from), { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.ts') && file !== 'main.ts' && glob.split(',').some((one) => matchesGlob(file, one)))
    .toSorted();
}

/** Whether the starter is the reference: a file that the learner is given and leaves alone. */
export function isGiven(file: string): boolean {
  const starter = join(CHAPTERS, file);
  return existsSync(starter) && readFileSync(starter).equals(readFileSync(join(SOLUTIONS, file)));
}

/**
 * Makes a sandbox: the tests as they are now, and in `solutions/` the chapter's
 * files with all mutants, none of them switched on. Edits made while mutants
 * are tested change nothing. The caller removes it.
 *
 * @param from the folder that holds the files, below `solutions/`: the chapter's, or that of its tuned server
 */
export async function makeSandbox(chapter: Chapter, from: string, files: readonly string[]): Promise<{ sandbox: string; mutants: Mutant[] }> {
  const { Instrumenter } = await loadStryker();
  const sources = new Map(files.map((file) => [file, readFileSync(join(SOLUTIONS, from, file), 'utf8')]));
  const quiet = { isDebugEnabled: () => false, debug: () => {}, info: () => {}, warn: console.warn };
  const result = await new Instrumenter(quiet).instrument(
    [...sources].map(([name, content]) => ({ name, content, mutate: true })),
    { plugins: null, excludedMutations: [], ignorers: [], noHeader: false },
  );

  const sandbox = writeSandbox(chapter, from, result.files);
  const mutants = result.mutants.map((mutant) => {
    const source = sources.get(mutant.fileName) as string;
    const { start, end } = mutant.location;
    return {
      id: mutant.id,
      file: `${from}/${mutant.fileName}`,
      line: start.line + 1,
      column: start.column + 1,
      mutator: mutant.mutatorName,
      original: source.slice(offsetOf(source, start), offsetOf(source, end)),
      replacement: mutant.replacement,
      sourceLine: source.split('\n')[start.line]?.trim() ?? '',
    };
  });
  return { sandbox, mutants };
}

function writeSandbox(chapter: Chapter, from: string, files: InstrumentResult['files']): string {
  const folder = join(STATE, 'mutation');
  mkdirSync(folder, { recursive: true });
  forgetSandboxes(folder);
  const sandbox = mkdtempSync(join(folder, 'sandbox-'));
  for (const name of ['package.json', 'solutions', 'tests', 'course']) {
    cpSync(join(ROOT, name), join(sandbox, name), {
      recursive: true,
      filter: (path) => !/[/\\](?:node_modules|submissions|mutation)$/.test(path.slice(ROOT.length)),
    });
  }
  const solutions = join(sandbox, 'solutions');
  if (from !== chapter.folder) {
    rmSync(join(solutions, chapter.folder), { recursive: true });
    cpSync(join(SOLUTIONS, from), join(solutions, chapter.folder), { recursive: true });
  }
  cpSync(fileURLToPath(new URL('probe.mjs', import.meta.url)), join(solutions, 'probe.mjs'));
  for (const { name, content } of files) {
    const up = '../'.repeat(name.split('/').length);
    writeFileSync(join(solutions, chapter.folder, name), `${content}\nimport '${up}probe.mjs';\n`);
  }
  return sandbox;
}

/** Removes what a run that was killed has left a day ago. */
function forgetSandboxes(folder: string): void {
  const yesterday = Date.now() - 24 * 60 * 60 * 1000;
  for (const name of readdirSync(folder).filter((name) => name.startsWith('sandbox-'))) {
    const path = join(folder, name);
    if (statSync(path).mtimeMs < yesterday) rmSync(path, { recursive: true, force: true });
  }
}

function offsetOf(source: string, { line, column }: Position): number {
  let offset = 0;
  for (let above = 0; above < line; above++) offset = source.indexOf('\n', offset) + 1;
  return offset + column;
}
