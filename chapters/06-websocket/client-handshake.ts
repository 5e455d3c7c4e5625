/**
 * The opening handshake, a client's side (RFC 6455 §4.1): the request, and whether the response opens a WebSocket.
 *
 * It knows no sockets. The request and the response are events of chapter 02's HttpConnection in the role of a client.
 */

import { randomBytes } from 'node:crypto';

import { listHas } from '../02-http/index.ts';
import type { HeaderPair, RequestToSend, ResponseEvent } from '../02-http/index.ts';
import { acceptKey } from './accept-key.ts';
import { acceptedDeflate, offerDeflate } from './deflate-parameters.ts';
import type { DeflateParameters } from './deflate-parameters.ts';
import { parseExtensions } from './extension-list.ts';
import { WebSocketError } from './websocket-error.ts';

export interface ClientHandshake {
  /** Host and port, as in the field Host. */
  readonly authority: string;
  /** Path and query. */
  readonly target: string;
  readonly key: string;
  readonly subprotocols: readonly string[];
  /** What to offer of permessage-deflate; `null` for nothing. */
  readonly deflate: DeflateParameters | null;
  readonly headers: readonly HeaderPair[];
}

/** A new Sec-WebSocket-Key: 16 random bytes. */
export function freshHandshakeKey(): string {
  return randomBytes(16).toString('base64');
}

export function handshakeRequest(handshake: ClientHandshake): RequestToSend {
  const headers: HeaderPair[] = [
    ['Host', handshake.authority],
    ['Upgrade', 'websocket'],
    ['Connection', 'Upgrade'],
    ['Sec-WebSocket-Key', handshake.key],
    ['Sec-WebSocket-Version', '13'],
  ];
  if (handshake.subprotocols.length > 0) headers.push(['Sec-WebSocket-Protocol', handshake.subprotocols.join(', ')]);
  if (handshake.deflate !== null) headers.push(['Sec-WebSocket-Extensions', offerDeflate(handshake.deflate)]);
  return { type: 'request', method: 'GET', target: handshake.target, headers: [...headers, ...handshake.headers] };
}

/**
 * What a server has accepted.
 *
 * @throws WebSocketError for a response that does not open a WebSocket, or not the one that was asked for (RFC 6455
 *   §4.1)
 */
export function readAcceptance(
  response: ResponseEvent,
  handshake: ClientHandshake,
): { subprotocol: string; deflate: DeflateParameters | null } {
  const { headers } = response;
  const subprotocol = headers.get('sec-websocket-protocol') ?? '';
  const right = response.status === 101
    && headers.get('upgrade')?.toLowerCase() === 'websocket'
    && listHas(headers.get('connection'), 'upgrade')
    && headers.get('sec-websocket-accept') === acceptKey(handshake.key)
    && (subprotocol === '' || handshake.subprotocols.includes(subprotocol));
  if (!right) throw new WebSocketError(1002, 'the server has not accepted the WebSocket');
  return { subprotocol, deflate: acceptedExtensions(headers.get('sec-websocket-extensions'), handshake.deflate) };
}

function acceptedExtensions(value: string | undefined, wanted: DeflateParameters | null): DeflateParameters | null {
  if (value === undefined) return null;
  const extensions = parseExtensions(value);
  const deflate = extensions?.length === 1 && wanted !== null ? acceptedDeflate(extensions[0]!, wanted) : null;
  // RFC 6455 §4.1: an extension that was not offered MUST fail the connection.
  if (deflate === null) throw new WebSocketError(1002, 'the server has accepted what was not offered');
  return deflate;
}
