/**
 * What an application was found not to know (A3): news once for each type of scope, and then no more, for any client
 * could have it said again and again.
 */

export class UnknownScopes {
  readonly #told = new Set<string>();

  /** Whether what the application has thrown at a scope is still to be told. */
  isNews(error: unknown, type: string): boolean {
    if (!isUnknownScope(error)) return true;
    if (this.#told.has(type)) return false;
    this.#told.add(type);
    return true;
  }
}

/** By its name: the application may have its UnknownScopeError from elsewhere. */
function isUnknownScope(error: unknown): error is Error {
  return error instanceof Error && error.name === 'UnknownScopeError';
}

/** What somebody reads who runs the server: the stack, but one line where it is only said what the application does. */
export function errorText(error: unknown): string {
  if (isUnknownScope(error)) return `${error.message} (said once)`;
  return error instanceof Error ? (error.stack ?? String(error)) : String(error);
}
