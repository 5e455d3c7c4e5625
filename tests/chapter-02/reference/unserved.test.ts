/** The reference alone: the status of a request that is understood and not served, and deadlines that never come. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

import { afterEach, expect, test, vi } from 'vitest';

import { HttpResponse, serveHttp, site } from '../../../solutions/02-http/index.ts';
import type { Handler, HttpServer } from '../../../solutions/02-http/index.ts';

let server: HttpServer | undefined;
let socket: Socket | undefined;

afterEach(async () => {
  socket?.destroy();
  await server?.close();
});

async function open(handler: Handler = () => HttpResponse.text('ok\n')): Promise<Socket> {
  server = await serveHttp(handler);
  socket = connect((server.address as AddressInfo).port, '127.0.0.1');
  return socket;
}

/** The statuses of all that comes back until the connection ends. */
async function statuses(request: string, handler?: Handler): Promise<number[]> {
  const client = await open(handler);
  let received = '';
  client.setEncoding('latin1').on('data', (text: string) => (received += text));
  client.write(request, 'latin1');
  await once(client, 'end');
  return [...received.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));
}

test.each([
  ['a method that is too long, with a short target', `${'A'.repeat(9000)} / HTTP/1.1\r\nHost: a\r\n\r\n`, 501],
  ['a method that is too long and has no end yet', 'A'.repeat(9000), 501],
  ['a target that is too long', `GET /${'a'.repeat(9000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
  ['a target that is too long and has no end yet', `GET /${'a'.repeat(9000)}`, 414],
])('%s', async (_, request, status) => {
  expect(await statuses(request)).toEqual([status]);
});

test.each([['BREW', 501], ['get', 501], ['DELETE', 405], ['POST', 405]])('%s to a page of the first site', async (method, status) => {
  expect(await statuses(`${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, site)).toEqual([status]);
});

test('what is asked for by https is not served in cleartext, and the connection goes on', async () => {
  const next = 'GET /time HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  expect(await statuses(`GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\nGET HTTP://a/ HTTP/1.1\r\nHost: a\r\n\r\n${next}`)).toEqual([421, 200, 200]);
});

test('two empty lines and the end are not answered', async () => {
  const client = await open();
  client.end('\r\n\r\n');
  client.resume();
  await once(client, 'end');
  expect(client.bytesRead).toBe(0);
});

test.each([Infinity, 2 ** 31])('a deadline of %s ms cuts nobody', async (deadlineMs) => {
  let answer = (): void => {};
  const asked = Promise.withResolvers<void>();
  const client = await open(async () => {
    asked.resolve();
    await new Promise<void>((resolve) => (answer = resolve));
    return HttpResponse.text('ok\n');
  });
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await asked.promise;
  // Like Node's own timers, these make one millisecond of what is too long for them.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const closed = server!.closeGracefully({ deadlineMs });
  vi.advanceTimersByTime(60_000);
  vi.useRealTimers();
  expect(client.destroyed).toBe(false);
  answer();
  const [bytes] = await once(client, 'data') as [Buffer];
  expect(bytes.toString()).toMatch(/^HTTP\/1\.1 200 /);
  await closed;
});
