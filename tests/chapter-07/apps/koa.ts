/** An application of Koa that knows nothing of the server that it runs on. */
import Koa from 'koa';

export const app = new Koa();

app.use((context) => {
  context.body = context.path === '/echo' ? context.req : { pid: process.pid, mark: 'koa' };
});
