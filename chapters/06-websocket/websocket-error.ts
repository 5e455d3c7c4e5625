/**
 * The peer broke the protocol or a limit: the WebSocket is failed (RFC 6455 §7.1.7).
 *
 * Carries the close code to do it with; after it nothing more is read. The message is ours alone, a fixed sentence, so
 * that it may be sent as the reason.
 */

export class WebSocketError extends Error {
  override readonly name = 'WebSocketError';
  readonly closeCode: number;

  constructor(closeCode: number, message: string) {
    super(message);
    this.closeCode = closeCode;
  }
}
