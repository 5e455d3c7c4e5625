/**
 * Header fields that an application wants to send: the rules A35 to A38 of docs/gateway-spec.md.
 */

import { GatewayError } from '../05-gateway/index.ts';

/** RFC 9110 §5.6.2: token. */
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
/** RFC 9110 §5.5: no CR, LF or NUL, with which a value could write header fields of its own; no other control. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** RFC 9110 §7.6.1: the fields of a connection, which belongs to the server. */
const HOP_BY_HOP = new Set([
  'connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade',
]);

/** Names that were checked and may be sent, as they were spelt: an application uses only a few. */
const goodNames = new Set<string>();
const NAMES_MAX = 512;

/**
 * The Content-Length among the fields, or `null`.
 *
 * @throws GatewayError A35 to A38
 */
export function checkFields(headers: unknown): number | null {
  if (headers === undefined) return null;
  if (!Array.isArray(headers)) throw new GatewayError('A35', 'headers are a list of pairs: [[name, value], …]');
  let length: number | null = null;
  for (const pair of headers as unknown[]) {
    if (!isPair(pair)) throw new GatewayError('A35', 'a header is a pair of two strings, [name, value]');
    const name = pair[0];
    const value = pair[1];
    if (!goodNames.has(name)) checkName(name);
    if (!VALUE.test(value)) throw new GatewayError('A36', `a control or a character beyond latin1 in the value of ${name}`);
    if (name.length !== 14 || name.toLowerCase() !== 'content-length') continue;
    if (length !== null) throw new GatewayError('A38', 'more than one Content-Length');
    if (!/^\d{1,15}$/.test(value)) throw new GatewayError('A38', `Content-Length is ${JSON.stringify(value)}; it is digits`);
    length = Number(value);
  }
  return length;
}

/** Checks the fields for a 101: the handshake writes its own. @throws GatewayError A35 to A38, A72 */
export function checkAcceptFields(headers: unknown): void {
  checkFields(headers);
  for (const [name] of (headers ?? []) as [string, string][]) {
    if (/^(?:sec-websocket-|content-length$)/i.test(name)) {
      throw new GatewayError('A72', `${name} is a field of the handshake, which is the server's: leave it out`);
    }
  }
}

function checkName(name: string): void {
  if (!NAME.test(name)) throw new GatewayError('A35', `${JSON.stringify(name)} is not the name of a header field`);
  if (HOP_BY_HOP.has(name.toLowerCase())) {
    throw new GatewayError('A37', `${name} is a field of the connection, which is the server's: leave it out`);
  }
  if (goodNames.size < NAMES_MAX) goodNames.add(name);
}

function isPair(pair: unknown): pair is readonly [string, string] {
  return Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string' && typeof pair[1] === 'string';
}
