/**
 * For promises that nobody awaits.
 *
 * One that rejects without a handler ends the process, and every other client's connection with it. So each of them ends
 * in `.catch(…)`: with the program's reporter if there is one, and otherwise with this.
 */

/** Writes to stderr what a promise that nobody awaits was rejected with. Never throws. */
export function reportDetached(error: unknown): void {
  console.error('error in a promise that nobody awaits:', error);
}
