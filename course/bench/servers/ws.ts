/** ws, the WebSocket library of most Node programs, as its documentation uses it. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { WebSocketServer } from 'ws';

import { announce, collectGarbage } from './routes.ts';

const server = createServer((request, response) => {
  if (request.url === '/gc') response.end(collectGarbage());
  else response.writeHead(404).end();
});
const webSockets = new WebSocketServer({ server, perMessageDeflate: true });

webSockets.on('connection', (socket, request) => {
  if (request.url === '/room') {
    socket.on('message', (data, binary) => {
      for (const client of webSockets.clients) client.send(data, { binary });
    });
  } else {
    socket.on('message', (data, binary) => socket.send(data, { binary }));
  }
});
server.listen(0, '127.0.0.1', () => announce((server.address() as AddressInfo).port));
