/**
 * Directories: where their index is looked for, and how a client that left out the slash is redirected.
 */

import { HttpResponse } from '../02-http/index.ts';
import type { DecodedPath } from './decode-path.ts';
import type { Settings } from './options.ts';

/** The files that a path may mean: the path itself or, if it ends in a slash, the index files of that directory. */
export function candidates(path: DecodedPath, settings: Settings): readonly (readonly string[])[] {
  return path.isDirectory ? settings.index.map((name) => [...path.names, name]) : [path.names];
}

/**
 * Sends the client to the same URL with a slash at its end: without it, the relative links of the index would lead one
 * directory too high.
 *
 * The reference is relative (RFC 9110 §10.2.2), so it says nothing about host and port, which a proxy may know better.
 * The name is encoded and comes after `./`: no slash, colon or `?` in it means anything, so it cannot lead to another
 * host, scheme or query.
 *
 * @param query of the request, without `?`; it is kept, and an empty one is left out
 */
export function redirectToSlash(path: DecodedPath, query: string, settings: Settings): HttpResponse {
  const location = `./${encodeURIComponent(path.names.at(-1)!)}/${query === '' ? '' : `?${query}`}`;
  const fields = [['Location', location], ['Content-Type', 'text/plain; charset=utf-8'], ...settings.headers] as const;
  return new HttpResponse(301, fields, 'Moved: it is a directory.\n');
}
