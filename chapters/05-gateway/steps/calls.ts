/**
 * Says when it is called, and goes wrong where it is told to:
 * `npm run serve chapter-05 -- --solution --log none --app chapters/05-gateway/steps/calls.ts:app`.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Environ, GatewayApp, StartResponse } from '../gateway.ts';

const OK: Parameters<StartResponse> = ['200 OK', [['Content-Type', 'text/plain']]];

// #region app
export const app: GatewayApp = (environ, startResponse) => {
  console.log(`the app is called: ${environ.PATH_INFO}`);
  return {
    [Symbol.asyncIterator]: () => parts(environ, startResponse),
    close: () => console.log('close()'),
  };
};

async function* parts({ PATH_INFO: path }: Environ, startResponse: StartResponse): AsyncGenerator<Uint8Array> {
  console.log('the first part is asked for');
  if (path === '/before') throw new Error('no database');
  startResponse(...OK);
  console.log('startResponse has been called');
  if (path === '/at') startResponse('503 Service Unavailable', [['Retry-After', '5']], new Error('no database'));
  yield Buffer.from('one\n');
  console.log('the second part is asked for');
  if (path === '/after') throw new Error('no database');
  while (path === '/ticks') {
    await wait(300);
    yield Buffer.from('tick\n');
  }
  yield Buffer.from('two\n');
  console.log('the end is asked for');
}
// #endregion app
