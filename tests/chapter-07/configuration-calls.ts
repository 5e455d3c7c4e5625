/** What the tests of 7.7 do inside the process of the code under test: load settings, keep pidfiles, start `main`. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Door, Settings } from './door.ts';
import type { Masters } from './masters.ts';

const RUNNER = fileURLToPath(new URL('./run-main.ts', import.meta.url));

export interface Asked {
  argv: string[];
  env?: Record<string, string>;
  /** What the path after --config is relative to. Default: the folder of the rule's files. */
  directory?: string;
}

export interface WasLoaded {
  settings: Settings;
  action: string;
  configFile: string | null;
  rest: string[];
  /** The names of the hooks that are functions. */
  hooks: string[];
}

/** What became of loadSettings, or of a pidfile. */
export type Outcome<Value> = { value: Value } | { refused: string; isSettingsError: boolean };

export function configurationCalls(chapter: Door, masters: Masters) {
  const outcome = async <Value>(work: () => Value | Promise<Value>): Promise<Outcome<Value>> => {
    try {
      return { value: await work() };
    } catch (error) {
      if (!(error instanceof Error) || 'exercise' in error) throw error;
      return { refused: error.message, isSettingsError: error instanceof chapter.SettingsError };
    }
  };

  async function load({ argv, env = {}, directory = masters.folder }: Asked): Promise<WasLoaded> {
    const { settings, action, configFile, rest, hooks } = await chapter.loadSettings({ argv, env, directory });
    const names = Object.entries(hooks).flatMap(([name, hook]) => (typeof hook === 'function' ? [name] : []));
    return { settings: { ...settings }, action, configFile, rest: [...rest], hooks: names };
  }

  return {
    loadAll: async (asked: readonly Asked[]): Promise<Outcome<WasLoaded>[]> => {
      const outcomes: Outcome<WasLoaded>[] = [];
      for (const one of asked) outcomes.push(await outcome(() => load(one)));
      return outcomes;
    },

    /** Writes a pidfile for this process, and says what it holds then. */
    writePidfile: async (path: string): Promise<Outcome<string | null>> =>
      await outcome(() => {
        new chapter.Pidfile(path).write();
        return textOf(path);
      }),

    /** Writes one, puts something else in its place if need be, removes it, and says what is left. */
    removePidfile: (path: string, meanwhile?: string): string | null => {
      const pidfile = new chapter.Pidfile(path);
      pidfile.write();
      if (meanwhile !== undefined) masters.write(path.slice(masters.folder.length + 1), meanwhile);
      pidfile.remove();
      return textOf(path);
    },

    /** The pid of this process, and of one that has ended. */
    pids: (): { own: number; parent: number; ended: number } => {
      const ended = Number(execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }));
      return { own: process.pid, parent: process.ppid, ended };
    },

    /** Starts `main` with these arguments, and returns its number. */
    startMain: (argv: readonly string[], env: Record<string, string> = {}): number =>
      masters.start({ program: { file: RUNNER, args: [process.argv[2]!, ...argv] }, env }),

    /** The URL of a file of the tree under test. */
    urlInTree: (path: string): string => pathToFileURL(resolve(process.argv[2]!, path)).href,
    defaults: (): Settings => ({ ...chapter.defaultSettings }),
    textOf,
    /** The permissions of a file, in octal digits. */
    modeOf: (path: string): string => (statSync(path).mode & 0o777).toString(8),
    titleOf: (pid: number): string => {
      if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    },
    isRoot: (): boolean => process.geteuid?.() === 0,
    /** A line of /etc/passwd. */
    userNamed: (name: string): { uid: number; gid: number } | null => {
      const line = (textOf('/etc/passwd') ?? '').split('\n').find((text) => text.startsWith(`${name}:`));
      const [, , uid, gid] = line?.split(':') ?? [];
      return uid === undefined ? null : { uid: Number(uid), gid: Number(gid) };
    },
  };
}

function textOf(path: string): string | null {
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
}
