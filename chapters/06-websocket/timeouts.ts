/**
 * How long a peer may be silent or slow, in milliseconds; `Infinity` for as long as it likes. None of these is cut short,
 * and each ends late by up to two ticks of the clock that all WebSockets of a server share (session-group.ts): by two
 * seconds, or half of the shortest of the times.
 */

export interface WebSocketTimeouts {
  /** Of silence, since the peer was last heard, before a ping is sent. */
  readonly heartbeatMs: number;
  /** From that ping until anything arrives: the connection is cut. */
  readonly pongMs: number;
  /** From our Close frame to the end of the connection: it is cut. */
  readonly closeMs: number;
}

export const defaultWebSocketTimeouts: WebSocketTimeouts = Object.freeze({
  heartbeatMs: 20_000,
  pongMs: 20_000,
  closeMs: 10_000,
});
