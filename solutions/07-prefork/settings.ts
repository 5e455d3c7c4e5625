/**
 * The settings: one table. Their types, their defaults, the flags, the help and docs/settings.md come out of it.
 *
 * People write seconds and mebibytes; the code has milliseconds and bytes.
 */

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

type Kind = 'text' | 'choice' | 'switch' | 'count' | 'seconds' | 'mebibytes';

/** A row of the table. What kind of value it has follows from its default and from the unit in its name. */
interface Row {
  readonly flag: string;
  readonly short?: string;
  /** In the unit that people write. */
  readonly default: string | number | boolean;
  /** The default in words, if it is not the same everywhere. */
  readonly defaultText?: string;
  /** The least and the most, of a number. */
  readonly range?: readonly [number, number];
  /** 0 is allowed too, and means that there is none. */
  readonly orNone?: true;
  readonly choices?: readonly string[];
  /** What a text is like. */
  readonly form?: string;
  readonly pattern?: RegExp;
  readonly meaning: string;
}

const DAY_S = 86_400;
/** A timer cannot wait longer than about 2,147,483 s. */
const LIFETIME_S_MAX = 2_000_000;
const COUNT_MAX = 1_000_000_000;
const COMBINED = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"';

const table = {
  app: { flag: 'app', default: '', form: 'MODULE:EXPORT', meaning: 'the application, such as ./app.ts:app; an argument without a flag' },
  bind: {
    flag: 'bind', short: 'b', default: '127.0.0.1:8000', form: 'HOST:PORT, [V6]:PORT, unix:PATH or fd://N',
    meaning: 'where to listen; port 0 takes a free one',
  },
  workers: {
    flag: 'workers', short: 'w', default: availableParallelism(), defaultText: 'the number of cores', range: [1, 1024],
    meaning: 'how many workers serve',
  },
  workerClass: {
    flag: 'worker-class', short: 'k', default: 'async', choices: ['async', 'sync'],
    meaning: 'whether a worker serves many requests at a time, or one (sync)',
  },
  interface: {
    flag: 'interface', default: 'auto', choices: ['auto', 'gateway', 'async', 'node', 'fetch'],
    meaning: 'how the application is called; auto finds out',
  },
  backlog: { flag: 'backlog', default: 511, range: [1, 65_535], meaning: 'how many connections may wait to be accepted' },
  timeoutMs: { flag: 'timeout', default: 30, range: [0.1, DAY_S], orNone: true, meaning: 'a worker that stands still for this long is killed' },
  requestTimeoutMs: {
    flag: 'request-timeout', default: 0, range: [0.1, DAY_S], orNone: true,
    meaning: 'without a response by then, a request is answered with 503',
  },
  bootTimeoutMs: { flag: 'boot-timeout', default: 60, range: [0.1, DAY_S], meaning: 'how long a worker may take until it serves' },
  bootTries: { flag: 'boot-tries', default: 5, range: [1, 100], meaning: 'with nobody serving, it gives up after this many failures in a row' },
  gracefulTimeoutMs: { flag: 'graceful-timeout', default: 30, range: [0, DAY_S], meaning: 'how long a worker that stops may finish what it has begun' },
  keepAliveMs: { flag: 'keep-alive', default: 15, range: [0.1, 3600], meaning: 'how long a connection may be idle between two requests' },
  streamCloseDelayMs: { flag: 'stream-close-delay', default: 0, range: [0, DAY_S], meaning: 'how long WebSockets may outlive a reload' },
  maxRequests: { flag: 'max-requests', default: 0, range: [1, COUNT_MAX], orNone: true, meaning: 'a worker is replaced after this many requests' },
  maxRequestsJitter: {
    flag: 'max-requests-jitter', default: 0, range: [1, COUNT_MAX], orNone: true,
    meaning: 'up to this many more, different for each worker, so that not all are replaced at once',
  },
  rssMaxBytes: { flag: 'max-rss', default: 0, range: [1, 1_048_576], orNone: true, meaning: 'a worker with more resident memory is replaced' },
  lifetimeMs: { flag: 'lifetime', default: 0, range: [0.1, LIFETIME_S_MAX], orNone: true, meaning: 'a worker is replaced at this age' },
  loopDelayMaxMs: {
    flag: 'max-loop-delay', default: 0, range: [0.001, 3600], orNone: true,
    meaning: 'a worker whose event loop is later than this is replaced',
  },
  unfitSamples: { flag: 'unfit-samples', default: 3, range: [1, 100], meaning: 'heartbeats in a row that must say so, for memory and loop delay' },
  pidfile: { flag: 'pid', short: 'p', default: '', form: 'a path', meaning: 'a file for the process id of the supervisor' },
  user: { flag: 'user', default: '', form: 'a name or an id', meaning: 'the user that workers run as' },
  group: { flag: 'group', default: '', form: 'a name or an id', meaning: 'the group that workers run as' },
  umask: {
    flag: 'umask', default: '', form: 'up to four octal digits, such as 027', pattern: /^(0?[0-7]{1,3})?$/,
    meaning: 'permissions that new files do not get',
  },
  procName: { flag: 'name', short: 'n', default: '', form: 'a name', meaning: 'what ps shows: NAME master, NAME worker' },
  accessLog: { flag: 'access-log', default: '', form: 'a path, or - for stdout', meaning: 'a line for each request' },
  accessLogFormat: { flag: 'access-log-format', default: COMBINED, form: 'a text with atoms such as %(h)s', meaning: 'what is in that line' },
  errorLog: { flag: 'error-log', default: '-', form: 'a path, or - for stderr', pattern: /./, meaning: 'everything that the supervisor has to say' },
  captureOutput: { flag: 'capture-output', default: false, meaning: 'what workers print goes into the error log' },
  controlSocket: { flag: 'control-socket', default: '', form: 'a path', meaning: 'a socket on which the supervisor takes commands' },
  metricsBind: { flag: 'metrics-bind', default: '', form: 'HOST:PORT or [V6]:PORT', meaning: 'where GET /metrics is answered' },
  reload: { flag: 'reload', default: false, meaning: 'for development: reloads when a file of the application changes' },
} as const satisfies Record<string, Row>;

