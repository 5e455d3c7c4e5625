/**
 * Which fields may appear in a trailer (RFC 9110 §6.5.1).
 */

import { lowerCaseFieldName } from './field-name.ts';
import { HttpHeaders } from './headers.ts';

/** Framing, routing, request modifiers, authentication, content: what must be known before the body. */
const forbidden: ReadonlySet<string> = new Set([
  'content-length', 'transfer-encoding', 'trailer', 'te', 'connection', 'keep-alive', 'upgrade', 'host',
  'cache-control', 'expect', 'max-forwards', 'pragma', 'range', 'if-match', 'if-none-match', 'if-modified-since',
  'if-unmodified-since', 'if-range', 'authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'www-authenticate',
  'proxy-authenticate', 'proxy-connection', 'content-encoding', 'content-type', 'content-range', 'age', 'date',
  'expires', 'location', 'retry-after', 'vary', 'warning', 'forwarded',
]);

/** Whether a field may be sent in a trailer. */
export function isAllowedTrailer(name: string): boolean {
  const lower = lowerCaseFieldName(name);
  return !forbidden.has(lower) && !lower.startsWith('x-forwarded-');
}

/** The fields without those that a trailer must not have: those are dropped, never merged into the head. */
export function allowedTrailers(fields: HttpHeaders): HttpHeaders {
  return HttpHeaders.from(fields.pairs().filter(([name]) => isAllowedTrailer(name)));
}
