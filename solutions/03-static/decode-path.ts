/**
 * From the path of a request, as it was sent, to names. Knows nothing of the disk.
 *
 * A path is split first and then decoded, once: `%2f` is part of a name, not a separator, and `%252e` is not a dot. A
 * path without a meaning is refused, not repaired, so that a file has one URL and no other server reads it differently.
 */

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
 * @throws HttpError 400 if it does not begin with a slash, and for an escape that is broken, is not UTF-8 or is NUL;
 *   404 if it cannot name a file that is served: an empty name, `.` and `..`, a separator within a name, a dotfile, a
 *   name that is too long; either one for `/../%zz`
 */
export function decodePath(path: string, rules: NameRules = {}): DecodedPath {
  if (!path.startsWith('/')) throw new HttpError(400);
  const names = path.slice(1).split('/').map(decodeName);
  const isDirectory = names.at(-1) === '';
  if (isDirectory) names.pop();
  if (!names.every((name) => mayBeServed(name, rules))) throw new HttpError(404);
  return { names, isDirectory };
}

function decodeName(segment: string): string {
  let name: string;
  try {
    // Strict: it throws for `%zz`, and for `%ff`, which is not UTF-8 (RFC 3986 §2.1, §2.5).
    name = decodeURIComponent(segment);
  } catch {
    throw new HttpError(400, 'the path has a broken escape');
  }
  // To the C library below us, a NUL is the end of the name.
  if (name.includes('\0')) throw new HttpError(400, 'the path has a NUL');
  return name;
}
