/**
 * Two applications with something to open and to close, and one that takes every scope for a request:
 * `npm run serve chapter-06 -- --solution --port 8060 --app chapters/06-websocket/steps/life.ts:app`,
 * `life.ts:broken`, `life.ts:ignorant`.
 */
import type { AsyncApp, HttpApp, LifespanApp } from '../async-app.ts';
import { byScope } from '../by-scope.ts';

// #region app
const lifespan: LifespanApp = async (scope, receive, send) => {
  await receive();
  scope.state['visits'] = { count: 41 };
  console.log('opened');
  await send({ type: 'lifespan.startup.complete' });
  await receive();
  console.log('closed, after', scope.state['visits']);
  await send({ type: 'lifespan.shutdown.complete' });
};

const http: HttpApp = async (scope, _receive, send) => {
  const visits = scope.state['visits'] as { count: number };
  await send({ type: 'http.response.start', status: 200 });
  await send({ type: 'http.response.body', body: Buffer.from(`visit ${++visits.count}\n`) });
};

export const app: AsyncApp = byScope({ http, lifespan });
// #endregion app

// #region others
export const broken: AsyncApp = byScope({
  http,
  lifespan: async (_scope, receive) => {
    await receive();
    throw new Error('no database at 10.0.0.7');
  },
});

export const ignorant: AsyncApp = async (_scope, _receive, send) => {
  await send({ type: 'http.response.start', status: 200 });
  await send({ type: 'http.response.body', body: Buffer.from('whatever it was\n') });
};
// #endregion others
