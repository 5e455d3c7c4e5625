/**
 * The opening handshake, a server's side (RFC 6455 §4.2): a request read and checked, and the 101 that accepts it.
 *
 * It knows neither sockets nor applications. What cannot be accepted is an HttpError, whose status is the answer.
 */

import { HttpError, listHas, LocalProtocolError } from '../02-http/index.ts';
import type { HeaderPair, HttpHeaders, HttpVersion } from '../02-http/index.ts';
import { acceptKey } from './accept-key.ts';
import { acceptDeflate } from './deflate-parameters.ts';
import type { DeflateParameters } from './deflate-parameters.ts';
import { isToken, parseExtensions } from './extension-list.ts';
import type { ExtensionOffer, WebSocketAcceptance, WebSocketOffer } from './websocket-types.ts';

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

type Check = readonly [status: number, holds: (request: HandshakeRequest) => boolean];

const once = (name: string) => ({ headers }: HandshakeRequest): boolean => headers.getAll(name).length < 2;

/** The first that does not hold is the answer. */
const checks: readonly Check[] = [
  [405, ({ method }) => method === 'GET'],
  [505, ({ httpVersion }) => httpVersion === '1.1'],
  [400, once('sec-websocket-version')],
  [426, ({ headers }) => headers.get('sec-websocket-version') === VERSION],
  [426, ({ headers }) => listHas(headers.get('upgrade'), 'websocket')],
  [426, ({ headers }) => listHas(headers.get('connection'), 'upgrade')],
  [400, once('sec-websocket-key')],
  [400, ({ headers }) => sixteenBytes(headers.get('sec-websocket-key') ?? '')],
  [403, once('origin')],
  [400, ({ headers }) => isList(headers.get('sec-websocket-protocol'))],
  [400, ({ headers }) => !headers.has('sec-websocket-extensions') || extensionsOf(headers) !== null],
];

const fields: Readonly<Record<number, readonly HeaderPair[]>> = { 405: [['Allow', 'GET']], 426: upgradeRequired };

/** @throws HttpError */
export function readHandshake(request: HandshakeRequest): WebSocketOffer {
  const failed = checks.find(([, holds]) => !holds(request));
  if (failed !== undefined) throw new HttpError(failed[0], 'this is not how a WebSocket begins\n', fields[failed[0]] ?? []);
  const { headers } = request;
  return {
    key: headers.get('sec-websocket-key')!,
    subprotocols: members(headers.get('sec-websocket-protocol') ?? ''),
    origin: headers.get('origin'),
    extensions: extensionsOf(headers) ?? [],
  };
}

export function originAllowed(origin: string | undefined, allowed: readonly string[] | null): boolean {
  if (origin === undefined) return true;
  return allowed?.includes(origin) ?? true;
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

export function chooseSubprotocol(offer: WebSocketOffer, supported: readonly string[]): string {
  const offered = new Set(offer.subprotocols);
  return supported.filter((one) => offered.has(one))[0] ?? '';
}

function sixteenBytes(key: string): boolean {
  return key.length === 24 && key.endsWith('==') && [...key.slice(0, 22)].every((character) => /[\w+/]/.test(character) && character !== '_');
}

function members(value: string): string[] {
  return value.split(',').map((member) => member.trim()).filter((member) => member.length > 0);
}

function isList(value: string | undefined): boolean {
  return value === undefined || members(value).every((member) => isToken(member));
}

function extensionsOf(headers: HttpHeaders): ExtensionOffer[] | null {
  return parseExtensions(headers.getAll('sec-websocket-extensions').join(','));
}
