/**
 * The events of a request: the rules A40 to A59 of docs/gateway-spec.md.
 */

import type { HeaderPair } from '../02-http/index.ts';

/** A part of the request's body. There is a first one even if there is no body. */
export interface HttpRequestEvent {
  readonly type: 'http.request';
  /** May be empty. */
  readonly body: Buffer;
  /** False for the last part. */
  readonly moreBody: boolean;
}

/** The response is complete, or the client has gone. */
export interface HttpDisconnectEvent {
  readonly type: 'http.disconnect';
}

export type HttpEvent = HttpRequestEvent | HttpDisconnectEvent;

/** Begins the response. Nothing is sent before its first body event. */
export interface HttpStart {
  readonly type: 'http.response.start';
  /** 200 to 599. */
  readonly status: number;
  /** Instead of the registered reason phrase. */
  readonly reason?: string;
  readonly headers?: readonly HeaderPair[];
}

/** A part of the response's body. */
export interface HttpBody {
  readonly type: 'http.response.body';
  /** Default: no bytes. */
  readonly body?: Uint8Array;
  /** Default false: this is the last part. */
  readonly moreBody?: boolean;
}

/** 103 (RFC 8297). Only if the scope's extensions have it. Dropped once the response has begun. */
export interface HttpEarlyHints {
  readonly type: 'http.response.earlyHints';
  readonly headers: readonly HeaderPair[];
}

export type HttpSendEvent = HttpStart | HttpBody | HttpEarlyHints;

/** It is always the same. */
export const httpDisconnect: HttpDisconnectEvent = Object.freeze({ type: 'http.disconnect' });
