import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { exercise } from '#support/exercise.ts';
import type { World } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type { Fields, RequestOptions } from '#support/http-client.ts';
import { eventually, expectBody, expectStatus, once, over, showResponse } from '#support/http-exchange.ts';
import { fieldValue, fieldValues } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Address } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import type { FrameworkName } from './frameworks.ts';
import { expectCut, expectNoSecret, show, target } from './wire.ts';

type A = World<typeof driver>;

/** A JSON body, whatever its white space. */
function expectJson(response: HttpTestResponse, status: number, value: unknown, sent: string): void {
  expectStatus(response, status, sent);
  let found: unknown;
  try {
    found = JSON.parse(response.body.toString('utf8'));
  } catch {
    found = response.body.toString('utf8');
  }
  check(JSON.stringify(found) === JSON.stringify(value), { sent, received: show(found), expected: show(value) });
}

function json(value: unknown): RequestOptions {
  return { fields: [['Content-Type', 'application/json']], body: JSON.stringify(value) };
}

const OCTETS: Fields = [['Content-Type', 'application/octet-stream']];

/** A small API: JSON both ways, a parameter in the path, HEAD, an error. */
async function expectApi(world: A, server: Address): Promise<void> {
  const { random } = world;
  const http = await world.http(server);
  for (let round = 0; round < 2; round++) {
    const [name, got] = [random.word(), { words: random.words(3), number: random.integer(1, 999) }];
    http.send('GET', `/json?name=${name}`).send('POST', '/json', json(got)).send('GET', '/items/a%20%C3%A4').send('HEAD', `/json?name=${name}`);
    expectJson(await http.response(), 200, { name }, `GET /json?name=${name}`);
    expectJson(await http.response(), 201, { got }, 'POST /json');
    expectBody(await http.response(), 'a ä', 'GET /items/a%20%C3%A4');
    expectStatus(await http.response(), 200, 'HEAD /json');
  }
  expectStatus(await once(world, server, 'GET', '/no-such-path'), 404, 'GET /no-such-path');
  const failing = await world.http(server);
  failing.send('GET', '/error', { fields: [['Connection', 'close']] });
  const [response] = await failing.responsesToEnd();
  expectStatus(response!, 500, 'GET /error');
  expectNoSecret(failing.tcp);
}

/** Uploads a file, with a length and in chunks; a download begins before it has ended. */
async function expectStreams(world: A, server: Address): Promise<void> {
  const file = world.random.bytes(world.random.integer(300_000, 400_000));
  const wanted = { bytes: file.length, hash: createHash('sha256').update(file).digest('hex') };
  expectJson(await once(world, server, 'POST', '/upload', { fields: OCTETS, body: file }), 200, wanted, `POST /upload with ${file.length} bytes`);
  const chunks = world.random.pieces(file, 60_000);
  expectJson(await once(world, server, 'POST', '/upload', { fields: OCTETS, chunks }), 200, wanted, `POST /upload with ${file.length} bytes in chunks`);
  const http = await world.http(server);
  http.send('GET', '/stream');
  await http.tcp.until(() => http.tcp.received.includes('one,'), { expected: 'the first part, while the application waits before the second' });
  await world.call('openGate', 'more');
  expectBody(await http.response(), 'one,two', 'GET /stream');
}

/** The client leaves in the middle of an endless body. */
async function expectGivesUp(world: A, server: Address, path: string, expected: string): Promise<void> {
  const http = await world.http(server);
  http.send('GET', path);
  await http.tcp.until(() => http.tcp.receivedBytes > 20_000, { expected: 'parts of a body' });
  http.tcp.resetNow();
  await eventually(world, async () => (await world.call('events')).includes(expected), { sent: `GET ${path}, then a reset`, received: `no ${expected}`, expected });
}

