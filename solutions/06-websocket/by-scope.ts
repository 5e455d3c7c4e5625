/**
 * Makes one application of several, each of which is for one kind of scope.
 */

import type { AsyncApp, HttpApp, LifespanApp, WebSocketApp } from './async-app.ts';
import { UnknownScopeError } from './unknown-scope-error.ts';

export interface ScopeApps {
  readonly http?: HttpApp;
  readonly websocket?: WebSocketApp;
  readonly lifespan?: LifespanApp;
}

/**
 * Makes one application of these. If there is none for WebSockets, they are refused with 403. If there is none for
 * another kind of scope, the application throws: that is how it says that it does not know a scope (A3).
 */
export function byScope({ http, websocket, lifespan }: ScopeApps): AsyncApp {
  // The types cannot say that `receive` and `send` go with the scope's type: this is the one place that knows it. It is
  // not an async function, whose frame would stay in memory until the application returns: a WebSocket may stay open
  // for days.
  return (scope, receive, send) => {
    if (scope.type === 'http' && http !== undefined) return http(scope, receive as never, send);
    if (scope.type === 'websocket') {
      return websocket === undefined ? send({ type: 'websocket.close' }) : websocket(scope, receive as never, send);
    }
    if (scope.type === 'lifespan' && lifespan !== undefined) return lifespan(scope, receive as never, send);
    return Promise.reject(new UnknownScopeError(scope.type));
  };
}
