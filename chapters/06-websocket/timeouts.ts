/**
 * How long a peer may be silent or slow, in milliseconds; `Infinity` for as long as it likes. None of these ends early.
 * Each ends up to two ticks late, on the clock that all WebSockets of a server share (session-group.ts): up to two
 * seconds, or half of the shortest of the times.
 */

export interface WebSocketTimeouts {
  /** How long a peer may be silent, since it was last heard, before it is sent a ping. */
  readonly heartbeatMs: number;
  /** How long after that ping something must arrive; otherwise the connection is cut. */
  readonly pongMs: number;
  /** How long after our Close frame the connection may last; then it is cut. */
  readonly closeMs: number;
}

export const defaultWebSocketTimeouts: WebSocketTimeouts = Object.freeze({
  heartbeatMs: 20_000,
  pongMs: 20_000,
  closeMs: 10_000,
});
