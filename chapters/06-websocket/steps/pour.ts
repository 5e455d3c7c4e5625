/**
 * Sends without end, or (`pour.ts:careless`) without waiting for anything:
 * `npm run serve chapter-06 -- --solution --port 8061 --app chapters/06-websocket/steps/pour.ts:app`.
 */
import type { AsyncApp } from '../async-app.ts';
import { UnknownScopeError } from '../unknown-scope-error.ts';

const body = Buffer.alloc(64 * 1024, 'x');

// #region app
export const app: AsyncApp = async (scope, _receive, send) => {
  if (scope.type !== 'http') throw new UnknownScopeError(scope.type);
  await send({ type: 'http.response.start', status: 200 });
  for (let parts = 1; ; parts++) {
    const askedMs = performance.now();
    await send({ type: 'http.response.body', body, moreBody: true });
    const waitedMs = Math.round(performance.now() - askedMs);
    if (waitedMs > 250) console.log(`the part that ends ${parts / 16} MB had to wait ${waitedMs} ms`);
  }
};
// #endregion app

// #region careless
export const careless: AsyncApp = async (scope, _receive, send) => {
  if (scope.type !== 'http') throw new UnknownScopeError(scope.type);
  await send({ type: 'http.response.start', status: 200 });
  for (let parts = 0; parts < 100; parts++) void send({ type: 'http.response.body', body, moreBody: true });
  await send({ type: 'http.response.body' });
};
// #endregion careless
