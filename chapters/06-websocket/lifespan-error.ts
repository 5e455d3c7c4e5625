/** Why an application could not start, or did not stop well. */
export class LifespanError extends Error {
  override readonly name = 'LifespanError';
  readonly phase: 'startup' | 'shutdown';

  /** @param reason for whoever runs the server; of an error that was thrown, `cause` has all of it */
  constructor(phase: 'startup' | 'shutdown', reason: string, options?: ErrorOptions) {
    super(`${phase} failed: ${reason}`, options);
    this.phase = phase;
  }
}
