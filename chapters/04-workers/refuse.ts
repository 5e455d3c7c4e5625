/**
 * Refusing: the answer to a client for which there is no room.
 */

import type { Socket } from 'node:net';

import { HttpConnection, HttpError, refusal } from '../02-http/index.ts';

const RETRY_AFTER_S = 1;
/** How long the client may go on sending after our answer, in milliseconds. */
const LINGER_MS = 500;

/** 503, and when to come back (RFC 9110 §15.6.4, §10.2.3). */
export function overloaded(): HttpError {
  return new HttpError(503, 'too many requests are already waiting', [['Retry-After', String(RETRY_AFTER_S)]]);
}

/** Answers a connection with 503 without reading its request, and closes it. */
export function refuseConnection(socket: Socket): void {
  const { status, headers, body } = refusal(overloaded());
  const head = new HttpConnection({ role: 'server' }).send({ type: 'response', status, headers, body: body as string, close: true });
  socket.on('error', ignore).setTimeout(LINGER_MS, () => socket.destroy());
  socket.end(head, 'latin1');
  // The request does not matter, but if a socket is closed with unread input, the kernel sends RST.
  socket.resume();
}

function ignore(): void {}
