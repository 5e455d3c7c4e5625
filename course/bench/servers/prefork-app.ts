/** The same hello on two interfaces, for chapter 07's supervisor. */

import type { GatewayApp } from '../../../solutions/05-gateway/index.ts';
import type { AsyncApp } from '../../../solutions/06-websocket/index.ts';
import { UnknownScopeError } from '../../../solutions/06-websocket/index.ts';
import { hello } from './routes.ts';

const body = Buffer.from(hello);

export const asyncApp: AsyncApp = async (scope, _receive, send) => {
  if (scope.type !== 'http') throw new UnknownScopeError(scope.type);
  await send({ type: 'http.response.start', status: 200, headers: [['Content-Type', 'text/plain'], ['Content-Length', String(body.length)]] });
  await send({ type: 'http.response.body', body });
};

export const gateway: GatewayApp = (_environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [body];
};
