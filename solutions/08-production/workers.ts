/**
 * The server of this chapter in the workers of chapter 07's supervisor. Each of them loads this file, and serves by its hook.
 */

import { defaultSettings, Supervisor } from '../07-prefork/index.ts';
import type { Hooks } from '../07-prefork/index.ts';
import { serveProduction } from './serve.ts';
import type { Settings } from './settings.ts';

/** The settings on their way to the workers, as JSON. */
const VARIABLE = 'TEN_EDGE_SETTINGS';

/** Serves by as many processes as the settings say. Resolves to the exit code of the program. */
export async function superviseProduction(settings: Settings): Promise<number> {
  const { app, bind, workers, idleMs: keepAliveMs } = settings;
  process.env[VARIABLE] = JSON.stringify(settings);
  const supervisor = new Supervisor({ ...defaultSettings, app, bind, workers, keepAliveMs }, { hooks: { module: import.meta.url } });
  return await supervisor.run();
}

/** The socket is bound already, by the supervisor. */
const serve: Hooks['serve'] = (app, { fd }) =>
  serveProduction(app, JSON.parse(process.env[VARIABLE] ?? '{}') as Settings, fd === undefined ? {} : { fd });

export default { hooks: { serve } };
