/**
 * The entry of every npm script.
 *
 * Plain JavaScript that an old Node can read: under Node 20 a TypeScript file
 * dies before its first line, and nobody would learn why. So the version is
 * looked at here, and only then is anything else loaded.
 */
import fs from 'node:fs';
import module from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The oldest Node that runs the course: package.json, "engines". */
const NEEDED = [24, 15];

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** One sentence on what to do, or nothing where this Node will do. */
function versionProblem() {
  const [major, minor] = process.versions.node.split('.').map((part) => parseInt(part, 10));
  if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) return undefined;
  const bin = path.join(root, 'node_modules', '.bin');
  const hasOwn = fs.existsSync(path.join(bin, 'node')) || fs.existsSync(path.join(bin, 'node.cmd'));
  const advice = hasOwn
    ? 'use the npm commands (npm start, npm test, npm run …), which bring the right one'
    : 'run "npm ci" in the folder of the course, which brings the right one, or install Node 24 from https://nodejs.org';
  return `Ten Servers needs Node ${NEEDED.join('.')} or newer and this is Node ${process.versions.node}: ${advice}.`;
}

const problem = versionProblem();
if (problem) {
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
