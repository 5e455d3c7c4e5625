/** The WebSockets of chapter 06 on the server of chapter 02. */

import { HttpResponse, serveHttp } from '../../../solutions/02-http/index.ts';
import { Room, WebSockets } from '../../../solutions/06-websocket/index.ts';
import type { WebSocketPeer } from '../../../solutions/06-websocket/index.ts';
import { announce, collectGarbage } from './routes.ts';

const webSockets = new WebSockets({ deflate: true });
const room = new Room();

function echo(peer: WebSocketPeer): void {
  peer.onMessage = (message) => peer.send(message);
}

function join(peer: WebSocketPeer): void {
  room.join(peer, '');
  peer.onMessage = (message) => room.broadcast(message);
}

const server = await serveHttp((request) => {
  if (request.path === '/gc') return new HttpResponse(200, [], collectGarbage());
  return webSockets.accept(webSockets.readOffer(request), {}, request.path === '/room' ? join : echo);
});
announce(Number(new URL(server.origin).port));
