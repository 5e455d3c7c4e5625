import { once } from 'node:events';

import { describe, expect, test } from 'vitest';

import type { WebSocketScope } from '../../../solutions/06-websocket/scopes.ts';
import { exchange, rejection, ruleOf, serveHttpApp, serveWebSocketApp } from './async-support.ts';
import type { Served } from './async-support.ts';
import { standstill, until } from './waiting.ts';

const HANDSHAKE = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

function open(served: Served, path = '/', protocols: string[] = []): WebSocket {
  return new WebSocket(served.origin.replace('http', 'ws') + path, protocols);
}

/** The status with which the handshake is answered, and the rest. */
function handshake(served: Served, fields = ''): Promise<string> {
  return exchange(served.port, `GET /a%2Fb?c HTTP/1.1\r\nHost: h\r\n${HANDSHAKE}${fields}\r\n`);
}

describe('a WebSocket', () => {
  test('is accepted, gets messages of both kinds, and sends them', async () => {
    let seen: WebSocketScope | null = null;
    const events: unknown[] = [];
    await using served = await serveWebSocketApp(async (scope, receive, send) => {
      seen = scope;
      events.push(await receive());
      await send({ type: 'websocket.accept', subprotocol: 'b', headers: [['X-A', '1']] });
      for (;;) {
        const event = await receive();
        if (event.type !== 'websocket.receive') {
          events.push(event, await receive());
          return;
        }
        await send({ type: 'websocket.send', data: event.data });
      }
    });
    const socket = open(served, '/room%20one?x=1', ['a', 'b']);
    socket.binaryType = 'arraybuffer';
    await once(socket, 'open');
    expect(socket.protocol).toBe('b');
    socket.send('café');
    expect(((await once(socket, 'message')) as MessageEvent[])[0]!.data).toBe('café');
    socket.send(Buffer.from([0, 255]));
    const [{ data }] = await once(socket, 'message') as [MessageEvent];
    expect([...new Uint8Array(data as ArrayBuffer)]).toEqual([0, 255]);
    socket.close(3000, 'enough');
    await once(socket, 'close');
    await until(() => events.length === 3);
    const end = { type: 'websocket.disconnect', code: 3000, reason: 'enough' };
    expect(events).toEqual([{ type: 'websocket.connect' }, end, end]);
    expect(seen).toMatchObject({
      type: 'websocket', version: [2, 0], scheme: 'ws', path: '/room one', rawPath: '/room%20one', query: 'x=1',
      subprotocols: ['a', 'b'], rootPath: '',
    });
    expect(seen!.signal.aborted).toBe(true);
    expect(served.errors).toEqual([]);
  });

  test('may be accepted without an await, and messages keep their order', async () => {
    await using served = await serveWebSocketApp(async (_scope, _receive, send) => {
      void send({ type: 'websocket.accept' });
      void send({ type: 'websocket.send', data: 'one' });
      void send({ type: 'websocket.send', data: 'two' });
      void send({ type: 'websocket.close', code: 3001, reason: 'done' });
    });
    const socket = open(served);
    const data: unknown[] = [];
    socket.onmessage = (event) => data.push(event.data);
    const [{ code, reason }] = await once(socket, 'close') as [CloseEvent];
    expect([...data, code, reason]).toEqual(['one', 'two', 3001, 'done']);
    expect(served.errors).toEqual([]);
  });

  test('waits for a client that does not read', async () => {
    let sent = 0;
    let end = '';
    await using served = await serveWebSocketApp(async (_scope, _receive, send) => {
      await send({ type: 'websocket.accept' });
      // More than the kernel takes of it.
      while (sent < 400) {
        end = await rejection(send({ type: 'websocket.send', data: Buffer.alloc(65_536) }));
        if (end !== '') return;
        sent++;
      }
    });
    const { connect } = await import('node:net');
    const socket = connect(served.port, '127.0.0.1', () => socket.write(`GET / HTTP/1.1\r\nHost: h\r\n${HANDSHAKE}\r\n`));
    socket.on('error', () => undefined);
    socket.pause();
    await until(() => sent > 3);
    expect(await standstill(served.port, () => sent)).toBeLessThan(400);
    socket.destroy();
    await until(() => end !== '');
    expect(end).toBe('DisconnectError');
  });

  test('gets nothing more once too much waits that was not awaited', async () => {
    const seen: string[] = [];
    await using served = await serveWebSocketApp(async (_scope, receive, send) => {
      await send({ type: 'websocket.accept' });
      const sends = Array.from({ length: 64 }, () => rejection(send({ type: 'websocket.send', data: Buffer.alloc(1 << 20) })));
      void Promise.race(sends.map(async (each) => (await each) === 'A39' ? seen.push('A39') : new Promise(() => undefined)));
      await receive();
      await receive();
    }, { bufferedBytesMax: 4 << 20 });
    const { connect } = await import('node:net');
    const socket = connect(served.port, '127.0.0.1', () => socket.write(`GET / HTTP/1.1\r\nHost: h\r\n${HANDSHAKE}\r\n`));
    socket.on('error', () => undefined);
    socket.pause();
    await until(() => seen.length > 0);
    socket.destroy();
  });

  test('gives what was sent before the close, also when it is read late', async () => {
    const seen: unknown[] = [];
    await using served = await serveWebSocketApp(async (scope, receive, send) => {
      await receive();
      await send({ type: 'websocket.accept' });
      await new Promise((resolve) => scope.signal.addEventListener('abort', resolve, { once: true }));
      for (;;) {
        const event = await receive();
        seen.push(event.type === 'websocket.receive' ? event.data : event.type);
        if (event.type === 'websocket.disconnect') return;
      }
    });
    const socket = open(served);
    await once(socket, 'open');
    socket.send('one');
    socket.send('two');
    socket.close();
    await until(() => seen.length === 3);
    expect(seen).toEqual(['one', 'two', 'websocket.disconnect']);
  });

  test('leaves nothing after when a hundred clients are killed', async () => {
    let open = 0;
    await using served = await serveWebSocketApp(async (_scope, receive, send) => {
      await send({ type: 'websocket.accept' });
      open++;
      while ((await receive()).type !== 'websocket.disconnect');
      open--;
    });
    const { connect } = await import('node:net');
    const sockets = Array.from({ length: 100 }, () => {
      const socket = connect(served.port, '127.0.0.1', () => socket.write(`GET / HTTP/1.1\r\nHost: h\r\n${HANDSHAKE}\r\n`));
      return socket.on('error', () => undefined);
    });
    await until(() => open === 100);
    for (const socket of sockets) socket.resetAndDestroy();
    await until(() => open === 0 && served.server.http.connections === 0);
    expect(served.errors).toEqual([]);
  });

  test('has the WebSocket itself as an extension', async () => {
    const seen: unknown[] = [];
    await using served = await serveWebSocketApp(async (scope, receive, send) => {
      const peer = scope.extensions['websocket.peer']!;
      try {
        peer();
      } catch (error) {
        seen.push(ruleOf(error));
      }
      await send({ type: 'websocket.accept' });
      peer().send('by the peer');
      await receive();
      await receive();
    });
    const socket = open(served);
    expect(((await once(socket, 'message')) as MessageEvent[])[0]!.data).toBe('by the peer');
    socket.close();
    await once(socket, 'close');
    expect(seen).toEqual(['A75']);
  });
});

