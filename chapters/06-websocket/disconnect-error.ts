/**
 * What `send` rejects with when nothing arrives any more: the client has gone, or has all that it will ever get (A58).
 *
 * An application may let it through: it is nobody's fault, and the server reports nothing.
 */
export class DisconnectError extends Error {
  override readonly name = 'DisconnectError';

  constructor(message = 'the client has gone') {
    super(message);
  }
}
