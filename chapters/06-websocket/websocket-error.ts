/**
 * The peer broke the protocol or a limit: the WebSocket is failed (RFC 6455 §7.1.7).
 *
 * It carries the close code for that; after it nothing more is read. Its message is always one of our own fixed
 * sentences, so it may be sent as the reason.
 */

export class WebSocketError extends Error {
  override readonly name = 'WebSocketError';
  readonly closeCode: number;

  constructor(closeCode: number, message: string) {
    super(message);
    this.closeCode = closeCode;
  }
}
