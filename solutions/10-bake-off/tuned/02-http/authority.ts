/**
 * Authorities: `uri-host [ ":" port ]`, in a Host field, in an absolute-form and in a CONNECT target.
 *
 * Grammar only (RFC 3986 §3.2.2, §3.2.3): no name is looked up and no port is judged.
 */

import { isIPv6 } from 'node:net';

import { DIGIT, HEX_DIGIT, REG_NAME, classOf, spanOf } from './characters.ts';

const OPENING_BRACKET = 0x5b;
const PERCENT = 0x25;
const COLON = 0x3a;
const FUTURE_ADDRESS = /^v[0-9a-f]+\.[\w.~!$&'()*+,;=:-]+$/i;

/**
 * Whether the text is a host with an optional port. User information (`user@`) is refused as RFC 9110 §4.2.4 advises,
 * and so is an empty host (§4.2.1).
 */
export function isAuthority(text: string): boolean {
  const hostEnd = text.charCodeAt(0) === OPENING_BRACKET ? endOfLiteral(text) : endOfName(text);
  if (hostEnd <= 0) return false;
  if (hostEnd === text.length) return true;
  return text.charCodeAt(hostEnd) === COLON && spanOf(DIGIT, text, hostEnd + 1, text.length) === text.length;
}

/** Whether the text is a host with a port that is not empty: what CONNECT asks for (RFC 9112 §3.2.3). */
export function isAuthorityWithPort(text: string): boolean {
  return isAuthority(text) && (classOf[text.charCodeAt(text.length - 1)]! & DIGIT) !== 0 && /:\d+$/.test(text);
}

/** `reg-name` or an IPv4 address: ends at the colon or at the end; -1 for `%` without two hexadecimal digits. */
function endOfName(text: string): number {
  let at = spanOf(REG_NAME, text, 0, text.length);
  while (text.charCodeAt(at) === PERCENT) {
    if (spanOf(HEX_DIGIT, text, at + 1, at + 3) !== at + 3 || at + 3 > text.length) return -1;
    at = spanOf(REG_NAME, text, at + 3, text.length);
  }
  return at;
}

/** `"[" ( IPv6address / IPvFuture ) "]"`: ends after the bracket; -1 if it is neither. */
function endOfLiteral(text: string): number {
  const end = text.indexOf(']');
  const literal = text.substring(1, end);
  // `isIPv6` takes a zone (`fe80::1%eth0`), which means something on its own machine only.
  const isAddress = isIPv6(literal) && !literal.includes('%');
  return isAddress || FUTURE_ADDRESS.test(literal) ? end + 1 : -1;
}
