/** Short answers of our own: a status, and a line of text that repeats it. */

import { reasonPhrase } from '../02-http/index.ts';
import type { HeaderPair } from '../02-http/index.ts';
import type { Send } from './async-app.ts';
import type { HttpSendEvent } from './http-events.ts';

/** Answers with a status. */
export async function answer(
  send: Send<HttpSendEvent>,
  status: number,
  headers: readonly HeaderPair[] = [],
): Promise<void> {
  const fields: HeaderPair[] = [['Content-Type', 'text/plain; charset=utf-8'], ...headers];
  await send({ type: 'http.response.start', status, headers: fields });
  await send({ type: 'http.response.body', body: Buffer.from(`${status} ${reasonPhrase(status)}\n`) });
}
