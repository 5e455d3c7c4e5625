/** A CGI script's mistake: the status that its client gets, and a message for the log only. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
