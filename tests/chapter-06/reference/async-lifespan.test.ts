import { connect } from 'node:net';

import { describe, expect, test } from 'vitest';

import type { AsyncApp, HttpApp } from '../../../solutions/06-websocket/async-app.ts';
import { byScope } from '../../../solutions/06-websocket/by-scope.ts';
import { serveAsync } from '../../../solutions/06-websocket/serve-async.ts';
import { rejection, ruleOf, serve, serveLifespanApp } from './async-support.ts';
import { roundTrip, until } from './waiting.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** An application that notes its life, and answers. */
function noted(notes: string[]): AsyncApp {
  return byScope({
    async lifespan(scope, receive, send) {
      notes.push((await receive()).type);
      scope.state['db'] = 'open';
      await send({ type: 'lifespan.startup.complete' });
      notes.push((await receive()).type);
      await send({ type: 'lifespan.shutdown.complete' });
    },
    async http(scope, _receive, send) {
      notes.push(`http ${String(scope.state['db'])}`);
      scope.state['db'] = 'changed';
      await send({ type: 'http.response.start', status: 204 });
      await send({ type: 'http.response.body' });
    },
  });
}

describe('startup', () => {
  test('comes before the first request, and leaves each scope a copy of its state', async () => {
    const notes: string[] = [];
    const served = await serve(noted(notes));
    await fetch(served.origin);
    await fetch(served.origin);
    await served.server.closeGracefully();
    expect(notes).toEqual(['lifespan.startup', 'http open', 'http open', 'lifespan.shutdown']);
    expect(served.errors).toEqual([]);
  });

  test('that failed ends with its reason, and nobody is served', async () => {
    const starting = serveLifespanApp(async (_scope, receive, send) => {
      await receive();
      await send({ type: 'lifespan.startup.failed', message: 'no database' });
    });
    await expect(starting).rejects.toMatchObject({ name: 'LifespanError', phase: 'startup', message: 'startup failed: no database' });
  });

  test('that throws has failed too', async () => {
    const starting = serveLifespanApp(async (_scope, receive) => {
      await receive();
      throw new TypeError('no port');
    });
    await expect(starting).rejects.toThrow('startup failed: TypeError: no port');
  });

  test('that returns without a word has failed', async () => {
    const starting = serveLifespanApp(async (_scope, receive) => void (await receive()));
    await expect(starting).rejects.toThrow('returned without lifespan.startup.complete');
  });

  test('that takes too long has failed', async () => {
    const starting = serveLifespanApp(async (_scope, receive) => {
      await receive();
      await new Promise(() => undefined);
    }, { startupMs: 20 });
    await expect(starting).rejects.toThrow('it took longer than 20 ms');
  });

  test('is followed by shutdown where the address is not to be had', async () => {
    await using taken = await serveLifespanApp(async (_scope, receive, send) => {
      await receive();
      await send({ type: 'lifespan.startup.complete' });
    });
    const notes: string[] = [];
    await expect(serveAsync(noted(notes), { port: taken.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(notes).toEqual(['lifespan.startup', 'lifespan.shutdown']);
  });
});

describe('an application that does not speak lifespan', () => {
  const answer: AsyncApp = async (_scope, _receive, send) => {
    await send({ type: 'http.response.start', status: 204 });
    await send({ type: 'http.response.body' });
  };

  test.each<[string, AsyncApp]>([
    ['throws at the scope', byScope({ http: answer as HttpApp })],
    ['returns from it', async (scope, receive, send) => (scope.type === 'http' ? answer(scope, receive, send) : undefined)],
    ['takes it for a request', answer],
    ['takes it for a request, and reads', async (scope, receive, send) => {
      await receive();
      await answer(scope, receive, send);
    }],
  ])('%s, and is served', async (_what, app) => {
    const served = await serve(app);
    expect((await fetch(served.origin)).status).toBe(204);
    await served.server.closeGracefully();
    expect(served.errors).toEqual([]);
  });
});

describe('while it serves', () => {
  test('a lifespan that throws is reported, and serving goes on', async () => {
    const served = await serve(byScope({
      async lifespan(_scope, receive, send) {
        await receive();
        await send({ type: 'lifespan.startup.complete' });
        throw new TypeError('later');
      },
      async http(_scope, _receive, send) {
        await send({ type: 'http.response.start', status: 204 });
        await send({ type: 'http.response.body' });
      },
    }));
    await until(() => served.errors.length > 0);
    expect(served.errors.map(ruleOf)).toEqual(['TypeError']);
    expect((await fetch(served.origin)).status).toBe(204);
    await served.server.close();
  });

  test.each([
    ['A98', 'lifespan.startup.complete'],
    ['A98', 'lifespan.shutdown.complete'],
    ['A33', 'http.response.start'],
  ])('%s for %s', async (rule, type) => {
    const seen: string[] = [];
    await using served = await serveLifespanApp(async (_scope, receive, send) => {
      await receive();
      await send({ type: 'lifespan.startup.complete' });
      seen.push(await rejection(send({ type } as never)));
    });
    await until(() => seen.length > 0);
    expect(seen).toEqual([rule]);
    expect(served.origin).toBeTruthy();
  });
});

describe('shutdown', () => {
  test('comes after the last response, which was let end, and after the application has returned', async () => {
    const notes: string[] = [];
    const end = Promise.withResolvers<void>();
    const returning = Promise.withResolvers<void>();
    // Its round trips are turns of the event loop of both.
    await using other = await serve(noted([]));
    const served = await serve(byScope({
      async lifespan(_scope, receive, send) {
        await receive();
        await send({ type: 'lifespan.startup.complete' });
        notes.push((await receive()).type);
        await send({ type: 'lifespan.shutdown.complete' });
      },
      async http(scope, _receive, send) {
        await send({ type: 'http.response.start', status: 200 });
        await send({ type: 'http.response.body', moreBody: true });
        scope.stopping.addEventListener('abort', () => notes.push('stopping'));
        await end.promise;
        await send({ type: 'http.response.body', body: Buffer.from('end') });
        await returning.promise;
        notes.push('returned');
      },
    }));
    const response = await fetch(served.origin);
    const closed = served.server.closeGracefully();
    await until(() => notes.length > 0, 'the application is told');
    await roundTrip(other.port);
    expect(notes).toEqual(['stopping']);
    end.resolve();
    expect(await response.text()).toBe('end');
    await until(() => served.server.http.connections === 0, 'the connection has closed');
    await roundTrip(other.port);
    expect(notes).toEqual(['stopping']);
    returning.resolve();
    await closed;
    expect(notes).toEqual(['stopping', 'returned', 'lifespan.shutdown']);
    expect(served.errors).toEqual([]);
  });

  test('comes although an application never returns, once a second call says that time is up', async () => {
    const notes: string[] = [];
    const called = Promise.withResolvers<void>();
    const life = noted(notes);
    const served = await serve(async (scope, receive, send) => {
      if (scope.type === 'lifespan') return await life(scope, receive, send);
      called.resolve();
      await new Promise(() => undefined);
    });
    const client = connect(served.port, '127.0.0.1', () => client.write(GET)).on('error', () => undefined);
    await called.promise;
    const stopped = served.server.closeGracefully({ deadlineMs: Infinity });
    await served.server.close();
    await stopped;
    expect(notes).toEqual(['lifespan.startup', 'lifespan.shutdown']);
    client.destroy();
  });

  test('comes also when connections had to be cut', async () => {
    const notes: string[] = [];
    let waits = false;
    const served = await serve(byScope({
      async lifespan(_scope, receive, send) {
        await receive();
        await send({ type: 'lifespan.startup.complete' });
        notes.push((await receive()).type);
        await send({ type: 'lifespan.shutdown.complete' });
      },
      async http(_scope, receive) {
        await receive();
        waits = true;
        notes.push((await receive()).type);
      },
    }));
    const socket = connect(served.port, '127.0.0.1', () => socket.write(GET));
    socket.on('error', () => undefined);
    await until(() => waits, 'the application waits for an event');
    await served.server.closeGracefully({ deadlineMs: 20 });
    expect(notes).toEqual(['http.disconnect', 'lifespan.shutdown']);
  });

  test.each<[string, string]>([
    ['failed', 'shutdown failed: disk full'],
    ['throws', 'shutdown failed: TypeError: disk full'],
    ['hangs', 'shutdown failed: it took longer than 20 ms'],
  ])('that %s is reported', async (how, message) => {
    const served = await serveLifespanApp(async (_scope, receive, send) => {
      await receive();
      await send({ type: 'lifespan.startup.complete' });
      await receive();
      if (how === 'failed') await send({ type: 'lifespan.shutdown.failed', message: 'disk full' });
      if (how === 'throws') throw new TypeError('disk full');
      await new Promise(() => undefined);
    }, { shutdownMs: 20 });
    await served.server.close();
    expect(served.errors.map((error) => (error as Error).message)).toEqual([message]);
  });
});
