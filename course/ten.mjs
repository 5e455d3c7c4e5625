/**
 * The entry of every npm script.
 *
 * Plain JavaScript that an old Node can read: under Node 20 a TypeScript file
 * dies before its first line, and nobody would learn why. So the version is
 * checked here, and only then is anything else loaded.
 */
import module from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeProblem } from './requirements.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const problem = nodeProblem(process.versions.node, root, process.env);
if (problem !== undefined) {
  console.error(problem);
  process.exitCode = 2;
} else {
  // Compiled code is kept between runs: 40 ms of each start. Where the folder
  // cannot be written, Node goes on without it.
  if (!process.env.NODE_COMPILE_CACHE) {
    process.env.NODE_COMPILE_CACHE = path.join(root, '.ten-servers', 'cache', 'compiled');
  }
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
  const { main } = await import('./cli.ts');
  await main(process.argv.slice(2));
}
