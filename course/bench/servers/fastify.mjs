/** Fastify. JavaScript, because its types are installed only where the benchmark is. */

import fastify from 'fastify';

import { announce, collectGarbage, hello, large } from './routes.ts';

const app = fastify({ keepAliveTimeout: 600_000 });
app.addContentTypeParser('*', (_request, payload, done) => {
  let length = 0;
  payload.on('data', (part) => (length += part.length));
  payload.on('end', () => done(null, length));
});
app.get('/', (_request, reply) => reply.type('text/plain').send(hello));
app.get('/large', (_request, reply) => reply.type('text/plain').send(large));
app.get('/gc', (_request, reply) => reply.type('text/plain').send(collectGarbage()));
app.post('/sink', (request, reply) => reply.type('text/plain').send(String(request.body)));
await app.listen({ host: '127.0.0.1', port: 0 });
announce(app.server.address().port);
