/**
 * The directory that is served, and the proof that a file lies within it.
 *
 * Names alone prove nothing: a symbolic link leads anywhere. So the operating system follows the links first, and then
 * the real path is compared. Between this and the opening of the file, somebody who can write below the root could put
 * a link in the way; but they could just as well put the file itself there.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { join, sep } from 'node:path';

import { HttpError } from '../02-http/index.ts';
import { decodePath } from './decode-path.ts';
import { fileError, isMissing } from './file-error.ts';
import { realPath, stat } from './file-system.ts';
import type { NameRules } from './path-name.ts';

export interface RootOptions extends NameRules {
  /** Symbolic links may lead out of the root. Default false. */
  readonly followOutside?: boolean;
}

/** Whether a path is the directory's own or lies below it. Both must be real paths. */
export function isWithin(directory: string, path: string): boolean {
  // TODO 3.1  Compare the two as text. Is /srv/www-private within /srv/www? Is /srv/www? Is /etc within /?
  throw new NotImplemented('3.1');
}

/** A directory that is served. What is in it may change, and so may the place that its path leads to. */
export class Root {
  readonly #path: string;
  readonly #followOutside: boolean;
  #realPath: string | null = null;

  /** @param path a directory; it need not be there yet */
  constructor(path: string, options: RootOptions = {}) {
    this.#path = path;
    this.#followOutside = options.followOutside ?? false;
  }

  /**
   * The real path of a file or directory below the root, or `null` if it is not there or lies outside.
   *
   * @throws HttpError 403 if a directory on the way may not be entered
   */
  async find(names: readonly string[]): Promise<string | null> {
    try {
      // TODO 3.1  The real path of what the names lead to, if it lies within the root or if links may lead out of it.
      throw new NotImplemented('3.1');
    } catch (error) {
      if (isMissing(error)) return null;
      throw fileError(error);
    }
  }

  async #contains(path: string): Promise<boolean> {
    // TODO 3.1  Compare with the root's own real path, and ask for that again before you say no: the root may be a link
    //           that leads elsewhere since the last deployment. `#realPath` remembers the last answer.
    throw new NotImplemented('3.1');
  }
}

/**
 * The real path of the file or directory that a request's path names.
 *
 * @param root a directory's path
 * @param path as sent: percent-encoded, without query
 * @throws HttpError 400 and 404 as {@link decodePath}; 404 when it is not there, lies outside the root, or is not a
 *   directory though the path ends in a slash; 403 when it may not be read
 */
export async function resolvePath(root: string | Root, path: string, options: RootOptions = {}): Promise<string> {
  const { names, isDirectory } = decodePath(path, options);
  const found = await (typeof root === 'string' ? new Root(root, options) : root).find(names);
  if (found === null || (isDirectory && !(await isDirectoryAt(found)))) throw new HttpError(404);
  return found;
}

/** Whether there is a directory at a path. @throws HttpError */
export async function isDirectoryAt(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw fileError(error);
  }
}
