/**
 * From an error to its answer: the one place where errors become responses, so that no internals leak.
 */

import { HttpError, RemoteProtocolError } from './errors.ts';
import type { HeaderPair } from './headers.ts';
import { HttpResponse } from './response.ts';
import { reasonPhrase } from './response-status.ts';

/**
 * The response that an error deserves. A peer's fault closes the connection: what follows on it could be anything.
 * Any error that was not meant for the client becomes a 500 that says nothing more.
 */
export function refusal(error: unknown): HttpResponse {
  if (error instanceof RemoteProtocolError) return answer(error.status, error.message, [['Connection', 'close']]);
  if (error instanceof HttpError && error.status >= 400 && error.status <= 599) {
    return answer(error.status, error.message, error.headers);
  }
  return answer(500, '', []);
}

/** Whether the error is this server's own fault, to be reported, rather than an answer or the peer's fault. */
export function isOurFault(error: unknown): boolean {
  return !(error instanceof RemoteProtocolError) && !(error instanceof HttpError);
}

function answer(status: number, message: string, headers: readonly HeaderPair[]): HttpResponse {
  const title = `${status} ${reasonPhrase(status)}`;
  const text = message === '' ? `${title}\n` : `${title}: ${message}\n`;
  return new HttpResponse(status, [['Content-Type', 'text/plain; charset=utf-8'], ...headers], text);
}
