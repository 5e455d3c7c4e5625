/** The variables of a CGI script's environment: RFC 3875 §4.1, out of an environ, which has most of them already. */

import { NotImplemented } from '#course/not-implemented.ts';
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
  // TODO 5.7  Make a script's variables. GATEWAY_INTERFACE is CGI/1.1. The keys in SAME, and all that begin with HTTP_
  //           except those in NEVER, are copied from the environ if they are strings there. CONTENT_LENGTH is
  //           `contentLength`, whatever the request said; there is none if that is null. HTTPS is `on` for https. The
  //           server's `own` variables have the last word.
  throw new NotImplemented('5.7');
}
