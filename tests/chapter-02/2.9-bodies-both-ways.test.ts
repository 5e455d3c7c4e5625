import { createHash } from 'node:crypto';
import { count, showBytes } from '#support/bytes.ts';
import { exercise } from '#support/exercise.ts';
import { check, CheckFailure } from '#support/failure.ts';
import { chunkedBytes, HttpClient, requestBytes } from '#support/http-client.ts';
import type { RequestOptions } from '#support/http-client.ts';
import { fieldTokens, fieldValue, fieldValues, saysClose } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { TcpClient } from '#support/tcp-client.ts';
import { SECRET } from './driver.ts';
import type driver from './driver.ts';
import type { Answer, Facts } from './driver.ts';
import { badAnswer, closing, eventually, exchange, expectBody, expectStatus, once, over, showResponse, targetsOf, theOnly, told } from './wire.ts';

/** Text in which characters and bytes differ. */
const MANY_BYTES = ['grüße', '世界', '🐸 rana', 'naïve café', '✓ ±½'];

/** Both sides' kernel buffers and a generous amount of the server's own. */
const HELD_BYTES_MAX = 40 << 20;

/** How long a server must take nothing in, in its own running time, to count as stalled. */
const STALLED_MS = 300;

/**
 * Sends a piece again and again until the server takes no more.
 *
 * @returns how many times it was sent, and how many bytes the server took in, including the kernel's buffers
 */
async function sendUntilStalled(client: TcpClient, piece: Buffer, times: number): Promise<{ sent: number; taken: number }> {
  for (let sent = 1; sent <= times; sent++) {
    const wanted = client.flushedBytes + piece.length;
    client.write(piece);
    try {
      await client.until(() => client.flushedBytes >= wanted, { patienceMs: STALLED_MS });
    } catch (error) {
      if (error instanceof CheckFailure && error.report.kind === 'silent') return { sent, taken: client.flushedBytes };
      throw error;
    }
  }
  return { sent: times, taken: client.flushedBytes };
}

/** What came, with the parts of each body joined: a server may cut a part into several chunks. */
function withoutChunkHeads(wire: Buffer): string {
  return wire.toString('latin1').replaceAll(/\r\n[0-9a-f]+(?:;[^\r\n]*)?\r\n/gi, '');
}

