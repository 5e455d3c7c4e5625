/**
 * Comma-separated lists of tokens: `Connection: keep-alive, Upgrade`, `Transfer-Encoding: gzip, chunked`.
 */

import { equalsIgnoringCase, isWhitespace } from './characters.ts';

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

/**
 * Takes SP and HTAB off both ends (RFC 9110 §5.6.3). `trim()` would take more: vertical tabs, no-break spaces. And a
 * regular expression would look at a long run of spaces once from each of them.
 */
export function trimWhitespace(member: string): string {
  let start = 0;
  let end = member.length;
  while (start < end && isWhitespace(member.charCodeAt(start))) start++;
  while (end > start && isWhitespace(member.charCodeAt(end - 1))) end--;
  return member.slice(start, end);
}
