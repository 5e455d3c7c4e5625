import { connect } from 'node:net';

import { describe, expect, test } from 'vitest';

import { HttpError } from '../../../solutions/02-http/index.ts';
import type { HttpScope } from '../../../solutions/06-websocket/scopes.ts';
import { exchange, rejection, ruleOf, serve, serveHttpApp } from './async-support.ts';
import { standstill, until } from './waiting.ts';

const CLOSE = 'Host: a\r\nConnection: close\r\n\r\n';

describe('the scope', () => {
  test('says what the request says', async () => {
    let seen: HttpScope | null = null;
    await using served = await serveHttpApp(async (scope, _receive, send) => {
      seen = scope;
      expect({ ...scope }.signal).toBe(scope.signal);
      await send({ type: 'http.response.start', status: 204 });
      await send({ type: 'http.response.body' });
    });
    const answer = await exchange(served.port, `GET /caf%C3%A9%2Fx?a=1&b HTTP/1.1\r\nX-Two: 1\r\nX_Two: 2\r\nX-two: 3\r\n${CLOSE}`);
    expect(answer).toMatch(/^HTTP\/1\.1 204 /);
    // Also when it is first asked for after the client has gone, with the whole response.
    expect(seen!.signal.aborted).toBe(false);
    expect(seen).toMatchObject({
      type: 'http', version: [2, 0], httpVersion: '1.1', method: 'GET', scheme: 'http', rootPath: '',
      path: '/café/x', rawPath: '/caf%C3%A9%2Fx', query: 'a=1&b', state: {},
      headers: [['x-two', '1'], ['x_two', '2'], ['x-two', '3'], ['host', 'a'], ['connection', 'close']],
      extensions: { 'http.response.earlyHints': {} },
      server: { address: '127.0.0.1', port: served.port },
    });
    expect(seen!.signal.aborted).toBe(false);
  });

  test('takes host from a target in absolute form', async () => {
    let headers: unknown;
    await using served = await serveHttpApp(async (scope, _receive, send) => {
      ({ headers } = scope);
      await send({ type: 'http.response.start', status: 204 });
      await send({ type: 'http.response.body' });
    });
    await exchange(served.port, `GET http://b:1/x HTTP/1.1\r\n${CLOSE}`);
    expect(headers).toEqual([['host', 'b:1'], ['connection', 'close']]);
  });

  test('is not made of a path that cannot be decoded', async () => {
    let called = false;
    await using served = await serveHttpApp(async () => void (called = true));
    expect(await exchange(served.port, `GET /%ff HTTP/1.1\r\n${CLOSE}`)).toMatch(/^HTTP\/1\.1 400 /);
    expect(called).toBe(false);
  });
});

