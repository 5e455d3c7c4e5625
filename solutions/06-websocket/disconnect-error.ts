/**
 * What `send` rejects with when nothing can arrive any more: the client has gone, or has all that it will ever get
 * (A58).
 *
 * An application need not catch it: it is nobody's fault, and the server does not report it.
 */
export class DisconnectError extends Error {
  override readonly name = 'DisconnectError';

  constructor(message = 'the client has gone') {
    super(message);
  }
}
