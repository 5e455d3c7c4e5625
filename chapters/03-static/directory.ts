/**
 * Directories: where their index is looked for, and how a client that left out the slash is redirected.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { HttpResponse } from '../02-http/index.ts';
import type { DecodedPath } from './decode-path.ts';
import type { Settings } from './options.ts';

/** The files that a path may mean: the path itself or, if it ends in a slash, the index files of that directory. */
export function candidates(path: DecodedPath, settings: Settings): readonly (readonly string[])[] {
  // TODO 3.3  For a path that ends in a slash: every name that the settings have for an index, in this directory. Do
  //           not look at the disk here; `#find` in static-files.ts takes the first one that exists.
  if (path.isDirectory) throw new NotImplemented('3.3');
  return [path.names];
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
  // TODO 3.3  301 with such a Location, a line of text for anyone who reads it, and the headers of the settings.
  throw new NotImplemented('3.3');
}
