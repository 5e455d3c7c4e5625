/**
 * PATH_INFO: a path as it was sent, percent-decoded.
 */

import { HttpError } from '../02-http/index.ts';

/**
 * Decodes a path, once, as UTF-8. Its meaning is up to the application: dots and empty segments stay.
 *
 * @param rawPath as sent, without query
 * @throws HttpError 400 for an escape that is broken, that is not UTF-8, or that is NUL, which ends a string in C and
 * cannot be passed to a CGI script
 */
export function decodePathInfo(rawPath: string): string {
  // Most paths have nothing to decode.
  if (!rawPath.includes('%')) return rawPath;
  let path: string;
  try {
    // Strict: it throws for `%zz`, and for `%ff`, which is not UTF-8 (RFC 3986 §2.1, §2.5).
    path = decodeURIComponent(rawPath);
  } catch {
    throw new HttpError(400, 'the path has a broken escape');
  }
  if (path.includes('\0')) throw new HttpError(400, 'the path has a NUL');
  return path;
}
