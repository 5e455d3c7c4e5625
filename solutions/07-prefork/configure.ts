/**
 * Puts the settings together: the defaults, on top of them a file, then the environment, then the command line.
 *
 * It reads the file, and nothing else that it was not given.
 */

import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { parseBind } from './listener.ts';
import { hookNames } from './service.ts';
import type { Hooks } from './service.ts';
import { defaultSettings, envPrefix, parseFlags, readText, readValue, settingsTable, SettingsError, unknownName } from './settings.ts';
import type { Action, Setting, Settings } from './settings.ts';

/** Where settings come from. */
export interface Sources {
  /** The arguments, without the program. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the path of the file is relative to. */
  readonly directory: string;
}

export interface Loaded {
  readonly settings: Settings;
  /** For each setting, as it was written: `--workers`, `TEN_SERVER_WORKERS`, `workers in server.json`, or `default`. */
  readonly origins: Readonly<Record<keyof Settings, string>>;
  readonly hooks: Hooks;
  readonly action: Action;
  /** An absolute path. */
  readonly configFile: string | null;
  /** What comes after `control`. */
  readonly rest: string[];
}

/** A value in the units of the code, and the name by which its author knows it. */
interface Given {
  readonly setting: Setting;
  readonly value: unknown;
  readonly origin: string;
}

/** How often a module was loaded: it is read anew each time, not taken from Node's cache. */
let loads = 0;

/** Loads the settings. @throws SettingsError */
export async function loadSettings({ argv, env, directory }: Sources): Promise<Loaded> {
  const { given, action, rest, ...flags } = parseFlags(argv);
  const configFile = flags.configFile === null ? null : resolve(directory, flags.configFile);
  const file = configFile === null || action === 'help' ? { given: [], hooks: {} } : await fromFile(configFile);
  const layers = action === 'help' ? [] : [...file.given, ...fromEnvironment(env), ...fromFlags(given)];
  const settings: Record<string, unknown> = { ...defaultSettings };
  const origins = Object.fromEntries(settingsTable.map(({ key }) => [key, 'default'])) as Record<keyof Settings, string>;
  for (const { setting, value, origin } of layers) {
    settings[setting.key] = value;
    origins[setting.key] = origin;
  }
  // For development one worker is enough, unless somebody has asked for more.
  if (settings.reload === true && origins.workers === 'default') [settings.workers, origins.workers] = [1, origins.reload];
  const loaded = { settings: settings as unknown as Settings, origins, hooks: file.hooks, action, configFile, rest: [...rest] };
  if (action !== 'help') checkTogether(loaded);
  return loaded;
}

function fromFlags(given: Partial<Settings>): Given[] {
  return settingsTable.flatMap((setting) => {
    const value = given[setting.key];
    return value === undefined ? [] : [{ setting, value, origin: setting.key === 'app' ? 'MODULE:EXPORT' : `--${setting.flag}` }];
  });
}

function fromEnvironment(env: Sources['env']): Given[] {
  return Object.entries(env).flatMap(([name, text]) => {
    if (!name.startsWith(envPrefix) || text === undefined) return [];
    const setting = settingsTable.find((row) => row.env === name);
    if (setting === undefined) throw unknownName('environment variable', name, settingsTable.map((row) => row.env));
    return [{ setting, value: readText(setting, text, name), origin: name }];
  });
}

async function fromFile(path: string): Promise<{ given: Given[]; hooks: Hooks }> {
  const isJson = extname(path) === '.json';
  const module = pathToFileURL(path).href;
  let content: unknown;
  try {
    content = isJson ? JSON.parse(await readFile(path, 'utf8')) : (await import(`${module}?load=${++loads}`) as { default?: unknown }).default;
  } catch (error) {
    throw new SettingsError('--config', path, '', `${path} cannot be read: ${String(error).split('\n')[0]}`);
  }
  if (!isObject(content)) throw new SettingsError('--config', path, '', `${path} holds no object${isJson ? '' : ' as its default export'}`);
  const { hooks = {}, ...values } = content;
  if (isJson && 'hooks' in content) throw new SettingsError(`hooks in ${path}`, hooks, 'functions, which need a module');
  const given = Object.entries(values).flatMap(([name, value]) => {
    // A comment, as --print-config writes them.
    if (name.startsWith('//')) return [];
    const origin = `${name} in ${path}`;
    const setting = settingsTable.find(({ fileKey }) => fileKey === name);
    if (setting === undefined) throw unknownName(`setting in ${path} called`, name, settingsTable.map(({ fileKey }) => fileKey));
    return [{ setting, value: readValue(setting, value, origin), origin }];
  });
  return { given, hooks: isJson ? {} : { ...checkHooks(hooks, path), module } };
}

/** The hooks of such a file, for a worker, which is given its URL: functions cannot be sent. @throws SettingsError */
export async function loadHooks(module: string): Promise<Hooks> {
  return (await fromFile(fileURLToPath(module))).hooks;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checkHooks(hooks: unknown, file: string): Hooks {
  if (!isObject(hooks)) throw new SettingsError(`hooks in ${file}`, hooks, 'an object of functions');
  for (const [name, hook] of Object.entries(hooks)) {
    if (name !== 'serve' && !hookNames.some((known) => known === name)) throw unknownName(`hook in ${file} called`, name, [...hookNames, 'serve']);
    if (typeof hook !== 'function') throw new SettingsError(`hook ${name} in ${file}`, hook, 'a function');
  }
  return hooks;
}

/** Each setting is fine by itself: is it so in the company of the others? */
function checkTogether({ settings, origins, action, rest }: Loaded): void {
  const { bind, metricsBind, maxRequests, maxRequestsJitter, reload, workers, controlSocket, app } = settings;
  const refuse = (key: keyof Settings, but: string): never => {
    throw new SettingsError(origins[key], settings[key], '', `${origins[key]} is ${JSON.stringify(settings[key])}, ${but}`);
  };
  checkBind('bind', ['tcp', 'unix', 'fd']);
  if (metricsBind !== '') checkBind('metricsBind', ['tcp']);
  if (metricsBind === bind && !bind.endsWith(':0')) refuse('metricsBind', 'but that is where the application listens');
  if (maxRequestsJitter > 0 && maxRequests === 0) refuse('maxRequestsJitter', 'but without --max-requests there is nothing to vary');
  if (reload && workers > 1) refuse('workers', `but ${origins.reload} takes one worker: leave one of the two out`);
  if (action === 'control' && controlSocket === '') throw new SettingsError('control', rest[0], '', 'control needs --control-socket PATH');
  if ((action === 'run' || action === 'check') && app === '') throw new SettingsError('app', app, 'MODULE:EXPORT, such as ./app.ts:app');

  function checkBind(key: 'bind' | 'metricsBind', kinds: readonly string[]): void {
    try {
      if (kinds.includes(parseBind(settings[key]).kind)) return;
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
    }
    throw new SettingsError(origins[key], settings[key], settingsTable.find((row) => row.key === key)!.form!);
  }
}

/** All settings as a JSON file that `--config` takes, with a comment above each that says where it comes from. */
export function printSettings({ settings, origins }: Loaded): string {
  const entries = settingsTable.flatMap(({ key, fileKey, scale }) => {
    const value = settings[key];
    return [[`// ${fileKey}`, origins[key]], [fileKey, typeof value === 'number' ? value / scale : value]];
  });
  return JSON.stringify(Object.fromEntries(entries), null, 2);
}
