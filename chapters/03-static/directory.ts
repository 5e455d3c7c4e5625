/**
 * Directories: where their index is looked for, and how a client that left out the slash is sent on.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { HttpResponse } from '../02-http/index.ts';
import type { DecodedPath } from './decode-path.ts';
import type { Settings } from './options.ts';

/** The files that a path may stand for: itself, or, for one that ends in a slash, what the directory has for an index. */
export function candidates(path: DecodedPath, settings: Settings): readonly (readonly string[])[] {
  // TODO 3.3  For a path that ends in a slash: each of the names that the settings have for an index, in this
  //           directory. Nobody looks at the disk here; `#find` in static-files.ts takes the first that is there.
  if (path.isDirectory) throw new NotImplemented('3.3');
  return [path.names];
}

/**
 * Sends the client to the same URL with a slash at its end: without it, the relative links of the index would lead one
 * directory too high.
 *
 * The reference is relative (RFC 9110 §10.2.2), so it says nothing of host and port, which a proxy may know better. The
 * name is encoded and stands behind `./`: no slash, no colon and no `?` in it means anything, so it leads to no other
 * host, scheme or query.
 *
 * @param query of the request, without `?`; it is kept, and none is made of an empty one
 */
export function redirectToSlash(path: DecodedPath, query: string, settings: Settings): HttpResponse {
  // TODO 3.3  301 with such a Location, a line of text for whoever reads it, and the headers of the settings.
  throw new NotImplemented('3.3');
}
