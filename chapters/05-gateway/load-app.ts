/**
 * Finds an application by its name, `module:export`, as it is given on a command line: `./app.ts:app`.
 */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import type { GatewayApp } from './gateway.ts';

/** Why there is no application: the module does not exist, it failed while it was loaded, or it has no such application. */
export type LoadProblem = 'no-module' | 'module-failed' | 'no-export' | 'not-an-app';

export class LoadAppError extends Error {
  override readonly name = 'LoadAppError';
  readonly problem: LoadProblem;

  /** @param message a sentence for the person who typed the name */
  constructor(problem: LoadProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}

const EXTENSIONS = ['', '.ts', '.mts', '.js', '.mjs'];

/** Loads an application. @throws LoadAppError whose message says what to do; its `cause` is what the module threw */
export async function loadApp(name: string, directory?: string): Promise<GatewayApp> {
  const { value, which } = await loadExport(name, directory);
  return checkApp(value, which);
}

/**
 * Finds what a name stands for, whatever it is.
 *
 * @param name a file or a package, a colon, an export; without these two, the export is `app`, or else the default one
 * @param directory where files and packages are looked for. Default: the current directory
 * @returns `which`: what to call it in a sentence
 * @throws LoadAppError
 */
export async function loadExport(name: string, directory: string = process.cwd()): Promise<{ value: unknown; which: string }> {
  const { module, exportName } = splitName(name);
  const url = locate(module, directory);
  let exports: Record<string, unknown>;
  try {
    exports = await import(url) as Record<string, unknown>;
  } catch (error) {
    throw new LoadAppError('module-failed', `${module} failed while it was loaded: ${errorLine(error)}`, { cause: error });
  }
  const value = exports[exportName] ?? (name.endsWith(`:${exportName}`) ? undefined : exports['default']);
  if (value === undefined) {
    throw new LoadAppError('no-export', `${module} has no export '${exportName}'; it has ${listOf(Object.keys(exports))}`);
  }
  return { value, which: `'${exportName}' of ${module}` };
}

/** An error in one line: the place of a syntax error is in the first line of its stack. */
export function errorLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const place = /^file:.*$/m.exec(error.stack?.split('\n')[0] ?? '')?.[0];
  return `${error.name}: ${error.message.split('\n')[0]}${place === undefined ? '' : ` (${place})`}`;
}

function splitName(name: string): { module: string; exportName: string } {
  const colon = name.lastIndexOf(':');
  // `file:///app.ts` and `C:\app.ts` have a colon of their own.
  const isNames = colon > 0 && /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name.slice(colon + 1));
  const module = isNames ? name.slice(0, colon) : name.replace(/:$/, '');
  if (module === '') throw new LoadAppError('no-module', `'${name}' names no module; an application is 'module:export'`);
  return { module, exportName: isNames ? name.slice(colon + 1) : 'app' };
}

function locate(module: string, directory: string): string {
  const path = module.startsWith('file:') ? fileURLToPath(module) : resolve(directory, module);
  const found = EXTENSIONS.map((extension) => path + extension).find((file) => existsSync(file));
  const isFile = /^\.{0,2}[/\\]|\.[cm]?[jt]s$|^file:/.test(module);
  if (found !== undefined && (isFile || found !== path)) return pathToFileURL(found).href;
  if (!isFile) {
    try {
      return pathToFileURL(createRequire(`${directory}/`).resolve(module)).href;
    } catch {
      // Neither a file nor a package.
    }
  }
  const what = isFile ? `there is no file ${path}` : `there is neither a file ${path}.ts nor a package '${module}'`;
  throw new LoadAppError('no-module', what);
}

function checkApp(app: unknown, which: string): GatewayApp {
  if (typeof app !== 'function') {
    throw new LoadAppError('not-an-app', `${which} is not an application: it is ${app === null ? 'null' : `a ${typeof app}`}, not a function`);
  }
  if (app.constructor.name === 'AsyncFunction') {
    throw new LoadAppError('not-an-app', `${which} returns a promise: make it an async generator, 'async function*'`);
  }
  return app as GatewayApp;
}

function listOf(names: readonly string[]): string {
  return names.length === 0 ? 'none at all' : names.map((name) => `'${name}'`).join(', ');
}
