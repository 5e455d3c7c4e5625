import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { fieldTokens, fieldValue, saysClose } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Address } from '#support/tcp-client.ts';
import { SECRET } from './driver.ts';
import type driver from './driver.ts';
import { exchange, expectBody, expectStatus, msUntilOneDigitEach, once, showResponse } from './wire.ts';
import type { TestWorld } from './wire.ts';

/** A time as a person or a program may write it: ISO 8601, IMF-fixdate, or milliseconds. */
const TIMES = [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z| ?GMT| ?UTC|[+-]\d\d:?\d\d)?/, /\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/, /\b1\d{12}\b/, /\w{3} \w{3} \d\d \d{4} \d\d:\d\d:\d\d GMT[+-]\d{4}/];

/** The time that a body tells, in milliseconds; NaN if it tells none. */
function timeIn(response: HttpTestResponse): number {
  const text = response.body.toString('utf8');
  for (const form of TIMES) {
    const found = form.exec(text)?.[0];
    if (found === undefined) continue;
    return /^\d+$/.test(found) ? Number(found) : Date.parse(found);
  }
  return Date.parse(text.trim());
}

async function timeAt(world: TestWorld, server: Address): Promise<number> {
  const response = await once(world, server, 'GET', '/time');
  expectStatus(response, 200, 'GET /time');
  const time = timeIn(response);
  check(!Number.isNaN(time), { sent: 'GET /time', received: response.body.toString().slice(0, 80), expected: 'the time, as ISO 8601 (2026-01-31T12:00:00Z) or as in Date' });
  return time;
}

