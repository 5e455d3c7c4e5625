/** sirv on node:http, as in production: it looks at the folder once. `node static-sirv.mjs FOLDER` */

import { createServer } from 'node:http';

import sirv from 'sirv';

import { announce } from './routes.ts';

const serve = sirv(process.argv[2], { etag: true });
const server = createServer((request, response) => serve(request, response, () => response.writeHead(404).end()));
server.keepAliveTimeout = 600_000;
server.listen(0, '127.0.0.1', () => announce(server.address().port));
