/**
 * How long a peer may take for each thing that we wait for, in milliseconds; `Infinity` for as long as it likes.
 */

export interface HttpTimeouts {
  /** From a request's first byte to the end of its head: 408. */
  readonly headerMs: number;
  /** Between two parts of a body that we are waiting for: 408. For all that is left of one that nobody reads: closed. */
  readonly bodyMs: number;
  /** Between two requests, and before the first: closed without a word. */
  readonly idleMs: number;
  /** For a full send buffer to take more: the connection is cut. */
  readonly sendMs: number;
  /** From our last byte to the client's, before the connection is cut. */
  readonly lingerMs: number;
}

export const defaultTimeouts: HttpTimeouts = Object.freeze({
  headerMs: 15_000,
  bodyMs: 30_000,
  idleMs: 15_000,
  sendMs: 30_000,
  lingerMs: 2_000,
});
