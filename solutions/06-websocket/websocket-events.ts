/**
 * The events of a WebSocket: the rules A70 to A89 of docs/gateway-spec.md.
 */

import type { HeaderPair } from '../02-http/index.ts';

/** A client wants a WebSocket. */
export interface WebSocketConnectEvent {
  readonly type: 'websocket.connect';
}

/** A message: text as a string, binary as bytes. */
export interface WebSocketReceiveEvent {
  readonly type: 'websocket.receive';
  readonly data: string | Buffer;
}

/** There is no WebSocket, or no longer. */
export interface WebSocketDisconnectEvent {
  readonly type: 'websocket.disconnect';
  /** The client's; 1005 if it gave none, 1006 if the connection ended without a word. */
  readonly code: number;
  readonly reason: string;
}

export type WebSocketEvent = WebSocketConnectEvent | WebSocketReceiveEvent | WebSocketDisconnectEvent;

/** Agrees to the WebSocket: 101. */
export interface WebSocketAccept {
  readonly type: 'websocket.accept';
  /** One of those that are offered. */
  readonly subprotocol?: string;
  readonly headers?: readonly HeaderPair[];
}

/** Sends a message. */
export interface WebSocketSend {
  readonly type: 'websocket.send';
  /** Bytes must not be changed before `send` has resolved. */
  readonly data: string | Uint8Array;
}

/** Closes; before it is accepted: refuses it with 403. */
export interface WebSocketClose {
  readonly type: 'websocket.close';
  /** Default 1000. */
  readonly code?: number;
  /** At most 123 bytes of UTF-8. */
  readonly reason?: string;
}

/** Refuses the WebSocket with a response of the application's own. Only if the scope's extensions have it. */
export interface DenialStart {
  readonly type: 'websocket.http.response.start';
  /** 200 to 599. */
  readonly status: number;
  /** Instead of the registered reason phrase. */
  readonly reason?: string;
  readonly headers?: readonly HeaderPair[];
}

/** A part of that response's body. */
export interface DenialBody {
  readonly type: 'websocket.http.response.body';
  /** Default: no bytes. */
  readonly body?: Uint8Array;
  /** Default false: this is the last part. */
  readonly moreBody?: boolean;
}

export type WebSocketSendEvent = WebSocketAccept | WebSocketSend | WebSocketClose | DenialStart | DenialBody;
