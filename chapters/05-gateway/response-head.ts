/**
 * What an application may say about a response: the rules G40 to G43 and G49 of docs/gateway-spec.md, as functions that
 * throw if one is broken. The validator calls the same ones.
 */

import { GatewayError } from './gateway-error.ts';

/** A status string, taken apart. */
export interface GatewayStatus {
  readonly status: number;
  readonly reason: string;
}

/** Three digits, a space, a text: RFC 9112 §4, but with a reason, and no interim status. */
const STATUS = /^([2-5]\d\d) ([!-~\x80-\xff][\t\x20-\x7e\x80-\xff]*)$/;
/** RFC 9110 §5.6.2: token. */
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
/** RFC 9110 §5.5: no CR, LF or NUL, with which a value could write header fields of its own; no other control. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** RFC 9110 §7.6.1: the fields of a connection, which is the server's. */
const HOP_BY_HOP = new Set([
  'connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade',
]);

/** A cache of parsed statuses: an application uses only a few. */
const statuses = new Map<string, GatewayStatus>();
const STATUSES_MAX = 256;
/** A cache of names that may be sent, as they were spelt. */
const goodNames = new Set<string>();
const NAMES_MAX = 512;

/** @throws GatewayError G40 */
export function parseStatus(text: string): GatewayStatus {
  const known = statuses.get(text);
  if (known !== undefined) return known;
  const match = typeof text === 'string' ? STATUS.exec(text) : null;
  if (match === null) {
    throw new GatewayError('G40', `the status is ${show(text)}; it is three digits, a space and a text, as '200 OK'`);
  }
  const parsed = { status: Number(match[1]), reason: match[2]! };
  if (statuses.size < STATUSES_MAX) statuses.set(text, parsed);
  return parsed;
}

/** @throws GatewayError G41, G42, G43 or G49 */
export function checkHeaders(headers: unknown): void {
  if (!Array.isArray(headers)) throw new GatewayError('G41', `headers are ${show(headers)}; they are a list of pairs`);
  let lengths = 0;
  for (const pair of headers as unknown[]) {
    if (!isPair(pair)) throw new GatewayError('G41', `a header is ${show(pair)}; it is [name, value], two strings`);
    const name = pair[0];
    const value = pair[1];
    if (!goodNames.has(name)) checkName(name);
    if (!VALUE.test(value)) throw new GatewayError('G42', `a control or a character beyond latin1 in the value of ${name}`);
    if (name.length === 14 && name.toLowerCase() === 'content-length') {
      if (++lengths > 1) throw new GatewayError('G49', 'more than one Content-Length');
      if (!/^\d{1,15}$/.test(value)) throw new GatewayError('G49', `Content-Length is ${show(value)}; it is digits`);
    }
  }
}

function checkName(name: string): void {
  if (!NAME.test(name)) throw new GatewayError('G41', `${show(name)} is not the name of a header field`);
  if (HOP_BY_HOP.has(name.toLowerCase())) {
    throw new GatewayError('G43', `${name} is a field of the connection, which is the server's: leave it out`);
  }
  if (goodNames.size < NAMES_MAX) goodNames.add(name);
}

/** The value of a field, whatever the case of its name. */
export function fieldValue(headers: readonly (readonly [string, string])[], lowerCaseName: string): string | undefined {
  for (const [name, value] of headers) {
    if (name.length === lowerCaseName.length && name.toLowerCase() === lowerCaseName) return value;
  }
  return undefined;
}

/** Whether a field is about the connection; its name may be in upper or lower case. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name.toLowerCase());
}

function isPair(pair: unknown): pair is readonly [string, string] {
  return Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string' && typeof pair[1] === 'string';
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : Array.isArray(value) ? 'a list' : String(value);
}