describe('a response', () => {
  test('of one body event has a length; of several it comes in chunks', async () => {
    await using served = await serveHttpApp(async (scope, _receive, send) => {
      await send({ type: 'http.response.start', status: 200, reason: 'Fine', headers: [['X-A', '1'], ['X-A', '2']] });
      if (scope.path === '/many') await send({ type: 'http.response.body', body: Buffer.from('one '), moreBody: true });
      await send({ type: 'http.response.body', body: Buffer.from('two') });
    });
    const one = await exchange(served.port, `GET / HTTP/1.1\r\n${CLOSE}`);
    expect(one).toMatch(/^HTTP\/1\.1 200 Fine\r\n/);
    expect(one).toMatch(/X-A: 1\r\nX-A: 2\r\nServer: ten-servers\r\nContent-Length: 3\r\n/);
    expect(one).toMatch(/\r\n\r\ntwo$/);
    const many = await exchange(served.port, `GET /many HTTP/1.1\r\n${CLOSE}`);
    expect(many).toMatch(/Transfer-Encoding: chunked\r\n/);
    expect(many).toMatch(/\r\n\r\n4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n$/);
    expect(served.errors).toEqual([]);
  });

  test('leaves its head with an empty first part', async () => {
    let go: () => void = () => undefined;
    await using served = await serveHttpApp(async (_scope, _receive, send) => {
      await send({ type: 'http.response.start', status: 200 });
      await send({ type: 'http.response.body', moreBody: true });
      await new Promise<void>((resolve) => (go = resolve));
      await send({ type: 'http.response.body', body: Buffer.from('late') });
    });
    const response = await fetch(served.origin);
    expect(response.status).toBe(200);
    go();
    expect(await response.text()).toBe('late');
  });

  test.each(['HEAD', 'GET'])('to %s of a stream without an end ends when it should', async (method) => {
    const ends: string[] = [];
    await using served = await serveHttpApp(async (_scope, _receive, send) => {
      await send({ type: 'http.response.start', status: method === 'HEAD' ? 200 : 304 });
      for (;;) {
        const part = await rejection(send({ type: 'http.response.body', body: Buffer.from('x'), moreBody: true }));
        if (part !== '') return void ends.push(part);
      }
    });
    const answer = await exchange(served.port, `${method} / HTTP/1.1\r\n${CLOSE}`);
    expect(answer).toMatch(/\r\n\r\n$/);
    await until(() => ends.length > 0);
    expect(ends).toEqual(['DisconnectError']);
    expect(served.errors).toEqual([]);
  });

  test('waits for a client that does not read, and learns that it has gone', async () => {
    let sent = 0;
    let end = '';
    await using served = await serveHttpApp(async (_scope, _receive, send) => {
      await send({ type: 'http.response.start', status: 200 });
      // More than the kernel takes of it.
      while (sent < 400) {
        end = await rejection(send({ type: 'http.response.body', body: Buffer.alloc(65_536), moreBody: true }));
        if (end !== '') return;
        sent++;
      }
    });
    const socket = connect(served.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
    socket.pause();
    await until(() => sent > 3);
    expect(await standstill(served.port, () => sent)).toBeLessThan(400);
    socket.destroy();
    await until(() => end !== '');
    expect(end).toBe('DisconnectError');
    expect(served.errors).toEqual([]);
  });

  test('sends early hints before it begins, and drops them after', async () => {
    await using served = await serveHttpApp(async (_scope, _receive, send) => {
      await send({ type: 'http.response.earlyHints', headers: [['Link', '</a.css>; rel=preload']] });
      await send({ type: 'http.response.start', status: 200 });
      await send({ type: 'http.response.earlyHints', headers: [['Link', '</late.css>']] });
      await send({ type: 'http.response.body' });
    });
    const answer = await exchange(served.port, `GET / HTTP/1.1\r\n${CLOSE}`);
    expect(answer).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 /);
    expect(answer).not.toContain('late.css');
  });
});

