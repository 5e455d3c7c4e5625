/** Verdicts on functions that accept or refuse. */
import { isDeepStrictEqual } from 'node:util';
import { showBytes } from '#support/bytes.ts';
import { check } from '#support/failure.ts';
import type { Outcome } from './driver.ts';
import { ruleOf } from './vectors.ts';
import type { Vector } from './vectors.ts';

export const showText = (text: string, columns = 64): string => showBytes(Buffer.from(text, 'latin1'), columns);

const show = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))).slice(0, 160);

/** What was seen, in words. */
export function showOutcome(outcome: Outcome<unknown>): string {
  if ('accepted' in outcome) return `accepted: ${show(outcome.accepted)}`;
  if ('refused' in outcome) return `refused with ${outcome.refused}`;
  return `it threw something without a status: ${outcome.threw}`;
}

/**
 * Judges one outcome.
 *
 * @param sent what the function was given, in words
 * @param accepted the values that are right; none if it has to be refused
 * @param refused the statuses that are right; none if it has to be accepted
 */
export function judge(outcome: Outcome<unknown>, sent: string, accepted: readonly unknown[], refused: readonly number[], why: string): void {
  const right =
    'accepted' in outcome ? accepted.some((value) => isDeepStrictEqual(outcome.accepted, value))
    : 'refused' in outcome ? refused.includes(outcome.refused)
    : false;
  const choices = [...accepted.map((value) => show(value)), ...(refused.length > 0 ? [`a RemoteProtocolError with status ${refused.join(' or ')}`] : [])];
  check(right, { sent, received: showOutcome(outcome), expected: `${choices.join(', or ')}: ${why}` });
}

/** Judges what became of a vector that is accepted with one value, refused, or free to be either. */
export function judgeVector(vector: Vector & { accepted?: unknown }, outcome: Outcome<unknown> | undefined, sent: string): void {
  judge(outcome ?? { threw: 'nothing came back' }, `${sent}  [${vector.id}]`, vector.accepted === undefined ? [] : [vector.accepted], vector.refused ?? [], ruleOf(vector));
}
