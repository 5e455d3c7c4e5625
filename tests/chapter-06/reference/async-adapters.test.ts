import { connect } from 'node:net';

import { describe, expect, test } from 'vitest';

import { serveHttp } from '../../../solutions/02-http/index.ts';
import { toHandler, validator } from '../../../solutions/05-gateway/index.ts';
import type { Breach, Environ, GatewayApp } from '../../../solutions/05-gateway/index.ts';
import { asyncValidator, byScope, fromGateway, toGateway } from '../../../solutions/06-websocket/index.ts';
import type { AsyncApp, AsyncBreach, HttpApp } from '../../../solutions/06-websocket/index.ts';
import { exchange, ruleOf, serve } from './async-support.ts';
import { until } from './waiting.ts';

const CLOSE = 'Host: a\r\nConnection: close\r\n\r\n';

describe('fromGateway', () => {
  async function ask(app: GatewayApp, text: string): Promise<{ answer: string; breaches: unknown[]; errors: unknown[] }> {
    const breaches: unknown[] = [];
    const errors: unknown[] = [];
    const watched = validator(app, { report: (list: readonly Breach[]) => breaches.push(...list) });
    let [bodies, closes] = [0, 0];
    const counted: GatewayApp = (environ, startResponse) => {
      const body = watched(environ, startResponse);
      bodies++;
      const close = body.close?.bind(body);
      return Object.assign(body, { close: () => (closes++, close?.()) });
    };
    const outer = asyncValidator(fromGateway(counted, { onError: (error) => errors.push(error) }), {
      report: (list: readonly AsyncBreach[]) => breaches.push(...list),
    });
    await using served = await serve(outer);
    const answer = await exchange(served.port, text);
    errors.push(...served.errors);
    // G53. The validator would report it too, but only when its time has passed.
    await until(() => closes === bodies);
    return { answer, breaches, errors };
  }

  test('makes an environ of a scope', async () => {
    let seen: Environ | null = null;
    const { answer, breaches } = await ask((environ, startResponse) => {
      seen = environ;
      startResponse('200 Fine', [['X-A', '1']]);
      return [Buffer.from('ok')];
    }, `GET http://b:9/caf%C3%A9%2F?q=1 HTTP/1.1\r\nCookie: a=1\r\nCookie: b=2\r\nX_A: no\r\n${CLOSE}`);
    expect(answer).toMatch(/^HTTP\/1\.1 200 Fine\r\n[^]*X-A: 1\r\n[^]*Content-Length: 2\r\n[^]*\r\n\r\nok$/);
    expect(seen).toMatchObject({
      REQUEST_METHOD: 'GET', SCRIPT_NAME: '', PATH_INFO: '/café/', 'gateway.rawPathInfo': '/caf%C3%A9%2F',
      QUERY_STRING: 'q=1', HTTP_HOST: 'b:9', HTTP_COOKIE: 'a=1; b=2', SERVER_PROTOCOL: 'HTTP/1.1', REMOTE_ADDR: '127.0.0.1',
    });
    expect(Object.keys(seen!)).not.toContain('HTTP_X_A');
    expect(breaches).toEqual([]);
  });

  test('reads a body and streams one, part by part', async () => {
    const { answer, breaches } = await ask(async function* (environ, startResponse) {
      startResponse('200 OK', []);
      for await (const line of environ['gateway.input'].lines()) yield Buffer.from(`<${line.toString().trim()}>`);
    }, `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${CLOSE}4\r\na\nbb\r\n3\r\n\nc\n\r\n0\r\n\r\n`);
    expect(answer).toMatch(/3\r\n<a>\r\n4\r\n<bb>\r\n3\r\n<c>\r\n0\r\n\r\n$/);
    expect(breaches).toEqual([]);
  });

  test('closes a body whose client asks for the head only', async () => {
    let closed = 0;
    const { answer, breaches } = await ask((_environ, startResponse) => {
      startResponse('200 OK', []);
      return { ...{ *[Symbol.iterator]() { for (;;) yield Buffer.from('x'); } }, close: () => void closed++ };
    }, `HEAD / HTTP/1.1\r\n${CLOSE}`);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
    expect([closed, breaches]).toEqual([1, []]);
  });

  test('answers what throws with 500, and cuts what throws later; told once', async () => {
    const first = await ask(() => {
      throw new TypeError('secret');
    }, `GET / HTTP/1.1\r\n${CLOSE}`);
    expect(first.answer).toMatch(/^HTTP\/1\.1 500 /);
    expect(first.errors.map(ruleOf)).toEqual(['TypeError']);
    const second = await ask(async function* (_environ, startResponse) {
      startResponse('200 OK', []);
      yield Buffer.from('ab');
      throw new TypeError('secret');
    }, `GET / HTTP/1.1\r\n${CLOSE}`);
    expect(second.answer).toMatch(/2\r\nab\r\n$/);
    expect(second.errors.map(ruleOf)).toEqual(['TypeError']);
  });

  test('closes a body that waits when its client goes', async () => {
    let closed = false;
    const app: GatewayApp = (environ, startResponse) => ({
      async *[Symbol.asyncIterator]() {
        startResponse('200 OK', []);
        yield Buffer.from('x');
        await new Promise((resolve) => environ['gateway.signal'].addEventListener('abort', resolve, { once: true }));
      },
      close: () => void (closed = true),
    });
    await using served = await serve(fromGateway(app));
    const socket = connect(served.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
    socket.once('data', () => socket.resetAndDestroy());
    await until(() => closed);
    expect(served.errors).toEqual([]);
  });

  test('closes a body whose head is refused on its way', async () => {
    let closes = 0;
    const inner = fromGateway((_environ, startResponse) => {
      startResponse('200 OK', []);
      return { *[Symbol.iterator]() { for (let i = 0; i < 3; i++) yield Buffer.from('x'); }, close: () => void closes++ };
    });
    const app: AsyncApp = (scope, receive, send) => inner(scope, receive, async (event) => {
      if (event.type === 'http.response.start') throw new Error('not through me');
      await send(event);
    });
    await using served = await serve(app);
    expect(await exchange(served.port, `GET / HTTP/1.1\r\n${CLOSE}`)).toMatch(/^HTTP\/1\.1 500 /);
    expect(closes).toBe(1);
  });

  test('sends early hints', async () => {
    const { answer } = await ask((environ, startResponse) => {
      environ['gateway.earlyHints']!([['Link', '</a.css>; rel=preload']]);
      startResponse('204 No Content', []);
      return [];
    }, `GET / HTTP/1.1\r\n${CLOSE}`);
    expect(answer).toMatch(/^HTTP\/1\.1 103 [^]*a\.css[^]*HTTP\/1\.1 204 /);
  });
});

describe('toGateway', () => {
  async function ask(http: HttpApp, text: string): Promise<{ answer: string; breaches: unknown[]; errors: string }> {
    const breaches: unknown[] = [];
    let errors = '';
    const inner: AsyncApp = asyncValidator(byScope({ http }), { report: (list: readonly AsyncBreach[]) => breaches.push(...list) });
    const outer = validator(toGateway(inner), { report: (list: readonly Breach[]) => breaches.push(...list) });
    await using server = await serveHttp(toHandler(outer, { errors: { write: (line) => void (errors += line) } }));
    const { address } = server;
    if (typeof address === 'string') throw new Error('not a port');
    return { answer: await exchange(address.port, text), breaches, errors };
  }

  test('makes a scope of an environ', async () => {
    let seen: unknown;
    const { answer, breaches } = await ask(async (scope, receive, send) => {
      seen = scope;
      const event = await receive();
      await send({ type: 'http.response.start', status: 201, headers: [['X-A', '1']] });
      await send({ type: 'http.response.body', body: event.type === 'http.request' ? event.body : Buffer.alloc(0) });
    }, `POST /a%2Fb?c HTTP/1.1\r\nContent-Length: 2\r\nX-B: 1\r\nX-B: 2\r\n${CLOSE}ok`);
    expect(answer).toMatch(/^HTTP\/1\.1 201 Created\r\n[^]*X-A: 1\r\n[^]*ok/);
    expect(seen).toMatchObject({ method: 'POST', path: '/a/b', rawPath: '/a%2Fb', query: 'c', httpVersion: '1.1', scheme: 'http' });
    expect((seen as { headers: unknown[] }).headers).toContainEqual(['x-b', '1, 2']);
    expect(breaches).toEqual([]);
  });

  test('streams, as fast as the parts are taken', async () => {
    const { answer, breaches } = await ask(async (_scope, _receive, send) => {
      await send({ type: 'http.response.start', status: 200 });
      for (const part of ['', 'one', 'two']) await send({ type: 'http.response.body', body: Buffer.from(part), moreBody: true });
      await send({ type: 'http.response.body' });
    }, `GET / HTTP/1.1\r\n${CLOSE}`);
    expect(answer).toMatch(/3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n$/);
    expect(breaches).toEqual([]);
  });

  test('fails as part one does', async () => {
    const early = await ask(async () => undefined, `GET / HTTP/1.1\r\n${CLOSE}`);
    expect(early.answer).toMatch(/^HTTP\/1\.1 500 /);
    expect(early.errors).toContain('A60');
    const late = await ask(async (_scope, _receive, send) => {
      await send({ type: 'http.response.start', status: 200 });
      await send({ type: 'http.response.body', body: Buffer.from('ab'), moreBody: true });
      throw new TypeError('late');
    }, `GET / HTTP/1.1\r\n${CLOSE}`);
    expect(late.answer).toMatch(/2\r\nab\r\n$/);
    expect(late.errors.match(/TypeError: late/g)).toHaveLength(1);
  });

  test('and back again changes nothing that can be seen', async () => {
    const app: GatewayApp = async function* (environ, startResponse) {
      const text = await environ['gateway.input'].read();
      startResponse('200 OK', [['X-Len', String(text.length)]]);
      yield text;
      yield Buffer.from('!');
    };
    await using served = await serve(fromGateway(toGateway(fromGateway(app))));
    const answer = await exchange(served.port, `POST / HTTP/1.1\r\nContent-Length: 3\r\n${CLOSE}abc`);
    expect(answer).toMatch(/X-Len: 3\r\n[^]*3\r\nabc\r\n1\r\n!\r\n0\r\n\r\n$/);
    expect(served.errors).toEqual([]);
  });
});