exercise<typeof driver>('2.13', import.meta.url, (rule) => {
  rule(
    'serves-pages',
    'serves / and /about',
    {
      rule: 'each path has its page, with a Content-Type (RFC 9110 §8.3)',
      likely: 'the comparison takes the whole target, or the type is missing',
    },
    async (world) => {
      const server = await world.call('serveSite');
      const pages = new Set<string>();
      for (const target of ['/', '/about']) {
        const response = await once(world, server, 'GET', target);
        expectStatus(response, 200, `GET ${target}`);
        check(response.body.length > 0 && /^text\/(html|plain)/i.test(fieldValue(response, 'content-type') ?? ''), {
          sent: `GET ${target}`,
          received: `${showResponse(response)}, Content-Type: ${fieldValue(response, 'content-type')}`,
          expected: 'some text, and text/html or text/plain as its type',
        });
        pages.add(response.body.toString());
      }
      check(pages.size === 2, { sent: 'GET / and GET /about', received: 'twice the same page', expected: 'two pages' });
    },
  );

  rule(
    'ignores-the-query',
    'chooses the page by the path alone, whatever the query says',
    {
      rule: 'the query is not part of the path (RFC 3986 §3.4); a target in absolute-form has a path too (RFC 9112 §3.2.2)',
      likely: '`request.target` is compared instead of `request.path`',
    },
    async (world) => {
      const server = await world.call('serveSite');
      const word = world.random.word();
      for (const [target, same] of [[`/?${word}=1`, '/'], [`/about?${word}`, '/about'], ['/about?', '/about'], ['/about?a=/nothing?b', '/about'], ['http://localhost/about', '/about'], [`http://localhost?${word}`, '/']] as const) {
        const response = await once(world, server, 'GET', target);
        expectStatus(response, 200, `GET ${target}`);
        expectBody(response, (await once(world, server, 'GET', same)).body, `GET ${target}`);
      }
    },
  );

  rule(
    'tells-the-time',
    'tells the current time, anew for each request',
    {
      rule: 'the answer to /time is made anew for each request',
      likely: 'the time is made once, when the server starts',
    },
    async (world) => {
      const server = await world.call('serveSite');
      // A text may leave out the milliseconds.
      const near = (time: number, from: number, to: number): boolean => time >= from - 1000 && time <= to + 1000;
      const before = Date.now();
      const first = await timeAt(world, server);
      check(near(first, before, Date.now()), { sent: 'GET /time', received: new Date(first).toISOString(), expected: `about ${new Date(before).toISOString()}` });
      const shifted = await world.call('shiftClock', msUntilOneDigitEach());
      const startedMs = world.subject.ownMs();
      let time = first;
      while (time === first && world.subject.ownMs() - startedMs < 2500) {
        time = await timeAt(world, server);
        for (let turn = 0; turn < 10; turn++) await world.settle();
      }
      check(time !== first && (near(time, shifted, shifted + 5000) || near(time, before, Date.now())), {
        sent: 'GET /time, some time later',
        received: new Date(time).toISOString(),
        expected: 'the current time',
      });
    },
  );

  rule(
    'echoes',
    'sends the body of POST /echo back as it came',
    {
      rule: 'a body is bytes: text, binary, empty, by length or in chunks',
      likely: 'the body becomes a string on its way, or is kept in a variable that requests share',
    },
    async (world) => {
      const { random } = world;
      const server = await world.call('serveSite');
      const every = Buffer.from(random.shuffle(Array.from({ length: 256 }, (_, value) => value)));
      const large = random.bytes(random.integer(100_000, 200_000));
      for (const [what, options, body] of [
        ['text', { body: 'grüße, 世界' }, Buffer.from('grüße, 世界')],
        ['all 256 bytes', { body: every }, every],
        ['a large body', { body: large }, large],
        ['chunks', { chunks: random.pieces(large, 30_000) }, large],
        ['an empty body', { body: '' }, Buffer.alloc(0)],
        ['no body', {}, Buffer.alloc(0)],
      ] as const) {
        const response = await once(world, server, 'POST', '/echo', options);
        expectStatus(response, 200, `POST /echo with ${what}`);
        expectBody(response, body, `POST /echo with ${what}`);
      }
    },
  );

  rule(
    'echoes-to-many',
    'sends each of many clients its own body back',
    {
      rule: 'what belongs to one request is kept with it',
      likely: 'the body is collected in a variable of the module',
    },
    async (world) => {
      const { random } = world;
      const server = await world.call('serveSite');
      const clients = await Promise.all(
        Array.from({ length: 8 }, async (_, number) => {
          const http = await world.http(server, { label: `client ${number + 1} of 8` });
          const bodies = [random.words(20), random.words(3)];
          http.announce('POST', 'POST');
          const bytes = bodies.map((body) => `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`).join('');
          return { http, bodies, pieces: random.pieces(Buffer.from(bytes), 60) };
        }),
      );
      while (clients.some(({ pieces }) => pieces.length > 0)) {
        for (const { http, pieces } of random.shuffle(clients)) {
          const piece = pieces.shift();
          if (piece) http.tcp.write(piece);
        }
        await world.settle();
      }
      for (const { http, bodies } of clients) for (const body of bodies) expectBody(await http.response(), body, http.tcp.describeSent());
    },
  );

  rule(
    'says-404',
    'answers 404 for a path that is not there',
    {
      rule: 'no page, no 200 (RFC 9110 §15.5.5)',
      likely: 'only the beginning of a path is compared, or case is ignored: /About and /about/x are other pages',
    },
    async (world) => {
      const server = await world.call('serveSite');
      for (const target of [`/${world.random.word()}`, '/about/x', '/aboutx', '/About', '/echo/x', '//', '/about%2F', '/constructor', '/__proto__', '/index.html?/about']) {
        for (const method of ['GET', 'HEAD']) expectStatus(await once(world, server, method, target), 404, `${method} ${target}`);
      }
      expectStatus(await once(world, server, 'POST', '/nothing', { body: 'abc' }), [404, 405], 'POST /nothing');
    },
  );

  rule(
    'says-405',
    'answers 405 with Allow for a method that a path does not have',
    {
      rule: 'a 405 MUST have an Allow field with the methods that the path has (RFC 9110 §15.5.6)',
      likely: 'the method is ignored: DELETE is served as GET, or GET where only POST is allowed',
    },
    async (world) => {
      const server = await world.call('serveSite');
      const cases: [string, string, string][] = [
        ...['/', '/about', '/time'].flatMap((target) => ['POST', 'DELETE', 'PUT', 'PATCH'].map((method): [string, string, string] => [method, target, 'get'])),
        ...['GET', 'DELETE', 'PUT'].map((method): [string, string, string] => [method, '/echo', 'post']),
        ['HEAD', '/echo', 'post'],
      ];
      for (const [method, target, allowed] of cases) {
        const response = await once(world, server, method, target, method === 'POST' || method === 'PUT' ? { body: 'x' } : {});
        expectStatus(response, 405, `${method} ${target}`);
        const allow = fieldTokens(response, 'allow');
        check(allow.includes(allowed) && !allow.includes(method.toLowerCase()), { sent: `${method} ${target}`, received: `Allow: ${fieldValue(response, 'allow') ?? '(none)'}`, expected: `an Allow that has ${allowed.toUpperCase()} and not ${method}` });
      }
      // Methods are case-sensitive, and one that nobody knows may be a 501 as well.
      for (const method of ['get', 'BREW', 'constructor', '__proto__', 'toString']) expectStatus(await once(world, server, method, '/'), [405, 501], `${method} /`);
    },
  );

  rule(
    'answers-head',
    'answers HEAD where it answers GET, without a body',
    {
      rule: 'GET and HEAD are what every server has (RFC 9110 §9.1); a response to HEAD has the fields of GET and no content (§9.3.2)',
      likely: 'the method is compared with GET alone: HEAD is a 405',
    },
    async (world) => {
      const server = await world.call('serveSite');
      for (const target of ['/', '/about', '/time', '/?q']) {
        const get = await once(world, server, 'GET', target);
        const { response: head } = await exchange(world, server, 'HEAD', target);
        expectStatus(head, 200, `HEAD ${target}`);
        check(fieldValue(head, 'content-type') === fieldValue(get, 'content-type'), { sent: `HEAD ${target}`, received: `Content-Type: ${fieldValue(head, 'content-type')}`, expected: `that of GET: ${fieldValue(get, 'content-type')}` });
      }
    },
  );

  rule(
    'lives-on',
    'answers 500 when a handler throws, and keeps running',
    {
      rule: 'a fault in one request concerns that request (RFC 9110 §15.6.1)',
      likely: 'the exception ends the process, or is shown to the client',
    },
    async (world) => {
      const server = await world.call('serveSite');
      for (let round = 0; round < 4; round++) {
        for (const target of ['/throws', '/rejects']) {
          const response = await once(world, server, 'GET', target);
          expectStatus(response, 500, `GET ${target}, a handler that throws`);
          check(!response.body.includes(SECRET), { sent: `GET ${target}`, received: response.body.toString().slice(0, 100), expected: "a body without the error's message" });
        }
        expectStatus(await once(world, server, 'GET', '/'), 200, 'GET / after a handler that threw');
      }
      expectBody(await once(world, server, 'POST', '/echo', { body: 'alive' }), 'alive', 'POST /echo after handlers that threw');
    },
  );

  rule(
    'serves-a-browser',
    'serves a browser: many requests on one connection, pages and errors among them',
    {
      rule: 'a 404 or a 405 is an answer like any other: the connection goes on (RFC 9112 §9.3)',
      likely: 'errors close the connection, or leave a body unread on it',
    },
    async (world) => {
      const server = await world.call('serveSite');
      let http = await world.http(server);
      const visits: [string, string, number, string?][] = [['GET', '/', 200], ['GET', '/favicon.ico', 404], ['POST', '/about', 405, 'unread body'], ['POST', '/echo', 200, 'hello'], ['HEAD', '/', 200], ['GET', '/time', 200], ['DELETE', '/', 405], ['GET', '/about', 200]];
      for (const [method, target, status, body] of [...visits, ...visits]) {
        http.send(method, target, body === undefined ? {} : { body });
        const response = await http.response();
        expectStatus(response, status, `${method} ${target} on a connection with other requests`);
        if (target === '/echo') expectBody(response, body ?? '', 'POST /echo');
        // A server may close instead of reading a body that nobody wants, if it says so (RFC 9112 §9.3).
        if (target === '/about' && method === 'POST' && saysClose(response)) http = await world.http(server);
      }
    },
  );
});
