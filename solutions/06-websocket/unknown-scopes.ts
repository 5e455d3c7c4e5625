/**
 * The types of scope that an application was found not to know (A3). Each is news only once: otherwise any client could
 * have it reported again and again.
 */

export class UnknownScopes {
  readonly #told = new Set<string>();

  /** Whether the error that the application threw for a scope has yet to be reported. */
  isNews(error: unknown, type: string): boolean {
    if (!isUnknownScope(error)) return true;
    if (this.#told.has(type)) return false;
    this.#told.add(type);
    return true;
  }
}

/** Recognised by its name: the application may have its UnknownScopeError from elsewhere. */
function isUnknownScope(error: unknown): error is Error {
  return error instanceof Error && error.name === 'UnknownScopeError';
}

/**
 * What the person who runs the server reads: the stack, or just one line if the error only says what the application
 * supports.
 */
export function errorText(error: unknown): string {
  if (isUnknownScope(error)) return `${error.message} (said once)`;
  return error instanceof Error ? (error.stack ?? String(error)) : String(error);
}
