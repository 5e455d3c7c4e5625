/**
 * What an application is told before anything happens: the rules A10 to A29 of docs/gateway-spec.md.
 */

import type { HeaderPair, HttpVersion } from '../02-http/index.ts';
import type { WebSocketPeer } from './websocket-types.ts';

/** One end of a connection. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** What a server can do beyond this interface: each ability that it has is a key. */
export interface HttpExtensions {
  /** It takes `http.response.earlyHints` (103). */
  'http.response.earlyHints'?: object;
  [name: string]: unknown;
}

export interface WebSocketExtensions {
  /** It takes `websocket.http.response.start` and `.body`: another answer than 403. */
  'websocket.http.response'?: object;
  /** The WebSocket itself, once it is accepted: for a room. @throws GatewayError A75 before */
  'websocket.peer'?: () => WebSocketPeer;
  [name: string]: unknown;
}

/** What requests and handshakes have in common. */
export interface RequestScope {
  /** `[2, 0]`: the version of the interface. */
  version: readonly [number, number];
  httpVersion: HttpVersion;
  /** The part of the path that has led to the application, percent-decoded; `''` or `/…`, never with a slash at its end. */
  rootPath: string;
  /** The rest of the path, percent-decoded as UTF-8; `''` or `/…`; `*` for `OPTIONS *`. */
  path: string;
  /** `path` as it was sent: only here `%2F` differs from `/`. Moves with `path`. */
  rawPath: string;
  /** What follows the `?`, as sent; `''` without one. */
  query: string;
  /** Names in lower case; the order and the number of the lines as sent. */
  headers: readonly HeaderPair[];
  /** `null` if it is not known, as on a Unix domain socket. */
  client: Endpoint | null;
  server: Endpoint | null;
  /** What the application has put into the lifespan's `state`: a copy of it for each scope. */
  state: Record<string, unknown>;
  /** Aborts when the client has gone: before the response was complete, or whenever the WebSocket ends. */
  readonly signal: AbortSignal;
  /** Aborts when the server begins to stop: what has no end of its own should end now. */
  stopping: AbortSignal;
}

/** A request. */
export interface HttpScope extends RequestScope {
  type: 'http';
  /** Case-sensitive. */
  method: string;
  scheme: 'http' | 'https';
  extensions: HttpExtensions;
}

/** A WebSocket's handshake, and then the WebSocket. */
export interface WebSocketScope extends RequestScope {
  type: 'websocket';
  scheme: 'ws' | 'wss';
  /** Those that the client offers, in its order. */
  subprotocols: readonly string[];
  extensions: WebSocketExtensions;
}

/** The life of the application itself. */
export interface LifespanScope {
  type: 'lifespan';
  version: readonly [number, number];
  /** For what the application wants to find in each of its scopes. */
  state: Record<string, unknown>;
}
