/** What the ledger's applications answer, whatever runs them. */

import { answerBody } from '../ledger/answer.ts';

export const EVENT = 'data: still here\n\n';
export const EVENT_EVERY_MS = 100;

/** What requests were told to leave behind. */
const leaked: Buffer[] = [];

/** Of `/n/ID?ms=&bytes=&leak=`: the body, and how long to wait before it is sent. */
export function answer(url: string): { body: string; ms: number } {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const number = (name: string): number => Number(searchParams.get(name) ?? 0);
  // Filled, since memory that nobody has written to is not resident.
  if (number('leak') > 0) leaked.push(Buffer.alloc(number('leak') * 1024, 1));
  return { body: answerBody(Number(pathname.slice('/n/'.length)), number('bytes')), ms: number('ms') };
}
