/** What the tests over the wire share. */
import { showBytes } from '#support/bytes.ts';
import type { World } from '#support/exercise.ts';
import { CheckFailure } from '#support/failure.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type driver from './driver.ts';
import type { Call } from './driver.ts';

export { closing, eventually, exchange, expectBody, expectStatus, once, over, showResponse, staysOpen, theOnly } from '#support/http-exchange.ts';

export type TestWorld = World<typeof driver>;

/** How long a timeout of a tenth of a second may take: a server may check its clock only once a second. */
export const TIMEOUT_PATIENCE_MS = 2500;

/** How far off a time is whose day, hour, minute and second have one digit each, so that padding shows. */
export function msUntilOneDigitEach(): number {
  return Date.UTC(new Date().getUTCFullYear() + 1, 1, 3, 4, 5, 6) - Date.now();
}

/** What a handler that `tells` saw. */
export function told(response: HttpTestResponse): Call & { host: string } {
  try {
    return JSON.parse(response.body.toString('utf8')) as Call & { host: string };
  } catch {
    throw new CheckFailure({ kind: 'wrong bytes', received: showBytes(response.body), expected: "the handler's body: what it saw, in JSON" });
  }
}
