/** Why an application could not start, or did not stop well. */
export class LifespanError extends Error {
  override readonly name = 'LifespanError';
  readonly phase: 'startup' | 'shutdown';

  /** @param reason for the person who runs the server; if an error was thrown, `cause` is that error */
  constructor(phase: 'startup' | 'shutdown', reason: string, options?: ErrorOptions) {
    super(`${phase} failed: ${reason}`, options);
    this.phase = phase;
  }
}
