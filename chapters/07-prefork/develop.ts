/**
 * What makes a server pleasant while you write an application: it notices when you have saved, and it shows what is
 * wrong, with the source around it. None of it is for strangers.
 */

import { NotImplemented } from '#course/not-implemented.ts';
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
  // TODO 7.9  Do what the comment above says. Only files whose name is RELEVANT and that are not to be ignored count. What
  //           happens within DEBOUNCE_MS is one change. Folders that are made later are watched as well, and one that is
  //           made again under its old name. A folder that cannot be watched is told to `onProblem`, and the others are.
  throw new NotImplemented('7.9');
}

/**
 * A page for the person who writes the application: the error and what caused it, each with its stack, and the source
 * around every frame that is in a file of theirs.
 *
 * @param error whatever was thrown
 * @param production strangers may see it: then it says nothing but that there was an error
 */
export function errorPage(error: unknown, { production = false }: { readonly production?: boolean } = {}): string {
  // TODO 7.9  Do what the comment above says. The page begins with the error; what caused it follows, at most CAUSES_MAX in
  //           all. Around a frame in a file that is SHOWN there are AROUND lines before and after, with their numbers; the
  //           line itself is in a `mark`. A file that is gone, or larger than SOURCE_BYTES_MAX, is not shown. Nothing that
  //           the page shows is HTML.
  throw new NotImplemented('7.9');
}

/** @returns the error in a line or more, and the lines of the stack that name a place */
function tellingOf(error: unknown): { name: string; stack: string[] } {
  // TODO 7.9  The name of an error is `NAME: MESSAGE`, that of anything else `thrown: ` and what `inspect` of node:util makes
  //           of it. In the text of a stack, only what follows the message counts, since a message may look like frames.
  //           And its first line counts, which is the place of a syntax error (`placeOf`).
  throw new NotImplemented('7.9');
}

/** `at f (file:///app.ts:3:5)`, `at async /app.ts:3:5`, and `/app.ts:3` of a syntax error. Null for any other line. */
function placeOf(line: string): { file: string; line: number } | null {
  // TODO 7.9  Do what the comment above says. `file` is a path. A line of a stack begins with blanks and `at`, one that is
  //           only a place with the place.
  throw new NotImplemented('7.9');
}

const STYLE = 'body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:3rem auto;padding:0 1rem}'
  + 'h1{font-size:1.4rem;white-space:pre-wrap}pre{overflow-x:auto;background:#eee;padding:.5rem}';

function page(title: string, html: string): string {
  const head = `<meta charset="utf-8"><title>${title}</title><style>${STYLE}</style>`;
  return `<!doctype html>\n<html lang="en">${head}<body>${html === '' ? `<h1>${title}</h1>` : html}</body></html>\n`;
}

/** An application that could not be loaded, until it is mended: every request is answered with its error page. */
export function brokenApp(error: unknown): AsyncApp {
  // TODO 7.9  Do what the comment above says. It starts and stops as any other, and takes no WebSockets.
  throw new NotImplemented('7.9');
}

/** Answers an error that an application throws with its page, if the response has not begun; then the server reports it. */
export function showErrors(app: AsyncApp): AsyncApp {
  // TODO 7.9  Do what the comment above says, with `errorPage`. An error that is the client's fault is not our business
  //           (`isOurFault` of chapter 02). The server gets to know of every error.
  throw new NotImplemented('7.9');
}

/** Answers with 500 and a page that no cache keeps. What it shows may come from a client: none of it may run. */
async function sendPage(html: Buffer, { method }: HttpScope, send: Send<HttpSendEvent>): Promise<void> {
  // TODO 7.9  Do what the comment above says. The page is HTML in UTF-8, and says how long it is. A Content-Security-Policy
  //           forbids everything but the page's own style. A HEAD gets no body.
  throw new NotImplemented('7.9');
}
