/**
 * An application below another's path: the path of the mount moves from PATH_INFO to SCRIPT_NAME, as in a CGI server
 * that has found its script, so that the application need not know where it is mounted. All three keys move together.
 */

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
  const { SCRIPT_NAME, PATH_INFO, 'gateway.rawPathInfo': rawPathInfo } = environ;
  const giveBack = (): void => moveTo(environ, SCRIPT_NAME, PATH_INFO, rawPathInfo);
  const prefix = decodeURIComponent(rawPathInfo.slice(0, length));
  moveTo(environ, SCRIPT_NAME + prefix, PATH_INFO.slice(prefix.length), rawPathInfo.slice(length));
  let body: Body;
  try {
    body = app(environ, startResponse);
  } catch (error) {
    giveBack();
    throw error;
  }
  if (!Array.isArray(body)) return wrapBody(body, { closed: giveBack });
  giveBack();
  return body;
}

function moveTo(environ: Environ, scriptName: string, pathInfo: string, rawPathInfo: string): void {
  environ.SCRIPT_NAME = scriptName;
  environ.PATH_INFO = pathInfo;
  environ['gateway.rawPathInfo'] = rawPathInfo;
}
