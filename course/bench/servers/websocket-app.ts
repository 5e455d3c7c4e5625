/** The same as websocket.ts, as an application of chapter 06: through scope, receive and send. */

import { Room, byScope, serveAsync } from '../../../solutions/06-websocket/index.ts';
import type { HttpApp, WebSocketApp } from '../../../solutions/06-websocket/index.ts';
import { announce, collectGarbage } from './routes.ts';

const room = new Room();

const http: HttpApp = async (_scope, _receive, send) => {
  await send({ type: 'http.response.start', status: 200, headers: [] });
  await send({ type: 'http.response.body', body: Buffer.from(collectGarbage()) });
};

const websocket: WebSocketApp = async (scope, receive, send) => {
  await receive();
  await send({ type: 'websocket.accept' });
  const inRoom = scope.path === '/room';
  if (inRoom) room.join(scope.extensions['websocket.peer']!(), '');
  for (let event = await receive(); event.type === 'websocket.receive'; event = await receive()) {
    if (inRoom) room.broadcast(event.data);
    else await send({ type: 'websocket.send', data: event.data });
  }
};

const server = await serveAsync(byScope({ http, websocket }), { websocket: { deflate: true } });
announce(Number(new URL(server.http.origin).port));
