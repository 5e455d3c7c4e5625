import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { requestBytes } from '#support/http-client.ts';
import { fieldValues, saysClose } from '#support/http-response.ts';
import type driver from './driver.ts';
import type { Answer, Pairs } from './driver.ts';
import { askAndCheck, closing, eventually, exchange, expectBody, expectClose, expectStatus, msUntilOneDigitEach, once, showResponse, targetsOf, told } from './wire.ts';

/** IMF-fixdate, RFC 9110 §5.6.7. */
const DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/;

exercise<typeof driver>('2.8', import.meta.url, (rule) => {
  rule(
    'answers',
    'answers a request with the status and the body of its handler',
    {
      rule: 'a response is a status line, fields, an empty line and a body (RFC 9112 §2.1, §4)',
      likely: 'a CRLF is missing, or the empty line between fields and body',
    },
    async (world) => {
      const body = world.random.words(5);
      const server = await world.call('serve', { routes: { '/': { body }, '/now': { body, synchronous: true } } });
      for (const target of ['/', '/now']) {
        const response = await once(world, server, 'GET', target);
        expectStatus(response, 200, `GET ${target}`);
        expectBody(response, body, `GET ${target}`);
      }
    },
  );

  rule(
    'sends-any-status',
    'sends every status, with a reason or without',
    {
      rule: 'a status is three digits; the reason phrase says nothing to a client (RFC 9112 §4)',
      likely: 'the reason is looked up and `undefined` is sent, or the status is always 200',
    },
    async (world) => {
      const answers: [string, Answer][] = [
        ...[200, 201, 301, 404, 418, 451, 500, 503, 299, 599].map((status): [string, Answer] => [`/${status}`, { status, body: 'x' }]),
        ['/reason', { status: 200, reason: 'All is well', body: 'x' }],
        ['/no-reason', { status: 200, reason: '', body: 'x' }],
      ];
      const server = await world.call('serve', { routes: Object.fromEntries(answers) });
      await Promise.all(
        answers.map(async ([target, answer]) => {
          const response = await once(world, server, 'GET', target);
          expectStatus(response, answer.status ?? 200, `GET ${target}, whose handler answers ${answer.status}`);
          expectBody(response, 'x', `GET ${target}`);
          check(!/undefined|null/.test(response.reason), { sent: `GET ${target}`, received: `the reason phrase ${JSON.stringify(response.reason)}`, expected: 'a phrase, or none' });
        }),
      );
    },
  );

  rule(
    'stays-open',
    'answers one request after another on the same connection',
    {
      rule: 'from HTTP/1.1 on a connection persists until one side says close (RFC 9112 §9.3)',
      likely: 'the socket is ended after the first response',
    },
    async (world) => {
      const http = await world.http(await world.call('serve', {}));
      for (let number = 1; number <= 5; number++) {
        const response = await askAndCheck(http, `/${world.random.word()}`);
        check(!saysClose(response), { sent: http.tcp.describeSent(), received: showResponse(response), expected: 'no Connection: close: the connection persists' });
      }
    },
  );

  rule(
    'answers-what-came-together',
    'answers requests that came in one packet, and those that came in crumbs, all of them and in their order',
    {
      rule: 'a server sends responses in the order of the requests (RFC 9112 §9.3.2); TCP knows nothing of requests',
      likely: 'bytes that arrive with a request, after its end, are dropped; or nothing looks at them until more come',
    },
    async (world) => {
      const { random } = world;
      const server = await world.call('serve', {});
      const targets = Array.from({ length: 30 }, (_, index) => `/${index}-${random.word()}`);
      const all = Buffer.concat(targets.map((target) => requestBytes('GET', target)));
      const ways: [way: string, pieces: Buffer[]][] = [
        ['30 in one packet', [all]],
        ['30, cut anywhere', random.pieces(all, 60)],
        ['30, byte by byte', Array.from(all, (byte) => Buffer.from([byte]))],
      ];
      for (const [label, pieces] of ways) {
        const http = await world.http(server, { label });
        http.announce(...targets.map(() => 'GET'));
        await http.tcp.writePieces(pieces);
        for (const [index, target] of targets.entries()) {
          const response = await http.response({ expected: `30 responses; number ${index + 1} did not come` });
          expectStatus(response, 200, http.tcp.describeSent());
          expectBody(response, `this is ${target}`, `${http.tcp.describeSent()}, in place ${index + 1}`);
        }
        await http.tcp.expectNoMoreThan(http.tcp.receivedBytes - http.leftOver.length);
      }
    },
  );

  rule(
    'closes-when-asked',
    'closes the connection when the client has asked for it, and says so',
    {
      rule: 'a server that receives `Connection: close` closes after the response, and should say `close` in it (RFC 9112 §9.6)',
      likely: 'the socket is never ended, so the client waits',
    },
    async (world) => {
      const server = await world.call('serve', {});
      const clients = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const { response, http } = await exchange(world, server, 'GET', `/${index}`, { version: index % 4 === 0 ? 'HTTP/1.0' : 'HTTP/1.1' });
          expectBody(response, `this is /${index}`, `GET /${index}`);
          return { response, http };
        }),
      );
      for (const { http } of clients) http.tcp.end();
      await eventually(world, async () => (await world.call('connections')) === 0, {
        sent: '20 requests with Connection: close; then the clients close too',
        received: 'the server still counts open connections',
        expected: 'none is left',
        likely: 'the socket is never ended, or never forgotten',
      });
      const left = await world.call('calls');
      check(left.length === 20, { sent: '20 requests on 20 connections', received: `the handler was called ${left.length} times`, expected: '20 times' });
    },
  );

  rule(
    'closes-when-told',
    'closes after a request with `Connection: close`, in upper or lower case and among other tokens',
    {
      rule: '`close` ends the connection after this response (RFC 9112 §9.6); Connection is a list of tokens, and their case does not matter (RFC 9110 §7.6.1)',
      likely: 'only a field that is exactly `close` counts, or any word that contains `close` does',
    },
    async (world) => {
      const server = await world.call('serve', {});
      for (const value of ['close', 'Close', 'CLOSE', 'keep-alive, close', 'foo ,\tclose , bar', ',close', 'close, keep-alive']) {
        const http = await world.http(server, { label: `Connection: ${value}` });
        http.send('GET', '/', { fields: [['Connection', value]] });
        await expectClose(http, await http.response(), `the client said ${value}`);
      }
      const twice = await world.http(server, { label: 'two lines of Connection' });
      twice.send('GET', '/', { fields: [['Connection', 'foo'], ['Connection', 'close']] });
      await expectClose(twice, await twice.response(), 'the client said close in the second line');
      for (const value of ['keep-alive', 'closed', 'foreclose', 'not-close', '']) {
        const http = await world.http(server, { label: `Connection: ${value}` });
        http.send('GET', '/', { fields: [['Connection', value]] });
        await http.response();
        await askAndCheck(http, '/second');
      }
    },
  );

  rule(
    'serves-nothing-after-close',
    'serves nothing that comes after a request with `Connection: close`',
    {
      rule: 'a server that received close processes no further request on the connection (RFC 9112 §9.6)',
      likely: 'the requests of a packet are all handled before Connection is checked',
    },
    async (world) => {
      const server = await world.call('serve', { routes: { '/says-close': { headers: [['Connection', 'close']], body: 'x' } } });
      for (const [label, first] of [['the client says close', requestBytes('GET', '/last', closing())], ['HTTP/1.0', requestBytes('GET', '/last', { version: 'HTTP/1.0' })], ['the handler says close', requestBytes('GET', '/says-close')]] as const) {
        const http = await world.http(server, { label });
        http.sendBytes(Buffer.concat([first, requestBytes('GET', '/after')]));
        await expectClose(http, await http.response(), label);
      }
      const served = await targetsOf(world);
      check(!served.includes('GET /after'), { sent: 'a request with close and GET /after in one packet', received: `the handler was called for ${served.join(', ')}`, expected: 'not for /after' });
    },
  );

  rule(
    'keeps-the-order',
    'keeps the order when a later request is ready before an earlier one',
    {
      rule: 'responses go out in the order of the requests, however long each takes (RFC 9112 §9.3.2)',
      likely: 'each handler writes to the socket when it is done',
    },
    async (world) => {
      const server = await world.call('serve', { routes: { '/slow': { gate: 'slow', body: 'slow' }, '/fast': { body: 'fast', synchronous: true } } });
      const http = await world.http(server);
      http.sendBytes(Buffer.concat([requestBytes('GET', '/slow'), requestBytes('GET', '/fast'), requestBytes('GET', '/slow'), requestBytes('GET', '/fast')]), ['GET', 'GET', 'GET', 'GET']);
      for (let turn = 0; turn < 5; turn++) await world.settle();
      await http.tcp.expectNoMoreThan(0, { expected: 'nothing before the first answer is ready' });
      await world.call('release', 'slow');
      for (const body of ['slow', 'fast', 'slow', 'fast']) expectBody(await http.response(), body, 'GET /slow, /fast, /slow, /fast in one packet');
    },
  );

  rule(
    'answers-the-half-closed',
    'answers a client that has closed its sending side',
    {
      rule: "a FIN after a request says that no other follows, not that nobody listens (`printf … | nc -N`); then the server's FIN follows",
      likely: "'end' destroys the socket, or the connection stays open after the answer",
    },
    async (world) => {
      const server = await world.call('serve', { routes: { '/slow': { gate: 'slow', body: 'slow' } } });
      const slow = await world.http(server, { label: 'half-closed before the answer' });
      slow.send('GET', '/slow').tcp.end();
      for (let turn = 0; turn < 5; turn++) await world.settle();
      await world.call('release', 'slow');
      expectBody(await slow.response(), 'slow', 'GET /slow, then FIN');
      await slow.tcp.readToEnd();
      const several = await world.http(server, { label: 'three requests, then FIN' });
      several.send('GET', '/a').send('GET', '/b').send('GET', '/c').tcp.end();
      for (const target of ['/a', '/b', '/c']) expectBody(await several.response(), `this is ${target}`, several.tcp.describeSent());
      await several.tcp.readToEnd();
      const silent = await world.connect(server, { label: 'FIN and nothing else' });
      silent.end();
      await silent.readToEnd();
      check(silent.receivedBytes === 0, { sent: 'FIN and nothing else', received: silent.describe(), expected: 'FIN and nothing else' });
    },
  );

  rule(
    'hands-the-request-over',
    'hands the request to the handler: method, target, path, query, fields',
    {
      rule: 'the target is handed over as it was sent, percent-encoding and all; field names are found in upper or lower case (RFC 9110 §5.1)',
      likely: 'the query is part of the path, or something was decoded or converted to lower case',
    },
    async (world) => {
      const { random } = world;
      const server = await world.call('serve', { otherwise: { tells: true } });
      const value = random.words(2);
      const cases = [
        { method: 'GET', target: `/${random.word()}/%2Fa%20b?x=${random.word()}&y=?/` },
        { method: 'PATCH', target: `/${random.word()}` },
        { method: 'brew', target: '//a//b?' },
      ];
      for (const { method, target } of cases) {
        const name = random.pick(['X-Word', 'x-word', 'X-WORD']);
        const seen = told(await once(world, server, method, target, { host: 'learn.example', fields: [[name, value]] }));
        const [path = '', ...query] = target.split('?');
        const sent = `${method} ${target} with ${name}: ${value}`;
        check(seen.method === method && seen.target === target && seen.path === path && seen.query === query.join('?'), {
          sent,
          received: `method ${seen.method}, target ${seen.target}, path ${seen.path}, query ${JSON.stringify(seen.query)}`,
          expected: `method ${method}, target ${target}, path ${path}, query ${JSON.stringify(query.join('?'))}`,
        });
        check(seen.host === 'learn.example', { sent: `${sent}, and headers.get('HOST')`, received: String(seen.host), expected: 'learn.example: names are not case-sensitive' });
        const found = seen.headers.find(([one]) => one.toLowerCase() === 'x-word');
        check(found?.[1] === value, { sent, received: `the handler saw ${JSON.stringify(seen.headers).slice(0, 120)}`, expected: `${name}: ${value} among the fields` });
      }
    },
  );

  rule(
    'sends-fields',
    "sends the handler's fields, each on a line of its own",
    {
      rule: 'fields keep their order, and Set-Cookie lines are never joined (RFC 9110 §5.3, RFC 6265 §3)',
      likely: 'fields are kept in a plain object, where a second one replaces the first',
    },
    async (world) => {
      const { random } = world;
      const headers: Pairs = [
        ['Content-Type', 'text/plain; charset=utf-8'],
        ['Set-Cookie', `a=${random.word()}; Path=/`],
        ['X-Empty', ''],
        ['Set-Cookie', `b=${random.word()}`],
      ];
      const server = await world.call('serve', { routes: { '/': { headers, body: 'x' } } });
      const response = await once(world, server, 'GET', '/');
      for (const [name] of headers) {
        const wanted = headers.filter(([other]) => other === name).map(([, value]) => value);
        check(JSON.stringify(fieldValues(response, name)) === JSON.stringify(wanted), {
          sent: `GET /, whose handler sets ${name} to ${wanted.map((value) => JSON.stringify(value)).join(' and ')}`,
          received: JSON.stringify(fieldValues(response, name)),
          expected: JSON.stringify(wanted),
        });
      }
    },
  );

  rule(
    'sends-a-date',
    'sends one Date, in the right form and with the current time',
    {
      rule: 'an origin server with a clock MUST send Date in its responses (RFC 9110 §6.6.1), as `Sun, 06 Nov 1994 08:49:37 GMT`',
      likely: 'the date is made once when the server starts, is in the local time zone, or a number is not padded',
    },
    async (world) => {
      const own = 'Sun, 06 Nov 1994 08:49:37 GMT';
      const server = await world.call('serve', { routes: { '/': { body: 'x' }, '/gone': { status: 404 }, '/own': { headers: [['date', own]], body: 'x' } } });
      const dateOf = async (target: string): Promise<string> => {
        const values = fieldValues(await once(world, server, 'GET', target), 'date');
        check(values.length === 1 && DATE.test(values[0] as string), {
          sent: `GET ${target}`,
          received: values.length === 0 ? 'no Date' : `Date: ${values.join(' and Date: ')}`,
          expected: 'one Date, such as Sun, 06 Nov 1994 08:49:37 GMT',
        });
        return values[0] as string;
      };
      const near = (date: string, from: number, to: number): boolean => Date.parse(date) >= from - 2000 && Date.parse(date) <= to + 1000;
      const before = Date.now();
      const first = await dateOf('/');
      check(near(first, before, Date.now()), { sent: 'GET /', received: `Date: ${first}`, expected: `about ${new Date(before).toUTCString()}` });
      await dateOf('/gone');
      const kept = await dateOf('/own');
      check(kept === own, { sent: 'GET /own, whose handler sets a Date itself', received: kept, expected: own });
      // Another year and another time zone, for a server that asks the Date of its process; a second later for any other.
      const shifted = await world.call('shiftClock', msUntilOneDigitEach(), 'Asia/Kathmandu');
      const startedMs = world.subject.ownMs();
      let date = first;
      while (date === first && world.subject.ownMs() - startedMs < 2500) {
        date = await dateOf('/');
        for (let turn = 0; turn < 10; turn++) await world.settle();
      }
      check(date !== first && (near(date, shifted, shifted + 5000) || near(date, before, Date.now())), {
        sent: 'the same request when some time has passed',
        received: `Date: ${date}`,
        expected: 'the current time',
        likely: 'the date is made once and kept',
      });
    },
  );
});
