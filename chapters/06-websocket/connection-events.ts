/**
 * The events of a WebSocket, in both directions and both roles.
 */

import type { SharedMessage } from './shared-message.ts';
import type { WebSocketMessage } from './websocket-types.ts';

/** A whole message. As received: text as a string, binary as bytes. */
export interface MessageEvent<Data = WebSocketMessage> {
  readonly type: 'message';
  readonly data: Data;
}

/** A ping, to be answered with a pong that carries the same data. */
export interface PingEvent<Data = Buffer> {
  readonly type: 'ping';
  readonly data: Data;
}

export interface PongEvent<Data = Buffer> {
  readonly type: 'pong';
  readonly data: Data;
}

/** The peer's Close frame, to be answered with one of ours unless it is an answer itself. */
export interface CloseEvent {
  readonly type: 'close';
  /** 1005 if the frame has none. */
  readonly code: number;
  readonly reason: string;
}

/** The connection has ended on the peer's side. */
export interface ConnectionEndEvent {
  readonly type: 'end';
}

/** Nothing to report until more bytes arrive. */
export interface NeedMoreData {
  readonly type: 'need-more-data';
}

/** What `nextEvent` returns. */
export type ConnectionEvent = MessageEvent | PingEvent | PongEvent | CloseEvent | ConnectionEndEvent | NeedMoreData;

/** A Close frame to send. */
export interface CloseToSend {
  readonly type: 'close';
  /** None, or 1005: a frame without a code. */
  readonly code?: number;
  /** At most 123 bytes of UTF-8. */
  readonly reason?: string;
}

/** What `send` takes. */
export type ConnectionEventToSend =
  | MessageEvent<string | Uint8Array | SharedMessage>
  | PingEvent<string | Uint8Array>
  | PongEvent<string | Uint8Array>
  | CloseToSend;