describe('a handshake', () => {
  test('is refused with 403 by a close before the accept', async () => {
    const seen: unknown[] = [];
    await using served = await serveWebSocketApp(async (_scope, receive, send) => {
      await receive();
      await send({ type: 'websocket.close' });
      seen.push((await receive()).type, await rejection(send({ type: 'websocket.accept' })));
    });
    expect(await handshake(served, 'Connection: close\r\n')).toMatch(/^HTTP\/1\.1 403 /);
    expect(seen).toEqual(['websocket.disconnect', 'A76']);
  });

  test('is refused with a response of the application’s own', async () => {
    await using served = await serveWebSocketApp(async (_scope, _receive, send) => {
      await send({ type: 'websocket.http.response.start', status: 401, headers: [['WWW-Authenticate', 'Bearer']] });
      await send({ type: 'websocket.http.response.body', body: Buffer.from('who '), moreBody: true }); // plain-english: who
      await send({ type: 'websocket.http.response.body', body: Buffer.from('are you?') });
    });
    const answer = await handshake(served, 'Connection: close\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 401 [^]*WWW-Authenticate: Bearer[^]*who [^]*are you\?\r\n0\r\n\r\n$/);
    expect(served.errors).toEqual([]);
  });

  test('that is not a handshake is answered by the server', async () => {
    let called = false;
    await using served = await serveWebSocketApp(async () => void (called = true));
    const answer = await exchange(served.port, 'GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 12\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 426 /);
    expect(called).toBe(false);
  });

  test('to an application without WebSockets is refused with 403', async () => {
    await using served = await serveHttpApp(async () => undefined);
    expect(await handshake(served, 'Connection: close\r\n')).toMatch(/^HTTP\/1\.1 403 /);
    expect(served.errors).toEqual([]);
  });

  test('of an application that returns or throws without an answer is a 500', async () => {
    await using served = await serveWebSocketApp(async (scope) => {
      if (scope.query === 'c') throw new TypeError('secret');
    });
    expect(await handshake(served, 'Connection: close\r\n')).toMatch(/^HTTP\/1\.1 500 /);
    expect(await exchange(served.port, `GET / HTTP/1.1\r\nHost: h\r\n${HANDSHAKE}Connection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 500 /);
    expect(served.errors.map(ruleOf)).toEqual(['TypeError', 'A77']);
  });
});

describe('the end of an application', () => {
  test.each([
    ['returns', 1000],
    ['throws', 1011],
  ])('that %s closes with %i', async (how, expected) => {
    await using served = await serveWebSocketApp(async (_scope, _receive, send) => {
      await send({ type: 'websocket.accept' });
      if (how === 'throws') throw new TypeError('secret');
    });
    const socket = open(served);
    const [{ code, reason }] = await once(socket, 'close') as [CloseEvent];
    expect([code, reason]).toEqual([expected, '']);
    expect(served.errors.map(ruleOf)).toEqual(how === 'throws' ? ['TypeError'] : []);
  });

  test('that the server stops: 1001, and the application is told', async () => {
    const seen: unknown[] = [];
    const served = await serveWebSocketApp(async (_scope, receive, send) => {
      await receive();
      await send({ type: 'websocket.accept' });
      seen.push((await receive()).type);
    });
    const socket = open(served);
    await once(socket, 'open');
    const closed = once(socket, 'close') as Promise<[CloseEvent]>;
    await served.server.closeGracefully({ deadlineMs: 2000 });
    expect((await closed)[0].code).toBe(1001);
    expect(seen).toEqual(['websocket.disconnect']);
  });
});

describe('what is refused', () => {
  const accept = { type: 'websocket.accept' };
  const message = { type: 'websocket.send', data: 'a' };
  const close = { type: 'websocket.close' };
  const deny = { type: 'websocket.http.response.start', status: 404 };
  const body = { type: 'websocket.http.response.body' };
  test.each([
    ['A75', [message]],
    ['A75', [body]],
    ['A76', [accept, accept]],
    ['A76', [accept, deny]],
    ['A76', [deny, accept]],
    ['A76', [deny, close]],
    ['A50', [deny, deny]],
    ['A52', [deny, body, body]],
    ['A85', [accept, close, message]],
    ['A85', [accept, close, close]],
    ['A85', [close, close]],
    ['A33', [{ type: 'http.response.start', status: 200 }]],
    ['A34', [accept, { type: 'websocket.send' }]],
    ['A34', [accept, { type: 'websocket.send', data: 1 }]],
    ['A72', [{ ...accept, subprotocol: 'zz' }]],
    ['A72', [{ ...accept, headers: [['Sec-WebSocket-Accept', 'x']] }]],
    ['A36', [{ ...accept, headers: [['X', 'a\nb']] }]],
    ['A37', [{ ...accept, headers: [['Upgrade', 'x']] }]],
    ['A84', [accept, { ...close, code: 1005 }]],
    ['A84', [accept, { ...close, code: 999 }]],
    ['A84', [accept, { ...close, code: 2999 }]],
    ['A84', [accept, { ...close, reason: 'x'.repeat(124) }]],
  ])('%s: %j', async (rule, events) => {
    const seen: string[] = [];
    await using served = await serveWebSocketApp(async (_scope, _receive, send) => {
      for (const event of events) seen.push(await rejection(send(event as never)));
    });
    const socket = open(served);
    await new Promise((resolve) => {
      socket.onclose = resolve;
      socket.onerror = resolve;
    });
    await until(() => served.errors.length > 0);
    expect(seen.at(-1)).toBe(rule);
    expect(served.errors.map(ruleOf)).toEqual([rule]);
  });
});
