/** What is heard of an application that does not know a scope (A3): its answer each time, and one line once (A64). */

import { afterEach, expect, test, vi } from 'vitest';

import { serveHttp } from '../../../solutions/02-http/index.ts';
import { toHandler } from '../../../solutions/05-gateway/index.ts';
import { byScope, serveAsync, toGateway } from '../../../solutions/06-websocket/index.ts';
import type { AsyncApp } from '../../../solutions/06-websocket/index.ts';
import { exchange, ruleOf, serve, serveHttpApp, serveWebSocketApp } from './async-support.ts';
import { ask, fieldsWith, headOf } from './raw-client.ts';

const GET = 'GET /favicon.ico HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** Of another making than ours. */
class UnknownScopeError extends Error {
  override readonly name = 'UnknownScopeError';
}

afterEach(() => {
  vi.restoreAllMocks();
});

test('an application for WebSockets alone: 500 to each request, reported once', async () => {
  await using served = await serveWebSocketApp((_scope, _receive, send) => send({ type: 'websocket.close' }));
  for (let times = 0; times < 3; times++) expect(await exchange(served.port, GET)).toMatch(/^HTTP\/1\.1 500 /);
  expect(served.errors.map(ruleOf)).toEqual(['UnknownScopeError']);
});

test('once for each type of scope', async () => {
  await using served = await serve(async () => {
    throw new UnknownScopeError('nothing at all');
  });
  for (let times = 0; times < 2; times++) {
    expect(await exchange(served.port, GET)).toMatch(/^HTTP\/1\.1 500 /);
    const { response, socket } = await ask(served.origin, headOf(fieldsWith({})));
    expect(response.status).toBe(500);
    socket.destroy();
  }
  expect(served.errors).toHaveLength(2);
});

test('other errors are reported each time', async () => {
  await using served = await serveHttpApp(async () => {
    throw new Error('broken');
  });
  for (let times = 0; times < 3; times++) await exchange(served.port, GET);
  expect(served.errors).toHaveLength(3);
});

test('to stderr it is one line, without a stack', async () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const app: AsyncApp = byScope({ websocket: async () => undefined });
  await using server = await serveAsync(app);
  const port = Number(new URL(server.origin).port);
  for (let times = 0; times < 3; times++) await exchange(port, GET);
  expect(write.mock.calls.map(([text]) => text)).toEqual([
    "error in http /favicon.ico: this application has nothing for the scope 'http' (said once)\n",
  ]);
});

test('on a server of part one, too', async () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  await using server = await serveHttp(toHandler(toGateway(byScope({}))));
  const port = Number(new URL(server.origin).port);
  for (let times = 0; times < 3; times++) expect(await exchange(port, GET)).toMatch(/^HTTP\/1\.1 500 /);
  expect(write.mock.calls.map(([text]) => text).join('')).toBe(
    "error in GET /favicon.ico: this application has nothing for the scope 'http' (said once)\n",
  );
});
