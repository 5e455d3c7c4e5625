/** @fastify/static. `node static-fastify.mjs FOLDER` */

import files from '@fastify/static';
import fastify from 'fastify';

import { announce } from './routes.ts';

const app = fastify({ keepAliveTimeout: 600_000 });
await app.register(files, { root: process.argv[2] });
await app.listen({ host: '127.0.0.1', port: 0 });
announce(app.server.address().port);
