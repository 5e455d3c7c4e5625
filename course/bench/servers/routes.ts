/**
 * What every server under test answers, so that they differ in nothing but themselves.
 */

export const hello = 'Hello, World!';
export const large: Buffer = Buffer.alloc(100 * 1024, 'x');

/** Collects garbage (node --expose-gc), so that memory can be compared, and says how it went. */
export function collectGarbage(): string {
  globalThis.gc?.();
  globalThis.gc?.();
  return globalThis.gc === undefined ? 'no gc' : 'ok';
}

/** Says where the server listens, as the benchmark expects it. */
export function announce(port: number): void {
  console.log(`listening on http://127.0.0.1:${port}`);
}
