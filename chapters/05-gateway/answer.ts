/** Short answers of our own, from the router and the middleware, when no application is called. */

import { reasonPhrase } from '../02-http/index.ts';
import type { Body, GatewayHeader, StartResponse } from './gateway.ts';

/** The status line's text: `404 Not Found`. */
export function statusText(status: number): string {
  return `${status} ${reasonPhrase(status)}`;
}

/** Answers with a status and a line of text that names it. */
export function answer(
  startResponse: StartResponse,
  status: number,
  headers: readonly GatewayHeader[] = [],
  message = '',
): Body {
  const text = message === '' ? statusText(status) : `${statusText(status)}: ${message}`;
  const body = Buffer.from(`${text}\n`);
  startResponse(statusText(status), [...textFields, ['Content-Length', String(body.length)], ...headers]);
  return [body];
}

/** Answers 204 with these fields. */
export function answerEmpty(startResponse: StartResponse, headers: readonly GatewayHeader[]): Body {
  startResponse('204 No Content', headers);
  return [];
}

const textFields: readonly GatewayHeader[] = [['Content-Type', 'text/plain; charset=utf-8']];
