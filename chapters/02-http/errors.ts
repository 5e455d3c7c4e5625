/**
 * What is refused, and why: the three kinds of error, and the limits that make a peer's request too large or too slow.
 *
 * The kinds are never mixed: the peer's fault, the caller's fault, and our own bug (any other error). What a handler
 * throws on purpose is a fourth thing, an answer: HttpError.
 */

/** The peer broke the protocol or a limit. The message is a fixed sentence of ours, so it may be shown to the peer. */
export class RemoteProtocolError extends Error {
  override readonly name = 'RemoteProtocolError';
  /** The status code to answer with, if an answer can still be given. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The caller broke the protocol: a handler with a bad field, a body shorter than promised. Never shown to the peer. */
export class LocalProtocolError extends Error { override readonly name = 'LocalProtocolError'; }

/**
 * Thrown by a handler to answer with a status: `throw new HttpError(404)`.
 * The message is sent to the client as the body; leave it out to send the reason phrase alone.
 */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  /** 400 to 599. */
  readonly status: number;
  /** Fields for the response: `Allow` for a 405, `Retry-After` for a 503. */
  readonly headers: readonly (readonly [name: string, value: string])[];

  constructor(status: number, message = '', headers: HttpError['headers'] = []) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/**
 * How much of each part of a message is accepted, in bytes if the name does not say otherwise, and the status for more.
 */
export const defaultLimits = Object.freeze({
  /** The request line (or status line) without its CRLF: 414. RFC 9112 §3 asks for at least 8000. */
  requestLineBytesMax: 8 * 1024,
  /** Empty lines accepted before a request line (RFC 9112 §2.2): 400. */
  emptyLinesMax: 8,
  /** All field lines of a head, with their CRLFs: 431. */
  headerBytesMax: 16 * 1024,
  /** Field lines in a head: 431. */
  headerCountMax: 100,
  /** A body, decoded: 413. */
  bodyBytesMax: 16 * 1024 * 1024,
  /** A body that is held whole by `bytes()` or `text()`: 413. */
  heldBytesMax: 1024 * 1024,
  /** All chunk extensions of a body (RFC 9112 §7.1.1): 413. */
  chunkExtensionBytesMax: 4 * 1024,
  /** All trailer fields, with their CRLFs: 431. */
  trailerBytesMax: 4 * 1024,
  /** Trailer fields: 431. */
  trailerCountMax: 32,
  /** Input kept while a request is being answered; then reading pauses. */
  pipelinedBytesMax: 64 * 1024,
  /** How much of a body that the handler left unread is read and dropped to keep the connection. */
  drainedBytesMax: 256 * 1024,
});

/** Limits of one's own: {@link defaultLimits} says what each is. */
export type HttpLimits = Readonly<Record<keyof typeof defaultLimits, number>>;

/** How long a peer may take for each thing that we wait for, in milliseconds; `Infinity` for as long as it likes. */
export const defaultTimeouts = Object.freeze({
  /** From a request's first byte to the end of its head: 408. */
  headerMs: 15_000,
  /** Between two parts of a body that we are waiting for: 408. For all that is left of one that nobody reads: closed. */
  bodyMs: 30_000,
  /** Between two requests, and before the first: closed without a word. */
  idleMs: 15_000,
  /** For each piece of a response to leave: the connection is cut. */
  sendMs: 30_000,
  /** From our last byte to the client's, before the connection is cut. */
  lingerMs: 2_000,
});

/** Timeouts of one's own: `defaultTimeouts` says what each is. */
export type HttpTimeouts = Readonly<Record<keyof typeof defaultTimeouts, number>>;
