/** What an application throws at a scope that it does not know (A3). */
export class UnknownScopeError extends Error {
  override readonly name = 'UnknownScopeError';

  /** @param type the scope's */
  constructor(type: string) {
    super(`this application has nothing for the scope '${type}'`);
  }
}
