/**
 * Finds an asynchronous application by its name, `module:export`, as it is given on a command line: `./app.ts:app`.
 */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { AsyncApp } from './async-app.ts';

/**
 * Loads an application.
 *
 * @param name a file, a colon, an export; without the colon and what follows, the export is `app`
 * @throws Error whose message says what to do
 */
export async function loadAsyncApp(name: string, directory: string = process.cwd()): Promise<AsyncApp> {
  const match = /^(.+?)(?::([\p{ID_Start}$_][\p{ID_Continue}$]*))?$/u.exec(name);
  if (match === null) throw new Error("an application is named as 'module:export'");
  const [, file, exportName = 'app'] = match as unknown as [string, string, string?];
  const path = resolve(directory, file);
  if (!existsSync(path)) throw new Error(`there is no file ${path}`);
  const exports = await import(pathToFileURL(path).href) as Record<string, unknown>;
  const app = exports[exportName];
  if (typeof app !== 'function') {
    throw new Error(`${file} has no function '${exportName}'; it has ${Object.keys(exports).join(', ') || 'no exports'}`);
  }
  return app as AsyncApp;
}
