/**
 * The four forms of a request target (RFC 9112 §3.2) and what each one says.
 */

import { isAuthority, isAuthorityWithPort } from './authority.ts';
import { RemoteProtocolError } from './errors.ts';

/** `/path?query`, `http://host/path?query` (to a proxy), `host:port` (CONNECT), `*` (OPTIONS). */
export type TargetForm = 'origin' | 'absolute' | 'authority' | 'asterisk';

const SLASH = 0x2f;
const COLON = 0x3a;
const ABSOLUTE = /^https?:\/\//i;

/**
 * Finds out the form of a target, and checks that the method may use it.
 *
 * @throws RemoteProtocolError 400: authority-form is only for CONNECT (RFC 9112 §3.2.3), `*` only for OPTIONS (§3.2.4)
 */
export function targetForm(method: string, target: string): TargetForm {
  if (method === 'CONNECT') {
    if (isAuthorityWithPort(target)) return 'authority';
  } else if (target.charCodeAt(0) === SLASH) {
    return 'origin';
  } else if (target === '*') {
    if (method === 'OPTIONS') return 'asterisk';
  } else if (ABSOLUTE.test(target) && isAuthority(targetAuthority(target))) {
    // RFC 9112 §3.2.2: a server MUST accept the absolute-form, though only proxies are sent it.
    return 'absolute';
  }
  throw new RemoteProtocolError(400, 'invalid request target');
}

/** Whether a target in absolute-form is one of https. */
export function isHttps(target: string): boolean {
  return target.charCodeAt(4) !== COLON;
}

/** The authority of a target in absolute-form: between `//` and the next `/` or `?`. */
export function targetAuthority(target: string): string {
  const start = target.indexOf('//') + 2;
  return target.substring(start, endOfAuthority(target, start));
}

/** The path and query of a target; an origin-form is nothing else. `*` stays `*`; an authority has neither: `''`. */
export function targetPathAndQuery(target: string, form: TargetForm): string {
  if (form === 'origin' || form === 'asterisk') return target;
  if (form === 'authority') return '';
  const rest = target.substring(endOfAuthority(target, target.indexOf('//') + 2));
  return rest.charCodeAt(0) === SLASH ? rest : '/' + rest;
}

function endOfAuthority(target: string, start: number): number {
  const end = target.substring(start).search(/[/?]/);
  return end === -1 ? target.length : start + end;
}
