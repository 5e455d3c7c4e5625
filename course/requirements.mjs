/**
 * What the course needs of this machine before anything of it can run: a Node,
 * a folder, packages. Where one of them is not right, a sentence says what to
 * do, and why what was done before did not help.
 *
 * Plain JavaScript that an old Node can read: ten.mjs asks before it loads
 * anything else.
 */
import fs from 'node:fs';
import path from 'node:path';

/**
 * The newest release of each line that mends a fault which a client can use over
 * the network, as far as is known: CVE-2026-123866. package.json, "engines", has
 * the oldest that will do.
 */
const NEWEST_FIX = ['24.22.3', '26.13.1'];

/** Negative where `a` is older than `b`. */
function compareVersions(a, b) {
  const [x, y] = [a, b].map((version) => version.replace(/^v/, '').split('.').map((part) => parseInt(part, 10) || 0));
  return x[0] - y[0] || x[1] - (y[1] || 0) || (x[2] || 0) - (y[2] || 0);
}

/** Whether a version is in a range such as `>=24.18.1 <25 || >=26.5.1`, which is all that "engines" may use. */
export function satisfies(version, range) {
  return range.split('||').some((part) =>
    part.trim().split(/\s+/).every((bound) => {
      const [, sign, other] = /^(>=|<)(\d+(?:\.\d+)*)$/.exec(bound) || [];
      if (other === undefined) throw new Error(`package.json, "engines": ${bound} is not understood`);
      return sign === '>=' ? compareVersions(version, other) >= 0 : compareVersions(version, other) < 0;
    }));
}

/** The range of package.json. */
export function neededNode(root) {
  return JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')).engines.node;
}

/** `Node 24 (24.18.1 or newer) or Node 26 (26.5.1 or newer)`. */
export function inWords(range) {
  const oldest = Array.from(range.matchAll(/>=(\d+)(\S*)/g), ([, major, rest]) => `Node ${major} (${major}${rest} or newer)`);
  return oldest.join(' or ');
}

/** The release to have instead of this one; undefined where none is known to be better. */
export function newerFix(version) {
  const fix = NEWEST_FIX.find((one) => parseInt(one, 10) === parseInt(version.replace(/^v/, ''), 10));
  return fix !== undefined && compareVersions(version, fix) < 0 ? fix : undefined;
}

/** One sentence on what to do, or undefined where this Node will do. */
export function nodeProblem(version, root, env) {
  const range = neededNode(root);
  if (satisfies(version, range)) return undefined;
  return `Ten Servers needs ${inWords(range)}, and this is Node ${version}: ${nodeAdvice(range, root, env)}.`;
}

function nodeAdvice(range, root, env) {
  const bin = path.join(root, 'node_modules', '.bin');
  const hasOwn = fs.existsSync(path.join(bin, 'node')) || fs.existsSync(path.join(bin, 'node.cmd'));
  const { command, why } = installAdvice(root, env, true);
  const install = `run "${command}" in the folder of the course, which brings the right one, or install Node 24 from https://nodejs.org`;
  if (!hasOwn) return why === undefined ? install : `${why}. So ${install}`;
  const own = installedVersion(root, 'node');
  if (own !== undefined && !satisfies(own, range)) return `node_modules has Node ${own}. So ${install}`;
  if (env.npm_lifecycle_event === undefined) return 'use the npm commands (npm start, npm test, npm run …), which bring the right one';
  if (root.includes(path.delimiter)) {
    return `npm has the right one and cannot find it, since the path of this folder contains a "${path.delimiter}" (${root}). Move the folder to a path without it`;
  }
  return 'npm has the right one in node_modules/.bin and did not use it. Install Node 24 from https://nodejs.org';
}

/**
 * How the packages are installed here. `npm ci` alone would leave out again what
 * a setting of npm left out before; which setting it was can be seen from what
 * is there.
 */
export function installAdvice(root, env, needsNode) {
  const flags = [];
  const reasons = [];
  const installed = readJson(path.join(root, 'node_modules', '.package-lock.json'));
  const packages = installed && installed.packages;
  if (packages && packages['node_modules/vitest'] === undefined) {
    flags.push('--include=dev');
    reasons.push('npm left out the packages for development, as NODE_ENV=production or the setting omit=dev make it do');
  } else if (!packages && (env.NODE_ENV === 'production' || /\bdev\b/.test(env.npm_config_omit || ''))) {
    flags.push('--include=dev');
  }
  if (needsNode && packages && packages['node_modules/node'] === undefined) {
    flags.push('--include=optional');
    reasons.push('npm left out the package that brings Node, as the setting omit=optional makes it do');
  } else if (needsNode && packages && !['node', 'node.exe'].some((name) => fs.existsSync(path.join(root, 'node_modules', 'node', 'bin', name)))) {
    flags.push('--ignore-scripts=false');
    reasons.push('npm has the package that brings Node and did not run its install script, as the setting ignore-scripts makes it do');
  }
  return { command: ['npm ci', ...flags].join(' '), why: reasons.length === 0 ? undefined : reasons.join(', and ') };
}

function installedVersion(root, name) {
  const data = readJson(path.join(root, 'node_modules', name, 'package.json'));
  return data && data.version;
}

function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    // It is not there, or half written: nothing can be told from it.
    return undefined;
  }
}

/** A sentence, where the tests cannot run in a folder with such a path: Vite takes it for an address or a pattern. */
export function placeProblem(root) {
  const found = /[#?*]/.exec(root);
  if (found === null) return undefined;
  return `The tests cannot run in this folder, since its path contains a "${found[0]}" (${root}). Move the folder to a path without #, ? and *.`;
}
