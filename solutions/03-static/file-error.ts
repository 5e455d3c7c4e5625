/**
 * From what a file system says to what a client is told.
 */

import { HttpError } from '../02-http/index.ts';

/** 404 also for a name that cannot exist: too long, below a file, in a circle of links, not allowed on this system. */
const STATUSES: Readonly<Record<string, number>> = {
  ENOENT: 404, ENOTDIR: 404, ENAMETOOLONG: 404, ELOOP: 404, EINVAL: 404, EISDIR: 404, ENXIO: 404,
  EACCES: 403, EPERM: 403,
  // Out of file descriptors: that passes.
  EMFILE: 503, ENFILE: 503,
};

/** Whether the error says that there is no such file. */
export function isMissing(error: unknown): boolean {
  return statusOf(error) === 404;
}

/** The answer to an error of the file system; any other error as it is. */
export function fileError(error: unknown): unknown {
  const status = statusOf(error);
  if (status === undefined) return error;
  return new HttpError(status, '', status === 503 ? [['Retry-After', '1']] : []);
}

/** For a file that we can do without: `null` if it may not be read. Any other error is thrown. */
export function nullIfForbidden(error: unknown): null {
  if (error instanceof HttpError && error.status === 403) return null;
  throw error;
}

function statusOf(error: unknown): number | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && Object.hasOwn(STATUSES, code) ? STATUSES[code] : undefined;
}
