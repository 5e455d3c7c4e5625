/**
 * An application below another's path: the path of the mount moves from PATH_INFO to SCRIPT_NAME, as in a CGI server
 * that has found its script, so that the application need not know where it is mounted. All three keys move together.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import type { Body, Environ, GatewayApp, StartResponse } from './gateway.ts';
import { wrapBody } from './wrap-body.ts';

/**
 * Calls an application for what is left of the path.
 *
 * The environ belongs to the caller, and an application may read it until its body is closed: only then, or when
 * nothing more can come, is the caller's path restored.
 *
 * @param length how many characters of `gateway.rawPathInfo` belong to the mount
 */
export function callMounted(app: GatewayApp, length: number, environ: Environ, startResponse: StartResponse): Body {
  // TODO 5.4  Call the application with the path moved (`moveTo`): the first `length` characters of
  //           `gateway.rawPathInfo` are removed from the beginning of rawPathInfo and of PATH_INFO, and added, decoded,
  //           to the end of SCRIPT_NAME. Restore all three when the application throws, when it has returned a list,
  //           and, for any other body, when that is closed (`wrapBody`), not before.
  throw new NotImplemented('5.4');
}

function moveTo(environ: Environ, scriptName: string, pathInfo: string, rawPathInfo: string): void {
  environ.SCRIPT_NAME = scriptName;
  environ.PATH_INFO = pathInfo;
  environ['gateway.rawPathInfo'] = rawPathInfo;
}
