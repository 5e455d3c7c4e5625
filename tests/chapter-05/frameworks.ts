/** Applications of real frameworks, unchanged: the same little API four times. They know nothing about the server that they run on. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type * as Gateway from '#subject/05-gateway/index.ts';
import { collect, SECRET } from './apps.ts';
import type { Probe } from './apps.ts';

export type FrameworkName = 'express' | 'koa' | 'fastify' | 'hono';

export interface SupertestCase {
  method: 'get' | 'post' | 'head';
  path: string;
  fields?: Record<string, string>;
  body?: string;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const uploaded = (bytes: Uint8Array): { bytes: number; hash: string } => ({ bytes: bytes.length, hash: sha256(bytes) });

/** Two parts with a gate between them. */
async function* parts(probe: Probe): AsyncGenerator<Buffer> {
  yield Buffer.from('one,');
  await probe.pass('more');
  yield Buffer.from('two');
}

/** Endless parts, until the client has gone. */
async function* endless(probe: Probe): AsyncGenerator<Buffer> {
  try {
    for (;;) {
      probe.note('asked');
      yield Buffer.alloc(16 * 1024, 'e');
    }
  } finally {
    probe.note('given up');
  }
}

/** Each is loaded when it is needed, and becomes an application of the chapter. */
export function frameworks(chapter: typeof Gateway, probe: Probe): Record<FrameworkName, () => Promise<Gateway.GatewayApp>> {
  return {
    express: async () => {
      const { default: express } = await import('express');
      const app = express();
      app.use(express.json());
      app.get('/json', (request, response) => void response.json({ name: request.query['name'] }));
      app.post('/json', (request, response) => void response.status(201).json({ got: request.body as unknown }));
      app.get('/items/:id', (request, response) => void response.type('text').send(request.params.id));
      app.get('/where', (request, response) => void response.json({ base: request.baseUrl, path: request.path, host: request.host }));
      app.post('/upload', (request, response, next) => void collect(request).then((bytes) => response.json(uploaded(bytes)), next));
      app.get('/stream', (_request, response) => void Readable.from(parts(probe)).pipe(response));
      app.get('/endless', (request, response) => {
        response.on('close', () => probe.note(response.writableFinished ? 'finished' : 'closed'));
        void Readable.from(endless(probe), { highWaterMark: 1 }).pipe(response);
        request.on('aborted', () => probe.note('aborted'));
      });
      app.get('/error', () => {
        throw new Error(SECRET);
      });
      app.use('/static', express.static(import.meta.dirname));
      // The page with the stack is for development.
      app.set('env', 'production');
      return chapter.fromNodeHandler(app);
    },
    koa: async () => {
      const { default: Koa } = await import('koa');
      const app = new Koa();
      app.silent = true;
      app.use(async (context) => {
        const { method, path } = context;
        if (path === '/json' && method === 'POST') {
          context.status = 201;
          context.body = { got: JSON.parse((await collect(context.req)).toString('utf8')) as unknown };
        } else if (path === '/json') context.body = { name: context.query['name'] };
        else if (path.startsWith('/items/')) context.body = decodeURIComponent(path.slice('/items/'.length));
        else if (path === '/upload') context.body = uploaded(await collect(context.req));
        else if (path === '/stream') context.body = Readable.from(parts(probe));
        else if (path === '/error') throw new Error(SECRET);
      });
      return chapter.fromNodeHandler(app.callback());
    },
    fastify: async () => {
      const { default: fastify } = await import('fastify');
      const app = fastify();
      app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
      app.get<{ Querystring: { name: string } }>('/json', (request) => Promise.resolve({ name: request.query.name }));
      app.post('/json', async (request, reply) => await reply.code(201).send({ got: request.body }));
      app.get<{ Params: { id: string } }>('/items/:id', (request) => Promise.resolve(request.params.id));
      app.post('/upload', async (request) => uploaded(await collect(request.body as Readable)));
      app.get('/stream', async (_request, reply) => await reply.send(Readable.from(parts(probe))));
      app.get('/error', () => Promise.reject(Object.assign(new Error('nothing to see'), { statusCode: 500 })));
      await app.ready();
      return chapter.fromNodeHandler((request: IncomingMessage, response: ServerResponse) => app.routing(request, response));
    },
    hono: async () => {
      const { Hono } = await import('hono');
      const app = new Hono();
      app.get('/json', (context) => context.json({ name: context.req.query('name') }));
      app.post('/json', async (context) => context.json({ got: await context.req.json<unknown>() }, 201));
      app.get('/items/:id', (context) => context.text(context.req.param('id')));
      app.get('/where', (context) => context.json({ url: context.req.url, method: context.req.method, fields: context.req.header() }));
      app.get('/cookies', () => new Response('two', { headers: [['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2'], ['Connection', 'keep-alive'], ['X-Own', 'yes']] }));
      app.get('/teapot', () => new Response('tea', { status: 418, statusText: 'Short And Stout' }));
      app.get('/gone', () => new Response('gone', { status: 410 }));
      app.get('/odd', () => new Response('odd', { status: 299 }));
      app.get('/empty', () => new Response(null, { status: 204 }));
      app.post('/upload', async (context) => context.json(uploaded(new Uint8Array(await context.req.arrayBuffer()))));
      app.post('/echo', (context) => new Response(context.req.raw.body));
      app.post('/answers-first', (context) => {
        const { body } = context.req.raw;
        probe.note(body === null ? 'no body' : 'a body');
        return context.text('answered');
      });
      app.post('/reads-later', async (context) => {
        probe.note('waiting');
        await probe.pass('read');
        return context.text(await context.req.text());
      });
      app.post('/stops-reading', async (context) => {
        const reader = context.req.raw.body!.getReader();
        await reader.read();
        await reader.cancel();
        return context.text('enough');
      });
      app.get('/stream', () => new Response(ReadableStream.from(parts(probe)) as unknown as ReadableStream<Uint8Array>));
      app.get('/endless', (context) => {
        context.req.raw.signal.addEventListener('abort', () => probe.note('aborted'));
        return new Response(ReadableStream.from(endless(probe)) as unknown as ReadableStream<Uint8Array>);
      });
      app.get('/waits', (context) => waits(context.req.raw.signal, probe));
      // Hono answers errors itself, with a page that reveals nothing.
      app.onError((_error, context) => context.text('Internal Server Error', 500));
      app.get('/error', () => {
        throw new Error(SECRET);
      });
      const served = chapter.fromFetch((request) => {
        const { pathname } = new URL(request.url);
        if (pathname === '/throws') return Promise.reject(new Error(SECRET));
        if (pathname === '/waits-by-itself') return waits(request.signal, probe);
        return app.fetch(request);
      });
      return (environ, startResponse) => served({ ...environ, 'gateway.input': watched(environ['gateway.input'], probe) }, startResponse);
    },
  };
}

