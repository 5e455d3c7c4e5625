/**
 * The opening handshake, a server's side (RFC 6455 §4.2): a request read and checked, and the 101 that accepts it.
 *
 * It knows neither sockets nor applications. A request that cannot be accepted is an HttpError, whose status is the
 * answer.
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
/** 16 bytes in base64 (RFC 6455 §4.2.1). */
const key = /^[A-Za-z0-9+/]{22}==$/;
/** RFC 6455 §4.3: no leading zeros. */
const versionNumber = /^(?:\d|[1-9]\d|[12]\d\d)$/;
/** RFC 9110 §15.5.22: a 426 says what to upgrade to. */
const upgradeRequired: readonly HeaderPair[] = [
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Version', VERSION],
];

/** @throws HttpError 400, 405, or 426 for a request without Upgrade and for another version */
export function readHandshake(request: HandshakeRequest): WebSocketOffer {
  const { headers } = request;
  if (request.method !== 'GET') throw new HttpError(405, 'a WebSocket is opened with GET\n', [['Allow', 'GET']]);
  if (request.httpVersion !== '1.1') throw bad('a WebSocket needs HTTP/1.1');
  if (!listHas(headers.get('upgrade'), 'websocket')) {
    throw new HttpError(426, 'only WebSockets are served here\n', upgradeRequired);
  }
  if (!listHas(headers.get('connection'), 'upgrade')) throw bad('Connection without upgrade');
  if (request.hasBody) throw bad('a handshake with a body');
  checkVersion(single(headers, 'Sec-WebSocket-Version'));
  const sentKey = single(headers, 'Sec-WebSocket-Key');
  if (sentKey === undefined || !key.test(sentKey)) throw bad('Sec-WebSocket-Key is not 16 bytes in base64');
  return {
    key: sentKey,
    subprotocols: subprotocolsOf(headers),
    origin: single(headers, 'Origin'),
    extensions: extensionsOf(headers),
  };
}

/**
 * Whether a page of this origin may open a WebSocket (RFC 6455 §10.2). A client that sends no Origin is not a browser,
 * so there is no browser's user to protect.
 *
 * @param allowed origins such as `https://example.org`; `null` allows any
 */
export function originAllowed(origin: string | undefined, allowed: readonly string[] | null): boolean {
  if (origin === undefined || allowed === null) return true;
  const given = origin.toLowerCase();
  return allowed.some((one) => one.toLowerCase() === given);
}

/**
 * The acceptance of an offer.
 *
 * @param wanted the parameters that the server wants for permessage-deflate; `null` to do without it
 * @throws LocalProtocolError for a subprotocol that was not offered
 */
export function acceptHandshake(
  offer: WebSocketOffer,
  { subprotocol = '', headers = [] }: WebSocketAcceptance,
  wanted: DeflateParameters | null,
): HandshakeResponse {
  // RFC 6455 §4.2.2: a subprotocol from the client's list, or none at all.
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

/** The first of the server's subprotocols that the client offers; `''` if there is none. */
export function chooseSubprotocol(offer: WebSocketOffer, supported: readonly string[]): string {
  return supported.find((one) => offer.subprotocols.includes(one)) ?? '';
}

/** RFC 6455 §4.2.2: any other version is answered with 426 and the version that we speak. */
function checkVersion(version: string | undefined): void {
  if (version === VERSION) return;
  if (version === undefined || !versionNumber.test(version)) throw bad('Sec-WebSocket-Version is missing or not a number');
  throw new HttpError(426, `only version ${VERSION} is spoken here\n`, upgradeRequired);
}

/** A field that may be there only once (RFC 6455 §11.3). */
function single(headers: HttpHeaders, name: string): string | undefined {
  const values = headers.getAll(name);
  if (values.length > 1) throw bad(`more than one ${name}`);
  return values[0];
}

/** The field may be there more than once (RFC 6455 §11.3.4). Its members are tokens, and none of them comes twice (§4.1). */
function subprotocolsOf(headers: HttpHeaders): string[] {
  const subprotocols: string[] = [];
  for (const value of headers.getAll('Sec-WebSocket-Protocol')) {
    // Subprotocols are case-sensitive, which tokenList is not.
    for (const member of value.split(',')) {
      const subprotocol = trimWhitespace(member);
      // RFC 9110 §5.6.1.2: empty members are ignored.
      if (subprotocol === '') continue;
      if (!isToken(subprotocol) || subprotocols.includes(subprotocol)) throw bad('Sec-WebSocket-Protocol is invalid');
      subprotocols.push(subprotocol);
    }
  }
  return subprotocols;
}

/** Takes SP and HTAB off both ends (RFC 9110 §5.6.3). `trim()` would take more: no-break spaces, which a value may hold. */
function trimWhitespace(member: string): string {
  return /[^ \t](?:.*[^ \t])?/.exec(member)?.[0] ?? '';
}

function extensionsOf(headers: HttpHeaders): ExtensionOffer[] {
  const value = headers.get('Sec-WebSocket-Extensions');
  if (value === undefined) return [];
  const extensions = parseExtensions(value);
  if (extensions === null) throw bad('Sec-WebSocket-Extensions is invalid');
  return extensions;
}

function bad(message: string): HttpError {
  return new HttpError(400, `${message}\n`);
}
