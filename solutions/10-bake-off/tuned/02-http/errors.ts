/**
 * The three kinds of error, never mixed: the peer's fault, the caller's fault, and our own (`node:assert`).
 *
 * What a handler throws on purpose is a fourth thing, an answer: `HttpError`.
 */

import type { HeaderPair } from './headers.ts';

/**
 * The peer broke the protocol or a limit. Carries the answer; after it nothing more is read from the connection.
 * The message is always a fixed sentence of ours, so it may be shown to the peer.
 */
export class RemoteProtocolError extends Error {
  override readonly name = 'RemoteProtocolError';
  /** The status code to answer with, if an answer can still be given. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * The caller broke the protocol: a handler with a bad header, a body shorter than it promised. Never shown to the peer.
 */
export class LocalProtocolError extends Error {
  override readonly name = 'LocalProtocolError';
}

/**
 * Thrown by a handler to answer with a status: `throw new HttpError(404)`.
 * The message is sent to the client as the body; leave it out to send the reason phrase alone.
 */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  /** 400 to 599. */
  readonly status: number;
  /** Fields for the response: `Allow` for a 405, `Retry-After` for a 503. */
  readonly headers: readonly HeaderPair[];

  constructor(status: number, message = '', headers: readonly HeaderPair[] = []) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}
