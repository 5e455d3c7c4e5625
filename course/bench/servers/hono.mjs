/**
 * Hono on node:http. Its own adapter for Node, @hono/node-server, is taken where it is installed; without it a plain
 * bridge, which makes a Request and takes a Response for each request and is slower: the name says which it is.
 */

import { createServer } from 'node:http';

import { Hono } from 'hono';

import { announce, hello } from './routes.ts';

const app = new Hono();
app.get('/', (context) => context.text(hello));

async function bridge(request, response) {
  const answered = await app.fetch(new Request(`http://127.0.0.1${request.url}`, { method: request.method, headers: request.headers }));
  const body = Buffer.from(await answered.arrayBuffer());
  response.writeHead(answered.status, { ...Object.fromEntries(answered.headers), 'content-length': body.length });
  response.end(body);
}

const listener = await import('@hono/node-server').then(({ getRequestListener }) => getRequestListener(app.fetch), () => bridge);
const server = createServer(listener);
server.keepAliveTimeout = 600_000;
server.listen(0, '127.0.0.1', 511, () => announce(server.address().port));
