/** The variables of a CGI script's environment: RFC 3875 §4.1, out of an environ, which has most of them already. */

import type { Environ } from './gateway.ts';

/** Keys that an environ has under CGI's own names. */
const SAME = [
  'REQUEST_METHOD', 'SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING', 'CONTENT_TYPE', 'SERVER_NAME', 'SERVER_PORT',
  'SERVER_PROTOCOL', 'SERVER_SOFTWARE', 'REMOTE_ADDR', 'REMOTE_PORT', 'REMOTE_USER', 'AUTH_TYPE',
] as const;

/**
 * Fields that a script does not get. RFC 3875 §9.2: if the server checks passwords, the script need not be trusted with
 * them. `Proxy` would become HTTP_PROXY, which programs take for the user's choice of a proxy ("httpoxy", 2016): a
 * client that sends it would see what the script requests from other servers. The last ones are about the connection,
 * which belongs to the server.
 */
const NEVER: ReadonlySet<string> = new Set([
  'HTTP_AUTHORIZATION', 'HTTP_PROXY_AUTHORIZATION', 'HTTP_PROXY',
  'HTTP_CONNECTION', 'HTTP_KEEP_ALIVE', 'HTTP_TE', 'HTTP_TRANSFER_ENCODING', 'HTTP_UPGRADE', 'HTTP_EXPECT',
]);

/**
 * The variables for a request.
 *
 * @param contentLength of the body that the script will get; `null` without one
 * @param own the server's, such as PATH; a request cannot change them
 */
export function cgiVariables(
  environ: Environ,
  contentLength: number | null,
  own: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const variables: Record<string, string> = { GATEWAY_INTERFACE: 'CGI/1.1' };
  for (const name of SAME) {
    const value = environ[name];
    if (typeof value === 'string') variables[name] = value;
  }
  for (const [name, value] of Object.entries(environ)) {
    if (name.startsWith('HTTP_') && !NEVER.has(name) && typeof value === 'string') variables[name] = value;
  }
  // RFC 3875 §4.1.2: there if and only if there is a body.
  if (contentLength !== null) variables['CONTENT_LENGTH'] = String(contentLength);
  if (environ['gateway.urlScheme'] === 'https') variables['HTTPS'] = 'on';
  return { ...variables, ...own };
}
