/** What the tests of chapter 03 share. */
import type { World } from '#support/exercise.ts';
import type driver from './driver.ts';
import type { Outcome } from './driver.ts';

export { closing, eventually, exchange, expectBody, expectStatus, once, over, showResponse, staysOpen, theOnly } from '#support/http-exchange.ts';

export type TestWorld = World<typeof driver>;

/** Why a rule that looks at a process through /proc is not run here. */
export const NEEDS_PROC = process.platform === 'linux' ? undefined : 'needs /proc: Linux only';

/** Why a rule about symbolic links is not run here. */
export const NEEDS_LINKS = process.platform === 'win32' ? 'symbolic links need a right of their own on Windows' : undefined;

/** What a function gave, threw, or refused. */
export function showOutcome(outcome: Outcome<unknown>): string {
  if ('accepted' in outcome) return JSON.stringify(outcome.accepted) ?? 'undefined';
  return 'refused' in outcome ? `an HttpError with status ${outcome.refused}` : `an error that is no HttpError: ${outcome.threw}`;
}
