/** SCGI's variables as an environ: what a web server has made of a request, as far as it can be trusted. */

import { HttpError } from '../02-http/index.ts';
import type { Environ, GatewayInput } from './gateway.ts';
import { decodePathInfo } from './path-info.ts';
import type { GatewaySettings } from './settings.ts';

const FACTS = ['REMOTE_ADDR', 'REMOTE_PORT', 'REMOTE_USER', 'AUTH_TYPE', 'CONTENT_TYPE'] as const;

/**
 * Makes the environ of a request.
 *
 * The path is taken from REQUEST_URI, which has it as the client sent it: the server's PATH_INFO is decoded, so an
 * encoded slash can no longer be recognized. If the server is configured to send SCRIPT_NAME, the path begins with
 * that.
 *
 * @throws HttpError 400 for a path that cannot be decoded, or that does not begin with a slash and SCRIPT_NAME
 */
export function scgiEnviron(
  variables: ReadonlyMap<string, string>,
  settings: GatewaySettings,
  input: GatewayInput,
  signal: AbortSignal,
): Environ {
  const get = (name: string): string => variables.get(name) ?? '';
  const scriptName = get('SCRIPT_NAME').replace(/\/+$/, '');
  const rawPath = pathOf(get('REQUEST_URI')) || encodeURI(utf8(scriptName + get('PATH_INFO')));
  const rawPathInfo = pathBelow(rawPath, scriptName);
  // G14. In an assembled URL, a path without a leading slash would continue the host's name.
  if (!/^(?:$|\/|\*$)/.test(rawPathInfo)) throw new HttpError(400, 'the path does not begin with a slash');
  const environ: Environ = {
    REQUEST_METHOD: get('REQUEST_METHOD') || 'GET',
    SCRIPT_NAME: utf8(scriptName),
    PATH_INFO: decodePathInfo(rawPathInfo),
    QUERY_STRING: get('QUERY_STRING'),
    SERVER_NAME: settings.serverName ?? (get('SERVER_NAME') || 'localhost'),
    SERVER_PORT: settings.serverPort ?? (get('SERVER_PORT') || '80'),
    SERVER_PROTOCOL: get('SERVER_PROTOCOL') === 'HTTP/1.0' ? 'HTTP/1.0' : 'HTTP/1.1',
    SERVER_SOFTWARE: settings.serverSoftware,
    'gateway.version': [1, 0],
    'gateway.urlScheme': get('HTTPS') === 'on' || get('REQUEST_SCHEME') === 'https' ? 'https' : 'http',
    'gateway.input': input,
    'gateway.errors': settings.errors,
    'gateway.multithread': settings.multithread,
    'gateway.multiprocess': settings.multiprocess,
    'gateway.runOnce': settings.runOnce,
    'gateway.rawPathInfo': rawPathInfo,
    'gateway.signal': signal,
  };
  for (const name of FACTS) if (get(name) !== '') environ[name] = get(name);
  // SCGI has a length for every request: 0 has to mean no body.
  if (get('CONTENT_LENGTH') !== '0') environ.CONTENT_LENGTH = get('CONTENT_LENGTH');
  for (const [name, value] of variables) {
    const isField = name.startsWith('HTTP_') && name !== 'HTTP_CONTENT_LENGTH' && name !== 'HTTP_CONTENT_TYPE';
    if (isField) environ[name] = value;
  }
  return environ;
}

/** The path of a request target: without its query, and of an absolute-form without what comes before it. */
function pathOf(target: string): string {
  return target.replace(/[?#].*$/s, '').replace(/^[a-z][a-z\d+.-]*:\/\/[^/]*/i, '');
}

/** What follows SCRIPT_NAME in a path as it was sent. @throws HttpError 400 if the path does not begin with it */
function pathBelow(rawPath: string, scriptName: string): string {
  if (scriptName === '') return rawPath;
  const count = scriptName.split('/').length;
  const segments = rawPath.split('/');
  const prefix = segments.slice(0, count).join('/');
  if (decodePathInfo(prefix) !== utf8(scriptName)) throw new HttpError(400, 'the path is not below SCRIPT_NAME');
  return rawPath.slice(prefix.length);
}

/** A variable's value is bytes; those of a path are UTF-8. */
function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString();
}