exercise<typeof driver>('5.6', import.meta.url, (rule) => {
  rule(
    'hono-api',
    'runs a real Hono app: JSON, parameters, HEAD, errors',
    {
      rule: 'a fetch handler is an application: a Request in, a Response out (fromFetch)',
      likely: 'the URL has no host or no query, or a GET is given a body, which fetch does not allow',
    },
    async (world) => await expectApi(world, await world.call('serveFramework', 'hono')),
  );

  rule(
    'hono-request',
    'gives Hono the whole request: the URL, the method, the fields',
    {
      rule: 'the Request has the whole URL, as it was sent, even below a mount, and every header field',
      likely: 'PATH_INFO is decoded; `urlOf` has the path as it was sent',
    },
    async (world) => {
      const word = world.random.word();
      const server = await world.call('serveFramework', 'hono');
      const response = await once(world, server, 'GET', `/where?a=%20&b=${word}`, { host: `${word}.example:81`, fields: [['X-Word', word], ['X-Word', 'b']] });
      const told = JSON.parse(response.body.toString()) as { url: string; method: string; fields: Record<string, string> };
      const received = `${told.method} ${told.url}, X-Word: ${show(told.fields['x-word'])}`;
      check(told.url === `http://${word}.example:81/where?a=%20&b=${word}` && told.method === 'GET' && told.fields['x-word'] === `${word}, b`, {
        sent: `GET /where?a=%20&b=${word} to ${word}.example:81, X-Word twice`, received, expected: 'the URL, the method and the fields as they were sent',
      });
    },
  );

  rule(
    'hono-response',
    'sends Hono\'s Response: status, reason and fields, but none about the connection',
    {
      rule: 'a Response\'s status, its text or the usual one, and its fields, each name as often as it is there, are sent; fields about the connection are not (G43)',
      likely: 'the fields become a record, which has only one Set-Cookie, or Connection is passed on, or a Response without a text is OK whatever its status',
    },
    async (world) => {
      const server = await world.call('serveFramework', 'hono');
      const cookies = await once(world, server, 'GET', '/cookies');
      expectStatus(cookies, 200, 'GET /cookies');
      check(fieldValues(cookies, 'set-cookie').join() === 'a=1,b=2' && fieldValue(cookies, 'x-own') === 'yes', { sent: 'GET /cookies', received: `Set-Cookie: ${show(fieldValues(cookies, 'set-cookie'))}`, expected: 'Set-Cookie twice, and X-Own' });
      const tea = await once(world, server, 'GET', '/teapot');
      check(tea.status === 418 && tea.reason === 'Short And Stout', { sent: 'GET /teapot', received: `${tea.status} ${tea.reason}`, expected: '418 Short And Stout' });
      const gone = await once(world, server, 'GET', '/gone');
      check(gone.status === 410 && gone.reason !== 'OK', { sent: 'GET /gone, whose Response has the status 410 and an empty statusText', received: `${gone.status} ${gone.reason}`, expected: '410 and its usual text, Gone, or another that does not say OK' });
      const odd = await once(world, server, 'GET', '/odd');
      check(odd.status === 299 && odd.reason !== '' && odd.reason !== 'OK', { sent: 'GET /odd, whose Response has the status 299, which has no usual text', received: `${odd.status} ${odd.reason}`, expected: '299 and any text that is not empty (G40) and does not say OK' });
      const http = await world.http(server);
      http.send('GET', '/empty').send('GET', '/json?name=next');
      expectStatus(await http.response(), 204, 'GET /empty');
      expectJson(await http.response(), 200, { name: 'next' }, 'GET /json after a 204');
    },
  );

  rule(
    'hono-streams',
    'streams to and from Hono',
    {
      rule: 'a body is passed on part by part, in both directions at the same time (`duplex: half` is how fetch says so)',
      likely: 'the body is collected, or `init.body` is set without `duplex`',
    },
    async (world) => {
      const server = await world.call('serveFramework', 'hono');
      await expectStreams(world, server);
      const body = world.random.words(20);
      for (const options of [{ body }, { chunks: world.random.pieces(Buffer.from(body), 9) }]) expectBody(await once(world, server, 'POST', '/echo', options), body, 'POST /echo');
      const http = await world.http(server);
      http.sendBytes('POST /answers-first HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n', ['POST']);
      await http.tcp.until(() => http.tcp.received.includes('answered'), { expected: 'an answer before the body has come', likely: 'the body is read before the handler is called' });
    },
  );

  rule(
    'hono-reads-when-it-asks',
    'reads no further in a body before Hono asks for it, nor after Hono has had enough',
    {
      rule: 'parts are read when the stream is asked for them, and none before: a client that waits for 100 Continue must not be told to go on when nothing reads (G72); cancelling the stream gives up the iteration of the input (G33)',
      likely: 'the stream keeps one part ready, as streams do unless their `highWaterMark` is 0, or its `cancel()` does nothing',
    },
    async (world) => {
      const server = await world.call('serveFramework', 'hono');
      const body = world.random.words(6);
      const http = await world.http(server);
      http.send('POST', '/reads-later', { body });
      const sent = 'POST /reads-later, whose handler has not asked for the body yet';
      await eventually(world, async () => (await world.call('events')).includes('waiting'), { sent, received: 'the handler was not called', expected: 'it is' });
      await world.settle();
      const asked = await world.call('count', 'input asked');
      check(asked === 0, { sent, received: `gateway.input was read ${asked === 1 ? 'once' : `${asked} times`}`, expected: 'not at all' });
      await world.call('openGate', 'read');
      expectBody(await http.response(), body, 'POST /reads-later, whose handler asks now');
      const stops = await world.http(server);
      stops.sendBytes('POST /stops-reading HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\nsome of it', ['POST']);
      expectBody(await stops.response(), 'enough', 'POST /stops-reading');
      await eventually(world, async () => (await world.call('count', 'input given up')) === 1, {
        sent: 'POST /stops-reading, whose handler cancels the stream after its first part',
        received: 'the iteration of gateway.input goes on',
        expected: 'its `return()` is called, once',
      });
    },
  );

  rule(
    'fetch-methods',
    'refuses the methods for which fetch makes no Request',
    {
      rule: 'Fetch forbids CONNECT, TRACE and TRACK (§2.2.1): no handler can be called, and that is not an error of ours (RFC 9110 §15.6.2)',
      likely: '`new Request` throws, and that is a 500',
    },
    async (world) => {
      const server = await world.call('serveFramework', 'hono');
      for (const method of ['TRACE', 'TRACK']) {
        const http = await world.http(server);
        http.send(method, '/json?name=a').send('GET', '/json?name=next');
        expectStatus(await http.response(), [400, 405, 501], `${method} /json`);
        expectJson(await http.response(), 200, { name: 'next' }, `GET /json after ${method}`);
      }
      const errors = await world.call('errors');
      check(errors.length === 0, { sent: 'TRACE and TRACK', received: `the report of an error: ${show(errors)}`, expected: 'no error of ours' });
    },
  );

  rule(
    'hono-is-told-of-the-end',
    'tells Hono when the client has gone, and gives up the body that Hono sends',
    {
      rule: 'gateway.signal is the Request\'s signal (G24), and an iteration that is given up cancels the stream (G53)',
      likely: 'the Request is made without a signal, or the stream is read by a reader that is never cancelled',
    },
    async (world) => {
      const server = await world.call('serveFramework', 'hono');
      await expectGivesUp(world, server, '/endless', 'given up');
      for (const path of ['/waits', '/waits-by-itself']) {
        const before = (await world.call('events')).length;
        const seen = async (event: string): Promise<boolean> => (await world.call('events')).slice(before).includes(event);
        const http = await world.http(server);
        http.send('GET', path);
        await eventually(world, () => seen('waiting'), { sent: `GET ${path}`, received: 'the handler was not called', expected: 'it is' });
        await world.call('collectGarbage');
        http.tcp.resetNow();
        await eventually(world, () => seen('aborted'), {
          sent: `GET ${path}, then a reset`,
          received: 'the signal of the Request did not abort',
          expected: 'it aborts, even if only your code holds the Request',
        });
      }
    },
  );

  rule(
    'fetch-handler-throws',
    'answers 500 if a fetch handler rejects',
    {
      rule: 'what the handler rejects with is the application\'s error (G60), and the client sees nothing of it',
      likely: 'the adapter answers it itself',
    },
    async (world) => {
      const server = await world.call('serveFramework', 'hono');
      const http = await world.http(server);
      http.send('GET', '/throws', { fields: [['Connection', 'close']] });
      const [response] = await http.responsesToEnd();
      expectStatus(response!, 500, 'GET /throws');
      expectNoSecret(http.tcp);
      check((await world.call('errors')).length === 1, { sent: 'GET /throws', received: `${(await world.call('errors')).length} reports`, expected: 'one' });
    },
  );

  for (const name of ['express', 'koa', 'fastify'] satisfies FrameworkName[]) {
    const title = name === 'express' ? 'Express' : name === 'koa' ? 'Koa' : 'Fastify';
    rule(
      `${name}-runs`,
      `runs a real ${title} app: JSON, parameters, errors, uploads, streams`,
      {
        rule: 'a node:http handler is an application (fromNodeHandler): JSON both ways, bodies part by part',
        likely: 'the body of the request breaks off, or a part is lost between two that came together',
      },
      async (world) => {
        const server = await world.call('serveFramework', name);
        await expectApi(world, server);
        await expectStreams(world, server);
      },
    );
  }

  rule(
    'express-in-depth',
    'serves Express\'s static files, its mounts and its aborts',
    {
      rule: 'an Express app does here what it does on node:http: ranges and validators of its static files, baseUrl below a mount, `close` when the client has gone',
      likely: 'a response that is given up is not closed',
    },
    async (world) => {
      const server = await world.call('serveFramework', 'express', { mountedAt: '/below' });
      const file = readFileSync(new URL('wire.ts', import.meta.url));
      const whole = await once(world, server, 'GET', '/static/wire.ts');
      expectBody(whole, file, 'GET /static/wire.ts');
      const [from, to] = [world.random.integer(0, 99), world.random.integer(100, 300)];
      const part = await once(world, server, 'GET', '/static/wire.ts', { fields: [['Range', `bytes=${from}-${to}`]] });
      expectStatus(part, 206, `Range: bytes=${from}-${to}`);
      expectBody(part, file.subarray(from, to + 1), `Range: bytes=${from}-${to}`);
      const etag = fieldValue(whole, 'etag') ?? '';
      expectStatus(await once(world, server, 'GET', '/static/wire.ts', { fields: [['If-None-Match', etag]] }), 304, `If-None-Match: ${etag}`);
      const where = await once(world, server, 'GET', '/where', { host: 'a.example:81' });
      expectJson(where, 200, { base: '/below', path: '/where', host: 'a.example:81' }, 'GET /where below /below');
      await expectGivesUp(world, server, '/endless', 'closed');
      await eventually(world, async () => (await world.call('events')).includes('aborted'), { sent: 'GET /endless, and then a reset', received: 'the request was not aborted', expected: 'it is' });
    },
  );

  rule(
    'on-node-http',
    'runs our own applications on node:http',
    {
      rule: 'an application does not know its server: on node:http it answers as it does on our own (toNodeHandler)',
      likely: 'the head is not sent through `sendResponse`, or the body is not ended',
    },
    async (world) => {
      const server = await world.call('serveOnNode');
      const parts = [world.random.word(), world.random.word()];
      const http = await world.http(server);
      const paths = [...['list', 'sync', 'async'].map((kind) => target('/parts', { kind }, parts)), target('/generator', {}, parts), target('/async-generator', { length: parts.join('').length }, parts)];
      for (const path of paths) {
        http.send('GET', path);
        expectBody(await http.response(), parts.join(''), `GET ${path}`);
        http.send('HEAD', path).send('GET', target('/hello', { text: 'next' }));
        const head = await http.response();
        check(head.body.length === 0, { sent: `HEAD ${path}`, received: showResponse(head), expected: 'no body' });
        const next = await http.response();
        expectBody(next, 'next', `GET /hello after HEAD ${path}`);
        check(fieldValue(next, 'content-length') === '4' && fieldValues(next, 'set-cookie').length === 2, { sent: 'GET /hello', received: showResponse(next), expected: 'a Content-Length, and Set-Cookie twice' });
      }
      http.send('POST', '/reads-mixed', { body: 'line\nsome more' }).send('POST', '/echo', { chunks: parts });
      expectBody(await http.response(), 'line\n|some |more', 'POST /reads-mixed');
      expectBody(await http.response(), parts.join(''), 'POST /echo');
    },
  );

  rule(
    'node-environ',
    'makes the same environ on node:http',
    {
      rule: 'PATH_INFO decoded, fields joined, Host, the two ends of the connection: rules G10 to G21 on another server; a path that cannot be decoded is answered with 400 (G14)',
      likely: 'what `environOfNode` throws is not passed to `sendRefusal`',
    },
    async (world) => {
      const server = await world.call('serveOnNode', { serverName: 'node.example', serverPort: 80 });
      const word = world.random.word();
      const response = await once(world, server, 'GET', `/environ?${word}=%20`, { host: `${word}.example`, fields: [['X-Tag', 'a'], ['X-Tag', word], ['X_Tag', 'c'], ['Cookie', 'a=1'], ['Cookie', 'b=2']] });
      const environ = JSON.parse(response.body.toString()) as Record<string, string>;
      for (const [key, value] of Object.entries({ QUERY_STRING: `${word}=%20`, HTTP_HOST: `${word}.example`, HTTP_X_TAG: `a, ${word}`, HTTP_COOKIE: 'a=1; b=2', SERVER_NAME: 'node.example', SERVER_PORT: '80', REMOTE_ADDR: '127.0.0.1' })) {
        check(environ[key] === value, { sent: 'GET /environ on node:http', received: `${key}: ${show(environ[key])}`, expected: `${key}: ${show(value)}` });
      }
      for (const path of ['/%zz', '/a%00b']) expectStatus(await once(world, server, 'GET', path), 400, `GET ${path}`);
    },
  );

  rule(
    'node-server-field',
    'names the server on node:http, unless the application does',
    {
      rule: 'Server, if it is sent, is what the server was told to call itself; if the application has given one, that is the only one (G71)',
      likely: "the application\'s fields are sent without `withServer`",
    },
    async (world) => {
      const serverSoftware = `${world.random.word()}/${world.random.integer(1, 9)}`;
      const server = await world.call('serveOnNode', { serverSoftware });
      for (const [path, expected] of [['/hello', serverSoftware], [target('/parts', { kind: 'async' }, ['a', 'b']), serverSoftware], ['/own-fields', 'of-its-own']] as const) {
        const found = fieldValues(await once(world, server, 'GET', path), 'server');
        const mayBeAbsent = expected === serverSoftware;
        check(found.join() === expected || (mayBeAbsent && found.length === 0), { sent: `GET ${path}, on a server with serverSoftware: ${show(serverSoftware)}`, received: `Server: ${show(found)}`, expected: `Server: ${show([expected])}${mayBeAbsent ? ', or none' : ''}` });
      }
    },
  );

  rule(
    'node-errors',
    'handles errors on node:http as on our own server',
    {
      rule: 'an error before the head has been sent is answered with 500 and reveals nothing (G60); after the head, the connection is closed (G61)',
      likely: 'the promise of `sendResponse` is not awaited, or `sendRefusal` is not called',
    },
    async (world) => {
      const server = await world.call('serveOnNode', { heldBytesMax: 2000 });
      for (const path of ['/throws', '/starts-and-throws', target('/body-throws', { kind: 'async' }), '/promise', '/string', target('/never-starts', { kind: 'sync' }, ['a'])]) {
        const http = await world.http(server);
        http.send('GET', path, { fields: [['Connection', 'close']] });
        const [response] = await http.responsesToEnd();
        expectStatus(response!, 500, `GET ${path}`);
        expectNoSecret(http.tcp);
      }
      expectStatus(await once(world, server, 'POST', '/reads-all', { body: 'x'.repeat(2001) }), 413, 'POST /reads-all with more than one call may hold');
      for (const path of [target('/body-throws', { kind: 'sync' }, ['first']), target('/body-throws', { kind: 'async', length: 50 }, ['first'])]) {
        const http = await world.http(server);
        http.send('GET', path);
        await expectCut(http, 'first', 'an error in the body ends the connection');
        expectNoSecret(http.tcp);
      }
    },
  );

  rule(
    'node-lengths',
    'cuts a body that is too long, and closes after one that is too short, on node:http too',
    {
      rule: 'no more bytes are sent than Content-Length says (G55); after fewer the connection is closed (G56); both are reported',
      likely: 'node:http writes whatever it is given: `sendResponse` counts, and its reports go to `settings.onError`',
    },
    async (world) => {
      const server = await world.call('serveOnNode');
      const word = world.random.word(6, 9);
      let breaches = 0;
      const expectReport = async (sent: string): Promise<void> => {
        breaches++;
        const told = (await world.call('errors')).length;
        check(told === breaches, { sent, received: `${told} reports after ${breaches} breaches`, expected: 'one report for each (G64)' });
      };
      for (const kind of ['list', 'sync', 'async']) {
        const path = target('/parts', { kind, length: 4 }, [word.slice(0, 3), word.slice(3)]);
        const http = await world.http(server);
        http.send('GET', path).send('GET', target('/hello', { text: 'next' }));
        expectBody(await http.response(), word.slice(0, 4), `GET ${path}`);
        await http.tcp.until(() => http.tcp.ended || http.tcp.closed || http.tcp.received.includes('next'), { expected: 'the next response, or the end of the connection' });
        http.completeResponses();
        check(http.leftOver.length === 0, { sent: `GET ${path}`, received: `${show(http.leftOver.toString('latin1'))} after the body`, expected: 'nothing' });
        await expectReport(`GET ${path}, which is longer than its Content-Length`);
        const short = await world.http(server);
        const shortPath = target('/parts', { kind, length: 50 }, [word, word]);
        short.send('GET', shortPath).send('GET', target('/hello', { text: 'next' }));
        await over(short.tcp, 'the connection is closed after a body that is too short');
        check(!short.tcp.received.includes('next'), { sent: `GET ${shortPath}`, received: 'the next response in the middle of this body', expected: 'the connection is closed' });
        await expectReport(`GET ${shortPath}, which is shorter than its Content-Length`);
      }
    },
  );

  rule(
    'node-one-part-after-another',
    'asks for a part when Node has given the previous one to the kernel',
    {
      rule: 'no part is asked for before the previous one has gone to the kernel (G51)',
      likely: '`response.write` is called without waiting for its callback',
    },
    async (world) => {
      const server = await world.call('serveOnNode');
      const http = await world.http(server, { paused: true });
      http.send('GET', '/same-memory');
      await eventually(world, async () => (await world.call('count', 'asked')) > 0, { sent: 'GET /same-memory', received: 'no part was asked for', expected: 'the first one is' });
      http.tcp.resume();
      const { body } = await http.response();
      const wrong = body.findIndex((byte, offset) => byte !== Math.floor(offset / 65_536));
      check(body.length === 96 * 65_536 && wrong === -1, {
        sent: 'a body of 96 parts, all in the same memory', received: wrong === -1 ? `${body.length} bytes` : `part ${Math.floor(wrong / 65_536)} has bytes of part ${String(body[wrong])}`, expected: 'every part as it was when the application gave it',
      });
    },
  );

  rule(
    'node-client-has-gone',
    'aborts and closes when Node\'s client has gone, and does not abort when all went well',
    {
      rule: 'gateway.signal aborts when the client has gone before the response was complete, and not otherwise (G24); the body is closed once (G53)',
      likely: 'a response emits `close` in both cases: `writableFinished` tells them apart',
    },
    async (world) => {
      const server = await world.call('serveOnNode');
      const well = await world.http(server);
      well.send('GET', target('/parts', { kind: 'async' }, ['a', 'b']));
      expectBody(await well.response(), 'ab', 'GET /parts');
      await eventually(world, async () => (await world.call('count', 'close')) === 1, { sent: 'GET /parts', received: 'the body was not closed', expected: 'close() is called once' });
      for (const [path, begun] of [['/waits', 'waiting'], ['/deaf', 'waiting'], ['/endless', 'next']] as const) {
        const before = (await world.call('events')).length;
        const http = await world.http(server);
        http.send('GET', path);
        await eventually(world, async () => (await world.call('events')).slice(before).includes(begun), { sent: `GET ${path}`, received: 'the body was not asked for a part', expected: 'it is' });
        http.tcp.resetNow();
        const seen = async (event: string): Promise<number> => (await world.call('events')).slice(before).filter((found) => found === event).length;
        await eventually(world, async () => (await seen('close')) > 0, { sent: `GET ${path}, then a reset`, received: 'the body was not closed', expected: 'close() is called' });
        await world.settle();
        check((await seen('close')) === 1, { sent: `GET ${path}, then a reset`, received: 'close() was called several times', expected: 'once' });
        if (path === '/waits') check((await seen('abort')) === 1, { sent: `GET ${path}, then a reset`, received: 'gateway.signal did not abort', expected: 'it aborts' });
      }
    },
  );

  rule(
    'node-response-fails',
    'handles an error event of Node\'s response',
    {
      rule: 'an `error` event of the response means that the client has gone (G24); an `error` event without a listener ends the process',
      likely: 'only `close` is listened to',
    },
    async (world) => {
      const sent = 'GET /waits, and an `error` event of its ServerResponse';
      const outcome = await world.call('failNodeResponse');
      check(outcome === 'heard', { sent, received: 'nothing listens: the process would end', expected: 'a listener' });
      await eventually(world, async () => (await world.call('count', 'abort')) === 1, { sent, received: 'gateway.signal did not abort', expected: 'it aborts' });
    },
  );

  rule(
    'node-signal-stays-quiet',
    'does not abort when all went well',
    {
      rule: 'gateway.signal does not abort when the response is complete (G24)',
      likely: 'every `close` event is mistaken for a client that has gone',
    },
    async (world) => {
      const server = await world.call('serveOnNode');
      const http = await world.http(server);
      for (const path of ['/watches-signal', target('/watches-signal', { kind: 'async' })]) {
        http.send('GET', path);
        expectBody(await http.response(), 'watched', `GET ${path}`);
      }
      http.tcp.end();
      await over(http.tcp);
      await world.settle();
      check((await world.call('count', 'abort')) === 0, { sent: 'two requests, both answered', received: 'gateway.signal aborted', expected: 'it does not' });
    },
  );

  rule(
    'supertest',
    'lets supertest test our applications',
    {
      rule: 'supertest takes what http.createServer takes',
      likely: 'the handler returns too early, or does not end the response',
    },
    async (world) => {
      const [text, body] = [world.random.words(2), world.random.words(5)];
      const answers = await world.call('supertest', [
        { method: 'get', path: target('/hello', { text, status: '201 Created' }) },
        { method: 'post', path: '/echo', body, fields: { 'Content-Type': 'text/plain' } },
        { method: 'head', path: target('/hello', { text }) },
        { method: 'get', path: '/no-such' },
        { method: 'get', path: '/throws' },
      ]);
      const seen = answers.map(({ status, text: answered }) => `${status} ${answered}`.trim());
      const wanted = [`201 ${text}`, `200 ${body}`, '200', '404 no such application'];
      check(wanted.every((line, index) => seen[index] === line) && answers[4]?.status === 500, { sent: 'GET, POST, HEAD, a path that does not exist and an application that throws', received: show(seen), expected: show([...wanted, '500']) });
    },
  );

  rule(
    'fetch-requests',
    'makes a Request of whatever a client may send',
    {
      rule: 'Fetch gives GET and HEAD no body, and takes every method but CONNECT, TRACE and TRACK; the URL is built as in PEP 3333: from Host, or else from the server\'s own name and port',
      likely: 'a GET with a body makes `new Request` throw, and the answer is 500',
    },
    async (world) => {
      const server = await world.call('serveFetch');
      const host = `${world.random.word()}.example`;
      const told = async (method: string, path: string, options: RequestOptions = {}): Promise<{ url: string; method: string; text: string }> => {
        const response = await once(world, server, method, path, { host, ...options });
        expectStatus(response, 200, `${method} ${path}`);
        return JSON.parse(response.body.toString()) as { url: string; method: string; text: string };
      };
      const expectUrl = (url: string, expected: string, sent: string): void => check(url === expected, { sent, received: url, expected });
      expectUrl((await told('GET', '/a', { body: 'not for Fetch' })).url, `http://${host}/a`, 'GET /a with a body');
      expectStatus(await once(world, server, 'HEAD', '/a', { host, body: 'not for Fetch' }), 200, 'HEAD /a with a body');
      for (const method of ['TRACER', 'UNTRACE']) {
        const { method: got, text } = await told(method, '/a?b=c', { body: 'given' });
        check(got === method && text === 'given', { sent: `${method} /a?b=c with the body given`, received: `${got} with ${show(text)}`, expected: `${method} with "given"` });
      }
      expectUrl(new URL((await told('OPTIONS', '*')).url).host, host, `OPTIONS *, Host: ${host}; the host of the URL`);
      for (const head of ['GET /a/b?x HTTP/1.0\r\n\r\n', 'GET /a/b?x HTTP/1.1\r\nHost:\r\n\r\n']) {
        const nameless = await world.http(server);
        nameless.sendBytes(head, ['GET']);
        const response = await nameless.response();
        expectStatus(response, 200, show(head));
        const { url } = JSON.parse(response.body.toString()) as { url: string };
        expectUrl(url, `http://127.0.0.1:${server.port}/a/b?x`, show(head));
      }
    },
  );

  rule(
    'below-express',
    'finds its place when Express mounts it below a path',
    {
      rule: 'when Express mounts an application, the path of the mount is SCRIPT_NAME, and the rest is PATH_INFO (G13, G15)',
      likely: '`baseUrl` is ignored',
    },
    async (world) => {
      const server = await world.call('serveBelowExpress', '/below/here');
      const word = world.random.word();
      const response = await once(world, server, 'GET', `/below/here/${word}%20x`);
      expectJson(response, 200, { scriptName: '/below/here', pathInfo: `/${word} x`, rawPathInfo: `/${word}%20x` }, `GET /below/here/${word}%20x, where an application is used at /below/here`);
    },
  );
});
