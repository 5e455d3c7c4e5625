/**
 * What makes a server pleasant while you write an application: it notices when you have saved, and it shows what is
 * wrong, with the source around it. None of it is for strangers.
 */

import { readdirSync, readFileSync, statSync, watch } from 'node:fs';
import type { Dirent, FSWatcher } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';

import { isOurFault } from '../02-http/index.ts';
import { escapeHtml } from '../03-static/index.ts';
import { byScope } from '../06-websocket/index.ts';
import type { AsyncApp, HttpScope, HttpSendEvent, Send } from '../06-websocket/index.ts';

/** Editors save in several steps: what happens within this time is one change. */
const DEBOUNCE_MS = 100;
/** What an application is made of, and not a database that it writes. A name without a dot may be a folder's. */
const RELEVANT = /^[^.#][^.~]*$|^[^.#].*\.(?:[cm]?[jt]sx?|json|html|css)$/;
/** Source that may be shown; never of a package, nor of anything that is hidden. */
const SHOWN = /^(?!.*[/\\](?:\.|node_modules[/\\])).*\.[cm]?[jt]sx?$/;
const SOURCE_BYTES_MAX = 1024 * 1024;
/** How many lines are shown before and after the one that matters. */
const AROUND = 4;
const CAUSES_MAX = 5;

export interface WatchOptions {
  /** Files that the service itself writes: its logs, its pidfile. */
  readonly ignore?: readonly string[];
  /** Is told if a folder cannot be watched, as when the system has no watch left. Default: nothing is said. */
  readonly onProblem?: (error: Error) => void;
}

/**
 * Tells when something below a folder changes: a file is written, replaced by another, made, or removed. Folders named
 * `node_modules` and those that begin with a dot do not count.
 *
 * Each folder is watched by itself: the recursive watch of Node 24 loses a file on Linux when an editor renames the new
 * one over the old.
 *
 * @param onChange is given one of the files that changed
 */
export function watchFolder(folder: string, onChange: (file: string) => void, options: WatchOptions = {}): { close(): void } {
  const ignored = new Set(options.ignore?.map((file) => resolve(file)));
  let watchers: FSWatcher[] = [];
  let timer: NodeJS.Timeout | undefined;
  const changed = (file: string): void => {
    if (!RELEVANT.test(basename(file)) || ignored.has(resolve(file))) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      // Before anybody reads the files: what changes from now on is another change.
      renew();
      onChange(file);
    }, DEBOUNCE_MS);
  };
  /** A folder that was made again has the same name, and needs another watcher. The new ones come before the old ones go. */
  const renew = (): void => {
    const old = watchers;
    watchers = [...foldersBelow(folder)].flatMap((path) => {
      try {
        const watcher = watch(path, (_, name) => changed(join(path, name ?? 'unknown')));
        return [watcher.on('error', () => watcher.close())];
      } catch (error) {
        options.onProblem?.(error as Error);
        return [];
      }
    });
    for (const watcher of old) watcher.close();
  };
  renew();
  return {
    close: () => {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}

function* foldersBelow(folder: string): Iterable<string> {
  yield folder;
  for (const entry of entriesOf(folder)) {
    const isOurs = entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules';
    if (isOurs) yield* foldersBelow(join(folder, entry.name));
  }
}

/** None of one that has gone, or that may not be read. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/**
 * A page for the person who writes the application: the error and what caused it, each with its stack, and the source
 * around every frame that is in a file of theirs.
 *
 * @param error whatever was thrown
 * @param production strangers may see it: then it says nothing but that there was an error
 */
export function errorPage(error: unknown, { production = false }: { readonly production?: boolean } = {}): string {
  if (production) return page('Internal Server Error', '');
  const tellings = causesOf(error, CAUSES_MAX).map(tellingOf);
  const parts = tellings.map(({ name, stack }) => `<h1>${escapeHtml(name)}</h1>${stack.map(frameHtml).join('')}`);
  return page(escapeHtml(tellings[0]!.name), parts.join('<p>caused by</p>'));
}

/** The error, what caused it, what caused that, and so on. */
function causesOf(error: unknown, most: number): unknown[] {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined || most === 1 ? [error] : [error, ...causesOf(cause, most - 1)];
}

/** @returns the error in a line or more, and the lines of the stack that name a place */
function tellingOf(error: unknown): { name: string; stack: string[] } {
  if (!(error instanceof Error)) return { name: `thrown: ${inspect(error)}`, stack: [] };
  const name = `${error.name}: ${error.message}`;
  const stack = String(error.stack ?? '');
  // Only what follows the message is the stack: a message may look like one, and may come from a client.
  const at = Math.max(0, stack.indexOf(error.message)) + error.message.length;
  // Node puts the place of a syntax error before its name.
  return { name, stack: [stack.split('\n', 1)[0]!, ...stack.slice(at).split('\n')].filter((line) => placeOf(line) !== null) };
}

/** `at f (file:///app.ts:3:5)`, `at async /app.ts:3:5`, and `/app.ts:3` of a syntax error. */
function placeOf(line: string): { file: string; line: number } | null {
  const found = /^(?:\s+at (?:.*? \()?(?:async )?)?((?:file:\/\/|\/|[A-Za-z]:\\|node:).*?):(\d+)(?::\d+)?\)?$/.exec(line);
  if (found === null) return null;
  return { file: found[1]!.startsWith('file:') ? fileURLToPath(found[1]!) : found[1]!, line: Number(found[2]) };
}

function frameHtml(frame: string): string {
  const { file, line } = placeOf(frame)!;
  return `<p><code>${escapeHtml(frame.trim())}</code></p>${SHOWN.test(file) ? sourceHtml(file, line) : ''}`;
}

function sourceHtml(file: string, line: number): string {
  try {
    if (statSync(file).size > SOURCE_BYTES_MAX) return '';
    const first = Math.max(1, line - AROUND);
    const lines = readFileSync(file, 'utf8').split('\n').slice(first - 1, line + AROUND).map((text, index) => {
      const number = first + index;
      const html = `${String(number).padStart(5)}  ${escapeHtml(text)}`;
      return number === line ? `<mark>${html}</mark>` : html;
    });
    return `<pre>${lines.join('\n')}</pre>`;
  } catch {
    // The file has gone since.
    return '';
  }
}

const STYLE = 'body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:3rem auto;padding:0 1rem}'
  + 'h1{font-size:1.4rem;white-space:pre-wrap}pre{overflow-x:auto;background:#eee;padding:.5rem}';

function page(title: string, html: string): string {
  const head = `<meta charset="utf-8"><title>${title}</title><style>${STYLE}</style>`;
  return `<!doctype html>\n<html lang="en">${head}<body>${html === '' ? `<h1>${title}</h1>` : html}</body></html>\n`;
}

/** An application that could not be loaded, until it is mended: every request is answered with its error page. */
export function brokenApp(error: unknown): AsyncApp {
  const html = Buffer.from(errorPage(error));
  return byScope({ http: (scope, _, send) => sendPage(html, scope, send) });
}

/** Answers an error that an application throws with its page, if the response has not begun; then the server reports it. */
export function showErrors(app: AsyncApp): AsyncApp {
  return async (scope, receive, send) => {
    let begun = false;
    try {
      await app(scope, receive, async (event) => {
        begun ||= event.type === 'http.response.start';
        await send(event);
      });
    } catch (error) {
      if (scope.type === 'http' && !begun && isOurFault(error)) await sendPage(Buffer.from(errorPage(error)), scope, send);
      throw error;
    }
  };
}

async function sendPage(html: Buffer, { method }: HttpScope, send: Send<HttpSendEvent>): Promise<void> {
  const headers = [
    ['Content-Type', 'text/html; charset=utf-8'],
    ['Content-Length', String(html.length)],
    ['Cache-Control', 'no-store'],
    // What is shown may come from a client: none of it may run.
    ['Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'"],
  ] as const;
  await send({ type: 'http.response.start', status: 500, headers });
  await send({ type: 'http.response.body', body: method === 'HEAD' ? new Uint8Array() : html });
}
