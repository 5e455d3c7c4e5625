/**
 * The events of an HTTP connection, in both directions and both roles.
 */

import type { BodyFraming } from './body-framing.ts';
import { noHeaders } from './headers.ts';
import type { HeaderPair, HttpHeaders } from './headers.ts';
import type { HttpVersion, RequestLine } from './request-line.ts';

/** A request's head, received. */
export interface RequestEvent extends RequestLine {
  readonly type: 'request';
  readonly headers: HttpHeaders;
  readonly framing: BodyFraming;
  /** Bytes of the head on the wire. */
  readonly byteLength: number;
}

/** A final response's head, received; informational ones have a type of their own. */
export interface ResponseEvent {
  readonly type: 'response' | 'informational';
  readonly status: number;
  readonly reason: string;
  readonly httpVersion: HttpVersion;
  readonly headers: HttpHeaders;
  readonly framing: BodyFraming;
  readonly byteLength: number;
}

/** A part of a body. As received: bytes. To be sent: bytes, or a string that goes out as UTF-8. */
export interface DataEvent<Data = Buffer> {
  readonly type: 'data';
  readonly data: Data;
}

/** A message is complete. */
export interface EndEvent {
  readonly type: 'end';
  readonly trailers: HttpHeaders;
}

/** The peer has closed its side between two messages. */
export interface ClosedEvent {
  readonly type: 'closed';
}

/** Nothing to report until more bytes arrive. */
export interface NeedMoreData {
  readonly type: 'need-more-data';
}

/** Nothing to report until our side has finished its message. */
export interface Paused {
  readonly type: 'paused';
}

/** What `nextEvent` returns. */
export type ReceivedEvent = RequestEvent | ResponseEvent | DataEvent | EndEvent | ClosedEvent | NeedMoreData | Paused;

/** A request to send (client). With `body` it is the whole message, and no `end` follows. */
export interface RequestToSend {
  readonly type: 'request';
  readonly method: string;
  readonly target: string;
  readonly headers: readonly HeaderPair[];
  readonly body?: string | Uint8Array;
}

/** A response to send (server). With `body` it is the whole message, and no `end` follows. */
export interface ResponseToSend {
  readonly type: 'response';
  readonly status: number;
  readonly reason?: string | undefined;
  readonly headers: readonly HeaderPair[];
  readonly body?: string | Uint8Array;
  /** The length in bytes of the body that follows, if it is known and the headers have no Content-Length. */
  readonly bodyBytes?: number | undefined;
  /** Close the connection after this response. */
  readonly close?: boolean;
}

/** An interim response (1xx). 101 hands the connection over. */
export interface InformationalToSend {
  readonly type: 'informational';
  readonly status: number;
  readonly headers: readonly HeaderPair[];
}

export interface EndToSend {
  readonly type: 'end';
  /** Sent after a chunked body, dropped after any other. */
  readonly trailers?: readonly HeaderPair[];
}

/** What `send` takes. */
export type EventToSend =
  | RequestToSend
  | ResponseToSend
  | InformationalToSend
  | DataEvent<string | Uint8Array>
  | EndToSend;

export const needMoreData: NeedMoreData = Object.freeze({ type: 'need-more-data' });
export const paused: Paused = Object.freeze({ type: 'paused' });
export const closed: ClosedEvent = Object.freeze({ type: 'closed' });
export const endOfMessage: EndEvent = Object.freeze({ type: 'end', trailers: noHeaders });
