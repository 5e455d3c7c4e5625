/** Express. JavaScript, because its types are installed only where the benchmark is. */

import express from 'express';

import { announce, collectGarbage, hello, large } from './routes.ts';

const app = express();
app.get('/', (_request, response) => response.type('text/plain').send(hello));
app.get('/large', (_request, response) => response.type('text/plain').send(large));
app.get('/gc', (_request, response) => response.type('text/plain').send(collectGarbage()));
app.post('/sink', (request, response) => {
  let length = 0;
  request.on('data', (part) => (length += part.length));
  request.on('end', () => response.type('text/plain').send(String(length)));
});
const server = app.listen(0, '127.0.0.1', () => announce(server.address().port));
server.keepAliveTimeout = 600_000;
