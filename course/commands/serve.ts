/** `serve`: runs a chapter's `main.ts`, the learner's or the reference's. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readText } from '../files.ts';
import { npmUsage } from '../options.ts';
import { UsageProblem } from '../problem.ts';
import { shown } from '../root.ts';
import { runNode } from '../run-tool.ts';
import { listed } from '../screen.ts';
import { targetOf, treeOf } from '../trees.ts';
import { layTuned } from '../tuned.ts';

/**
 * SIGUSR1 shall not open Node's inspector. The flag blocks the signal altogether, so a program that listens to it is
 * started without: its listener takes the inspector's place.
 */
function nodeOptionsFor(main: string): string[] {
  return readText(main)?.includes("'SIGUSR1'") === true ? [] : ['--disable-sigusr1'];
}

export async function run(args: readonly string[]): Promise<number> {
  const at = args.findIndex((arg) => !arg.startsWith('-'));
  const beforeName = args.slice(0, at < 0 ? undefined : at);
  const strange = beforeName.find((arg) => arg !== '--solution');
  if (strange !== undefined) throw new UsageProblem(`${strange} goes after the chapter's name.\nUse: ${npmUsage('serve')}`);
  const { chapter } = targetOf('serve', args.slice(at < 0 ? args.length : at, at + 1));
  const { engine, rest } = takeEngine(args.slice(at + 1).filter((arg) => arg !== '--solution'));
  const solution = args.includes('--solution') || keptByNpm('solution') === 'true';
  if (engine !== undefined && !solution) throw new UsageProblem(`--engine goes with --solution: the tuned servers are ours.\nUse: ${npmUsage('serve')}`);
  const tree = engine === undefined ? treeOf(solution ? 'solutions' : 'chapters', chapter).folder : join(layTuned(), 'solutions');
  const main = join(tree, chapter.folder, 'main.ts');
  if (!existsSync(main)) throw new UsageProblem(`${shown(main)} is missing, so there is nothing to serve.`);
  return runNode(main, [...rest, ...(await optionsKeptByNpm(main, rest, `npm run serve ${args[at]}${solution ? ' --solution' : ''}`))], { nodeOptions: nodeOptionsFor(main) });
}

/** `--engine tuned`: chapter 10's servers in the place of those that they are faster than. */
function takeEngine(args: readonly string[]): { engine: 'tuned' | undefined; rest: string[] } {
  const at = args.findIndex((arg) => arg === '--engine' || arg.startsWith('--engine='));
  if (at < 0) return { engine: undefined, rest: [...args] };
  const [name, value = args[at + 1]] = (args[at] as string).split('=');
  if (value !== 'tuned') throw new UsageProblem(`${name} takes "tuned", the one other engine that there is.`);
  return { engine: value, rest: args.toSpliced(at, args[at] === name ? 2 : 1) };
}

/** Settings of npm's own that it always hands on: `npm_config_cache` is its folder, and not what somebody typed. */
const OF_NPM: ReadonlySet<string> = new Set(['audit', 'cache', 'fund', 'loglevel', 'prefix', 'yes']);

function keptByNpm(name: string): string | undefined {
  if (OF_NPM.has(name)) return undefined;
  return process.env['npm_lifecycle_event'] === 'serve' ? process.env[`npm_config_${name.replaceAll('-', '_')}`] : undefined;
}

/** Settings of npm's own whose value it writes in another way: 027 becomes 23. */
const REWRITTEN_BY_NPM: ReadonlySet<string> = new Set(['umask']);

/**
 * Options of the chapter's program that were given without `--` before them,
 * which npm keeps for itself (see options.ts). They are handed on where the
 * value of each is certain.
 */
async function optionsKeptByNpm(main: string, rest: readonly string[], command: string): Promise<string[]> {
  const handed: string[] = [];
  const unclear: string[] = [];
  for (const [name, type] of await programOptions(main)) {
    const kept = keptByNpm(name);
    if (kept === undefined || kept === '' || rest.some((arg) => arg.startsWith(`--${name}`))) continue;
    if (type === 'boolean' && kept === 'true') handed.push(`--${name}`);
    else if (type === 'string' && kept !== 'true' && !REWRITTEN_BY_NPM.has(name)) handed.push(`--${name}`, kept);
    else unclear.push(`--${name}${type === 'string' ? ' VALUE' : ''}`);
  }
  if (unclear.length === 0) return handed;
  const names = listed(unclear.map((option) => option.split(' ')[0] as string));
  const written = unclear.join(' ');
  const [value, ...more] = rest.filter((arg) => !arg.startsWith('-'));
  const known = value !== undefined && more.length === 0 && written.split('VALUE').length === 2;
  const example = [known ? written.replace('VALUE', value) : written, ...handed].join(' ');
  throw new UsageProblem(`npm kept ${names} for itself; write a -- before it: ${command} -- ${example}`);
}

type OptionType = 'string' | 'boolean' | 'unknown';

/**
 * Which options a program has. Its own source says so, and that of a
 * `settings.ts` beside it, or the table of settings which that exports. What is
 * named there in another way has an unknown type.
 */
async function programOptions(main: string): Promise<Map<string, OptionType>> {
  const settings = join(dirname(main), 'settings.ts');
  const sources = [main, settings].map((file) => readText(file) ?? '').join('\n');
  const options = new Map<string, OptionType>(Object.keys(process.env).flatMap((variable) => {
    const name = /^npm_config_([a-z][a-z_]*)$/.exec(variable)?.[1]?.replaceAll('_', '-');
    return name !== undefined && sources.includes(`'${name}'`) ? [[name, 'unknown'] as const] : [];
  }));
  for (const [, name = '', type] of sources.matchAll(/'?([a-z][\w-]*)'?[:,]\s*\{\s*type:\s*'(string|boolean)'/g)) options.set(name, type as OptionType);
  for (const { flag, kind } of await settingsTable(settings)) options.set(flag, kind === 'switch' ? 'boolean' : 'string');
  return options;
}

interface Setting {
  readonly flag: string;
  readonly kind: string;
}

/** None where there is no such file, or the learner has broken it: its own program will say so. */
async function settingsTable(file: string): Promise<readonly Setting[]> {
  try {
    const { settingsTable = [] } = (await import(pathToFileURL(file).href)) as { settingsTable?: readonly Setting[] };
    return settingsTable;
  } catch {
    return [];
  }
}
