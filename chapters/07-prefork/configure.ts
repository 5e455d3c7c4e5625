/**
 * Puts the settings together: the defaults, on top of them a file, then the environment, then the command line.
 *
 * It reads the file, and nothing else that it was not given.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { hookNames } from './service.ts';
import type { Hooks } from './service.ts';
import { defaultSettings, envPrefix, parseFlags, settingsTable, SettingsError, unknownName } from './settings.ts';
import type { Action, Settings } from './settings.ts';

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

/** Loads the settings. @throws SettingsError */
export async function loadSettings({ argv, env, directory }: Sources): Promise<Loaded> {
  // TODO 7.7  The defaults come first, then what the file says, then the environment, then the flags: the last one counts.
  //           `origins` says of each setting who that was, in the words of the one who wrote it.
  //
  //           The file is JSON, or a module whose default export is such an object: `{ workers: 2, hooks: { … } }`. The key
  //           `hooks` is for modules only; their `module` is the URL of the file. A reload loads it again, and must not get
  //           what it was before. Its keys are the `fileKey` of the table; a key that begins with // is a comment. Of the environment, only names that begin
  //           with `envPrefix` are ours. An unknown name is an error that names the nearest one, and every value is checked
  //           as settings.ts says; the error names the setting as its author knows it: `TEN_SERVER_WORKERS`, `workers in
  //           server.json`.
  //
  //           Last, the settings must go together: `bind` and `metricsBind` are addresses, the latter of TCP, and not the
  //           same; a jitter needs `maxRequests`; `reload` goes with one worker, which is then the default; `control` needs
  //           a `controlSocket`; and to run, or to be checked, there must be an application. `--help` needs nothing of all
  //           that, and no file.
  //
  //           So far, only the flags count.
  const { given, action, configFile, rest } = parseFlags(argv);
  if (configFile !== null || Object.keys(env).some((name) => name.startsWith(envPrefix))) throw new NotImplemented('7.7');
  const origins = Object.fromEntries(settingsTable.map(({ key }) => [key, key in given ? 'flag' : 'default'])) as Loaded['origins'];
  return { settings: { ...defaultSettings, ...given }, origins, hooks: {}, action, configFile, rest: [...rest] };
}

/** The hooks of such a file, for a worker, which is given its URL: functions cannot be sent. @throws SettingsError */
export async function loadHooks(module: string): Promise<Hooks> {
  // TODO 7.7  Do what the comment above says.
  throw new NotImplemented('7.7');
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

/** All settings as a JSON file that `--config` takes, with a comment above each that says where it comes from. */
export function printSettings({ settings, origins }: Loaded): string {
  // TODO 7.7  Each setting by its `fileKey`, with its value in the unit that people write, and before it `// NAME`, the
  //           comment, with the origin. What is printed can be read with `--config` and means the same.
  throw new NotImplemented('7.7');
}
