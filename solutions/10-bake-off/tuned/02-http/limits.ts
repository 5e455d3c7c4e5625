/**
 * A limit on everything that a peer can make grow, each with a named default and the status for exceeding it.
 */

/** How much of each part of a message is accepted. Sizes are in bytes. */
export interface HttpLimits {
  /** The request line (or status line) without its CRLF: 414. RFC 9112 §3 asks for at least 8000. */
  readonly requestLineBytesMax: number;
  /** Empty lines accepted before a request line (RFC 9112 §2.2): 400. */
  readonly emptyLinesMax: number;
  /** All field lines of a head, with their CRLFs: 431. */
  readonly headerBytesMax: number;
  /** Field lines in a head: 431. */
  readonly headerCountMax: number;
  /** A body, decoded: 413. */
  readonly bodyBytesMax: number;
  /** A body that is held whole by `bytes()`, `text()` or `json()`: 413. */
  readonly heldBytesMax: number;
  /** All chunk extensions of a body (RFC 9112 §7.1.1): 413. */
  readonly chunkExtensionBytesMax: number;
  /** All trailer fields, with their CRLFs: 431. */
  readonly trailerBytesMax: number;
  /** Trailer fields: 431. */
  readonly trailerCountMax: number;
  /** Input kept while a request is being answered; then reading pauses. */
  readonly pipelinedBytesMax: number;
  /** How much of a body that the handler left unread is read and dropped to keep the connection. */
  readonly drainedBytesMax: number;
}

export const defaultLimits: HttpLimits = Object.freeze({
  requestLineBytesMax: 8 * 1024,
  emptyLinesMax: 8,
  headerBytesMax: 16 * 1024,
  headerCountMax: 100,
  bodyBytesMax: 16 * 1024 * 1024,
  heldBytesMax: 1024 * 1024,
  chunkExtensionBytesMax: 4 * 1024,
  trailerBytesMax: 4 * 1024,
  trailerCountMax: 32,
  pipelinedBytesMax: 64 * 1024,
  drainedBytesMax: 256 * 1024,
});

const complete = new WeakSet<object>([defaultLimits]);

/** The given limits, with defaults for the rest. A complete set comes back as it is, so that connections share one. */
export function withDefaultLimits(limits: Partial<HttpLimits> = defaultLimits): HttpLimits {
  if (complete.has(limits)) return limits as HttpLimits;
  const merged = Object.freeze({ ...defaultLimits, ...limits });
  complete.add(merged);
  return merged;
}
