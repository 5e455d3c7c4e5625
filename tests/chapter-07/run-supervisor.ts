/**
 * The program that tests start as a master: a Supervisor with these settings, and then its exit code.
 *
 *     node run-supervisor.ts TREE JSON
 *
 * All that it must know is in its arguments, so that a second master (USR2), which is started with the same ones, knows
 * it too.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Door, Loaded, Settings } from './door.ts';

/** What {@link Setup} becomes on the command line. */
export interface Setup {
  /** Instead of the defaults. */
  settings: Partial<Settings>;
  /**
   * A JSON file of settings to put on top of those at a reload. Where it cannot be read, rereading fails. As long as there
   * is a file of this name and `.held`, what was read is not handed over; `.seen` gets a line `read`, and a line `HUP` for
   * each HUP that comes in the meantime.
   */
  rereadFile?: string;
}

const REREAD_MS = 100;

const tree = resolve(process.argv[2]!);
const { settings, rereadFile } = JSON.parse(process.argv[3]!) as Setup;
const project = fileURLToPath(new URL('../../', import.meta.url));

// A tree outside the project has no node_modules and no `#course/…` of its own.
registerHooks({
  resolve(specifier, context, next) {
    try {
      return next(specifier, context);
    } catch (error) {
      if (/^(\.|\/|file:)/.test(specifier)) throw error;
      return next(specifier, { ...context, parentURL: pathToFileURL(join(project, 'package.json')).href });
    }
  },
});

const { Supervisor, becomeInit, defaultSettings } = (await import(pathToFileURL(join(tree, '07-prefork', 'index.ts')).href)) as Door;
const begun: Settings = { ...defaultSettings, ...settings };

const reread = async (): Promise<Loaded> => {
  // As long as it takes to read files and to load what they name: other signals come in the meantime.
  await wait(REREAD_MS);
  const changes = rereadFile === undefined ? {} : (JSON.parse(readFileSync(rereadFile, 'utf8')) as Partial<Settings>);
  const isHeld = (): boolean => existsSync(`${rereadFile}.held`);
  if (isHeld()) {
    const note = (line: string): void => appendFileSync(`${rereadFile}.seen`, `${line}\n`);
    const onHup = (): void => note('HUP');
    process.on('SIGHUP', onHup);
    note('read');
    while (isHeld()) await wait(REREAD_MS);
    process.off('SIGHUP', onHup);
  }
  return { settings: { ...begun, ...changes }, hooks: {}, action: 'run', configFile: rereadFile ?? null, rest: [] };
};

// Where it is PID 1 it comes back as another process.
becomeInit(begun);

process.exit(await new Supervisor(begun, { reread }).run());
