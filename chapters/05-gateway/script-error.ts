/** What a CGI script did wrong: the status that its client is answered with, and a message for the log alone. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
