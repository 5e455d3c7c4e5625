/**
 * The mutants of a chapter, and a tree that carries all of them at once.
 *
 * Stryker's instrumenter puts every mutant behind a switch, so one copy of the
 * reference serves for all: the environment says which one is on.
 */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Chapter } from '../manifest.ts';
import { Problem } from '../problem.ts';
import { SOLUTIONS, STATE } from '../root.ts';

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

/** The files of the reference that are mutated: its code, but not its program. */
export function mutableFiles(chapter: Chapter, glob = '**'): string[] {
  return readdirSync(join(SOLUTIONS, chapter.folder), { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.ts') && file !== 'main.ts' && glob.split(',').some((one) => matchesGlob(file, one)))
    .toSorted();
}

/**
 * Makes the tree: the chapter's files with all mutants, none of them switched on,
 * beside plain copies of the chapters that it stands on.
 */
export async function plantMutants(chapter: Chapter, files: readonly string[]): Promise<{ tree: string; mutants: Mutant[] }> {
  const { Instrumenter } = await loadStryker();
  const sources = new Map(files.map((file) => [file, readFileSync(join(SOLUTIONS, chapter.folder, file), 'utf8')]));
  const quiet = { isDebugEnabled: () => false, debug: () => {}, info: () => {}, warn: console.warn };
  const result = await new Instrumenter(quiet).instrument(
    [...sources].map(([name, content]) => ({ name, content, mutate: true })),
    { plugins: null, excludedMutations: [], ignorers: [], noHeader: false },
  );

  const tree = makeTree(chapter, result.files);
  const mutants = result.mutants.map((mutant) => {
    const source = sources.get(mutant.fileName) as string;
    const { start, end } = mutant.location;
    return {
      id: mutant.id,
      file: `${chapter.folder}/${mutant.fileName}`,
      line: start.line + 1,
      column: start.column + 1,
      mutator: mutant.mutatorName,
      original: source.slice(offsetOf(source, start), offsetOf(source, end)),
      replacement: mutant.replacement,
      sourceLine: source.split('\n')[start.line]?.trim() ?? '',
    };
  });
  return { tree, mutants };
}

/**
 * Writes the tree, unless an earlier run has left the same one. Its name comes
 * from its content, so that what Node has compiled of it is found again.
 */
function makeTree(chapter: Chapter, files: InstrumentResult['files']): string {
  const folder = join(STATE, 'mutation');
  mkdirSync(folder, { recursive: true });
  forgetTrees(folder);
  const building = mkdtempSync(join(folder, 'building-'));
  cpSync(SOLUTIONS, building, { recursive: true });
  cpSync(fileURLToPath(new URL('probe.mjs', import.meta.url)), join(building, 'probe.mjs'));
  for (const { name, content } of files) {
    const up = '../'.repeat(name.split('/').length);
    writeFileSync(join(building, chapter.folder, name), `${content}\nimport '${up}probe.mjs';\n`);
  }
  const hash = createHash('sha256');
  for (const file of readdirSync(building, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const path = join(file.parentPath, file.name);
    hash.update(path.slice(building.length)).update(readFileSync(path));
  }
  const tree = join(folder, `tree-${hash.digest('hex').slice(0, 16)}`);
  try {
    renameSync(building, tree);
  } catch {
    rmSync(building, { recursive: true, force: true });
  }
  return tree;
}

/** Removes trees that have lain there for a day. */
function forgetTrees(folder: string): void {
  const yesterday = Date.now() - 24 * 60 * 60 * 1000;
  for (const name of readdirSync(folder).filter((name) => /^(?:tree|building)-/.test(name))) {
    const path = join(folder, name);
    if (statSync(path).mtimeMs < yesterday) rmSync(path, { recursive: true, force: true });
  }
}

function offsetOf(source: string, { line, column }: Position): number {
  let offset = 0;
  for (let above = 0; above < line; above++) offset = source.indexOf('\n', offset) + 1;
  return offset + column;
}
