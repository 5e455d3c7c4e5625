/** An application of Fastify that knows nothing of the server that it runs on. */
import type { Readable } from 'node:stream';
import fastify from 'fastify';

export const app = fastify();

app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
app.get('/', () => Promise.resolve({ pid: process.pid, mark: 'fastify' }));
app.post('/echo', async (request, reply) => await reply.send(request.body as Readable));
