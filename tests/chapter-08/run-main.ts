/**
 * The program that a rule of 8.1 starts: the `main` of a tree, with a command line.
 *
 *     node run-main.ts TREE ARGUMENTS…
 */
import { registerHooks } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Door } from './door.ts';

const tree = resolve(process.argv[2]!);
const project = fileURLToPath(new URL('../../', import.meta.url));

// A tree outside the project has no node_modules and no `#course/…` of its own.
registerHooks({
  resolve(specifier, context, next) {
    try {
      return next(specifier, context);
    } catch (error) {
      if (/^(\.|\/|file:)/.test(specifier)) throw error;
      return next(specifier, { ...context, parentURL: pathToFileURL(join(project, 'package.json')).href });
    }
  },
});

const { main } = (await import(pathToFileURL(join(tree, '08-production', 'index.ts')).href)) as Door;

process.exitCode = await main(process.argv.slice(3));
