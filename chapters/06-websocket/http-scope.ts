/**
 * A request of chapter 02's server as a scope: the rules A10 to A29 of docs/gateway-spec.md.
 */

import type { HeaderPair, HttpRequest } from '../02-http/index.ts';
import { decodePathInfo } from '../05-gateway/index.ts';
import type { AsyncSettings } from './async-settings.ts';
import type { Endpoint, HttpScope, WebSocketExtensions, WebSocketScope } from './scopes.ts';

export const VERSION: readonly [number, number] = Object.freeze([2, 0] as const);

/** Makes the scope of a request. @throws HttpError 400 for a path that cannot be decoded */
export function httpScope(request: HttpRequest, settings: AsyncSettings): HttpScope {
  const rawPath = request.path;
  return {
    type: 'http',
    version: VERSION,
    httpVersion: request.httpVersion,
    method: request.method,
    scheme: request.scheme,
    rootPath: '',
    path: decodePathInfo(rawPath),
    rawPath,
    query: request.query,
    headers: fieldsOf(request),
    client: endpoint(request.remoteAddress, request.remotePort),
    server: endpoint(request.localAddress, request.localPort),
    state: { ...settings.state },
    // Made now, and not only when it is asked for: a getter in an object costs five times as much as an
    // AbortController.
    signal: request.signal,
    stopping: settings.stopping,
    // An HTTP/1.0 client would not understand a 103.
    extensions: request.httpVersion === '1.1' ? { 'http.response.earlyHints': {} } : {},
  };
}

/** What a WebSocket's scope has that is not in its request. */
export interface WebSocketFacts {
  readonly subprotocols: readonly string[];
  /** Aborts when the WebSocket has ended. */
  readonly signal: AbortSignal;
  readonly extensions: WebSocketExtensions;
}

/** Makes the scope of a handshake. @throws HttpError 400 for a path that cannot be decoded */
export function websocketScope(request: HttpRequest, settings: AsyncSettings, facts: WebSocketFacts): WebSocketScope {
  const rawPath = request.path;
  return {
    type: 'websocket',
    version: VERSION,
    httpVersion: request.httpVersion,
    scheme: request.scheme === 'https' ? 'wss' : 'ws',
    rootPath: '',
    path: decodePathInfo(rawPath),
    rawPath,
    query: request.query,
    // A copy has no spare room to grow, which matters as this list may be kept for days.
    headers: [...fieldsOf(request)],
    client: endpoint(request.remoteAddress, request.remotePort),
    server: endpoint(request.localAddress, request.localPort),
    state: { ...settings.state },
    signal: facts.signal,
    stopping: settings.stopping,
    subprotocols: facts.subprotocols,
    extensions: facts.extensions,
  };
}

function fieldsOf(request: HttpRequest): HeaderPair[] {
  // These pairs were made for us, so we may change them.
  const fields = request.headers.pairs() as [string, string][];
  for (const field of fields) field[0] = field[0].toLowerCase();
  // RFC 9112 §3.2.2: with an absolute-form the Host field MUST be ignored.
  if (request.form !== 'absolute') return fields;
  return [['host', request.authority], ...fields.filter(([name]) => name !== 'host')];
}

function endpoint(address: string | undefined, port: number | undefined): Endpoint | null {
  return address === undefined || port === undefined ? null : { address, port };
}