exercise<typeof driver>('2.9', import.meta.url, (rule) => {
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
    'answers-the-pipeline',
    'answers requests that came in one packet, all of them and in their order',
    {
      rule: 'a server sends responses in the order of the requests (RFC 9112 §9.3.2)',
      likely: 'bytes that arrive with a request, after its end, are dropped; or nothing looks at them until more come',
    },
    async (world) => {
      const server = await world.call('serve', { otherwise: { reads: 'whole', tells: true } });
      const { random } = world;
      const requests = [
        requestBytes('GET', '/1'),
        requestBytes('POST', '/2', { body: random.words(4) }),
        requestBytes('HEAD', '/3'),
        requestBytes('POST', '/4', { chunks: [random.words(2), random.word()] }),
        requestBytes('POST', '/5', { body: '' }),
        ...Array.from({ length: 25 }, (_, index) => requestBytes('GET', `/${index + 6}`)),
      ];
      const methods = ['GET', 'POST', 'HEAD', ...Array.from({ length: requests.length - 3 }, () => 'GET')];
      const all = Buffer.concat(requests);
      const ways: [string, Buffer[]][] = [['three in one packet', requests.slice(0, 3)], ['30 in one packet', [all]], ['30, cut anywhere', random.pieces(all, 60)], ['five, byte by byte', Array.from(Buffer.concat(requests.slice(0, 5)), (byte) => Buffer.from([byte]))]];
      for (const [label, pieces] of ways) {
        const http = await world.http(server, { label });
        const [wanted] = label === 'three in one packet' ? [3] : label.startsWith('five') ? [5] : [30];
        http.announce(...methods);
        if (label === 'three in one packet') http.tcp.write(Buffer.concat(pieces));
        else await http.tcp.writePieces(pieces);
        for (let number = 1; number <= wanted; number++) {
          const response = await http.response({ expected: `${wanted} responses; number ${number} did not come` });
          expectStatus(response, 200, http.tcp.describeSent());
          if (number === 3) continue;
          const { target } = JSON.parse(response.body.toString()) as { target: string };
          check(target === `/${number}`, { sent: http.tcp.describeSent(), received: `the answer to ${target} in place ${number}`, expected: `the answer to /${number}` });
        }
        await http.tcp.expectNoMoreThan(http.tcp.receivedBytes - http.leftOver.length);
      }
    },
  );

  rule(
    'takes-a-new-length-each-time',
    'begins each request anew: no body, field or framing of the last one is left',
    {
      rule: 'every message has its own framing (RFC 9112 §6)',
      likely: 'something of the last request stays in the state of the connection',
    },
    async (world) => {
      const server = await world.call('serve', { otherwise: { reads: 'whole', tells: true } });
      const http = await world.http(server);
      const bytes = Buffer.concat([
        requestBytes('POST', '/a', { body: 'aaa', fields: [['X-Once', '1']] }),
        requestBytes('GET', '/b'),
        requestBytes('POST', '/c', { chunks: ['cc', 'c'], trailers: [['X-Sum', '3']] }),
        requestBytes('GET', '/d'),
        Buffer.concat([Buffer.from('POST /e HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'), chunkedBytes([])]),
        requestBytes('GET', '/f'),
      ]);
      http.sendBytes(bytes, ['POST', 'GET', 'POST', 'GET', 'POST', 'GET']);
      for (const wanted of ['/a aaa 1', '/b  0', '/c ccc 0', '/d  0', '/e  0', '/f  0']) {
        const response = await http.response();
        const call = JSON.parse(response.body.toString()) as { target: string; body: string; headers: [string, string][]; trailers: unknown[] };
        const seen = `${call.target} ${call.body} ${call.headers.filter(([name]) => name === 'X-Once').length}`;
        check(seen === wanted && (call.trailers.length === 1) === (call.target === '/c'), { sent: http.tcp.describeSent(), received: `${seen}, ${call.trailers.length} trailers`, expected: `${wanted} (target, body, X-Once)` });
      }
    },
  );

  rule(
    'keeps-connections-apart',
    'keeps what one connection has left over apart from the others',
    {
      rule: 'each connection has its own parser, its own buffer and its own turn',
      likely: 'one HttpConnection or one buffer for the whole server',
    },
    async (world) => {
      const { random, settle } = world;
      const server = await world.call('serve', { otherwise: { reads: 'whole', echo: true } });
      const clients = await Promise.all(
        [1, 2, 3, 4, 5].map(async (number) => {
          const bodies = Array.from({ length: 4 }, () => random.words(random.integer(1, 9)));
          const bytes = Buffer.concat(bodies.map((body) => requestBytes('POST', `/${number}`, random.boolean() ? { body } : { chunks: [body] })));
          const http = await world.http(server, { label: `client ${number} of 5, interleaved` });
          return { bodies, http, pieces: random.pieces(bytes, 70) };
        }),
      );
      while (clients.some(({ pieces }) => pieces.length > 0)) {
        for (const { http, pieces } of random.shuffle(clients)) {
          const piece = pieces.shift();
          if (piece) http.tcp.write(piece);
        }
        await settle();
      }
      for (const { bodies, http } of clients) for (const body of bodies) expectBody(await http.response(), body, http.tcp.describeSent());
    },
  );

  rule(
    'lasts',
    'goes on for hundreds of requests, on one connection and on many',
    {
      rule: 'a server keeps running: neither the tenth request nor the hundredth connection is the last',
      likely: 'a listener is added for each request, something is used up, or the process ends after the first answer',
    },
    async (world) => {
      const server = await world.call('serve', { otherwise: { reads: 'whole', echo: true } });
      const http = await world.http(server, { label: 'one connection' });
      for (let number = 1; number <= 200; number++) {
        const body = number % 3 === 0 ? `${number}` : '';
        http.send(body === '' ? 'GET' : 'POST', `/${number}`, body === '' ? {} : { body });
        expectBody(await http.response(), body, `request ${number} on one connection`);
      }
      await Promise.all(
        Array.from({ length: 100 }, async (_, number) => {
          const one = await world.http(server, { label: `connection ${number + 1} of 100` });
          one.send('POST', '/', closing({ body: `${number}` }));
          expectBody(await one.response(), `${number}`, `a request on connection ${number + 1} of 100`);
        }),
      );
    },
  );

  rule(
    'answers-all-before-the-fin',
    'answers every request that came before the FIN, bodies and all',
    {
      rule: 'a FIN says that no other request follows, not that nobody listens (RFC 9112 §9.6)',
      likely: 'the end of the input ends the reading of a body that has come whole',
    },
    async (world) => {
      const server = await world.call('serve', { otherwise: { reads: 'whole', echo: true } });
      const several = await world.http(server, { label: 'three requests, then FIN' });
      several.send('POST', '/', { body: 'a' }).send('POST', '/', { body: 'b' }).send('POST', '/', { chunks: ['c'] }).tcp.end();
      for (const body of ['a', 'b', 'c']) expectBody(await several.response(), body, several.tcp.describeSent());
      await several.tcp.readToEnd();
    },
  );

  rule(
    'sends-on-after-the-fin',
    'goes on with a body when the client ends its side in the middle of it',
    {
      rule: 'a FIN says that the client sends no more, not that it reads no more (RFC 9112 §9.6): a body on its way goes on',
      likely: "'end' is taken for 'close': the iterator is ended, or the socket destroyed",
    },
    async (world) => {
      const parts = Array.from({ length: 3 }, () => world.random.words(3));
      const server = await world.call('serve', { routes: { '/': { parts, partGate: 'part' } } });
      const http = await world.http(server);
      http.send('GET', '/');
      await http.tcp.until(() => withoutChunkHeads(http.tcp.received).includes(parts[0] as string), { expected: 'the first part' });
      http.tcp.end();
      for (let turn = 0; turn < 5; turn++) await world.settle();
      for (const name of ['part1', 'part2']) await world.call('release', name);
      expectBody(await http.response(), parts.join(''), http.tcp.describeSent());
      await http.tcp.readToEnd();
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
    'minds-http-1.0',
    'closes after an HTTP/1.0 request, unless it says keep-alive',
    {
      rule: 'HTTP/1.0 persists only when the client says keep-alive, and the server must say so too (RFC 9112 §9.3, appendix C.2.2)',
      likely: 'the version is ignored, or keep-alive is not answered',
    },
    async (world) => {
      const server = await world.call('serve', { routes: { '/parts': { parts: ['a', 'b'] } } });
      for (const fields of [[], [['Connection', 'foo']], [['Connection', 'keep-alive, close']]] as [string, string][][]) {
        const http = await world.http(server, { label: `HTTP/1.0 ${fields.map((field) => field.join(': ')).join()}` });
        http.send('GET', '/', { version: 'HTTP/1.0', fields });
        const response = await http.response();
        await http.tcp.readToEnd({ expected: 'the connection is closed' });
        check(!fieldTokens(response, 'connection').includes('keep-alive'), { sent: http.tcp.describeSent(), received: 'Connection: keep-alive', expected: 'no keep-alive: the client did not ask for it' });
      }
      for (const value of ['keep-alive', 'Keep-Alive']) {
        const http = await world.http(server, { label: `HTTP/1.0 Connection: ${value}` });
        for (const target of ['/first', '/second', '/parts']) {
          http.send('GET', target, { version: 'HTTP/1.0', fields: [['Connection', value]] });
          const response = await http.response();
          expectBody(response, target === '/parts' ? 'ab' : `this is ${target}`, http.tcp.describeSent());
          // Without a length only the end of the connection ends a body; and a server may decline to go on.
          if (http.tcp.ended) break;
          check(response.framing !== 'close' && fieldTokens(response, 'connection').includes('keep-alive'), {
            sent: http.tcp.describeSent(),
            received: `${showResponse(response)}; the connection stays open`,
            expected: 'Connection: keep-alive, or the end: without it, an HTTP/1.0 client believes that the connection ends',
          });
        }
      }
    },
  );

  rule(
    'keeps-heads-apart',
    'answers each request as its own head asks, though others have come on other connections in the meantime',
    {
      rule: 'what a response looks like depends on its own request: HEAD, the version, `Connection` (RFC 9110 §9.3.2, RFC 9112 §9.3)',
      likely: 'what is known about the current request is kept where all connections share it, and a handler that waits finds the head of another request',
    },
    async (world) => {
      type Kind = readonly [label: string, method: string, options: RequestOptions, fits: (response: HttpTestResponse) => boolean, expected: string];
      const kinds: Kind[] = [
        ['GET', 'GET', {}, (response) => !saysClose(response) && response.body.length > 0, 'the whole body, and no Connection: close'],
        ['HEAD', 'HEAD', {}, (response) => !saysClose(response) && response.body.length === 0, 'no body, and no Connection: close'],
        ['GET with Connection: close', 'GET', { fields: [['Connection', 'close']] }, (response) => saysClose(response) && response.body.length > 0, 'the whole body, and Connection: close'],
        ['GET of HTTP/1.0', 'GET', { version: 'HTTP/1.0' }, (response) => response.body.length > 0 && fieldValue(response, 'transfer-encoding') === undefined, 'the whole body, and no Transfer-Encoding'],
      ];
      const routes = { '/waits': { gate: 'waits', tells: true }, '/parts': { gate: 'waits', parts: ['one', 'two'] } };
      const server = await world.call('serve', { routes, otherwise: { body: 'at once' } });
      // Each waits, with every other answered after its head has come.
      const waiting: { kind: Kind; http: HttpClient; target: string; mark: string }[] = [];
      for (const target of ['/waits', '/parts']) {
        for (const kind of world.random.shuffle([...kinds, ...kinds])) {
          const [label, method, options] = kind;
          const mark = world.random.word(8, 12);
          const http = await world.http(server, { label: `${label}, whose handler waits` });
          http.send(method, target, { ...options, fields: [...(options.fields ?? []), ['X-Mark', mark]] });
          waiting.push({ kind, http, target, mark });
          await world.settle();
          const [, otherMethod, otherOptions] = world.random.pick(kinds.filter((other) => other !== kind));
          await once(world, server, otherMethod, '/other', otherOptions);
        }
      }
      await eventually(world, async () => (await targetsOf(world)).filter((target) => target !== '/other').length >= waiting.length, { sent: 'requests whose handlers wait', received: 'not all calls', expected: 'a call for each' });
      await world.call('release', 'waits');
      for (const { kind, http, target, mark } of waiting) {
        const [, , , fits, expected] = kind;
        const response = await http.response();
        const sent = `${http.tcp.describeSent()}, and other requests on other connections before the answer`;
        check(response.status === 200 && fits(response), { sent, received: showResponse(response), expected });
        // What the handler sees when it goes on is still its own request.
        check(target !== '/waits' || response.body.length === 0 || response.body.includes(mark), { sent, received: response.body.toString('latin1').slice(0, 200), expected: `the handler sees its own field, X-Mark: ${mark}` });
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
    'ends-every-iterator',
    'ends the iterator of a body that is not sent, and closes the body once in every case',
    {
      rule: "a body's `close()` is called once, whether it was read to its end or not; that is where files and cursors are closed",
      likely: 'HEAD, 204 and 304 return before the body is looked at: every HEAD leaks an open file',
    },
    async (world) => {
      const routes: Record<string, Answer> = { '/': { parts: ['a', 'b'] }, '/sync': { parts: ['a', 'b'], iterable: 'sync' }, '/204': { status: 204, parts: ['a'] }, '/long': { headers: [['Content-Length', '1']], parts: ['a', 'b', 'c'] }, '/endless': { endlessBytes: 1000 }, '/endless-sync': { endlessBytes: 1000, iterable: 'sync' } };
      const server = await world.call('serve', { routes });
      let wanted = 0;
      for (const [method, target] of [['GET', '/'], ['GET', '/sync'], ['HEAD', '/'], ['HEAD', '/sync'], ['GET', '/204'], ['GET', '/long'], ['HEAD', '/endless'], ['HEAD', '/endless-sync']] as const) {
        const client = await world.connect(server);
        const before = (await world.call('counters')).asked;
        client.write(requestBytes(method, target, closing()));
        for (let turn = 0; turn < 400 && !client.ended && !client.closed; turn++) {
          const asked = (await world.call('counters')).asked - before;
          check(asked < 100, { sent: `${method} ${target}`, received: `${asked} parts were asked for`, expected: 'none: they are not sent, and an endless body would be asked for ever' });
          await world.settle();
        }
        await over(client, 'an answer, and the end of the connection');
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
    'ends-after-a-broken-body',
    'ends a connection on which a response was cut short, and answers nothing more on it',
    {
      rule: 'what follows a response that is shorter than its Content-Length, or lacks its last chunk, would be taken for the rest of it (RFC 9112 §8)',
      likely: 'the response counts as sent, and the next one lands in the body of this one',
    },
    async (world) => {
      const cases: [string, Answer][] = [
        ['promises 10 bytes and gives 4', { headers: [['Content-Length', '10']], body: 'four' }],
        ['promises 10 bytes and gives 4 in parts', { headers: [['Content-Length', '10']], parts: ['fo', 'ur'] }],
        ['breaks after two parts', { parts: ['a', 'b', 'c'], breaksAfter: 2 }],
        ['promises 3 bytes and breaks after two', { headers: [['Content-Length', '3']], parts: ['a', 'b', 'c'], breaksAfter: 2, iterable: 'sync' }],
      ];
      const server = await world.call('serve', { routes: Object.fromEntries(cases.map(([, answer], index) => [`/${index}`, answer])) });
      await Promise.all(
        cases.map(async ([what], index) => {
          const http = await world.http(server, { label: `a handler that ${what}` });
          http.send('GET', `/${index}`).send('GET', '/after');
          // A server that looks at the body first answers 500, and may go on.
          await http.tcp.until(() => http.tcp.ended || http.tcp.closed || http.tcp.received.includes('this is /after'), { expected: 'the end of the connection: the response is incomplete' });
          const [first] = http.completeResponses();
          check(!http.tcp.received.includes('this is /after') || first?.status === 500, {
            kind: 'wrong bytes',
            sent: http.tcp.describeSent(),
            received: http.tcp.describe(),
            expected: 'nothing after a response that was cut short, or a 500 in its place',
          });
        }),
      );
    },
  );

  rule(
    'drops-an-unread-body',
    'is never out of step after a body that the handler did not read',
    {
      rule: 'a server reads the whole body or closes the connection (RFC 9112 §9.3): what is left of a body is not a request',
      likely: 'the next request is looked for where the handler stopped reading',
    },
    async (world) => {
      const server = await world.call('serve', { routes: { '/first-part': { reads: 'first part', body: 'part' }, '/none': { body: 'none' } } });
      const trap = requestBytes('GET', '/smuggled');
      const traps = (bytes: number): Buffer => Buffer.concat(Array.from({ length: Math.ceil(bytes / trap.length) }, () => trap));
      for (const [what, body] of [['a small body', traps(80)], ['a body of 1.6 MB', traps(1_600_000)], ['a body of 300 KB', traps(world.random.integer(280_000, 310_000))]] as const) {
        for (const target of ['/none', '/first-part']) {
          for (const framing of ['length', 'chunked'] as const) {
            const http = await world.http(server, { label: `${what} (${framing}) for ${target}` });
            http.send('POST', target, framing === 'length' ? { body } : { chunks: world.random.pieces(body, 300_000) });
            http.send('GET', '/next');
            const first = await http.response();
            expectStatus(first, 200, http.tcp.describeSent());
            // Both are right: dropping the rest and going on, or closing. With chunks, nobody knows beforehand how much there is.
            await http.tcp.until(() => http.leftOver.length > 0 || http.tcp.ended || http.tcp.closed, { expected: 'the answer to GET /next, or the end of the connection' });
            if (http.leftOver.length > 0) expectBody(await http.response(), 'this is /next', http.tcp.describeSent());
            else if (framing === 'length') check(saysClose(first), { sent: http.tcp.describeSent(), received: `${showResponse(first)}, then the connection was closed`, expected: 'Connection: close in the response: the server knows what it will not read' });
          }
        }
      }
      const served = await targetsOf(world);
      check(!served.includes('GET /smuggled'), { sent: 'a POST whose body holds GET /smuggled, for a handler that does not read it', received: 'GET /smuggled was served', expected: 'the body is dropped, or the connection closed' });
    },
  );

  rule(
    'keeps-late-readers-out',
    'gives a handler that reads on after its response nothing of the next request',
    {
      rule: 'what comes after the end of a message belongs to the next one (RFC 9112 §6.3): a body that is read too late has been dropped',
      likely: 'reading takes whatever the connection has, and nobody asks which request is reading: one client in front of a proxy gets the body of another',
    },
    async (world) => {
      for (const begins of ['before its response', 'when the next request is there'] as const) {
        const server = await world.call('serve', { routes: { '/late': { readsAfterwards: `late ${begins}`, body: 'done' }, '/next': { gate: `next ${begins}`, reads: 'whole', echo: true } } });
        const [own, next] = [world.random.words(4), world.random.words(6)];
        const callsOfNext = async (): Promise<number> => (await targetsOf(world)).filter((target) => target === 'POST /next').length;
        const earlier = await callsOfNext();
        const http = await world.http(server, { label: `a handler that begins to read ${begins}` });
        const bytes = requestBytes('POST', '/late', { body: own });
        const cut = begins === 'before its response' ? bytes.length - 3 : bytes.length;
        if (cut < bytes.length) await world.call('release', `late ${begins}`);
        http.sendBytes(bytes.subarray(0, cut), ['POST']);
        const first = await http.response();
        expectBody(first, 'done', http.tcp.describeSent());
        // Nothing comes after the last response.
        if (saysClose(first)) continue;
        http.tcp.write(bytes.subarray(cut));
        http.send('POST', '/next', { body: next });
        await eventually(world, async () => (await callsOfNext()) > earlier, { sent: http.tcp.describeSent(), received: 'the handler of POST /next was not called', expected: 'it is called' });
        await world.call('release', `late ${begins}`);
        for (let turn = 0; turn < 5; turn++) await world.settle();
        await world.call('release', `next ${begins}`);
        expectBody(await http.response(), next, `${http.tcp.describeSent()}, and ${next} as the body of POST /next`);
        const late = (await world.call('calls')).findLast(({ target }) => target === '/late');
        check(late !== undefined && late.bodyBytes <= own.length && (!late.complete || late.body === own || late.body === ''), {
          kind: 'wrong bytes',
          sent: http.tcp.describeSent(),
          received: `the handler of /late got ${count(late?.bodyBytes ?? 0, 'byte')}: ${late?.body}`,
          expected: `an error, or its own body (${own}): never that of another request`,
        });
      }
    },
  );

  rule(
    'sends-100-continue',
    'sends 100 Continue when the handler reads a body that the client holds back',
    {
      rule: 'a client that sends `Expect: 100-continue` waits for a 100 or a final response (RFC 9110 §10.1.1)',
      likely: 'the server waits for the body, and the client waits for the server',
    },
    async (world) => {
      const server = await world.call('serve', { otherwise: { reads: 'whole', echo: true } });
      for (const expectation of ['100-continue', '100-Continue']) {
        const body = world.random.words(5);
        for (const framing of ['length', 'chunked'] as const) {
          const http = await world.http(server, { label: `Expect: ${expectation}, ${framing}` });
          const bytes = requestBytes('POST', '/', { fields: [['Expect', expectation]], ...(framing === 'length' ? { body } : { chunks: [body] }) });
          const head = bytes.indexOf('\r\n\r\n') + 4;
          http.announce('POST');
          http.tcp.write(bytes.subarray(0, head));
          await http.tcp.until(() => /^HTTP\/1\.1 100 .*\r\n\r\n$/s.test(http.tcp.received.toString('latin1')), { expected: 'HTTP/1.1 100 Continue, before the body is sent' });
          http.tcp.write(bytes.subarray(head));
          expectBody(await http.response(), body, http.tcp.describeSent());
          check(http.interim.length === 1, { sent: http.tcp.describeSent(), received: `${http.interim.length} interim responses`, expected: 'one 100 Continue' });
          await http.send('GET', '/').response();
        }
      }
    },
  );

  rule(
    'sends-100-only-when-due',
    'sends no 100 Continue to HTTP/1.0, nor for a body that nobody reads, and answers those who do not wait for it',
    {
      rule: 'an expectation in an HTTP/1.0 request MUST be ignored; a 100 may be left out when the body has come, and one who can answer by the head alone answers at once (RFC 9110 §10.1.1)',
      likely: '100 Continue is sent to everybody, or before the handler asks for the body; or nothing comes until the client has sent a body',
    },
    async (world) => {
      const server = await world.call('serve', { routes: { '/no': { status: 403, body: 'no' } }, otherwise: { reads: 'whole', echo: true } });
      const fields: [string, string][] = [['Expect', '100-continue']];
      const old = await world.http(server, { label: 'HTTP/1.0' });
      old.send('POST', '/', { version: 'HTTP/1.0', fields, body: 'hello' });
      expectBody(await old.response(), 'hello', old.tcp.describeSent());
      check(old.interim.length === 0, { sent: old.tcp.describeSent(), received: old.tcp.describe(), expected: 'no 100: HTTP/1.0 has no interim responses' });
      const eager = await world.http(server, { label: 'client that does not wait' });
      eager.send('POST', '/', { fields, body: 'hello' }).send('POST', '/', { fields, body: 'again' });
      expectBody(await eager.response(), 'hello', eager.tcp.describeSent());
      expectBody(await eager.response(), 'again', eager.tcp.describeSent());
      check(eager.interim.length <= 2, { sent: eager.tcp.describeSent(), received: `${eager.interim.length} interim responses`, expected: 'one for each request at most' });
      const refused = await world.http(server, { label: 'body not wanted' });
      refused.announce('POST').tcp.write('POST /no HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 38\r\n\r\n');
      const response = await refused.response({ expected: 'the final response: the handler does not read the body' });
      expectStatus(response, 403, refused.tcp.describeSent());
      check(refused.interim.length === 0, { sent: refused.tcp.describeSent(), received: `a 100, then ${response.status}`, expected: '403 and no 100: the handler knows without the body, which the client would send for nothing' });
      // The client may send the body all the same, or not: a server that goes on cannot know which.
      refused.tcp.write('GET /smuggled HTTP/1.1\r\nHost: smuggled\r\n\r\n'.slice(0, 38));
      for (let turn = 0; turn < 5; turn++) await world.settle();
      check(!(await targetsOf(world)).includes('GET /smuggled'), { sent: refused.tcp.describeSent(), received: 'the body was served as a request', expected: 'the body is dropped or the connection closed' });
      const bodiless = await world.http(server, { label: 'Expect without a body' });
      bodiless.send('GET', '/', { fields });
      expectStatus(await bodiless.response(), 200, bodiless.tcp.describeSent());
    },
  );

  rule(
    'streams-responses',
    'sends each part of a body before it asks for the next',
    {
      rule: 'a body that is made part by part is sent part by part: the first does not wait for the last',
      likely: 'the parts are collected and sent at the end',
    },
    async (world) => {
      const parts = Array.from({ length: 4 }, () => world.random.words(3));
      const server = await world.call('serve', { routes: { '/': { parts, partGate: 'part' } } });
      const http = await world.http(server);
      http.send('GET', '/');
      for (const [index, part] of parts.entries()) {
        if (index > 0) await world.call('release', `part${index}`);
        await http.tcp.until(() => withoutChunkHeads(http.tcp.received).includes(part), { expected: `part ${index + 1} of 4, while part ${index + 2} does not exist yet` });
      }
      expectBody(await http.response(), parts.join(''), 'GET of four parts');
    },
  );

  rule(
    'streams-requests',
    'gives the handler the part of a body that has arrived, before the rest comes',
    {
      rule: 'the handler is called when the head is there, and reads the body as it arrives',
      likely: 'the whole body is collected before the handler is called: every upload is kept in memory',
    },
    async (world) => {
      const server = await world.call('serve', { otherwise: { reads: 'parts', body: 'done' } });
      for (const framing of ['length', 'chunked'] as const) {
        const parts = [world.random.bytes(1000), world.random.bytes(1000)];
        const bytes = framing === 'length' ? requestBytes('POST', `/${framing}`, { body: Buffer.concat(parts) }) : requestBytes('POST', `/${framing}`, { chunks: parts });
        const http = await world.http(server, { label: framing });
        http.announce('POST');
        http.tcp.write(bytes.subarray(0, bytes.length - 700));
        await eventually(world, async () => (await world.call('calls')).some((call) => call.target === `/${framing}` && call.bodyBytes > 0), {
          sent: `a head and a part of its body (${framing})`,
          received: 'the handler has seen nothing of the body',
          expected: 'the part that has come',
        });
        http.tcp.write(bytes.subarray(bytes.length - 700));
        expectBody(await http.response(), 'done', http.tcp.describeSent());
      }
    },
  );

  rule(
    'streams-both-ways-at-once',
    'sends back what has come of a body, while the rest of it is still on its way',
    {
      rule: 'a response may begin before the request has ended (RFC 9112 §9.3): a handler that answers with the body that it is given, part by part, is right',
      likely: 'a body can no longer be read when the response has begun',
    },
    async (world) => {
      const { random } = world;
      const server = await world.call('serve', { routes: { '/back': { streamsBack: true } } });
      for (const framing of ['length', 'chunked'] as const) {
        const parts = Array.from({ length: 3 }, () => random.words(3));
        const bytes = framing === 'length' ? requestBytes('POST', '/back', { body: parts.join('') }) : requestBytes('POST', '/back', { chunks: parts });
        const http = await world.http(server, { label: `a body that is sent back as it comes (${framing})` });
        http.announce('POST');
        let at = 0;
        for (const [index, part] of parts.entries()) {
          const end = bytes.indexOf(part, at) + part.length;
          http.tcp.write(bytes.subarray(at, end));
          at = end;
          await http.tcp.until(() => withoutChunkHeads(http.tcp.received).includes(part), { expected: `part ${index + 1} of 3, before part ${index + 2} is sent` });
        }
        http.tcp.write(bytes.subarray(at));
        const response = await http.response();
        expectBody(response, parts.join(''), http.tcp.describeSent());
        if (saysClose(response)) continue;
        http.send('GET', '/next');
        expectBody(await http.response(), 'this is /next', http.tcp.describeSent());
      }
    },
  );

  rule(
    'stops-reading',
    'stops reading when the handler does not read, and loses nothing',
    {
      rule: 'what nobody reads is not taken in: backpressure reaches the client, whose writes stall',
      likely: "the socket's 'data' fills a buffer without a limit",
    },
    async (world) => {
      const pieceBytes = 1 << 20;
      const pieces = 64;
      const length = pieces * pieceBytes;
      const server = await world.call('serve', { otherwise: { gate: 'read', reads: 'parts', body: 'read' }, limits: { bodyBytesMax: length } });
      const http = await world.http(server);
      const piece = world.random.bytes(pieceBytes);
      http.announce('POST').tcp.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`);
      const { taken, sent } = await sendUntilStalled(http.tcp, piece, pieces);
      check(taken < HELD_BYTES_MAX, {
        sent: `a body of ${count(length, 'byte')} for a handler that does not read yet`,
        received: `the server took ${count(taken, 'byte')} and holds them in memory`,
        expected: "the client's writes stall after a few MiB",
      });
      for (let more = sent; more < pieces; more++) http.tcp.write(piece);
      await world.call('release', 'read');
      expectBody(await http.response(), 'read', 'a large body, once the handler reads');
      const [call] = await world.call('calls');
      const hash = createHash('sha256');
      for (let part = 0; part < pieces; part++) hash.update(piece);
      check(call?.bodyBytes === length && call.bodyHash === hash.digest('hex'), {
        kind: 'wrong bytes',
        sent: `a body of ${count(length, 'byte')}`,
        received: `${count(call?.bodyBytes ?? 0, 'byte')}, or different ones`,
        expected: 'every byte, once the handler reads',
      });
    },
  );

  rule(
    'bounds-the-pipeline',
    'stops reading from a client that sends requests without end while the first is being answered',
    {
      rule: 'requests in the pipeline wait in the client, not in the memory of the server',
      likely: 'everything that comes is read and kept until its turn',
    },
    async (world) => {
      const server = await world.call('serve', { routes: { '/slow': { gate: 'slow', body: 'slow' } } });
      const http = await world.http(server);
      http.send('GET', '/slow');
      const many = Buffer.concat(Array.from({ length: 20_000 }, () => requestBytes('GET', '/x', { fields: [['X-Fill', 'x'.repeat(20)]] })));
      const { taken } = await sendUntilStalled(http.tcp, many, 48);
      check(taken < HELD_BYTES_MAX, {
        sent: 'GET /slow, which is not answered yet, and requests without end after it',
        received: `the server took ${count(taken, 'byte')}`,
        expected: "the client's writes stall after a few MiB",
      });
    },
  );

  rule(
    'stops-asking',
    'stops asking a body for parts when the client does not read',
    {
      rule: "a part is asked for when the one before it has gone: backpressure reaches the handler's iterator",
      likely: '`write` returned false and nobody waited for drain',
    },
    async (world) => {
      const partBytes = 64 << 10;
      const server = await world.call('serve', { routes: { '/': { endlessBytes: partBytes }, '/sync': { endlessBytes: partBytes, iterable: 'sync' } } });
      let before = 0;
      for (const target of ['/', '/sync']) {
        const client = await world.connect(server, { paused: true, label: `client that does not read GET ${target}` });
        client.write(requestBytes('GET', target));
        let asked = -1;
        for (let quiet = 0; quiet < 12; ) {
          await world.settle();
          const now = (await world.call('counters')).asked - before;
          quiet = now === asked && now > 0 ? quiet + 1 : 0;
          asked = now;
          check(asked * partBytes < HELD_BYTES_MAX, {
            sent: `GET ${target} of an endless body, by a client that does not read`,
            received: `the server has asked for ${count(asked * partBytes, 'byte')}`,
            expected: 'it stops after a few MiB',
          });
        }
        client.resume();
        const more = (asked + 20) * partBytes;
        await client.read(more, { expected: 'the body goes on once the client reads' });
        client.pause();
        client.resetNow();
        await eventually(world, async () => (await world.call('connections')) === 0, { sent: 'RST', received: 'the connection is still counted', expected: 'the connection is forgotten' });
        before = (await world.call('counters')).asked;
      }
    },
  );

  rule(
    'goes-on-when-read',
    'goes on with the pipeline when a client that had stopped reading reads again',
    {
      rule: 'what could not be sent waits for `drain`, and then everything comes, in order',
      likely: 'answering stops while the client does not read, and nothing starts it again',
    },
    async (world) => {
      const texts = Array.from({ length: 3 }, () => world.random.word().repeat(12_000).slice(0, 60_000));
      const bytes = Array.from({ length: 3 }, () => world.random.bytes(1 << 20));
      const routes = Object.fromEntries([...texts, ...bytes].map((body, index) => [`/${index}`, { body, synchronous: index % 2 === 0 }]));
      const server = await world.call('serve', { routes });
      for (const [what, times, bodies] of [['texts', 160, texts], ['bytes', 12, bytes]] as const) {
        const http = await world.http(server, { paused: true, label: `client that asks for ${times} ${what} and does not read for a while` });
        const offset = what === 'texts' ? 0 : 3;
        for (let n = 0; n < times; n++) http.send('GET', `/${offset + (n % 3)}`);
        for (let turn = 0; turn < 20; turn++) await world.settle();
        http.tcp.resume();
        for (let n = 0; n < times; n++) expectBody(await http.response(), bodies[n % 3] ?? '', `GET ${offset + (n % 3)}, as request ${n + 1} of ${times}`);
        http.tcp.end();
      }
    },
  );

  rule(
    'ends-the-body-of-those-who-leave',
    'ends the iterator and closes the body when the client leaves',
    {
      rule: 'a body that nobody reads any more is told so: `return()` on its iterator, `close()` on itself, once',
      likely: "the loop waits for a 'drain' that never comes, and files stay open",
    },
    async (world) => {
      const routes = { '/': { endlessBytes: 50_000 }, '/sync': { endlessBytes: 50_000, iterable: 'sync' as const }, '/waits': { gate: 'never', watchesSignal: true }, '/late': { gate: 'late', parts: ['a', 'b'] }, '/stuck': { parts: ['first', 'second'], partGate: 'stuck' }, '/watched': { watchesSignal: true, body: 'x' } };
      const server = await world.call('serve', { routes });
      const watched = await exchange(world, server, 'GET', '/watched');
      expectStatus(watched.response, 200, 'GET /watched');
      watched.http.tcp.end();
      await over(watched.http.tcp);
      await world.settle();
      check((await world.call('counters')).aborted === 0, { sent: 'a request that is answered in full, then FIN', received: 'request.signal aborts', expected: 'no abort: the response is complete' });
      for (const [index, target] of ['/', '/sync', '/', '/sync'].entries()) {
        const client = await world.connect(server, { label: `client that leaves GET ${target} ${index < 2 ? 'by RST' : 'without reading'}`, paused: index >= 2 });
        client.write(requestBytes('GET', target));
        if (index < 2) await client.read(200_000);
        for (let turn = 0; turn < 5; turn++) await world.settle();
        if (index < 2) client.resetNow();
        else client.destroy();
        await eventually(world, async () => (await world.call('counters')).closed > index, {
          sent: `GET ${target} of an endless body; then the client is gone`,
          received: 'the iterator was not ended, or close() was not called',
          expected: 'return() on the iterator and close() on the body',
        });
      }
      const { returned, closed } = await world.call('counters');
      check(returned === 4 && closed === 4, { sent: 'four clients that leave', received: `return() ${returned} times, close() ${closed} times`, expected: 'each four times' });
      const waiting = await world.connect(server, { label: 'client that resets while the handler works' });
      waiting.write(requestBytes('GET', '/waits'));
      await eventually(world, async () => (await targetsOf(world)).includes('GET /waits'), { sent: 'GET /waits', received: 'no call', expected: 'the handler is called' });
      waiting.resetNow();
      await eventually(world, async () => (await world.call('counters')).aborted === 1, { sent: 'a request, then RST', received: 'request.signal did not abort', expected: 'request.signal aborts' });
      const late = await world.connect(server, { label: 'client that resets before the handler answers' });
      late.write(requestBytes('GET', '/late'));
      await eventually(world, async () => (await targetsOf(world)).includes('GET /late'), { sent: 'GET /late', received: 'no call', expected: 'the handler is called' });
      late.resetNow();
      await eventually(world, async () => (await world.call('connections')) === 0, { sent: 'RST', received: 'the connection is still counted', expected: 'the connection is forgotten' });
      await world.call('release', 'late');
      await eventually(world, async () => (await world.call('counters')).closed === 5, {
        sent: 'GET /late, then RST, and only then the handler answers with a body in parts',
        received: 'close() was not called on that body',
        expected: 'close() is called: nobody will read it',
      });
      const stuck = await world.http(server, { label: 'client that resets while the next part is waited for' });
      stuck.send('GET', '/stuck');
      await stuck.tcp.until(() => withoutChunkHeads(stuck.tcp.received).includes('first'), { expected: 'the first part' });
      stuck.tcp.resetNow();
      await eventually(world, async () => (await world.call('counters')).closed === 6, {
        sent: 'GET /stuck, whose second part never comes; then RST',
        received: 'close() was not called on the body',
        expected: 'close() is called: the body waits for something, and nobody waits for it',
      });
      expectStatus(await once(world, server, 'GET', '/after'), 200, 'a request of another client');
    },
  );

  rule(
    'breaks-off-the-reading',
    'ends the reading of a body with an error when the client leaves in the middle of it',
    {
      rule: 'a body that breaks off is reported as an error: its reader must neither wait for ever nor treat it as complete (RFC 9112 §8)',
      likely: 'the promise of the next part is never settled when the socket closes',
    },
    async (world) => {
      const server = await world.call('serve', { otherwise: { reads: 'parts', body: 'read' } });
      const leave = { RST: (client: TcpClient) => client.resetNow(), FIN: (client: TcpClient) => client.destroy() };
      let gone = 0;
      for (const framing of ['Content-Length: 1000', 'Transfer-Encoding: chunked']) {
        for (const [how, go] of Object.entries(leave)) {
          const client = await world.connect(server, { label: `client that leaves by ${how}` });
          client.write(`POST /${gone} HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n5\r\nhello\r\n`);
          await eventually(world, async () => (await world.call('calls')).some((call) => call.target === `/${gone}` && call.bodyBytes > 0), {
            sent: client.describeSent(),
            received: 'the handler has seen nothing of the body',
            expected: 'the part that has come',
          });
          go(client);
          gone++;
          await eventually(world, async () => (await world.call('counters')).cutShort === gone, {
            sent: `${client.describeSent()}, then ${how}`,
            received: 'the handler still waits for the rest',
            expected: 'the iteration of request.body throws',
          });
        }
      }
      const complete = (await world.call('calls')).filter((call) => call.complete);
      check(complete.length === 0, { sent: `${gone} bodies that break off`, received: `${complete.length} were read to an end`, expected: 'none is complete' });
    },
  );
});
