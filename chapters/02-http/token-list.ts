/**
 * Comma-separated lists of tokens: `Connection: keep-alive, Upgrade`, `Transfer-Encoding: gzip, chunked`.
 */

import { equalsIgnoringCase } from './characters.ts';

/** The members in lower case, without the whitespace around them; an empty member stays, as `''`. */
export function tokenList(value: string): string[] {
  return value.toLowerCase().split(',').map(trimWhitespace);
}

/** Whether the list has this member, in upper or lower case. `token` must be lower-case. */
export function listHas(value: string | undefined, token: string): boolean {
  if (value === undefined || value.length < token.length) return false;
  // Nearly every list has one member.
  if (!value.includes(',')) return value.length === token.length && equalsIgnoringCase(value, 0, token);
  return tokenList(value).includes(token);
}

function trimWhitespace(member: string): string {
  // Not trim(), which also removes vertical tabs and no-break spaces (RFC 9110 §5.6.3: whitespace is SP and HTAB).
  return member.replace(/^[ \t]+|[ \t]+$/g, '');
}
