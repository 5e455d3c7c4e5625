/**
 * A limit on everything that a peer can make grow, each with a named default and the close code that answers its breach.
 */

/** How much is accepted from a peer, and kept for it. Sizes are in bytes. */
export interface WebSocketLimits {
  /** A frame's payload as it is on the wire: 1009. */
  readonly frameBytesMax: number;
  /** A message, all its fragments together, inflated if it was deflated: 1009. */
  readonly messageBytesMax: number;
  /** Frames of one message: 1008. Fragments may be empty, so the size alone does not limit them. */
  readonly fragmentsMax: number;
  /** Messages that wait for `receive`; then reading pauses. */
  readonly queuedMessagesMax: number;
  /** All messages together that wait for `receive`, text with two bytes a character; then reading pauses. */
  readonly queuedBytesMax: number;
  /** Output that may wait for the kernel before `send` asks its caller to wait. */
  readonly highWaterBytes: number;
  /**
   * Output that may already be waiting for the kernel when another message is sent. If there is more, the application
   * is not waiting for its client: the connection is cut, and that is reported. A single message may be longer.
   */
  readonly bufferedBytesMax: number;
  /** Pongs that wait for the kernel; beyond that only the newest ping is answered (RFC 6455 §5.5.3). */
  readonly pendingPongsMax: number;
  /** Pings within one second: 1008. */
  readonly pingsPerSecondMax: number;
}

export const defaultWebSocketLimits: WebSocketLimits = Object.freeze({
  frameBytesMax: 1024 * 1024,
  messageBytesMax: 1024 * 1024,
  fragmentsMax: 1024,
  queuedMessagesMax: 64,
  queuedBytesMax: 256 * 1024,
  highWaterBytes: 64 * 1024,
  bufferedBytesMax: 16 * 1024 * 1024,
  pendingPongsMax: 16,
  pingsPerSecondMax: 100,
});

const complete = new WeakSet<object>([defaultWebSocketLimits]);

/** The given limits, with defaults for the rest. A complete set comes back as it is, so that connections share one. */
export function withWebSocketLimits(limits: Partial<WebSocketLimits> = defaultWebSocketLimits): WebSocketLimits {
  if (complete.has(limits)) return limits as WebSocketLimits;
  const merged = Object.freeze({ ...defaultWebSocketLimits, ...limits });
  complete.add(merged);
  return merged;
}