/** An input that tells the probe when it is asked for a part, and when its iteration is given up. */
function watched(input: Gateway.GatewayInput, probe: Probe): Gateway.GatewayInput {
  const asked = <T>(answer: () => T): T => {
    probe.note('input asked');
    return answer();
  };
  const iterable = (parts: AsyncIterable<Buffer>): AsyncIterable<Buffer> => ({
    [Symbol.asyncIterator]: () => {
      const inner = parts[Symbol.asyncIterator]();
      return {
        next: () => asked(() => inner.next()),
        return: async () => {
          probe.note('input given up');
          return await inner.return?.() ?? { done: true, value: undefined };
        },
      };
    },
  });
  return {
    read: (size) => asked(() => input.read(size)),
    readline: (size) => asked(() => input.readline(size)),
    lines: () => iterable(input.lines()),
    [Symbol.asyncIterator]: () => iterable(input)[Symbol.asyncIterator](),
  };
}

/** Waits until the client has gone. It keeps only the signal: nothing here holds the Request. */
async function waits(signal: AbortSignal, probe: Probe): Promise<Response> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => {
    probe.note('aborted');
    resolve();
  });
  probe.note('waiting');
  await promise;
  return new Response('for nobody');
}

/** Asks for an answer that does not come, makes the response emit an error, and returns whether anything listened. */
export async function failResponse(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  listen: (handler: (request: IncomingMessage, response: ServerResponse) => void) => Promise<{ port: number }>,
  probe: Probe,
): Promise<'heard' | 'not heard'> {
  const { promise, resolve } = Promise.withResolvers<ServerResponse>();
  const { port } = await listen((request, response) => {
    handler(request, response);
    resolve(response);
  });
  void fetch(`http://127.0.0.1:${port}/waits`).catch(() => undefined);
  const response = await promise;
  while (!probe.events.includes('waiting')) await new Promise((next) => setImmediate(next));
  // EventEmitter throws an `error` event that has no listener.
  try {
    response.emit('error', new Error('the connection is broken'));
    return 'heard';
  } catch {
    return 'not heard';
  } finally {
    response.destroy();
  }
}

/** What supertest reports. */
export async function asSupertest(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  cases: readonly SupertestCase[],
): Promise<{ status: number; text: string; fields: Record<string, string> }[]> {
  const { default: supertest } = await import('supertest');
  const answers: { status: number; text: string; fields: Record<string, string> }[] = [];
  for (const { method, path, fields = {}, body } of cases) {
    const test = supertest(handler)[method](path).set(fields);
    const { status, text, headers } = await (body === undefined ? test : test.send(body));
    answers.push({ status, text: text ?? '', fields: headers as Record<string, string> });
  }
  return answers;
}
