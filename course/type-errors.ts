/** Type errors in a chapter's own files, as the compiler words them. */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Chapter } from './manifest.ts';

const project = fileURLToPath(new URL('../', import.meta.url));

/**
 * Type errors of the chapter in this tree, one line each, at most ten.
 *
 * The compiler runs in a process of its own beside the tests. An empty list
 * means none; undefined, that the compiler could not be run.
 */
export async function typeErrorsOf(tree: string, chapter: Chapter): Promise<readonly string[] | undefined> {
  if (relative(project, tree).startsWith('..')) return undefined;
  const cache = join(project, '.ten-servers', 'cache', 'types');
  const name = `${chapter.folder}-${relative(project, tree).replaceAll(/[^\w]+/g, '-')}`;
  const config = join(cache, `${name}.json`);
  const settings = {
    extends: relative(cache, join(project, 'tsconfig.json')).replaceAll('\\', '/'),
    compilerOptions: {
      incremental: true,
      tsBuildInfoFile: `./${name}.tsbuildinfo`,
      typeRoots: [join(project, 'node_modules', '@types')],
    },
    include: [join(tree, chapter.folder, '*.ts')],
    exclude: [],
  };
  try {
    mkdirSync(cache, { recursive: true });
    writeFileSync(config, JSON.stringify(settings));
  } catch {
    return undefined; // Nowhere to write to: the tests still decide.
  }
  const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  return await new Promise((resolve) => {
    const child = spawn(process.execPath, [compiler, '-p', config, '--pretty', 'false'], {
      cwd: project,
      stdio: ['ignore', 'pipe', 'ignore'],
      windowsHide: true,
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', () => resolve(undefined));
    child.on('close', () => {
      const own = relative(project, join(tree, chapter.folder)).replaceAll('\\', '/');
      const errors = output.split('\n').filter((line) => /: error TS\d+:/.test(line) && line.startsWith(own));
      resolve(errors.map((line) => line.replace(/\((\d+),\d+\): error TS\d+: /, ':$1  ')).slice(0, 10));
    });
  });
}
