/** `serve`: runs a chapter's `main.ts`, the learner's or the reference's. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { npmUsage } from '../options.ts';
import { UsageProblem } from '../problem.ts';
import { shown } from '../root.ts';
import { runNode } from '../run-tool.ts';
import { targetOf, treeOf } from '../trees.ts';

export async function run(args: readonly string[]): Promise<number> {
  const at = args.findIndex((arg) => !arg.startsWith('-'));
  const beforeName = args.slice(0, at < 0 ? undefined : at);
  const strange = beforeName.find((arg) => arg !== '--solution');
  if (strange !== undefined) throw new UsageProblem(`${strange} goes after the chapter's name.\nUse: ${npmUsage('serve')}`);
  const { chapter } = targetOf('serve', args.slice(at < 0 ? args.length : at, at + 1));
  const rest = args.slice(at + 1).filter((arg) => arg !== '--solution');
  const solution = args.includes('--solution') || keptByNpm('solution') === 'true';
  const main = join(treeOf(solution ? 'solutions' : 'chapters', chapter).folder, chapter.folder, 'main.ts');
  if (!existsSync(main)) throw new UsageProblem(`${shown(main)} is missing, so there is nothing to serve.`);
  return runNode(main, [...rest, ...optionsKeptByNpm(main, rest, args[at] as string)]);
}

/** Settings of npm's own that it always hands on: `npm_config_cache` is its folder, and not what somebody typed. */
const OF_NPM: ReadonlySet<string> = new Set(['audit', 'cache', 'fund', 'loglevel', 'prefix', 'yes']);

function keptByNpm(name: string): string | undefined {
  if (OF_NPM.has(name)) return undefined;
  return process.env['npm_lifecycle_event'] === 'serve' ? process.env[`npm_config_${name.replaceAll('-', '_')}`] : undefined;
}

/**
 * Options of the chapter's program that were given without `--` before them,
 * which npm keeps for itself (see options.ts). The program's own source says
 * which options it has. One whose value is certain is handed on.
 */
function optionsKeptByNpm(main: string, rest: readonly string[], chapter: string): string[] {
  const handed: string[] = [];
  for (const [, name = '', type] of readFileSync(main, 'utf8').matchAll(/'?([a-z][\w-]*)'?:\s*\{\s*type:\s*'(string|boolean)'/g)) {
    const kept = keptByNpm(name);
    if (kept === undefined || kept === '' || rest.some((arg) => arg.startsWith(`--${name}`))) continue;
    if (type === 'boolean' && kept === 'true') handed.push(`--${name}`);
    else if (type === 'string' && kept !== 'true') handed.push(`--${name}`, kept);
    else {
      const value = type === 'boolean' ? '' : ` ${rest.find((arg) => !arg.startsWith('-')) ?? 'VALUE'}`;
      throw new UsageProblem(`npm kept --${name} for itself; write a -- before it: npm run serve ${chapter} -- --${name}${value}`);
    }
  }
  return handed;
}
