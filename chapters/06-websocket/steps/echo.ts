/**
 * Says back what it is told:
 * `npm run serve chapter-06 -- --solution --port 8060 --app chapters/06-websocket/steps/echo.ts:app`.
 */
import type { AsyncApp } from '../async-app.ts';
import { UnknownScopeError } from '../unknown-scope-error.ts';

// #region app
export const app: AsyncApp = async (scope, receive, send) => {
  if (scope.type !== 'websocket') throw new UnknownScopeError(scope.type);
  await send({ type: 'websocket.accept' });
  log('open');
  for (;;) {
    const event = await receive();
    if (event.type === 'websocket.disconnect') return log('over:', event.code, event.reason);
    if (event.type === 'websocket.receive') await send({ type: 'websocket.send', data: event.data });
  }
};
// #endregion app

function log(...words: unknown[]): void {
  console.log(new Date().toISOString().slice(11, 19), ...words);
}
