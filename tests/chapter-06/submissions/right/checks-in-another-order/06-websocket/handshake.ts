/**
 * The opening handshake, a server's side (RFC 6455 §4.2): a request read and checked, and the 101 that accepts it.
 *
 * It knows neither sockets nor applications. What cannot be accepted is an HttpError, whose status is the answer.
 */

import { HttpError, LocalProtocolError } from '../02-http/index.ts';
import type { HeaderPair, HttpHeaders, HttpVersion } from '../02-http/index.ts';
import { acceptKey } from './accept-key.ts';
import { acceptDeflate } from './deflate-parameters.ts';
import type { DeflateParameters } from './deflate-parameters.ts';
import { isToken, parseExtensions } from './extension-list.ts';
import type { WebSocketAcceptance, WebSocketOffer } from './websocket-types.ts';

/** The parts of a request that a handshake is made of. */
export interface HandshakeRequest {
  readonly method: string;
  readonly httpVersion: HttpVersion;
  readonly headers: HttpHeaders;
  readonly hasBody: boolean;
}

/** The response that opens a WebSocket. */
export interface HandshakeResponse {
  /** All but Connection, which HttpResponse.switchingProtocols adds. */
  readonly headers: readonly HeaderPair[];
  readonly subprotocol: string;
  /** What was agreed on for permessage-deflate, if it was. */
  readonly deflate: DeflateParameters | null;
}

const VERSION = '13';
/** RFC 9110 §15.5.22: a 426 says what to upgrade to. */
const upgradeRequired: readonly HeaderPair[] = [
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Version', VERSION],
];

/** @throws HttpError 400, 426 */
export function readHandshake({ method, httpVersion, headers }: HandshakeRequest): WebSocketOffer {
  const version = headers.getAll('sec-websocket-version').join(', ');
  if (/^\d+$/.test(version) && String(Number(version)) === version && version !== VERSION) {
    throw new HttpError(426, 'version 13, please\n', upgradeRequired);
  }
  const keys = headers.getAll('sec-websocket-key');
  const origins = headers.getAll('origin');
  const extensions = parseExtensions(headers.get('sec-websocket-extensions') ?? 'none') ?? bad('extensions');
  const subprotocols = tokensOf(headers, 'sec-websocket-protocol');
  const [key = ''] = keys;
  if (keys.length !== 1 || Buffer.from(key, 'base64').length !== 16) bad('the key');
  // There and back again: what Node skips is not there afterwards.
  if (Buffer.from(key, 'base64').toString('base64') !== key) bad('the key');
  if (version !== VERSION) bad('the version');
  if (origins.length > 1) bad('the origin');
  if (!subprotocols.every(isToken)) bad('the subprotocols');
  if (!has(headers, 'connection', 'upgrade')) bad('Connection');
  if (!has(headers, 'upgrade', 'websocket')) bad('Upgrade');
  if (`${method} ${httpVersion}` !== 'GET 1.1') bad('GET by HTTP/1.1');
  return {
    key,
    subprotocols: [...new Set(subprotocols)],
    origin: origins[0],
    extensions: headers.has('sec-websocket-extensions') ? extensions : [],
  };
}

export function originAllowed(origin: string | undefined, allowed: readonly string[] | null): boolean {
  return origin === undefined || allowed === null || new Set(allowed).has(origin);
}

/**
 * The acceptance of an offer.
 *
 * @param wanted what the server would have of permessage-deflate; `null` to do without it
 * @throws LocalProtocolError for a subprotocol that was not offered
 */
export function acceptHandshake(
  offer: WebSocketOffer,
  { subprotocol = '', headers = [] }: WebSocketAcceptance,
  wanted: DeflateParameters | null,
): HandshakeResponse {
  // RFC 6455 §4.2.2: a subprotocol out of the client's list, or none at all.
  if (subprotocol !== '' && !offer.subprotocols.includes(subprotocol)) {
    throw new LocalProtocolError(`the subprotocol ${JSON.stringify(subprotocol)} was not offered`);
  }
  const pairs: HeaderPair[] = [
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Accept', acceptKey(offer.key)],
  ];
  if (subprotocol !== '') pairs.push(['Sec-WebSocket-Protocol', subprotocol]);
  const deflate = wanted === null ? null : acceptDeflate(offer.extensions, wanted);
  if (deflate !== null) pairs.push(['Sec-WebSocket-Extensions', deflate.answer]);
  pairs.push(...headers);
  return { headers: pairs, subprotocol, deflate: deflate?.parameters ?? null };
}

export function chooseSubprotocol({ subprotocols }: WebSocketOffer, supported: readonly string[]): string {
  for (const one of supported) if (subprotocols.includes(one)) return one;
  return '';
}

function tokensOf(headers: HttpHeaders, name: string): string[] {
  return headers.getAll(name).flatMap((value) => value.split(',')).map((token) => token.trim()).filter((token) => token !== '');
}

function has(headers: HttpHeaders, name: string, token: string): boolean {
  return tokensOf(headers, name).some((one) => one.toLowerCase() === token);
}

function bad(what: string): never {
  throw new HttpError(400, `not a WebSocket: ${what}\n`);
}
