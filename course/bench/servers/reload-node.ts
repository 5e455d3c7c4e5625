/**
 * The ledger's application on node:http and ws. The three programs that run it (alone, node:cluster, pm2) differ only in
 * what is around it.
 *
 *     /n/ID?ms=&bytes=&leak=   waits, and answers with its number; /events is a stream without an end; /ws echoes
 */

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

import { WebSocketServer } from 'ws';

import { answer, EVENT, EVENT_EVERY_MS } from './reload-answer.ts';

async function numbered(url: string, response: ServerResponse): Promise<void> {
  const { body, ms } = answer(url);
  if (ms > 0) await wait(ms);
  response.end(body);
}

function events(response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  const timer = setInterval(() => response.write(EVENT), EVENT_EVERY_MS);
  response.on('close', () => clearInterval(timer));
  response.write(EVENT);
}

function onRequest({ url = '' }: IncomingMessage, response: ServerResponse): void {
  response.setHeader('X-Worker', process.pid);
  if (url.startsWith('/n/')) numbered(url, response).catch((error: unknown) => response.destroy(error as Error));
  else if (url === '/events') events(response);
  else response.writeHead(404).end();
}

export function createReloadServer(): Server {
  const server = createServer(onRequest);
  // As long as the others': between two requests of one client, connections are idle for much less.
  server.keepAliveTimeout = 15_000;
  const webSockets = new WebSocketServer({ server, path: '/ws' });
  webSockets.on('headers', (headers) => headers.push(`X-Worker: ${process.pid}`));
  webSockets.on('connection', (socket) => {
    socket.on('error', () => undefined).on('message', (data, binary) => socket.send(data, { binary }));
  });
  return server;
}

/** Alone: `node reload-node.ts PORT`. */
if (import.meta.main) createReloadServer().listen(Number(process.argv[2]), '127.0.0.1', 511);