type ValueOf<R extends Row> = R extends { choices: readonly (infer Choice)[] }
  ? Choice
  : R['default'] extends string ? string : R['default'] extends number ? number : boolean;

/** All settings, as the code uses them: times in milliseconds, sizes in bytes; an empty text is one that was not given. */
export type Settings = { readonly [Key in keyof typeof table]: ValueOf<(typeof table)[Key]> };

/** A row with what follows from it. */
export interface Setting extends Row {
  readonly key: keyof Settings;
  readonly kind: Kind;
  /** The environment variable: `TEN_SERVER_MAX_REQUESTS`. */
  readonly env: string;
  /** Its name in a file: `maxRequests`. */
  readonly fileKey: string;
  readonly unit: '' | 's' | 'MiB';
  /** The value in the code is this many times the value that people write. */
  readonly scale: number;
}

/** What the name of each environment variable begins with. */
export const envPrefix = 'TEN_SERVER_';

export const settingsTable: readonly Setting[] = Object.entries<Row>(table).map(([name, row]) => {
  const key = name as keyof Settings;
  const kind = kindOf(key, row);
  const env = envPrefix + row.flag.toUpperCase().replaceAll('-', '_');
  const fileKey = row.flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  const [unit, scale] = kind === 'seconds' ? (['s', 1000] as const) : kind === 'mebibytes' ? (['MiB', 2 ** 20] as const) : (['', 1] as const);
  return { ...row, key, kind, env, fileKey, unit, scale };
});

function kindOf(key: string, row: Row): Kind {
  if (row.choices !== undefined) return 'choice';
  if (typeof row.default !== 'number') return typeof row.default === 'string' ? 'text' : 'switch';
  return key.endsWith('Ms') ? 'seconds' : key.endsWith('Bytes') ? 'mebibytes' : 'count';
}

/** A setting that cannot be used. The message is one sentence for the person who wrote it. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  /** As it was written: `--workers`, `TEN_SERVER_WORKERS`, `workers in server.json`. */
  readonly setting: string;
  readonly value: unknown;

  /** @param allowed what may be written instead: `a whole number from 1 to 1024` */
  constructor(setting: string, value: unknown, allowed: string, message = `${setting} takes ${allowed}, not ${JSON.stringify(value)}`) {
    super(message);
    this.setting = setting;
    this.value = value;
  }
}

/** What a setting may be, in words. */
export function allowedFor({ kind, range, unit, orNone, choices, form }: Setting): string {
  if (kind === 'switch') return 'true or false';
  if (choices !== undefined) return choices.join(', ').replace(/, ([^,]+)$/, ' or $1');
  if (range === undefined) return form ?? 'a text';
  const number = `${kind === 'count' ? 'a whole number' : 'a number'} from ${range[0]} to ${range[1]}${unit && ` ${unit}`}`;
  return orNone ? `${number}, or 0 for none` : number;
}

/**
 * A value out of a file, checked, in the units of the code.
 *
 * @param name the setting as it was written there
 * @throws SettingsError
 */
export function readValue(setting: Setting, value: unknown, name: string): Settings[keyof Settings] {
  const { kind, range, scale, orNone, choices, pattern } = setting;
  if (kind === 'switch' && typeof value === 'boolean') return value;
  if (range !== undefined && typeof value === 'number') {
    const inRange = (value >= range[0] && value <= range[1]) || (orNone && value === 0);
    if (inRange && (kind !== 'count' || Number.isInteger(value))) return Math.round(value * scale);
  }
  const isText = typeof value === 'string' && (kind === 'choice' || kind === 'text') && !value.includes('\0');
  if (isText && (choices?.includes(value) ?? true) && (pattern?.test(value) ?? true)) return value;
  throw new SettingsError(name, value, allowedFor(setting));
}

