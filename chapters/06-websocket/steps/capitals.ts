/**
 * Gives back in capitals what it gets, part by part, and fails where it is told to:
 * `npm run serve chapter-06 -- --solution --port 8060 --app chapters/06-websocket/steps/capitals.ts:app`.
 */
import type { AsyncApp } from '../async-app.ts';
import { UnknownScopeError } from '../unknown-scope-error.ts';

// #region app
export const app: AsyncApp = async (scope, receive, send) => {
  if (scope.type !== 'http') throw new UnknownScopeError(scope.type);
  if (scope.path === '/silent') return;
  await send({ type: 'http.response.start', status: 200 });
  for (let more = true; more;) {
    const event = await receive();
    console.log('receive:', event.type, 'body' in event ? JSON.stringify(String(event.body)) : '');
    if (event.type !== 'http.request') return;
    more = event.moreBody || scope.path === '/half';
    await send({ type: 'http.response.body', body: Buffer.from(String(event.body).toUpperCase()), moreBody: more });
    console.log('sent');
    if (scope.path === '/half') throw new Error('no database');
  }
};
// #endregion app
