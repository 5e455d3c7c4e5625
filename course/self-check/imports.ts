/**
 * Which files may import which.
 *
 * - A chapter imports Node's own modules, packages of `dependencies`, its own
 *   files, and `index.ts` of the chapters that it builds on. Starters also
 *   import `#course/not-implemented.ts`.
 * - Inside `solutions/`, `chapters/`, `course/` and `tests/support/` no import
 *   comes back to where it started, types included.
 */
import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, posix } from 'node:path';
import ts from 'typescript';
import { listFiles } from '../files.ts';
import { chapters } from '../manifest.ts';
import { ROOT } from '../root.ts';
import { readStarters } from '../starters.ts';
import { oneUnit } from './outcome.ts';
import type { Outcome } from './outcome.ts';

/** Texts by path from the project's folder, with `/`. */
export type Sources = ReadonlyMap<string, string>;

export function findFaults(): Outcome {
  const sources = new Map(
    ['solutions', 'course', 'tests']
      .flatMap((name) => listFiles(join(ROOT, name)).map((file) => `${name}/${file}`))
      .filter((file) => /\.(?:ts|mjs)$/.test(file) && !file.includes('/submissions/'))
      .map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]),
  );
  for (const [path, text] of Object.entries(readStarters())) {
    if (path.endsWith('.ts')) sources.set(`chapters/${path}`, text);
  }
  return oneUnit([...boundaryFaults(sources, allowedPackages()), ...cycleFaults(sources)]);
}

function allowedPackages(): ReadonlySet<string> {
  const { dependencies = {} } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { dependencies?: object };
  return new Set(Object.keys(dependencies));
}

function importsOf(text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map((imported) => imported.fileName);
}

/** The file that a specifier means, from the project's folder; undefined for packages. */
function target(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return posix.normalize(posix.join(dirname(from), specifier));
  const inside = /^#(subject|course|support)\/(.*)$/.exec(specifier);
  if (!inside) return undefined;
  const folder = { subject: 'solutions', course: 'course', support: 'tests/support' }[inside[1] as 'subject'];
  return `${folder}/${inside[2]}`;
}

/** Numbers of the chapters that a chapter builds on, through however many steps. */
function foundations(number: number, found = new Set<number>()): Set<number> {
  for (const below of chapters.find((chapter) => chapter.number === number)?.standsOn ?? []) {
    found.add(below);
    foundations(below, found);
  }
  return found;
}

export function boundaryFaults(sources: Sources, packages: ReadonlySet<string>): string[] {
  const faults: string[] = [];
  for (const [file, text] of sources) {
    const place = /^(solutions\/10-bake-off\/tuned|solutions|chapters)\/([^/]+)\//.exec(file);
    if (!place) continue;
    const [, tree = '', folder = ''] = place;
    const own = chapters.find((chapter) => chapter.folder === folder);
    if (!own) {
      faults.push(`${file} lies in a folder that course/manifest.ts does not know`);
      continue;
    }
    for (const specifier of importsOf(text)) {
      const problem = importProblem(file, tree, folder, specifier, packages);
      if (problem !== undefined) faults.push(`${file} imports ${specifier}: ${problem}`);
    }
  }
  return faults;
}

function importProblem(file: string, tree: string, folder: string, specifier: string, packages: ReadonlySet<string>): string | undefined {
  if (isBuiltin(specifier)) return specifier.startsWith('node:') ? undefined : `write node:${specifier}`;
  if (specifier === '#course/not-implemented.ts') return tree === 'chapters' ? undefined : 'only a starter may be unfinished';
  const path = target(file, specifier);
  if (path === undefined) {
    const name = specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
    // The programs of a lesson are run from a clone, where the packages of the tests are.
    return packages.has(name) || file.startsWith(`chapters/${folder}/steps/`) ? undefined : 'a chapter uses Node alone and the packages in `dependencies` of package.json';
  }
  if (path.startsWith(`${tree}/${folder}/`)) return undefined;
  const other = chapters.find((chapter) => path.startsWith(`${tree}/${chapter.folder}/`));
  if (!other || !specifier.startsWith('.')) return 'a chapter imports only its own files and, by relative path, index.ts of earlier chapters';
  const number = chapters.find((chapter) => chapter.folder === folder)?.number ?? 0;
  if (other.number >= number || !foundations(number).has(other.number)) {
    return `chapter ${number} does not build on chapter ${other.number} (standsOn in course/manifest.ts)`;
  }
  return path === `${tree}/${other.folder}/index.ts` ? undefined : `the only door is ${other.folder}/index.ts`;
}

/** Each circle of imports once, as the way around it. */
export function cycleFaults(sources: Sources): string[] {
  const graph = new Map<string, string[]>();
  for (const [file, text] of sources) {
    const targets = importsOf(text).map((specifier) => target(file, specifier));
    graph.set(file, targets.filter((path) => path !== undefined && sources.has(path)) as string[]);
  }
  const faults: string[] = [];
  const done = new Set<string>();
  const way: string[] = [];
  const visit = (file: string): void => {
    const start = way.indexOf(file);
    if (start >= 0) {
      faults.push(`imports go in a circle: ${[...way.slice(start), file].join(' → ')}`);
      return;
    }
    if (done.has(file)) return;
    way.push(file);
    for (const next of graph.get(file) ?? []) visit(next);
    way.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return faults;
}
