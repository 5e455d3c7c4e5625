/** The access log has the status that the client got, however an application fails. */

import { describe, expect, test } from 'vitest';

import { HttpError } from '../../../solutions/02-http/index.ts';
import { accessLog, callMounted, compose, errors, jsonBody, requestId } from '../../../solutions/05-gateway/index.ts';
import type { GatewayApp } from '../../../solutions/05-gateway/index.ts';
import { exchange, request, scgiRequest, serve, serveByScgi, serveOnNode, statusOf } from './support.ts';

const gone = new HttpError(410);

/** The ways in which an application fails, with the status that the client gets. */
const ways: Record<string, [status: string, app: GatewayApp]> = {
  'throws an HttpError': ['410', () => {
    throw gone;
  }],
  'throws any other error': ['500', () => {
    throw new Error('mine');
  }],
  'throws something that has a status but is not an HttpError': ['500', () => {
    throw Object.assign(new Error('mine'), { status: 404 });
  }],
  'throws after startResponse': ['410', (_environ, startResponse) => {
    startResponse('200 OK', []);
    throw gone;
  }],
  'throws in its body': ['410', async function* () {
    await Promise.resolve();
    throw gone;
  }],
  'throws in a synchronous body': ['410', function* () {
    throw gone;
  }],
  'throws in its body after startResponse': ['410', function* (_environ, startResponse) {
    startResponse('200 OK', []);
    yield Buffer.alloc(0);
    throw gone;
  }],
  'throws any other error in its body': ['500', async function* (_environ, startResponse) {
    startResponse('200 OK', []);
    throw new Error('mine');
  }],
  'throws after its head has been sent': ['201', function* (_environ, startResponse) {
    startResponse('201 Created', []);
    yield Buffer.from('a');
    throw gone;
  }],
  'forgets startResponse': ['500', () => []],
  'gives no body that could be read as JSON': ['415', jsonBody()((_environ, startResponse) => {
    startResponse('200 OK', []);
    return [];
  })],
  'answers an error itself': ['410', errors()(async function* () {
    throw gone;
  })],
};

describe.each(Object.entries({ serve, serveOnNode }))('%s', (_name, on) => {
  test.each(Object.entries(ways))('an application that %s', async (_way, [status, app]) => {
    const lines: string[] = [];
    await using served = await on(accessLog({ write: (line) => void lines.push(line) })(app));
    const answer = await exchange(served.port, request('POST', '/x', ['Content-Length: 2', 'Content-Type: text/plain'], '{}'));
    expect([statusOf(answer), lines.map((line) => /" (\d+) /.exec(line)?.[1])]).toEqual([status, [status]]);
  });

  test('a body that breaks off is logged as the client\'s 400, or as a client that left', async () => {
    const lines: string[] = [];
    await using served = await on(accessLog({ write: (line) => void lines.push(line) })(jsonBody()(() => [])));
    const text = request('POST', '/x', ['Content-Length: 9', 'Content-Type: application/json'], '{}');
    await exchange(served.port, text, true);
    expect(lines.join()).toMatch(/" (400|499) /);
    expect(served.reported).toEqual([]);
  });
});

test('over SCGI', async () => {
  const lines: string[] = [];
  await using served = await serveByScgi(accessLog({ write: (line) => void lines.push(line) })(async function* () {
    throw gone;
  }));
  const answer = await exchange(served.port, scgiRequest([['REQUEST_METHOD', 'GET'], ['REQUEST_URI', '/x']]));
  expect([statusOf(answer), lines.join()]).toEqual(['410', expect.stringMatching(/" 410 /)]);
});

describe('below a mount', () => {
  const mounted = (app: GatewayApp): GatewayApp => (environ, startResponse) => callMounted(app, '/m%C3%BC'.length, environ, startResponse);
  const fails: GatewayApp = async function* () {
    throw new Error('mine');
  };

  test('the error log has the whole path, as it was sent', async () => {
    await using served = await serve(mounted(errors()(fails)));
    await exchange(served.port, request('GET', '/m%C3%BC/a%2Fb'));
    expect(served.written.join()).toMatch(/^error in GET \/m%C3%BC\/a%2Fb: Error: mine/);
  });

  test('the access log has it too', async () => {
    const lines: string[] = [];
    await using served = await serve(mounted(accessLog({ write: (line) => void lines.push(line) })(fails)));
    await exchange(served.port, request('GET', '/m%C3%BC/a%2Fb'));
    expect(lines.join()).toContain('"GET /m%C3%BC/a%2Fb HTTP/1.1" 500 ');
  });
});

test('a response has one X-Request-Id: the one that the logs have', async () => {
  const app: GatewayApp = (_environ, startResponse) => {
    startResponse('200 OK', [['x-request-id', 'of-the-application']]);
    return [];
  };
  await using served = await serve(compose(requestId())(app));
  const answer = await exchange(served.port, request('GET', '/', ['X-Request-Id: of-the-proxy']));
  expect(answer.match(/x-request-id: .*/gi)).toEqual(['X-Request-Id: of-the-proxy']);
});
