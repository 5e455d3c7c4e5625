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
/** 16 bytes in base64 (RFC 6455 §4.2.1). */
const key = /^[A-Za-z0-9+/]{22}==$/;
/** RFC 9110 §15.5.22: a 426 says what to upgrade to. */
const upgradeRequired: readonly HeaderPair[] = [
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Version', VERSION],
];

/** @throws HttpError 400, 405, or 426 for a request without Upgrade and for another version */
export function readHandshake(request: HandshakeRequest): WebSocketOffer {
  const { method, httpVersion, headers, hasBody } = request;
  const checks: (() => HttpError | undefined | void)[] = [
    () => (hasBody ? bad('a handshake has no body') : undefined),
    () => checkVersion(single(headers, 'Sec-WebSocket-Version')),
    () => {
      const sent = single(headers, 'Sec-WebSocket-Key') ?? '';
      const nonce = Buffer.from(sent, 'base64');
      return nonce.length === 16 && nonce.toString('base64') === sent ? undefined : bad('no key of sixteen bytes');
    },
    () => (listHas(headers.get('Connection'), 'upgrade') ? undefined : bad('Connection does not say Upgrade')),
    () => (listHas(headers.get('Upgrade'), 'websocket') ? undefined : new HttpError(426, 'only WebSockets here\n', upgradeRequired)),
    () => (httpVersion === '1.1' ? undefined : bad('HTTP/1.1 is needed')),
    () => (method === 'GET' ? undefined : new HttpError(405, 'a handshake is a GET\n', [['allow', 'GET']])),
  ];
  for (const check of checks) {
    const problem = check();
    if (problem !== undefined) throw problem;
  }
  const origin = single(headers, 'Origin');
  const extensions = extensionsOf(headers);
  return { key: headers.get('Sec-WebSocket-Key')!, extensions, origin, subprotocols: subprotocolsOf(headers) };
}

/**
 * Whether a page of this origin may open a WebSocket (RFC 6455 §10.2). Whoever sends no Origin is no browser, and there
 * is no user of a browser to protect from it.
 *
 * @param allowed origins such as `https://example.org`; any, if it is `null`
 */
export function originAllowed(origin: string | undefined, allowed: readonly string[] | null): boolean {
  const folded = origin?.toUpperCase();
  return folded === undefined || (allowed?.some((one) => one.toUpperCase() === folded) ?? true);
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

/** The first of the server's subprotocols that the client offers; `''` if there is none. */
export function chooseSubprotocol(offer: WebSocketOffer, supported: readonly string[]): string {
  const offered = new Set(offer.subprotocols);
  for (const name of supported) if (offered.has(name)) return name;
  return '';
}

/** RFC 6455 §4.2.2: another version is answered by 426 with the one that is spoken here. */
function checkVersion(version: string | undefined): void {
  // RFC 6455 §4.3: version = DIGIT | (NZDIGIT DIGIT) | ("1" DIGIT DIGIT) | ("2" DIGIT DIGIT), 0 to 255.
  if (version === undefined || !/^(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])$/.test(version)) throw bad('no version of WebSocket');
  if (version !== VERSION) throw new HttpError(426, `version ${VERSION} is spoken here\n`, upgradeRequired.toReversed());
}

/** A field that may be there once only (RFC 6455 §11.3). */
function single(headers: HttpHeaders, name: string): string | undefined {
  const values = headers.getAll(name);
  if (values.length > 1) throw bad(`more than one ${name}`);
  return values[0];
}

/** RFC 6455 §11.3.4: the field may be there more than once; §4.1: tokens, and none of them twice. */
function subprotocolsOf(headers: HttpHeaders): string[] {
  const lines = headers.getAll('Sec-WebSocket-Protocol');
  const names = [...lines.join(',').matchAll(/[^,]+/g)].map(([member]) => member.replace(/^[ \t]+/, '').replace(/[ \t]+$/, '')).filter((name) => name !== '');
  // RFC 6455 §4.3: 1#token.
  if (lines.length > 0 && names.length === 0) throw bad('Sec-WebSocket-Protocol names nothing');
  if (!names.every(isToken)) throw bad('a subprotocol that is no token');
  if (new Set(names).size < names.length) throw bad('a subprotocol twice');
  return names;
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
