/**
 * Runs an application under a supervisor:
 *
 *     main.ts MODULE:EXPORT [--bind HOST:PORT] [--workers N] …
 *     main.ts control COMMAND [PID] --control-socket PATH
 *
 * Exit codes: 0 stopped by a signal; 1 the address is in use, a file cannot be written, or the supervisor gave up; 2 wrong
 * arguments or settings; 3 the application could not boot; 4 there is no such application.
 */

import { loadSettings, printSettings } from './configure.ts';
import { controlClient } from './control.ts';
import { applyToProcess, becomeInit, workerIds, Pidfile } from './service.ts';
import { allowedFor, settingsTable, SettingsError } from './settings.ts';
import type { Setting } from './settings.ts';
import { Supervisor } from './supervisor.ts';

/** Does what the command line says. Resolves to the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  // Until the supervisor listens to it, it would open a port for debuggers.
  process.on('SIGUSR1', ignore);
  const reread = async (): ReturnType<typeof loadSettings> => {
    const read = await loadSettings({ argv, env: process.env, directory: process.cwd() });
    workerIds(read.settings);
    return read;
  };
  let loaded;
  try {
    loaded = await reread();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    console.error(error.message);
    return 2;
  }
  const { settings, action, hooks, rest } = loaded;
  switch (action) {
    case 'help':
      console.log(helpText());
      return 0;
    case 'print':
      console.log(printSettings(loaded));
      return 0;
    case 'check':
      return 0;
    case 'control':
      return await controlClient(settings.controlSocket, rest[0] ?? 'show', rest[1] === undefined ? undefined : Number(rest[1]));
    case 'run':
      break;
    default:
      action satisfies never;
  }
  becomeInit(settings);
  applyToProcess(settings, 'master');
  const pidfile = settings.pidfile === '' ? null : new Pidfile(settings.pidfile);
  try {
    pidfile?.write();
  } catch (error) {
    console.error(`pidfile: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
  try {
    return await new Supervisor(settings, { hooks, reread }).run();
  } finally {
    pidfile?.remove();
  }
}

function helpText(): string {
  const rows = settingsTable.filter(({ key }) => key !== 'app').map((setting) => [usageOf(setting), `${setting.meaning}; ${defaultOf(setting)}`]);
  const others = [
    ['-c, --config FILE', 'settings as a .json file, or as the default export of a module, which may have hooks'],
    ['    --print-config', 'print the settings, and where each comes from, as a file for --config'],
    ['    --check-config', 'say whether the settings are right, and start nothing'],
    ['-h, --help', 'this'],
  ];
  const lines = [...rows, ...others].map(([usage = '', meaning = '']) => `  ${usage.padEnd(30)} ${meaning}`);
  return ['usage: main.ts MODULE:EXPORT [flags]', '       main.ts control COMMAND [PID] --control-socket PATH', '', ...lines].join('\n');
}

function usageOf({ short, flag, kind, unit }: Setting): string {
  const value = kind === 'switch' ? '' : kind === 'text' || kind === 'choice' ? ' TEXT' : ` ${unit === '' ? 'N' : unit.toUpperCase()}`;
  return `${short === undefined ? '   ' : `-${short},`} --${flag}${value}`;
}

function defaultOf(setting: Setting): string {
  const { default: value, defaultText } = setting;
  return value === false ? 'off by default' : `${allowedFor(setting)}; default ${defaultText ?? (value === '' ? 'none' : value)}`;
}

function ignore(): void {}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
