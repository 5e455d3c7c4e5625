/** An id for each request, in the environ and the response, and so in every log. */

import { randomUUID } from 'node:crypto';

import type { Middleware } from './gateway.ts';

export interface RequestIdOptions {
  /** Keep an id that comes with the request, from a proxy. Set to false if clients reach us without a proxy. Default true. */
  readonly trust?: boolean;
}

/** Characters that are harmless in a log, a header and a shell. */
const SANE = /^[A-Za-z0-9._-]{8,128}$/;

/** Sets `environ['request.id']` and X-Request-Id: the one that came, if it is harmless, or a new one. */
export function requestId({ trust = true }: RequestIdOptions = {}): Middleware {
  return (app) => (environ, startResponse) => {
    const came = environ['HTTP_X_REQUEST_ID'];
    const id = trust && typeof came === 'string' && SANE.test(came) ? came : randomUUID();
    environ['request.id'] = id;
    return app(environ, (status, headers, error) => {
      // An application that passes on another server's response may have one already. A request has only one id.
      const others = headers.filter(([name]) => name.toLowerCase() !== 'x-request-id');
      startResponse(status, [...others, ['X-Request-Id', id]], error);
    });
  };
}
