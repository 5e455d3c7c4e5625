/** Koa. */

import Koa from 'koa';

import { announce, hello } from './routes.ts';

const app = new Koa();
app.use((context) => {
  context.type = 'text/plain';
  context.body = hello;
});
const server = app.listen(0, '127.0.0.1', () => announce(server.address().port));
server.keepAliveTimeout = 600_000;
