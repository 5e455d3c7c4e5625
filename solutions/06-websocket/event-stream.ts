/**
 * Server-sent events (the HTML standard, "Server-sent events"): a response that does not end, of lines of text.
 *
 * An event is a few fields, each on a line of its own, and then an empty line. A reader ends a line at CR, LF or both.
 * So a text of several lines is sent as several `data` fields, and an id cannot have a line break.
 */

import type { HeaderPair } from '../02-http/index.ts';

/** One event. */
export interface StreamEvent {
  /** What a client that reconnects says it saw last. */
  readonly id?: string;
  /** Its type; without one, a page hears it as `message`. */
  readonly event?: string;
  /** Any text, of any number of lines. */
  readonly data: string;
  /** How long a client waits before it reconnects, in milliseconds. */
  readonly retryMs?: number;
}

/** The header fields of such a response. Nothing on the way may hold it back to compress or cache it. */
export const eventStreamHeaders: readonly HeaderPair[] = Object.freeze([
  ['Content-Type', 'text/event-stream'],
  ['Cache-Control', 'no-store, no-transform'],
  // Otherwise nginx buffers a response until there is enough of it.
  ['X-Accel-Buffering', 'no'],
] as const);

/** How often a stream on which nothing happens should say something: proxies cut what is silent for a minute. */
export const defaultHeartbeatMs = 15_000;

/** A line that every client skips. Sending it shows whether anybody is there. */
export const heartbeat: Buffer = Buffer.from(':\n\n');

/** CR LF, CR or LF: any of them ends a line. */
const LINE_END = /\r\n|\r|\n/;

/**
 * Writes an event as bytes.
 *
 * @throws RangeError for an id or a type with a line break, which would begin another field; for an id with a NUL,
 *   which clients ignore; for a `retryMs` that is not a whole number
 */
export function encodeEvent({ id, event, data, retryMs }: StreamEvent): Buffer {
  let text = '';
  if (retryMs !== undefined) {
    if (!Number.isSafeInteger(retryMs) || retryMs < 0) throw new RangeError('retryMs must be a whole number of milliseconds');
    text += `retry: ${retryMs}\n`;
  }
  if (id !== undefined) text += `id: ${oneLine('id', id)}\n`;
  if (event !== undefined) text += `event: ${oneLine('event', event)}\n`;
  // Clients take off one space after the colon. We always send one, so that a text may begin with a space.
  for (const line of data.split(LINE_END)) text += `data: ${line}\n`;
  return Buffer.from(`${text}\n`);
}

/** A comment, for people who read the stream; clients skip it. */
export function encodeComment(text: string): Buffer {
  return Buffer.from(`${text.split(LINE_END).map((line) => `: ${line}`).join('\n')}\n\n`);
}

/** What the client saw last, according to its Last-Event-ID; `''` for a new client. */
export function lastEventId(headers: readonly HeaderPair[]): string {
  const value = headers.find(([name]) => name.toLowerCase() === 'last-event-id')?.[1] ?? '';
  // Fields are read as latin1, and clients send the id as UTF-8.
  return Buffer.from(value, 'latin1').toString();
}

function oneLine(field: string, value: string): string {
  if (/[\r\n\0]/.test(value)) throw new RangeError(`the ${field} of an event must not contain a line break or a NUL`);
  return value;
}
