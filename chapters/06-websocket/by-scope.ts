/**
 * One application of several, each for one kind of scope.
 */

import type { AsyncApp, HttpApp, LifespanApp, WebSocketApp } from './async-app.ts';
import { UnknownScopeError } from './unknown-scope-error.ts';

export interface ScopeApps {
  readonly http?: HttpApp;
  readonly websocket?: WebSocketApp;
  readonly lifespan?: LifespanApp;
}

/**
 * Makes an application of these. Without one for WebSockets they are refused with 403; any other scope without one is
 * thrown at, which is how an application says that it does not know it (A3).
 */
export function byScope({ http, websocket, lifespan }: ScopeApps): AsyncApp {
  // The types cannot say that `receive` and `send` go with the scope's type: here is the one place that knows it.
  // And no async function, which would wait as long as the application does: a WebSocket may stay open for days.
  return (scope, receive, send) => {
    if (scope.type === 'http' && http !== undefined) return http(scope, receive as never, send);
    if (scope.type === 'websocket') {
      return websocket === undefined ? send({ type: 'websocket.close' }) : websocket(scope, receive as never, send);
    }
    if (scope.type === 'lifespan' && lifespan !== undefined) return lifespan(scope, receive as never, send);
    return Promise.reject(new UnknownScopeError(scope.type));
  };
}
