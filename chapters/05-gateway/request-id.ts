/** A name for each request, in the environ, the response and so in everybody's logs. */

import { randomUUID } from 'node:crypto';

import type { Middleware } from './gateway.ts';

export interface RequestIdOptions {
  /** Keep an id that the request comes with: a proxy's. Where clients reach us without one, false. Default true. */
  readonly trust?: boolean;
}

/** What is harmless in a log, a header and a shell: nothing but an id. */
const SANE = /^[A-Za-z0-9._-]{8,128}$/;

/** Sets `environ['request.id']` and X-Request-Id: the one that came, if it is sane, or a new one. */
export function requestId({ trust = true }: RequestIdOptions = {}): Middleware {
  return (app) => (environ, startResponse) => {
    const came = environ['HTTP_X_REQUEST_ID'];
    const id = trust && typeof came === 'string' && SANE.test(came) ? came : randomUUID();
    environ['request.id'] = id;
    return app(environ, (status, headers, error) => {
      // An application that hands on another server's response may have one already. There is one name for a request.
      const others = headers.filter(([name]) => name.toLowerCase() !== 'x-request-id');
      startResponse(status, [...others, ['X-Request-Id', id]], error);
    });
  };
}
