/**
 * Which methods are known. Any token may be a method (RFC 9110 §9.1); the application decides which of them it serves.
 */

const STANDARD: ReadonlySet<string> = new Set([
  'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH',
]);

/**
 * The status for a method that a path does not serve: 405 if we know the method, and 501 if we do not (RFC 9110 §9.1).
 * Methods are case-sensitive: `get` is not known.
 */
export function otherMethodStatus(method: string): 405 | 501 {
  return STANDARD.has(method) ? 405 : 501;
}
