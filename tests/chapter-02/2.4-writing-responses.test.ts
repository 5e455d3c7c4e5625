import { showBytes } from '#support/bytes.ts';
import { exercise } from '#support/exercise.ts';
import { check, CheckFailure } from '#support/failure.ts';
import { requestBytes } from '#support/http-client.ts';
import { fieldValue, fieldValues, readResponse } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type driver from './driver.ts';
import { SECRET } from './driver.ts';
import type { Answer, Facts, Pairs } from './driver.ts';
import { closing, eventually, exchange, expectBody, expectStatus, msUntilOneDigitEach, once, over, showResponse, theOnly, told } from './wire.ts';
import type { TestWorld } from './wire.ts';

/** Text in which characters and bytes differ. */
const MANY_BYTES = ['grüße', '世界', '🐸 rana', 'naïve café', '✓ ±½'];

/** IMF-fixdate, RFC 9110 §5.6.7. */
const DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/;

/**
 * Sends one request for an answer that cannot be sent as it is, and returns all
 * that came. A 500 and a closed connection are both right and are not judged here.
 */
async function badAnswer(world: TestWorld, sent: string, answer: Answer): Promise<BadAnswer> {
  try {
    return await answerBadly(world, answer);
  } catch (error) {
    // The reader of responses does not know what was asked.
    if (error instanceof CheckFailure && error.report.sent === undefined) throw new CheckFailure({ ...error.report, sent });
    throw error;
  }
}

interface BadAnswer {
  received: Buffer;
  response: HttpTestResponse | undefined;
  describe: string;
}

async function answerBadly(world: TestWorld, answer: Answer): Promise<BadAnswer> {
  const method = 'GET';
  const server = await world.call('serve', { routes: { '/bad': answer } });
  const client = await world.connect(server);
  client.write(requestBytes(method, '/bad', closing()));
  await over(client, 'an answer, or nothing, and then the end of the connection');
  let response: HttpTestResponse | undefined;
  if (client.receivedBytes > 0) {
    const found = readResponse(client.received, 0, method, client.ended);
    if (!('incomplete' in found)) response = found;
  }
  const after = await once(world, server, 'GET', '/good');
  expectStatus(after, 200, 'a good request after the bad answer');
  return { received: client.received, response, describe: client.describe() };
}