describe('what is nobody’s fault', () => {
  test.each(['DisconnectError', 'AbortError'])('%s, let through when the client has gone', async (name) => {
    const seen: string[] = [];
    let waits = false;
    await using served = await serveHttpApp(async (scope, receive, send) => {
      await receive();
      waits = true;
      seen.push((await receive()).type);
      try {
        if (name === 'AbortError') scope.signal.throwIfAborted();
        await send({ type: 'http.response.start', status: 200 });
      } catch (error) {
        seen.push(ruleOf(error));
        throw error;
      }
    });
    const socket = connect(served.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
    await until(() => waits, 'the application waits for an event');
    socket.resetAndDestroy();
    await until(() => seen.length === 2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual(['http.disconnect', name]);
    expect(served.errors).toEqual([]);
  });

  test('an answer that is thrown', async () => {
    await using served = await serveHttpApp(async () => {
      throw new HttpError(404, 'no such thing', [['X-A', '1']]);
    });
    expect(await exchange(served.port, `GET / HTTP/1.1\r\n${CLOSE}`)).toMatch(/^HTTP\/1\.1 404 [^]*X-A: 1\r\n[^]*no such thing/);
    expect(served.errors).toEqual([]);
  });
});

test('HTTP/1.0 has no hints and no chunks', async () => {
  await using served = await serveHttpApp(async (scope, _receive, send) => {
    const hints = await rejection(send({ type: 'http.response.earlyHints', headers: [] }));
    await send({ type: 'http.response.start', status: 200 });
    await send({ type: 'http.response.body', body: Buffer.from(`${scope.httpVersion} ${hints} `), moreBody: true });
    await send({ type: 'http.response.body', body: Buffer.from('end') });
  });
  const answer = await exchange(served.port, 'GET / HTTP/1.0\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 200 [^]*\r\n\r\n1\.0 A22 end$/);
  expect(answer).not.toContain('chunked');
});

describe('a request', () => {
  test('comes part by part, and the last one is told', async () => {
    const seen: unknown[] = [];
    await using served = await serveHttpApp(async (_scope, receive, send) => {
      for (let more = true; more;) {
        const event = await receive();
        if (event.type === 'http.disconnect') break;
        seen.push([event.body.toString(), event.moreBody]);
        more = event.moreBody;
      }
      await send({ type: 'http.response.start', status: 204 });
      await send({ type: 'http.response.body' });
      seen.push((await receive()).type, (await receive()).type);
    });
    await exchange(served.port, `POST / HTTP/1.1\r\nContent-Length: 3\r\n${CLOSE}abc`);
    expect(seen).toEqual([['abc', false], 'http.disconnect', 'http.disconnect']);
    seen.length = 0;
    await exchange(served.port, `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${CLOSE}3\r\nabc\r\n0\r\n\r\n`);
    expect(seen).toEqual([['abc', true], ['', false], 'http.disconnect', 'http.disconnect']);
    seen.length = 0;
    await exchange(served.port, `GET / HTTP/1.1\r\n${CLOSE}`);
    expect(seen).toEqual([['', false], 'http.disconnect', 'http.disconnect']);
  });

  test('is told to go on with the first receive', async () => {
    await using served = await serveHttpApp(async (scope, receive, send) => {
      const status = scope.path === '/read' ? 200 : 403;
      const event = scope.path === '/read' ? await receive() : null;
      await send({ type: 'http.response.start', status });
      await send({ type: 'http.response.body', body: event?.type === 'http.request' ? event.body : Buffer.from('no') });
    });
    const head = (path: string): string => `POST ${path} HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n${CLOSE}`;
    const socket = connect(served.port, '127.0.0.1', () => socket.write(head('/read')));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString();
      if (answer.endsWith('100 Continue\r\n\r\n')) socket.write('abc');
    });
    await new Promise((resolve) => socket.on('close', resolve));
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 [^]*abc$/);
    expect(await exchange(served.port, head('/no'))).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('that breaks the protocol is refused with its status, and is not a disconnect', async () => {
    const seen: string[] = [];
    await using served = await serveHttpApp(async (_scope, receive) => {
      await receive().catch((error: unknown) => seen.push(String((error as { status: number }).status)));
      await receive();
    });
    const answer = await exchange(served.port, `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${CLOSE}zz\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(seen).toEqual(['400']);
    expect(served.errors).toEqual([]);
  });

  test('whose client goes is a disconnect, before and after its end', async () => {
    const seen: string[] = [];
    let waits = false;
    await using served = await serveHttpApp(async (scope, receive) => {
      const { signal } = scope;
      if (scope.path === '/after') seen.push((await receive()).type);
      waits = true;
      seen.push((await receive()).type);
      seen.push(String(signal.aborted));
    });
    for (const text of ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n', 'GET /after HTTP/1.1\r\nHost: a\r\n\r\n']) {
      waits = false;
      const socket = connect(served.port, '127.0.0.1', () => socket.write(text));
      await until(() => waits, 'the application waits for an event');
      const before = seen.length;
      socket.resetAndDestroy();
      await until(() => seen.length === before + 2);
    }
    expect(seen).toEqual(['http.disconnect', 'true', 'http.request', 'http.disconnect', 'true']);
    expect(served.errors).toEqual([]);
  });

  test('takes one receive at a time', async () => {
    const seen: string[] = [];
    await using served = await serveHttpApp(async (_scope, receive, send) => {
      const first = receive();
      seen.push(await rejection(receive()), (await first).type);
      await send({ type: 'http.response.start', status: 204 });
      await send({ type: 'http.response.body' });
    });
    await exchange(served.port, `POST / HTTP/1.1\r\nContent-Length: 3\r\n${CLOSE}abc`);
    expect(seen).toEqual(['A31', 'http.request']);
  });
});

describe('what is refused', () => {
  const start = { type: 'http.response.start', status: 200 };
  const part = { type: 'http.response.body', body: Buffer.from('ab'), moreBody: true };
  const last = { type: 'http.response.body', body: Buffer.from('ab') };
  const headers = (...pairs: unknown[]): object => ({ ...start, headers: pairs });
  test.each([
    ['A51', [part]],
    ['A50', [start, start]],
    ['A50', [start, part, start]],
    ['A52', [start, last, last]],
    ['A50', [start, last, start]],
    ['A33', [{ type: 'websocket.accept' }]],
    ['A33', [{ type: 'http.response.trailers' }]],
    ['A34', [null]],
    ['A34', [{ type: 'http.response.start' }]],
    ['A34', [{ ...start, status: 199 }]],
    ['A34', [{ ...start, status: 101 }]],
    ['A34', [{ ...start, reason: 'a\r\nb: c' }]],
    ['A34', [start, { ...part, body: 'text' }]],
    ['A35', [headers(['a b', 'c'])]],
    ['A35', [headers(['a'])]],
    ['A36', [headers(['a', 'b\r\nc: d'])]],
    ['A37', [headers(['Connection', 'close'])]],
    ['A38', [headers(['Content-Length', '-1'])]],
    ['A38', [headers(['Content-Length', '1'], ['content-length', '1'])]],
    ['A55', [headers(['Content-Length', '1']), last]],
    ['A56', [headers(['Content-Length', '9']), last]],
    ['A56', [headers(['Content-Length', '5']), part, last]],
  ])('%s: %j', async (rule, events) => {
    const seen: string[] = [];
    await using served = await serveHttpApp(async (_scope, _receive, send) => {
      for (const event of events) seen.push(await rejection(send(event as never)));
    });
    await exchange(served.port, `GET / HTTP/1.1\r\n${CLOSE}`);
    expect(seen.at(-1)).toBe(rule);
    expect(seen.slice(0, -1).every((each) => each === '')).toBe(true);
    // Nobody looked at it: the server tells.
    expect(served.errors.map(ruleOf)).toEqual([rule]);
  });

  test('is as if it had not been sent', async () => {
    await using served = await serveHttpApp(async (_scope, _receive, send) => {
      await send({ type: 'http.response.start', status: 999 }).catch(() => undefined);
      await send({ type: 'http.response.start', status: 201 });
      await send({ type: 'http.response.start', status: 202 }).catch(() => undefined);
      await send({ type: 'http.response.body', body: Buffer.from('ok') });
    });
    expect(await exchange(served.port, `GET / HTTP/1.1\r\n${CLOSE}`)).toMatch(/^HTTP\/1\.1 201 [^]*ok$/);
  });

  test('an application that awaits nothing is stopped, and not the process', async () => {
    const seen: string[] = [];
    await using served = await serveHttpApp(async (_scope, _receive, send) => {
      void send({ type: 'http.response.start', status: 200 });
      const parts = Array.from({ length: 64 }, () => send({ type: 'http.response.body', body: Buffer.alloc(65_536), moreBody: true }));
      seen.push(...new Set((await Promise.allSettled(parts)).map((each) => (each.status === 'rejected' ? ruleOf(each.reason) : ''))));
      void send({ type: 'http.response.body', body: Buffer.from('x'), moreBody: true });
    });
    await exchange(served.port, `GET / HTTP/1.1\r\n${CLOSE}`);
    expect(seen).toEqual(['', 'A39']);
  });

  test('a last part that is refused neither ends the body nor counts', async () => {
    const outcomes: string[] = [];
    await using served = await serveHttpApp(async (_scope, _receive, send) => {
      await send({ type: 'http.response.start', status: 200, headers: [['Content-Length', '131079']] });
      const first = [65_536, 65_536].map((bytes) => send({ type: 'http.response.body', body: Buffer.alloc(bytes), moreBody: true }));
      const last = { type: 'http.response.body', body: Buffer.from('the end') } as const;
      await send(last).catch((error: unknown) => outcomes.push(ruleOf(error)));
      await Promise.all(first);
      await send(last).then(() => outcomes.push('sent'), (error: unknown) => outcomes.push(ruleOf(error)));
    }, { bufferedBytesMax: 65_536 });
    expect(await exchange(served.port, `GET / HTTP/1.1\r\n${CLOSE}`)).toMatch(/the end$/);
    expect(outcomes).toEqual(['A39', 'sent']);
  });
});

describe('the end of an application', () => {
  test.each([
    ['returns without a response', [], /^HTTP\/1\.1 500 /, 'A60'],
    ['returns without a body', ['start'], /^HTTP\/1\.1 500 /, 'A60'],
    ['returns in the middle', ['start', 'part'], /^HTTP\/1\.1 200 [^]*2\r\nab\r\n$/, 'A61'],
  ])('%s', async (_what, steps, expected, rule) => {
    await using served = await serveHttpApp(async (_scope, _receive, send) => {
      if (steps.includes('start')) await send({ type: 'http.response.start', status: 200 });
      if (steps.includes('part')) await send({ type: 'http.response.body', body: Buffer.from('ab'), moreBody: true });
    });
    expect(await exchange(served.port, `GET / HTTP/1.1\r\n${CLOSE}`)).toMatch(expected);
    expect(served.errors.map(ruleOf)).toEqual([rule]);
  });

  test.each([
    ['throws at once', [], /^HTTP\/1\.1 500 [^]*\r\n\r\n500 Internal Server Error\n$/],
    ['throws with its response begun', ['start'], /^HTTP\/1\.1 500 /],
    ['throws in the middle', ['start', 'part'], /^HTTP\/1\.1 200 [^]*2\r\nab\r\n$/],
    ['throws after the end', ['start', 'last'], /^HTTP\/1\.1 200 [^]*ab$/],
  ])('%s', async (_what, steps, expected) => {
    await using served = await serveHttpApp(async (_scope, _receive, send) => {
      if (steps.includes('start')) await send({ type: 'http.response.start', status: 200 });
      if (steps.includes('part')) await send({ type: 'http.response.body', body: Buffer.from('ab'), moreBody: true });
      if (steps.includes('last')) await send({ type: 'http.response.body', body: Buffer.from('ab') });
      throw new TypeError('secret');
    });
    const answer = await exchange(served.port, `GET / HTTP/1.1\r\n${CLOSE}`);
    expect(answer).toMatch(expected);
    expect(answer).not.toContain('secret');
    await until(() => served.errors.length > 0);
    expect(served.errors.map(ruleOf)).toEqual(['TypeError']);
  });

  test('throws without being asynchronous', async () => {
    await using served = await serve((() => {
      throw new TypeError('at once');
    }) as never, { lifespan: 'off' });
    expect(await exchange(served.port, `GET / HTTP/1.1\r\n${CLOSE}`)).toMatch(/^HTTP\/1\.1 500 /);
  });

  test('what is sent after it has returned is refused', async () => {
    let sendLate: (() => Promise<string>) | null = null;
    await using served = await serveHttpApp(async (_scope, _receive, send) => {
      await send({ type: 'http.response.start', status: 204 });
      await send({ type: 'http.response.body' });
      sendLate = () => rejection(send({ type: 'http.response.body' }));
    });
    await exchange(served.port, `GET / HTTP/1.1\r\n${CLOSE}`);
    await until(() => sendLate !== null, 'the application has returned');
    expect(await sendLate!()).toBe('A6');
  });
});
