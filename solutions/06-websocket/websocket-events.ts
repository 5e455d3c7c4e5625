/**
 * RESTORED STAND-IN: the other helper's file of the same name has overwritten yours by accident, before it was in git
 * (mine is connection-events.ts now). Names and types are guessed from async-app.ts and check-event.ts; write it again.
 */

import type { HeaderPair } from '../02-http/index.ts';

export interface WebSocketConnectEvent {
  readonly type: 'websocket.connect';
}

export interface WebSocketReceiveEvent {
  readonly type: 'websocket.receive';
  readonly data: string | Buffer;
}

export interface WebSocketDisconnectEvent {
  readonly type: 'websocket.disconnect';
  readonly code: number;
  readonly reason: string;
}

export type WebSocketEvent = WebSocketConnectEvent | WebSocketReceiveEvent | WebSocketDisconnectEvent;

export interface WebSocketAccept {
  readonly type: 'websocket.accept';
  readonly subprotocol?: string;
  readonly headers?: readonly HeaderPair[];
}

export interface WebSocketSend {
  readonly type: 'websocket.send';
  readonly data: string | Uint8Array;
}

export interface WebSocketClose {
  readonly type: 'websocket.close';
  readonly code?: number;
  readonly reason?: string;
}

export interface DenialStart {
  readonly type: 'websocket.http.response.start';
  readonly status: number;
  readonly reason?: string;
  readonly headers?: readonly HeaderPair[];
}

export interface DenialBody {
  readonly type: 'websocket.http.response.body';
  readonly body?: Uint8Array;
  readonly moreBody?: boolean;
}

export type WebSocketSendEvent = WebSocketAccept | WebSocketSend | WebSocketClose | DenialStart | DenialBody;