exercise<typeof driver>('2.4', import.meta.url, (rule) => {
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
    'counts-bytes',
    'counts the bytes of a text, not its characters',
    {
      rule: 'Content-Length is a number of bytes (RFC 9110 §8.6), and text goes out as UTF-8',
      likely: '`body.length` of a string is its length in UTF-16 units; `Buffer.byteLength` counts bytes',
    },
    async (world) => {
      const body = world.random.shuffle(MANY_BYTES).join(' ');
      const routes: Record<string, Answer> = { '/text': { body }, '/parts': { parts: [...MANY_BYTES], iterable: 'sync' }, '/later': { parts: [...MANY_BYTES] } };
      const server = await world.call('serve', { routes });
      expectBody(await once(world, server, 'GET', '/text'), body, 'GET /text');
      for (const target of ['/parts', '/later']) expectBody(await once(world, server, 'GET', target), MANY_BYTES.join(''), `GET ${target}`);
    },
  );

  rule(
    'keeps-bytes',
    'sends bytes as they are, all 256 values, few and many',
    {
      rule: 'a body is bytes; text is only one kind of it (RFC 9110 §6.4)',
      likely: 'bytes are turned into a string on the way: those that are not UTF-8 are lost',
    },
    async (world) => {
      const every = Buffer.from(world.random.shuffle(Array.from({ length: 256 }, (_, value) => value)));
      const large = world.random.bytes(world.random.integer(300_000, 500_000));
      const routes: Record<string, Answer> = {
        '/every': { body: every },
        '/large': { body: large },
        '/parts': { parts: world.random.pieces(large, 60_000) },
        '/sync': { parts: world.random.pieces(large, 60_000), iterable: 'sync' },
      };
      const server = await world.call('serve', { routes });
      expectBody(await once(world, server, 'GET', '/every'), every, 'GET /every');
      for (const target of ['/large', '/parts', '/sync']) expectBody(await once(world, server, 'GET', target), large, `GET ${target}`);
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
    'tells-of-the-body',
    'tells the handler which host a request is for, whom it came from, and whether it has a body',
    {
      rule: 'with a target in absolute-form Host is ignored (RFC 9112 §3.2.2); the length of a body is known before it is read, or not at all',
      likely: 'Host is used though the target names a host, or a body in chunks is given a length',
    },
    async (world) => {
      const { random } = world;
      const server = await world.call('serve', { otherwise: { tells: true } });
      const host = `${random.word()}.example`;
      const other = `${random.word()}.example:81`;
      const body = random.words(4);
      const cases: [what: string, bytes: Buffer, wanted: { authority: string; hasBody: boolean; contentLength: number | null }][] = [
        ['no body', requestBytes('GET', '/', closing({ host })), { authority: host, hasBody: false, contentLength: 0 }],
        ['a length', requestBytes('POST', '/', closing({ host, body })), { authority: host, hasBody: true, contentLength: Buffer.byteLength(body) }],
        ['chunks', requestBytes('POST', '/', closing({ host, chunks: [body] })), { authority: host, hasBody: true, contentLength: null }],
        ['a target in absolute-form', requestBytes('GET', `http://${other}/`, closing({ host })), { authority: other, hasBody: false, contentLength: 0 }],
      ];
      for (const [what, bytes, wanted] of cases) {
        const http = await world.http(server);
        http.sendBytes(bytes, [what === 'chunks' || what === 'a length' ? 'POST' : 'GET']);
        const seen = told(theOnly(await http.responsesToEnd(), http.tcp));
        const facts: Facts = { ...wanted, scheme: 'http', remoteAddress: '127.0.0.1', localAddress: '127.0.0.1', localPort: server.port };
        // Requests may be built differently, and tell less.
        for (const name of Object.keys(seen.facts) as (keyof Facts)[]) {
          check(seen.facts[name] === facts[name], { sent: http.tcp.describeSent(), received: `request.${name} is ${JSON.stringify(seen.facts[name])}`, expected: JSON.stringify(facts[name]) });
        }
        check(seen.httpVersion === '1.1', { sent: http.tcp.describeSent(), received: `request.httpVersion is ${seen.httpVersion}`, expected: '1.1' });
      }
    },
  );

  rule(
    'reads-a-request-in-pieces',
    'reads a request that comes in pieces, byte by byte, its body in other packets',
    {
      rule: 'TCP may cut a message between any two bytes: a request is complete when its framing says so',
      likely: "each 'data' event is mistaken for a whole request",
    },
    async (world) => {
      const { random } = world;
      const server = await world.call('serve', { otherwise: { reads: 'whole', echo: true } });
      const text = random.words(6);
      const requests = [requestBytes('POST', '/echo', closing({ body: text })), requestBytes('POST', '/echo', closing({ chunks: [text.slice(0, 7), text.slice(7)] }))];
      for (const bytes of requests) {
        const head = bytes.indexOf('\r\n\r\n') + 4;
        const ways: [string, Buffer[]][] = [
          ['head and body in two packets', [bytes.subarray(0, head), bytes.subarray(head)]],
          ['cut inside the head', [bytes.subarray(0, head - 20), bytes.subarray(head - 20)]],
          ['cut inside the CRLF CRLF', [bytes.subarray(0, head - 2), bytes.subarray(head - 2)]],
          ['cut inside the body', [bytes.subarray(0, head + 4), bytes.subarray(head + 4)]],
          ['in pieces', random.pieces(bytes, 9)],
          ['byte by byte', Array.from(bytes, (_, index) => bytes.subarray(index, index + 1))],
        ];
        await Promise.all(
          ways.map(async ([label, pieces]) => {
            const http = await world.http(server, { label });
            http.announce('POST');
            await http.tcp.writePieces(pieces);
            expectBody(theOnly(await http.responsesToEnd(), http.tcp), text, `${http.tcp.describeSent()}`);
          }),
        );
      }
    },
  );

  rule(
    'reads-any-body',
    'gives the handler the bytes of a body as they were sent',
    {
      rule: 'a body is bytes, as many as its framing says (RFC 9112 §6)',
      likely: 'the body is turned into a string on the way, or only what came with the head is read',
    },
    async (world) => {
      const { random } = world;
      const server = await world.call('serve', { routes: { '/whole': { reads: 'whole', echo: true }, '/parts': { reads: 'parts', echo: true } } });
      const every = Buffer.from(random.shuffle(Array.from({ length: 256 }, (_, value) => value)));
      const large = random.bytes(random.integer(100_000, 300_000));
      for (const target of ['/whole', '/parts']) {
        expectBody(await once(world, server, 'POST', target, { body: every }), every, `POST ${target} with all 256 bytes`);
        expectBody(await once(world, server, 'PUT', target, { body: large }), large, `PUT ${target} with a large body`);
        expectBody(await once(world, server, 'POST', target, { chunks: random.pieces(large, 50_000) }), large, `POST ${target} in chunks`);
        expectBody(await once(world, server, 'POST', target, { body: '' }), '', `POST ${target} with Content-Length: 0`);
        expectBody(await once(world, server, 'GET', target), '', `GET ${target} without a body`);
      }
    },
  );

  rule(
    'keeps-requests-apart',
    'keeps requests on several connections apart',
    {
      rule: 'each connection is a stream of its own',
      likely: 'a buffer, a body or a response is kept in a variable of the module',
    },
    async (world) => {
      const { random, settle } = world;
      const server = await world.call('serve', { otherwise: { reads: 'whole', echo: true } });
      const clients = await Promise.all(
        [1, 2, 3, 4].map(async (number) => {
          const body = random.words(random.integer(2, 12));
          const bytes = requestBytes('POST', `/${number}`, closing({ body }));
          const http = await world.http(server, { label: `client ${number} of 4, interleaved` });
          http.announce('POST');
          return { body, http, pieces: random.pieces(bytes, 15) };
        }),
      );
      while (clients.some(({ pieces }) => pieces.length > 0)) {
        for (const { http, pieces } of random.shuffle(clients)) {
          const piece = pieces.shift();
          if (piece) http.tcp.write(piece);
        }
        await settle();
      }
      for (const { body, http } of clients) expectBody(theOnly(await http.responsesToEnd(), http.tcp), body, http.tcp.describeSent());
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

  rule(
    'frames-every-body',
    'frames every body so that its end can be known, with parts of any number and size',
    {
      rule: 'a body ends by its length, by its last chunk, or, with nothing else, by the end of the connection (RFC 9112 §6.3)',
      likely: 'an empty part is sent as a chunk of size 0, which ends the body',
    },
    async (world) => {
      const { random } = world;
      const parts = Array.from({ length: random.integer(3, 8) }, () => random.words(random.integer(1, 30)));
      const holes = ['', parts[0] as string, '', '', ...parts.slice(1), ''];
      const many = Array.from({ length: 300 }, (_, index) => `${index},`);
      const bodies: [string, string[]][] = [['several parts', parts], ['empty parts among them', holes], ['no part at all', []], ['empty parts alone', ['', '']], ['one part', ['one']], ['300 parts', many]];
      const routes: Record<string, Answer> = { '/empty': { body: '' } };
      for (const [index, [, given]] of bodies.entries()) {
        routes[`/sync${index}`] = { parts: given, iterable: 'sync' };
        routes[`/async${index}`] = { parts: given };
      }
      const server = await world.call('serve', { routes });
      expectBody(await once(world, server, 'GET', '/empty'), '', 'GET of an empty body');
      for (const [index, [what, given]] of bodies.entries()) {
        for (const target of [`/sync${index}`, `/async${index}`]) {
          for (const version of ['HTTP/1.1', 'HTTP/1.0']) {
            const sent = `GET ${target} ${version}: a body of ${what}`;
            const response = await once(world, server, 'GET', target, { version });
            expectStatus(response, 200, sent);
            expectBody(response, given.join(''), sent);
            check(version === 'HTTP/1.1' || response.framing !== 'chunked', { sent, received: showResponse(response), expected: 'no chunks for an HTTP/1.0 client (RFC 9112 §6.1)' });
          }
        }
      }
    },
  );

  rule(
    'minds-the-framing-of-handlers',
    'sends one framing, whatever the handler sets',
    {
      rule: 'a message has a Content-Length or a Transfer-Encoding, never both, and each once (RFC 9112 §6.2)',
      likely: "the handler's field is sent along with the server's own",
    },
    async (world) => {
      const body = world.random.words(4);
      const length = String(Buffer.byteLength(body));
      const routes: Record<string, Answer> = {
        '/length': { headers: [['content-length', length]], body },
        '/length-of-parts': { headers: [['Content-Length', length]], parts: [body.slice(0, 5), body.slice(5)] },
        '/chunked': { headers: [['transfer-encoding', 'chunked']], body },
        '/chunked-parts': { headers: [['Transfer-Encoding', 'chunked']], parts: [body] },
        '/close': { headers: [['Connection', 'close']], body },
      };
      const server = await world.call('serve', { routes });
      for (const target of Object.keys(routes)) {
        for (const version of ['HTTP/1.1', 'HTTP/1.0']) {
          const response = await once(world, server, 'GET', target, { version });
          const sent = `GET ${target} ${version}`;
          expectStatus(response, 200, sent);
          expectBody(response, body, sent);
          check(fieldValues(response, 'content-length').length <= 1, { sent, received: 'two lines of Content-Length', expected: 'one at most' });
        }
      }
    },
  );

  rule(
    'sends-no-body-to-head',
    'answers HEAD like GET, without the body',
    {
      rule: 'a response to HEAD has no content (RFC 9110 §9.3.2); a Content-Length in it is that of GET',
      likely: 'the body is written all the same: the client takes it for the next response',
    },
    async (world) => {
      const body = world.random.words(9);
      const routes: Record<string, Answer> = { '/whole': { headers: [['X-A', 'b']], body }, '/parts': { parts: [body, body] }, '/sync': { parts: [body], iterable: 'sync' }, '/none': { body: '' }, '/missing': { status: 404, body }, '/minds': { body }, 'HEAD /minds': { body: '' } };
      const server = await world.call('serve', { routes });
      for (const target of Object.keys(routes).filter((key) => key.startsWith('/'))) {
        const get = await once(world, server, 'GET', target);
        const { response: head, http } = await exchange(world, server, 'HEAD', target);
        const sent = `HEAD ${target}${target === '/minds' ? ', whose handler knows HEAD and gives an empty body' : ''}`;
        check(http.leftOver.length === 0, { kind: 'wrong bytes', sent, received: showBytes(http.leftOver), expected: 'nothing after the head' });
        expectStatus(head, get.status, sent);
        check(fieldValue(head, 'x-a') === fieldValue(get, 'x-a'), { sent, received: `X-A: ${fieldValue(head, 'x-a')}`, expected: 'the fields of GET' });
        const length = fieldValue(head, 'content-length');
        check(length === undefined || length === fieldValue(get, 'content-length') || Number(length) === get.body.length, {
          sent,
          received: `Content-Length: ${length}`,
          expected: `that of GET (${get.body.length}), or none`,
        });
      }
    },
  );

  rule(
    'sends-no-body-with-204',
    'sends no body with 204 and 304, and none with 205',
    {
      rule: '204 and 304 end with their head, and 204 has no Content-Length and no Transfer-Encoding (RFC 9110 §8.6, §15.3.5, RFC 9112 §6.1); 205 has no content (§15.3.6)',
      likely: 'the framing does not depend on the status',
    },
    async (world) => {
      const body = world.random.words(3);
      const routes: Record<string, Answer> = {};
      for (const status of [204, 304, 205]) {
        routes[`/${status}`] = { status };
        routes[`/${status}-body`] = { status, body };
        routes[`/${status}-parts`] = { status, parts: [body] };
      }
      routes['/304-etag'] = { status: 304, headers: [['ETag', '"a"']] };
      routes['/204-declared'] = { status: 204, headers: [['Content-Length', '3']] };
      const server = await world.call('serve', { routes });
      for (const target of Object.keys(routes)) {
        for (const method of ['GET', 'HEAD']) {
          const { response, http } = await exchange(world, server, method, target);
          const sent = `${method} ${target}`;
          // A server may take a Content-Length with 204 for the handler's fault.
          expectStatus(response, target === '/204-declared' ? [204, 500] : (routes[target]?.status ?? 200), sent);
          if (response.status === 500) continue;
          const length = fieldValue(response, 'content-length');
          check(response.status !== 204 || (length === undefined && fieldValue(response, 'transfer-encoding') === undefined), {
            sent,
            received: `Content-Length: ${length}, Transfer-Encoding: ${fieldValue(response, 'transfer-encoding')}`,
            expected: '204 without either',
          });
          check(response.status !== 304 || length !== '0', {
            sent,
            received: 'Content-Length: 0',
            expected: 'no Content-Length: in a 304 it would be that of the 200 (RFC 9110 §8.6)',
          });
          check(response.body.length === 0 && http.leftOver.length === 0, {
            kind: 'wrong bytes',
            sent,
            received: `${showBytes(response.body)}${http.leftOver.length > 0 ? ` and ${showBytes(http.leftOver)}` : ''}`,
            expected: 'no body',
          });
        }
      }
    },
  );

  rule(
    'sends-interim-responses',
    'sends interim responses (1xx) before the final one, but not to HTTP/1.0',
    {
      rule: 'a 1xx response ends with its head, and a final one follows; HTTP/1.0 clients MUST NOT be sent any (RFC 9110 §15.2)',
      likely: 'a 1xx response is given a length, or is mistaken for the answer',
    },
    async (world) => {
      const body = world.random.words(3);
      const server = await world.call('serve', {
        routes: { '/hints': { informational: [{ status: 103, headers: [['Link', '</a.css>; rel=preload']] }, { status: 103, headers: [] }], body } },
      });
      const { response, http } = await exchange(world, server, 'GET', '/hints');
      expectBody(response, body, 'GET /hints');
      check(http.interim.length === 2 && http.interim.every(({ status }) => status === 103) && fieldValue(http.interim[0] as HttpTestResponse, 'link') === '</a.css>; rel=preload', {
        sent: 'GET /hints, whose handler sends two responses of status 103 first',
        received: http.interim.map(({ status, fields }) => `${status} with ${fields.length} fields`).join(', ') || 'none',
        expected: '103 with Link, 103, then 200',
      });
      const old = await exchange(world, server, 'GET', '/hints', { version: 'HTTP/1.0' });
      expectBody(old.response, body, 'GET /hints HTTP/1.0');
      check(old.http.interim.length === 0, { sent: 'GET /hints HTTP/1.0', received: `${old.http.interim.length} interim responses`, expected: 'none: HTTP/1.0 has no 1xx' });
    },
  );

  rule(
    'sends-trailers',
    'sends trailers after a chunked body',
    {
      rule: 'trailer fields come between the last chunk and the empty line (RFC 9112 §7.1.2); without chunks there are none',
      likely: 'the last chunk already has its empty line when the trailers are written',
    },
    async (world) => {
      const sum = world.random.word();
      const server = await world.call('serve', { routes: { '/': { parts: ['a', 'b'], trailers: [['X-Sum', sum]] }, '/whole': { body: 'ab', trailers: [['X-Sum', sum]] } } });
      for (const target of ['/', '/whole']) {
        for (const version of ['HTTP/1.1', 'HTTP/1.0']) {
          const response = await once(world, server, 'GET', target, { version });
          expectBody(response, 'ab', `GET ${target} ${version}`);
          if (response.framing !== 'chunked') continue;
          // A body that is there as a whole needs no chunks, and trailers may be dropped (RFC 9110 §6.5).
          if (target === '/whole' && response.trailers.length === 0) continue;
          check(response.trailers.length === 1 && response.trailers[0]?.value === sum, {
            sent: `GET ${target}, whose handler has the trailer X-Sum: ${sum}`,
            received: JSON.stringify(response.trailers),
            expected: `X-Sum: ${sum}`,
          });
        }
      }
    },
  );

  rule(
    'keeps-its-promise-of-length',
    'never sends more than the Content-Length that the handler promised',
    {
      rule: 'a message is as long as its Content-Length says (RFC 9112 §6.3): what comes after it is the next response',
      likely: 'parts are written without counting',
    },
    async (world) => {
      for (const answer of [{ body: 'HTTP/1.1 200 Evil' }, { parts: ['HTTP', '/1.1 200 Evil'] }, { parts: ['HT', 'TP', '/1.1 200', ' Evil'], iterable: 'sync' as const }]) {
        const sent = 'GET /bad, whose handler promises 4 bytes and gives 17';
        const { received, response, describe } = await badAnswer(world, sent, { headers: [['Content-Length', '4']], ...answer });
        check(!received.includes('/1.1 200 Evil'), { kind: 'wrong bytes', sent, received: describe, expected: 'four bytes at most, or a 500: nothing beyond the promised length' });
        if (response?.status === 200) expectBody(response, 'HTTP', sent);
      }
    },
  );

  rule(
    'shows-a-short-body',
    'closes the connection when a body is shorter than promised or breaks off, so that it is seen to be incomplete',
    {
      rule: 'a message that ends before its length or its last chunk is incomplete (RFC 9112 §8); only the end of the connection can say so',
      likely: 'the response is ended as if it were complete: the client believes that it has everything',
    },
    async (world) => {
      const cases: [string, Answer][] = [
        ['promises 10 bytes and gives 4', { headers: [['Content-Length', '10']], body: 'four' }],
        ['promises 10 bytes and gives 4 in parts', { headers: [['Content-Length', '10']], parts: ['fo', 'ur'] }],
        ['promises 10 bytes and gives none', { headers: [['Content-Length', '10']], parts: [], iterable: 'sync' }],
        ['breaks after two parts', { parts: ['a', 'b', 'c'], breaksAfter: 2 }],
        ['breaks after two parts of a length', { headers: [['Content-Length', '3']], parts: ['a', 'b', 'c'], breaksAfter: 2, iterable: 'sync' }],
        ['breaks before the first part', { parts: ['a'], breaksAfter: 0 }],
        ['breaks after the last part', { parts: ['a', 'b'], breaksAfter: 2 }],
      ];
      for (const [what, answer] of cases) {
        const sent = `GET /bad, whose handler ${what}`;
        const { received, response, describe } = await badAnswer(world, sent, answer);
        // A server that waits for the whole body may know in time.
        check(response === undefined || response.status === 500 || response.framing === 'close', {
          sent,
          received: `a response that looks complete: ${describe}`,
          expected: 'a response that is visibly incomplete, or a 500',
        });
        check(!received.includes(SECRET), { sent, received: describe, expected: "the handler's error is not shown to the client" });
      }
    },
  );

  rule(
    'refuses-injected-fields',
    'lets no handler write lines of its own through a value, a name or a reason',
    {
      rule: 'CR, LF and NUL never leave in a field: a reflected value would forge fields and responses (RFC 9110 §5.5)',
      likely: 'values are written as they are; or characters beyond latin1 are cut to one byte: U+010D U+010A become CR LF',
    },
    async (world) => {
      const cases: [string, Answer][] = [
        ['a value with CRLF', { headers: [['X-A', 'b\r\nX-Evil: yes']] }],
        ['a value with LF', { headers: [['X-A', 'b\nX-Evil: yes']] }],
        ['a value with CR', { headers: [['X-A', 'b\rX-Evil: yes']] }],
        ['a value that ends in CRLF', { headers: [['X-A', 'b\r\n\r\nX-Evil: yes']] }],
        ['a value with NUL', { headers: [['X-A', 'b\0X-Evil: yes']] }],
        ['a value with U+010D U+010A', { headers: [['X-A', 'b\u010d\u010aX-Evil: yes']] }],
        ['a name with CRLF', { headers: [['X-A: b\r\nX-Evil', 'yes']] }],
        ['a name with a space', { headers: [['X-Evil ', 'yes']] }],
        ['a name with a colon', { headers: [['X-Evil:', 'yes']] }],
        ['an empty name', { headers: [['', 'X-Evil: yes']] }],
        ['a name beyond ASCII', { headers: [['X-Evil\xe9', 'yes']] }],
        ['a name with U+010A', { headers: [['X-A\u010aX-Evil', 'yes']] }],
        ['a reason with CRLF', { reason: 'OK\r\nX-Evil: yes' }],
        ['a reason with LF', { reason: 'OK\nX-Evil: yes' }],
        ['a reason with U+010D U+010A', { reason: 'OK\u010d\u010aX-Evil: yes' }],
        ['a trailer with CRLF', { parts: ['a'], trailers: [['X-A', 'b\r\nX-Evil: yes']] }],
        ['Content-Length with CRLF', { headers: [['Content-Length', '1\r\nX-Evil: yes']], body: 'a' }],
        ['Connection with CRLF', { headers: [['Connection', 'close\r\nX-Evil: yes']], body: 'a' }],
      ];
      for (const [what, answer] of cases) {
        const sent = `GET /bad, whose handler sets ${what}`;
        const { received, describe } = await badAnswer(world, sent, { body: 'x', ...answer });
        check(!/^x-evil/im.test(received.toString('latin1').replaceAll('\r', '\n')) && !received.includes(0), {
          kind: 'wrong bytes',
          sent,
          received: describe,
          expected: 'the response is refused: a 500 or a closed connection',
        });
      }
    },
  );

  rule(
    'refuses-bad-framing-of-handlers',
    'sends no status, length or coding that is not valid',
    {
      rule: 'a status is three digits from 100 to 599 (RFC 9110 §15); a length is digits (§8.6); what cannot be kept is not promised',
      likely: 'whatever the handler gives is written',
    },
    async (world) => {
      const cases: [string, Answer][] = [
        ...[42, 0, -1, 1000, 99, 200.5, Number.NaN].map((status): [string, Answer] => [`the status ${status}`, { status }]),
        ...['abc', '-1', '1e3', '1, 2', '+1', ''].map((length): [string, Answer] => [`Content-Length: ${length}`, { headers: [['Content-Length', length]] }]),
        ['two different Content-Lengths', { headers: [['Content-Length', '1'], ['Content-Length', '2']] }],
        ['Transfer-Encoding: gzip', { headers: [['Transfer-Encoding', 'gzip']] }],
        ['Transfer-Encoding and Content-Length', { headers: [['Transfer-Encoding', 'chunked'], ['Content-Length', '9']] }],
      ];
      for (const [what, answer] of cases) {
        // The strict reader throws if what came is not a response.
        const sent = `GET /bad, whose handler sets ${what}`;
        const { response } = await badAnswer(world, sent, { body: 'x', ...answer });
        if (answer.status !== undefined) check(response === undefined || response.status === 500, { sent, received: response ? showResponse(response) : '', expected: 'a 500 or a closed connection' });
        else if (response && response.status !== 500) expectBody(response, 'x', sent);
      }
    },
  );

  rule(
    'ends-every-iterator',
    'ends the iterator of a body that is not sent, and closes the body once in every case',
    {
      rule: "a body's `close()` is called once, whether it was read to its end or not; that is where files and cursors are closed",
      likely: 'HEAD, 204 and 304 return before the body is looked at: every HEAD leaks an open file',
    },
    async (world) => {
      const routes: Record<string, Answer> = { '/': { parts: ['a', 'b'] }, '/sync': { parts: ['a', 'b'], iterable: 'sync' }, '/204': { status: 204, parts: ['a'] }, '/long': { headers: [['Content-Length', '1']], parts: ['a', 'b', 'c'] } };
      const server = await world.call('serve', { routes });
      let wanted = 0;
      for (const [method, target] of [['GET', '/'], ['GET', '/sync'], ['HEAD', '/'], ['HEAD', '/sync'], ['GET', '/204'], ['GET', '/long']] as const) {
        const client = await world.connect(server);
        client.write(requestBytes(method, target, closing()));
        await over(client);
        await world.settle();
        wanted++;
        const { closed } = await world.call('counters');
        check(closed === wanted, {
          sent: `${method} ${target}, whose body has a close()`,
          received: closed < wanted ? 'close() was not called' : 'close() was called twice',
          expected: 'close() is called once',
        });
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
});
