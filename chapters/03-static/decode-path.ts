/**
 * From the path of a request, as it was sent, to names. Knows nothing of the disk.
 *
 * A path is split first and decoded then, once: `%2f` is part of a name, not a separator, and `%252e` is no dot. What
 * has no meaning is refused, not repaired, so that one file has one URL and no other server reads it differently.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { HttpError } from '../02-http/index.ts';
import { mayBeServed } from './path-name.ts';
import type { NameRules } from './path-name.ts';

/** The names in a path. */
export interface DecodedPath {
  readonly names: readonly string[];
  /** It ends in a slash, and so asks for a directory. The root's path always does. */
  readonly isDirectory: boolean;
}

/**
 * Splits and decodes a path.
 *
 * @param path as sent, without query
 * @throws HttpError 400 for what does not begin with a slash, and for an escape that is broken, is no UTF-8 or is NUL;
 *   404 for what can name no file to be served: an empty name, `.` and `..`, a separator within a name, a dotfile, a
 *   name that is too long; either of them for `/../%zz`
 */
export function decodePath(path: string, rules: NameRules = {}): DecodedPath {
  // TODO 3.1  Split first, decode then, each piece once. A path begins with a slash (else 400), and a slash at its end
  //           is not a name. Every name has to be one that may be served (else 404).
  throw new NotImplemented('3.1');
}

function decodeName(segment: string): string {
  // TODO 3.1  Undo the percent-encoding of one segment. An escape that is broken, that is no UTF-8 or that stands for
  //           NUL is answered by 400.
  throw new NotImplemented('3.1');
}
