/** An application of Hono that knows nothing of the server that it runs on. */
import { Hono } from 'hono';

export const app = new Hono();

app.get('/', (context) => context.json({ pid: process.pid, mark: 'hono' }));
app.post('/echo', (context) => new Response(context.req.raw.body));
