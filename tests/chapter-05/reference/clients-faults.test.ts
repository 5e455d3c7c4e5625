/** A client's mistake is answered with 400 to 499, and is not reported as a fault of ours. */

import { describe, expect, test } from 'vitest';

import { cgi, fromFetch } from '../../../solutions/05-gateway/index.ts';
import { exchange, request, scgiRequest, serve, serveByScgi, serveOnNode, statusOf } from './support.ts';

describe.each(Object.entries({ serve, serveOnNode }))('a Host that no URL has, on %s', (_name, on) => {
  const hosts = ['localhost:99999', '256.256.256.256', '[v1.x]', 'a%2Fb', 'a/b', 'a?b', 'a\\b', 'u@b', 'a b', ''];

  test.each(hosts)('%s', async (host) => {
    await using served = await on(fromFetch((asked) => new Response(asked.url)));
    const answer = await exchange(served.port, request('GET', '/p', [`Host: ${host}`]));
    if (host === '') expect(answer).toMatch(/http:\/\/127\.0\.0\.1:\d+\/p/);
    else expect(statusOf(answer)).toBe('400');
    if (/^[\w.:[\]%]+$/.test(host)) expect(statusOf(await exchange(served.port, request('GET', `http://${host}/p`)))).toBe('400');
    expect(served.reported).toEqual([]);
  });
});

test('an asterisk is for OPTIONS', async () => {
  await using served = await serveOnNode(fromFetch(() => new Response('')));
  expect(statusOf(await exchange(served.port, request('GET', '*')))).toBe('400');
  expect(statusOf(await exchange(served.port, request('OPTIONS', '*')))).toBe('200');
});

test('a path in SCGI begins with a slash: otherwise it would continue the host in a URL', async () => {
  await using served = await serveByScgi(fromFetch((asked) => new Response(asked.url)));
  const ask = async (uri: string): Promise<string> => exchange(served.port, scgiRequest([['REQUEST_METHOD', 'GET'], ['REQUEST_URI', uri], ['HTTP_HOST', 'a']]));
  expect(await ask('/b?c')).toContain('http://a/b');
  expect(statusOf(await ask('.evil.example/b'))).toBe('400');
  expect(served.reported).toEqual([]);
});

describe('a body that breaks off before a CGI script', () => {
  const script = cgi('/bin/sh', { args: ['-c', 'cat > /dev/null; printf "Content-Type: text/plain\\n\\nmade of a half"'] });
  const deaf = cgi('/bin/sh', { args: ['-c', 'trap "" TERM; cat > /dev/null; printf "Content-Type: text/plain\\n\\nmade of a half"'] });

  test.each([['400', true], ['408', false]] as const)('is answered with %s, and the script gets no say', async (status, ends) => {
    for (const app of [script, deaf]) {
      await using served = await serve(app, { timeouts: { bodyMs: 300 } });
      const answer = await exchange(served.port, request('POST', '/', ['Content-Length: 9'], 'half'), ends);
      expect(statusOf(answer)).toBe(status);
      expect(answer).not.toContain('made from half a body');
      expect([served.reported, served.written]).toEqual([[], []]);
    }
  });
});

test('a body that breaks off on node:http has a status, as on every server (G35)', async () => {
  const seen: unknown[] = [];
  await using served = await serveOnNode(async function* (environ, startResponse) {
    try {
      await environ['gateway.input'].read();
    } catch (error) {
      seen.push((error as { status?: unknown }).status);
      throw error;
    }
    startResponse('200 OK', []);
  });
  await exchange(served.port, request('POST', '/', ['Content-Length: 9'], 'half'), true);
  expect(seen).toEqual([400]);
  expect(served.reported).toEqual([]);
});

test('a body that was begun and left does not stand in the way of the next request on node:http (G70)', async () => {
  await using served = await serveOnNode(async function* (environ, startResponse) {
    if (environ.REQUEST_METHOD === 'POST') for await (const part of environ['gateway.input']) if (part.length > 0) break;
    startResponse('200 OK', []);
    yield Buffer.from('ok');
  });
  const body = 'x'.repeat(400_000);
  const first = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const answer = await exchange(served.port, first + request('GET', '/'));
  expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
});