/** The same for a text from the command line or the environment. @throws SettingsError */
export function readText(setting: Setting, text: string, name: string): Settings[keyof Settings] {
  const switches: Record<string, boolean> = { true: true, 1: true, yes: true, on: true, false: false, 0: false, no: false, off: false };
  if (setting.kind === 'switch') return readValue(setting, Object.hasOwn(switches, text) ? switches[text] : text, name);
  return readValue(setting, setting.range !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : text, name);
}

export const defaultSettings = Object.fromEntries(
  settingsTable.map((setting) => [setting.key, readValue(setting, setting.default, setting.flag)]),
) as unknown as Settings;

/** The name that is most like the one that was written, or `undefined` if none is like it. */
export function nearest(written: string, names: readonly string[]): string | undefined {
  const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_]/g, '');
  const [best] = names.map((name) => ({ name, edits: edits(plain(written), plain(name)) })).sort((a, b) => a.edits - b.edits);
  return best !== undefined && best.edits <= Math.max(2, written.length / 3) ? best.name : undefined;
}

/** How many letters must be changed, added or taken away to make one word out of another (Levenshtein's distance). */
function edits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [y, letter] of [...from].entries()) {
    const next = [y + 1];
    for (let x = 0; x < to.length; x++) next.push(Math.min(row[x + 1]! + 1, next[x]! + 1, row[x]! + (to[x] === letter ? 0 : 1)));
    row = next;
  }
  return row[to.length]!;
}

/** The error for a name that does not exist. @param names those that do */
export function unknownName(what: string, name: string, names: readonly string[]): SettingsError {
  const near = nearest(name, names);
  const advice = near === undefined ? '--help lists those that exist' : `did you mean ${near}?`;
  return new SettingsError(name, undefined, near ?? '', `there is no ${what} ${name}; ${advice}`);
}

export type Action = 'run' | 'print' | 'check' | 'help' | 'control';

/** What the command line says. */
export interface Flags {
  readonly given: Partial<Settings>;
  readonly action: Action;
  readonly configFile: string | null;
  /** What comes after `control`. */
  readonly rest: readonly string[];
}

const actions = { 'print-config': 'print', 'check-config': 'check', help: 'help' } as const;

/** Reads the command line, and nothing else. @throws SettingsError */
export function parseFlags(argv: readonly string[]): Flags {
  const flags = settingsTable.filter(({ key }) => key !== 'app');
  const options = Object.fromEntries([
    ...flags.map(({ flag, kind, short }) => [flag, { type: kind === 'switch' ? 'boolean' : 'string', ...(short && { short }) }]),
    ['config', { type: 'string', short: 'c' }],
    ...Object.keys(actions).map((name) => [name, { type: 'boolean', ...(name === 'help' && { short: 'h' }) }]),
  ]) as Record<string, { type: 'boolean' | 'string'; short?: string }>;
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, allowNegative: true, tokens: true });

  const given: Record<string, unknown> = {};
  const rest: string[] = [];
  let action: Action = 'run';
  let configFile: string | null = null;
  for (const token of tokens) {
    if (token.kind === 'positional') rest.push(token.value);
    if (token.kind !== 'option') continue;
    const { rawName, value } = token;
    const isNegative = rawName.startsWith('--no-');
    const name = isNegative ? rawName.slice('--no-'.length) : token.name;
    const type = options[name]?.type;
    if (type === undefined || (isNegative && type === 'string')) throw unknownName('flag', rawName, Object.keys(options).map((flag) => `--${flag}`));
    const isValue = value !== undefined && (token.inlineValue || !/^-\D/.test(value));
    const problem = type === 'string' ? 'needs a value' : 'takes no value';
    if (isValue !== (type === 'string')) throw new SettingsError(rawName, value, '', `${rawName} ${problem}`);
    const setting = flags.find(({ flag }) => flag === name);
    if (setting !== undefined) given[setting.key] = isValue ? readText(setting, value, rawName) : !isNegative;
    else if (name === 'config') configFile = value!;
    else if (!isNegative) action = actions[name as keyof typeof actions];
  }
  if (rest[0] === 'control' && action === 'run') action = 'control';
  else if (rest.length > 1) throw new SettingsError('app', rest[1], '', `one argument too many: ${JSON.stringify(rest[1])}`);
  else if (rest[0] !== undefined) given.app = rest[0];
  return { given: given as Partial<Settings>, action, configFile, rest: action === 'control' ? rest.slice(1) : [] };
}
