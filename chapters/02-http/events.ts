/**
 * What the two sides of an HTTP connection say to each other, as events, and the states that the events lead to. Types
 * and one table: everything here means the same in both roles.
 */

import type { HeaderPair, HttpHeaders } from './headers.ts';

/** The version whose rules a message follows: 1.2 to 1.9 count as 1.1 (RFC 9110 §2.5). */
export type HttpVersion = '1.0' | '1.1';
/** `/path?query`, `http://host/path?query` (to a proxy), `host:port` (CONNECT), `*` (OPTIONS). */
export type TargetForm = 'origin' | 'absolute' | 'authority' | 'asterisk';
/** The method and the target are as sent: methods are case-sensitive (RFC 9110 §9.1), and any token may be one. */
export interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly form: TargetForm;
  readonly httpVersion: HttpVersion;
}
/** What framing and persistence look at in a head. */
export interface FramedHead { readonly httpVersion: HttpVersion; readonly headers: HttpHeaders }
/** The same of a response, whose status counts, too. */
export interface ResponseHead extends FramedHead { readonly status: number }
/**
 * Where a body ends: at once, after a number of bytes, with its last chunk, or when the connection closes (responses
 * only).
 */
export type BodyFraming =
  | { readonly kind: 'none' | 'chunked' | 'close' }
  | { readonly kind: 'length'; readonly length: number };

/** The fields of a head, and how many bytes it had on the wire. */
export interface ReceivedFields { readonly headers: HttpHeaders; readonly byteLength: number }
/** A head, received. */
interface ReceivedHead extends ReceivedFields { readonly httpVersion: HttpVersion; readonly framing: BodyFraming }
export interface RequestEvent extends RequestLine, ReceivedHead { readonly type: 'request' }
/** `informational` for an interim response (1xx). */
export interface ResponseEvent extends ReceivedHead {
  readonly type: 'response' | 'informational';
  readonly status: number;
  readonly reason: string;
}
/** A part of a body. As received: bytes. To be sent: bytes, or a string that goes out as UTF-8. */
export interface DataEvent<Data = Buffer> { readonly type: 'data'; readonly data: Data }
/** A message is complete. */
export interface EndEvent { readonly type: 'end'; readonly trailers: HttpHeaders }
/**
 * The peer has closed its side between two messages; more bytes are needed; or nothing is read until our side has
 * finished.
 */
export interface NoEvent<Why = 'closed' | 'need-more-data' | 'paused'> { readonly type: Why }
/** What `nextEvent` returns. */
export type ReceivedEvent = RequestEvent | ResponseEvent | DataEvent | EndEvent | NoEvent;

/** With a body, it is the whole message, and no `end` follows. */
interface HeadToSend { readonly headers: readonly HeaderPair[]; readonly body?: string | Uint8Array }
/** For a client. */
export interface RequestToSend extends HeadToSend {
  readonly type: 'request';
  readonly method: string;
  readonly target: string;
}
/**
 * For a server. `reason` takes the place of the registered phrase; `close` makes this response the connection's last.
 */
export interface ResponseToSend extends HeadToSend {
  readonly type: 'response';
  readonly status: number;
  readonly reason?: string | undefined;
  readonly close?: boolean;
}
/** An interim response (1xx). 101 hands the connection over. */
export interface InformationalToSend {
  readonly type: 'informational';
  readonly status: number;
  readonly headers: readonly HeaderPair[];
}
/** Trailers are sent after a chunked body, and dropped after any other. */
export interface EndToSend { readonly type: 'end'; readonly trailers?: readonly HeaderPair[] }
/** What `send` takes. */
export type EventToSend =
  RequestToSend | ResponseToSend | InformationalToSend | DataEvent<string | Uint8Array> | EndToSend;

export type Role = 'client' | 'server';
/**
 * - `must-close`: done, and nothing more may be sent
 * - `switched`: the connection speaks another protocol now
 * - `error`: the side broke the protocol, and there is no way out
 */
export type State = 'idle' | 'send-response' | 'body' | 'done' | 'must-close' | 'closed' | 'switched' | 'error';
export type Transition = 'request' | 'informational' | 'response' | 'data' | 'end' | 'switch' | 'closed';

/**
 * Every legal transition (after h11's `_state.py`). Each side has a state, and an event moves the side that it comes
 * from; `request` and `switch` move both. What is not in the table is a protocol error: the peer's if the event was
 * received, else the caller's.
 */
export const transitions: Readonly<Record<Role, Partial<Record<State, Partial<Record<Transition, State>>>>>> = {
  client: {
    idle: { request: 'body', closed: 'closed' },
    body: { data: 'body', end: 'done' },
    done: { closed: 'closed', switch: 'switched' },
  },
  server: {
    // A server may answer what it could not read (400, 408).
    idle: { request: 'send-response', response: 'body', closed: 'closed' },
    'send-response': { informational: 'send-response', response: 'body', switch: 'switched' },
    body: { data: 'body', end: 'done' },
  },
};
