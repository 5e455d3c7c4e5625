/**
 * Which methods are known. Any token may be a method (RFC 9110 §9.1); which of them an application serves, it decides.
 */

const STANDARD: ReadonlySet<string> = new Set([
  'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH',
]);

/**
 * What a method that a path does not serve is answered with: 405 if it is one that we know, and 501 if it is not
 * (RFC 9110 §9.1). Methods are case-sensitive: `get` is not known.
 */
export function otherMethodStatus(method: string): 405 | 501 {
  return STANDARD.has(method) ? 405 : 501;
}
