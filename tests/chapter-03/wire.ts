/** What the tests of chapter 03 share. */
import type { World } from '#support/exercise.ts';
import type driver from './driver.ts';

export { closing, eventually, exchange, expectBody, expectStatus, once, over, showResponse, staysOpen, theOnly } from '#support/http-exchange.ts';

export type TestWorld = World<typeof driver>;

/** Why a rule that looks at a process through /proc is not run here. */
export const NEEDS_PROC = process.platform === 'linux' ? undefined : 'needs /proc: Linux only';
