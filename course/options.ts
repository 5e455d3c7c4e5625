/**
 * The arguments of a command: parsed by `node:util`, refused in sentences.
 *
 * npm 11 keeps flags for itself that are given without `--` before them:
 * `npm test chapter-01 --seed 5` arrives as `chapter-01 5`, with
 * `npm_config_seed=true` in the environment. A flag that can be told for sure
 * is honoured; for one that cannot, the right way to write it is shown.
 */
import { parseArgs } from 'node:util';
import type { ParseArgsConfig, ParseArgsOptionsConfig } from 'node:util';
import { COMMANDS } from './command-list.ts';
import { nearest } from './names.ts';
import { UsageProblem } from './problem.ts';

export interface CommandSyntax<Options extends ParseArgsOptionsConfig> {
  /** As in package.json's scripts: `catch-up`. */
  readonly command: string;
  readonly options: Options;
  /** How many names may be given; none by default. */
  readonly namesMax?: number;
  /** It changes the learner's files, so a flag is never taken from the environment. */
  readonly careful?: boolean;
}

/** `npm test`, `npm run hint`. */
export function npmCommand(command: string): string {
  return command === 'test' || command === 'start' ? `npm ${command}` : `npm run ${command}`;
}

/** How a command is used, with the `--` that npm wants before the first flag. */
export function npmUsage(command: string): string {
  const usage = COMMANDS[command]?.usage ?? '';
  const flag = usage.search(/\[?--/);
  const line = flag < 0 ? usage : `${usage.slice(0, flag)}-- ${usage.slice(flag)}`;
  return `${npmCommand(command)} ${line}`.trim();
}

/**
 * Parses a command's arguments.
 *
 * @throws {UsageProblem} for a flag that does not exist, lacks its value or was kept by npm, and for too many names
 */
export function parseCommand<Options extends ParseArgsOptionsConfig>(
  args: readonly string[],
  syntax: CommandSyntax<Options>,
  environment: NodeJS.ProcessEnv = process.env,
) {
  type Config = { options: Options; allowPositionals: true; strict: true; args: string[] };
  const config: Config = { options: syntax.options, allowPositionals: true, strict: true, args: [...args] };
  let parsed;
  try {
    parsed = parseArgs<Config>(config satisfies ParseArgsConfig);
  } catch (error) {
    throw new UsageProblem(`${sentence(error as Error, syntax)}\nUse: ${npmUsage(syntax.command)}`);
  }
  takeFromNpm(parsed.values as Record<string, unknown>, parsed.positionals, syntax, environment);
  const namesMax = syntax.namesMax ?? 0;
  if (parsed.positionals.length > namesMax) {
    const extra = parsed.positionals[namesMax];
    const what = namesMax === 0 ? 'takes no names' : namesMax === 1 ? 'takes one name' : `takes ${namesMax} names at most`;
    throw new UsageProblem(`${npmCommand(syntax.command)} ${what}: "${extra}" is one too many.\nUse: ${npmUsage(syntax.command)}`);
  }
  return parsed;
}

function sentence(error: Error & { code?: string }, syntax: CommandSyntax<ParseArgsOptionsConfig>): string {
  const flag = /'(-[^' =]*)/.exec(error.message)?.[1] ?? 'that flag';
  const flags = Object.keys(syntax.options).map((name) => `--${name}`);
  if (error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const close = nearest(flag, flags);
    return `${npmCommand(syntax.command)} has no option ${flag}.${close === undefined ? '' : ` Did you mean ${close}?`}`;
  }
  const long = flags.find((name) => error.message.includes(name)) ?? flag;
  const takesValue = syntax.options[long.slice(2)]?.type === 'string';
  return takesValue ? `${long} needs a value.` : `${long} takes no value.`;
}

/** Looks for flags that npm kept: see the head of this file. */
function takeFromNpm(
  values: Record<string, unknown>,
  names: readonly string[],
  syntax: CommandSyntax<ParseArgsOptionsConfig>,
  environment: NodeJS.ProcessEnv,
): void {
  if (environment['npm_lifecycle_event'] !== syntax.command) return;
  for (const [name, { type }] of Object.entries(syntax.options)) {
    const kept = environment[`npm_config_${name.replaceAll('-', '_')}`];
    if (kept === undefined || kept === '' || values[name] !== undefined) continue;
    // `--seed 5` leaves `true` and an extra name; `--seed=5` leaves `5`.
    const certain = type === 'boolean' ? kept === 'true' : kept !== 'true';
    if (!certain || syntax.careful === true) throw new UsageProblem(keptByNpm(syntax.command, name, type, kept, names));
    values[name] = type === 'boolean' ? true : kept;
  }
}

function keptByNpm(command: string, name: string, type: string, kept: string, names: readonly string[]): string {
  const value = kept !== 'true' ? kept : names.length > 1 ? names.at(-1) : 'VALUE';
  const flag = type === 'boolean' ? `--${name}` : `--${name} ${value}`;
  const before = type === 'string' && kept === 'true' && names.length > 1 ? names.slice(0, -1) : names;
  return `npm kept --${name} for itself; write a -- before it: ${[npmCommand(command), ...before, '--', flag].join(' ')}`;
}

/**
 * The value of `--seed`.
 *
 * @throws {UsageProblem} unless it is a whole number of at most 32 bits
 */
export function seedOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seed = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (!(seed < 2 ** 32)) throw new UsageProblem(`--seed ${text}: a seed is a whole number from 0 to ${2 ** 32 - 1}.`);
  return seed;
}
