import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { count } from '#support/bytes.ts';
import { exercise } from '#support/exercise.ts';
import { check, CheckFailure } from '#support/failure.ts';
import { chunkedBytes, HttpClient, requestBytes } from '#support/http-client.ts';
import type { RequestOptions } from '#support/http-client.ts';
import { fieldTokens, fieldValue, readResponse, saysClose } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { TcpClient } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import type { Answer, Pairs } from './driver.ts';
import { judge } from './outcomes.ts';
import { closing, eventually, exchange, expectBody, expectStatus, once, over, showResponse, staysOpen, TIMEOUT_PATIENCE_MS } from './wire.ts';
import type { TestWorld } from './wire.ts';

/** Long enough that only a timeout under test could end a connection within a test. */
const FAR_MS = 120_000;

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

/** Asks for `/n` and expects `this is /n`. */
async function askAndCheck(http: HttpClient, target: string): Promise<HttpTestResponse> {
  http.send('GET', target);
  const response = await http.response();
  expectStatus(response, 200, http.tcp.describeSent());
  expectBody(response, `this is ${target}`, http.tcp.describeSent());
  return response;
}

/** Fails unless the server says close in this response and then closes. */
async function expectClose(http: HttpClient, response: HttpTestResponse, why: string): Promise<void> {
  await http.tcp.readToEnd({ expected: `the connection is closed: ${why}` });
  check(saysClose(response), { sent: http.tcp.describeSent(), received: showResponse(response), expected: `Connection: close: ${why}` });
  check(http.leftOver.length === 0, { kind: 'wrong bytes', sent: http.tcp.describeSent(), received: http.tcp.describe(), expected: 'nothing after the last response' });
}

async function targetsOf(world: TestWorld): Promise<string[]> {
  return (await world.call('calls')).map(({ method, target }) => `${method} ${target}`);
}

/** What came, with the parts of each body joined: a server may cut a part into several chunks. */
function withoutChunkHeads(wire: Buffer): string {
  return wire.toString('latin1').replaceAll(/\r\n[0-9a-f]+(?:;[^\r\n]*)?\r\n/gi, '');
}

/** The body of a whole response to a GET, however it is framed; `null` if it is not complete. */
function bodyOf(wire: string): string | null {
  const response = readResponse(Buffer.from(wire, 'latin1'), 0, 'GET', true);
  return 'incomplete' in response ? null : response.body.toString('latin1');
}

exercise<typeof driver>('2.5', import.meta.url, (rule) => {
  rule(
    'reads-the-wish',
    'knows from a head whether the connection persists and whether a 100 is waited for',
    {
      rule: 'HTTP/1.1 persists unless it says close, HTTP/1.0 only if it says keep-alive; close wins (RFC 9112 §9.3); `Expect: 100-continue` counts from 1.1 on (RFC 9110 §10.1.1)',
      likely: 'the field is compared to the letter: it is a list of tokens, and their case does not matter',
    },
    async ({ call }) => {
      const connection = (httpVersion: string, ...values: string[]): { httpVersion: string; fields: Pairs } => ({ httpVersion, fields: values.map((value) => ['Connection', value] as const) });
      const persisting: [ReturnType<typeof connection>, boolean][] = [
        [connection('1.1'), true], [connection('1.1', 'close'), false], [connection('1.1', 'CLOSE'), false], [connection('1.1', 'keep-alive'), true],
        [connection('1.1', 'keep-alive, close'), false], [connection('1.1', 'close , keep-alive'), false], [connection('1.1', 'x', 'close'), false], [connection('1.1', 'x,\tclose'), false],
        [connection('1.1', 'closed'), true], [connection('1.1', 'not-close'), true], [connection('1.1', ''), true], [connection('1.1', ', close'), false], [connection('1.1', 'upgrade'), true],
        [connection('1.0'), false], [connection('1.0', 'keep-alive'), true], [connection('1.0', 'Keep-Alive'), true], [connection('1.0', 'x, keep-alive'), true],
        [connection('1.0', 'close'), false], [connection('1.0', 'keep-alive, close'), false], [connection('1.0', 'close, keep-alive'), false], [connection('1.0', 'keep-alives'), false], [connection('1.0', 'x'), false],
      ];
      const shown = ({ httpVersion, fields }: { httpVersion: string; fields: Pairs }): string => `HTTP/${httpVersion} with ${fields.map((field) => field.join(': ')).join(' and ') || 'neither field'}`;
      const outcomes = await call('persistence', persisting.map(([head]) => head));
      for (const [index, [head, wanted]] of persisting.entries()) judge(outcomes[index]?.persists ?? { threw: 'nothing' }, `persists of ${shown(head)}`, [wanted], [], wanted ? 'it persists' : 'it ends');
      const expect = (httpVersion: string, ...values: string[]): { httpVersion: string; fields: Pairs } => ({ httpVersion, fields: values.map((value) => ['Expect', value] as const) });
      const expecting: [ReturnType<typeof expect>, boolean | undefined][] = [
        [expect('1.1'), false], [expect('1.1', '100-continue'), true], [expect('1.1', '100-Continue'), true], [expect('1.0', '100-continue'), false], [expect('1.0'), false],
        [expect('1.1', 'foo'), undefined], [expect('1.1', '100-continue, foo'), undefined], [expect('1.1', '100'), undefined], [expect('1.1', '100-continues'), undefined],
        // A list: twice is once, and an empty member is not one (RFC 9110 §10.1.1, §5.6.1.2).
        [expect('1.1', '100-continue, 100-Continue'), true], [expect('1.1', '100-continue', '100-continue'), true], [expect('1.1', '100-continue,'), true], [expect('1.1', ', 100-continue ,\t,'), true],
        [expect('1.1', ''), false], [expect('1.1', ','), false], [expect('1.1', '100-continue,, foo'), undefined], [expect('1.1', '100-continue 100-continue'), undefined],
      ];
      const expectations = await call('persistence', expecting.map(([head]) => head));
      for (const [index, [head, wanted]] of expecting.entries()) {
        judge(expectations[index]?.expectsContinue ?? { threw: 'nothing' }, `expectsContinue of ${shown(head)}`, wanted === undefined ? [] : [wanted], wanted === undefined ? [417] : [], 'an expectation that is not known is a 417');
      }
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
    'sends no 100 Continue to HTTP/1.0, and answers those who do not wait for it',
    {
      rule: 'an expectation in an HTTP/1.0 request MUST be ignored; a 100 may be left out when the body has come (RFC 9110 §10.1.1)',
      likely: '100 Continue is sent to everybody, or nothing comes until the client has sent a body',
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
      const routes = { '/': { endlessBytes: 50_000 }, '/sync': { endlessBytes: 50_000, iterable: 'sync' as const }, '/waits': { gate: 'never', watchesSignal: true }, '/late': { gate: 'late', parts: ['a', 'b'] } };
      const server = await world.call('serve', { routes });
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
      expectStatus(await once(world, server, 'GET', '/after'), 200, 'a request of another client');
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
      const server = await world.call('serve', { routes: { '/slow': { gate: 'slow', body: 'slow' } }, otherwise: { reads: 'whole', echo: true } });
      const slow = await world.http(server, { label: 'half-closed before the answer' });
      slow.send('GET', '/slow').tcp.end();
      for (let turn = 0; turn < 5; turn++) await world.settle();
      await world.call('release', 'slow');
      expectBody(await slow.response(), 'slow', 'GET /slow, then FIN');
      await slow.tcp.readToEnd();
      const several = await world.http(server, { label: 'three requests, then FIN' });
      several.send('POST', '/', { body: 'a' }).send('POST', '/', { body: 'b' }).send('POST', '/', { chunks: ['c'] }).tcp.end();
      for (const body of ['a', 'b', 'c']) expectBody(await several.response(), body, several.tcp.describeSent());
      await several.tcp.readToEnd();
      const silent = await world.connect(server, { label: 'FIN and nothing else' });
      silent.end();
      await silent.readToEnd();
      check(silent.receivedBytes === 0, { sent: 'FIN and nothing else', received: silent.describe(), expected: 'FIN and nothing else' });
    },
  );

  rule(
    'hands-connections-over',
    'hands a connection over after 101, with the bytes that have come already',
    {
      rule: 'after 101 the connection speaks another protocol, from the first byte after the request (RFC 9110 §7.8)',
      likely: 'what came in the packet of the request is dropped, or parsed as a request',
    },
    async (world) => {
      const server = await world.call('serve', { routes: { '/': { switches: true } } });
      const http = await world.http(server);
      http.sendBytes(Buffer.concat([requestBytes('GET', '/', { fields: [['Connection', 'Upgrade'], ['Upgrade', 'capitals']] }), Buffer.from('hello ')]));
      const response = await http.response();
      expectStatus(response, 101, http.tcp.describeSent());
      check(fieldTokens(response, 'connection').includes('upgrade') && fieldTokens(response, 'upgrade').includes('capitals'), {
        sent: http.tcp.describeSent(),
        received: response.fields.map(({ name, value }) => `${name}: ${value}`).join(', '),
        expected: 'Connection: Upgrade and Upgrade: capitals',
      });
      http.tcp.write('world');
      await http.tcp.until(() => http.leftOver.toString() === 'HELLO WORLD', { expected: 'HELLO WORLD, by the other protocol' });
    },
  );

  rule(
    'closes-idle-connections',
    'closes idle connections at once when the server closes, and the others after their response',
    {
      rule: 'closeGracefully loses nobody: idle connections end, the last response says `Connection: close` (RFC 9112 §9.6), nobody new comes in',
      likely: 'idle keep-alive connections are waited for until the deadline',
    },
    async (world) => {
      const server = await world.call('serve', { routes: { '/slow': { gate: 'slow', body: 'slow' }, '/parts': { parts: ['a', 'b'], partGate: 'part' } } });
      const fresh = await world.connect(server, { label: 'client that has said nothing' });
      const idle = await world.http(server, { label: 'idle client' });
      await askAndCheck(idle, '/idle');
      const busy = await world.http(server, { label: 'client in progress' });
      busy.send('GET', '/slow').send('GET', '/after');
      const reading = await world.http(server, { label: 'client that is being sent a body' });
      reading.send('GET', '/parts');
      await reading.tcp.until(() => reading.tcp.received.includes('a'), { expected: 'the first part' });
      await eventually(world, async () => (await targetsOf(world)).length >= 3, { sent: 'three requests', received: 'not all calls', expected: 'three calls' });
      await world.call('beginClose', FAR_MS);
      await idle.tcp.readToEnd({ expected: 'an idle connection is closed at once' });
      await fresh.readToEnd({ expected: 'an idle connection is closed at once' });
      const late = world.client(server, { label: 'client that comes too late' });
      await late.until(() => late.closed, { expected: 'the connection is refused', received: 'the connection was accepted' });
      check((await world.call('closeState')) === 'pending', { sent: 'closeGracefully with two requests in progress', received: 'the promise has resolved', expected: 'it resolves when they are answered' });
      await world.call('release', 'slow');
      await world.call('release', 'part1');
      const response = await busy.response();
      expectBody(response, 'slow', 'GET /slow while the server closes');
      await expectClose(busy, response, 'the server is closing');
      expectBody(await reading.response(), 'ab', 'GET /parts while the server closes');
      await reading.tcp.readToEnd();
      for (const client of [fresh, idle.tcp, busy.tcp, reading.tcp]) client.end();
      await world.call('awaitClose');
      await eventually(world, async () => (await world.call('activeTimers')).length === 0, { sent: 'closeGracefully, resolved', received: 'a timer keeps the process alive', expected: 'no timer: the program can end' });
    },
  );

  rule(
    'deadline-cuts-the-rest',
    'cuts what is still in progress at the deadline',
    {
      rule: 'no client and no handler can keep a server from stopping',
      likely: 'nothing happens at the deadline, or only sockets that are idle then are ended',
    },
    async (world) => {
      const server = await world.call('serve', { routes: { '/never': { gate: 'never' }, '/endless': { endlessBytes: 60_000 } } });
      const waiting = await world.http(server, { label: 'client whose handler never answers' });
      waiting.send('GET', '/never');
      const half = await world.connect(server, { label: 'client that has sent half a request' });
      half.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Le');
      const deaf = await world.connect(server, { label: 'client that does not read', paused: true });
      deaf.write(requestBytes('GET', '/endless'));
      await eventually(world, async () => (await targetsOf(world)).length >= 2, { sent: 'two requests', received: 'not all calls', expected: 'two calls' });
      await world.call('beginClose', 200);
      await world.call('awaitClose');
      for (const client of [waiting.tcp, half, deaf]) {
        client.resume();
        await over(client, 'the connection is cut at the deadline');
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
    'empty-lines-ask-for-nothing',
    'ignores an empty line between requests: it is not answered, timed out or waited for',
    {
      rule: 'an empty line before a request line is ignored (RFC 9112 §2.2): a client that has sent nothing else has not asked for anything',
      likely: 'whatever is in the buffer counts as the beginning of a request',
    },
    async (world) => {
      const server = await world.call('serve', { timeouts: { headerMs: 150, idleMs: 600 } });
      const silent = await world.http(server, { label: 'client that sends an empty line after its request, and then nothing' });
      await askAndCheck(silent, '/first');
      silent.tcp.write('\r\n');
      const leaving = await world.connect(server, { label: 'client that sends an empty line and FIN' });
      leaving.write('\r\n').end();
      await over(leaving, 'the connection is closed');
      check(leaving.receivedBytes === 0, { sent: leaving.describeSent(), received: leaving.describe(), expected: 'the end of the connection, without a word' });
      const cut = await world.http(server, { label: 'client whose empty line comes in two packets, and a request after it' });
      await askAndCheck(cut, '/before');
      cut.tcp.write('\r');
      await world.settle();
      cut.tcp.write('\n');
      await world.settle();
      await askAndCheck(cut, '/after');
      cut.tcp.write('\r');
      await world.settle();
      cut.tcp.write(Buffer.concat([Buffer.from('\n'), requestBytes('GET', '/last')]));
      cut.announce('GET');
      expectStatus(await cut.response(), 200, 'CR, and in the next packet LF and GET /last');
      await over(silent.tcp, 'the connection is closed when its time is up', TIMEOUT_PATIENCE_MS);
      check(silent.leftOver.length === 0, { sent: silent.tcp.describeSent(), received: silent.tcp.describe(), expected: 'one response, and later the end of the connection: nothing more was asked for' });
    },
  );

  rule(
    'empty-lines-hold-nothing-up',
    'closes a connection at once when the server closes, though an empty line has come on it',
    {
      rule: 'a connection on which nothing but an empty line has come since the last request is idle (RFC 9112 §2.2, §9.6)',
      likely: 'whatever is in the buffer counts as the beginning of a request',
    },
    async (world) => {
      const server = await world.call('serve', {});
      const idle = await world.http(server, { label: 'client that sends an empty line after its request' });
      await askAndCheck(idle, '/idle');
      idle.tcp.write('\r\n');
      const fresh = await world.connect(server, { label: 'client that has sent an empty line only' });
      fresh.write('\r\n');
      for (let turn = 0; turn < 3; turn++) await world.settle();
      await world.call('beginClose', FAR_MS);
      for (const client of [idle.tcp, fresh]) await over(client, 'an idle connection is closed at once');
      check(fresh.receivedBytes === 0 && idle.leftOver.length === 0, { sent: 'an empty line', received: `${fresh.describe()} and ${idle.tcp.describe()}`, expected: 'no response: nothing was asked for' });
    },
  );

  rule(
    'times-out-the-silent',
    'closes connections that are idle for too long, but not one that is being answered',
    {
      rule: 'a server may close an idle connection at any time (RFC 9112 §9.5); a handler takes as long as it likes',
      likely: 'one timeout for everything, or none before the first request',
    },
    async (world) => {
      const server = await world.call('serve', {
        routes: { '/slow': { gate: 'slow', body: 'slow' } },
        timeouts: { idleMs: 300 },
      });
      // Not connected before they write: this process may be kept waiting between the two.
      const slow = new HttpClient(world.client(server, { label: 'client whose handler is slow' }));
      slow.send('GET', '/slow');
      const idle = new HttpClient(world.client(server, { label: 'client idle after a response (idleMs 300)' }));
      await askAndCheck(idle, '/idle');
      const fresh = await world.connect(server, { label: 'client that says nothing (idleMs 300)' });
      await Promise.all([fresh, idle.tcp].map(async (client) => await over(client, 'the connection is closed when its time is up', TIMEOUT_PATIENCE_MS)));
      check(fresh.receivedBytes === 0 && idle.leftOver.length === 0, { sent: 'nothing', received: `${fresh.describe()} and ${idle.tcp.describe()}`, expected: 'no response, since nobody asked: idle connections are closed without a word' });
      check(await staysOpen(slow.tcp, 400), { sent: slow.tcp.describeSent(), received: slow.tcp.describe(), expected: 'the connection stays open: the client has done its part' });
      await world.call('release', 'slow');
      expectBody(await slow.response(), 'slow', slow.tcp.describeSent());
    },
  );

  rule(
    'gives-the-first-its-time',
    'gives a connection that comes after a quiet hour as much time as any other',
    {
      rule: "a connection's time begins when it comes, and not when the last one left",
      likely: 'deadlines are counted from a clock that stands still while there are no connections',
    },
    async (world) => {
      // Half an hour: less than passes while nobody is there, and more than any busy machine takes for this rule.
      const server = await world.call('serve', { timeouts: { idleMs: 1_800_000, headerMs: 1_800_000 } });
      const { response, http } = await exchange(world, server, 'GET', '/');
      expectStatus(response, 200, 'GET /');
      http.tcp.end();
      await eventually(world, async () => (await world.call('connections')) === 0, { sent: 'GET / with Connection: close, and FIN', received: 'the connection is still counted', expected: 'no connection' });
      await world.call('passTime', 3_600_000);
      const client = await world.connect(server, { label: 'the first client after an hour (idleMs 1,800,000)' });
      // A server may look at its clock only once a second.
      check(await staysOpen(client, 1500), { sent: 'nothing, after an hour in which nobody was connected', received: client.describe(), expected: 'the connection stays open for half an hour' });
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
    'forgets-the-request',
    'forgets the last request when the next one is awaited',
    {
      rule: 'what a response looks like depends on its own request: one that is sent before a request has come (408) answers none (RFC 9110 §6.4.1)',
      likely: '#settle resets the states, but keeps the request that was answered: after HEAD, a refusal has no body',
    },
    async ({ call }) => {
      for (const [method, version] of [['GET', '1.1'], ['HEAD', '1.1'], ['HEAD', '1.0']] as const) {
        const { ourState, theirState, wire } = await call('responseToNothing', method, version);
        const sent = `${method} over HTTP/${version} with its response, to the machine; then a 408 to nobody, with the body "too late"`;
        check(ourState === 'idle' && theirState === 'idle', { sent, received: `the states ${ourState} and ${theirState}`, expected: 'idle and idle, after the response' });
        check(bodyOf(wire) === 'too late', { sent, received: JSON.stringify(wire), expected: 'the body, in one piece or in chunks' });
      }
    },
  );

  rule(
    'listens-elsewhere',
    'listens on a Unix domain socket as well, and `close` cuts what is left',
    {
      rule: 'a server can be reached by a path as well as by a port; `close` waits for nobody',
      likely: 'path is not passed on to `listen`',
      ...(process.platform === 'win32' ? { skip: 'Windows has no sockets in the file system' } : {}),
    },
    async ({ call }) => {
      // Short: the path of a socket has at most 108 bytes.
      const folder = mkdtempSync(join(tmpdir(), 'ten-'));
      try {
        const path = join(folder, 's');
        const seen = await call('listenElsewhere', path);
        check(seen.answer.startsWith('HTTP/1.1 200 ') && bodyOf(seen.answer) === 'local', { sent: 'GET / to a server that listens on a path', received: JSON.stringify(seen.answer), expected: 'HTTP/1.1 200 and its body' });
        check(seen.address === path && seen.origin === 'http://localhost', { sent: 'address and origin', received: `${String(seen.address)}, ${seen.origin}`, expected: `${path}, http://localhost` });
        check(seen.taken === 'EADDRINUSE', { sent: 'a second server for the same path', received: seen.taken, expected: 'EADDRINUSE' });
        check(!seen.closing && seen.closingThen, { sent: 'closing, before and after close()', received: `${seen.closing}, ${seen.closingThen}`, expected: 'false, true' });
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );

  rule(
    'plays-the-client',
    "reads responses in the client's role, in whatever pieces they come",
    {
      rule: 'where the body of a response ends depends on the request, too (RFC 9112 §6.3)',
      likely: 'the framing of a response is decided in the same way as that of a request',
    },
    async ({ call, random }) => {
      const body = random.bytes(random.integer(1, 300));
      const text = (head: string): Buffer => Buffer.from(head.replaceAll('\n', '\r\n'), 'latin1');
      const long = `Content-Length: ${body.length}\n\n`;
      const empty = Buffer.alloc(0);
      const cases: { what: string; method?: string; bytes: Buffer[]; body: Buffer; status?: number; interim?: number[]; trailers?: Pairs; eof?: boolean; persists?: boolean }[] = [
        { what: 'a length', bytes: [text(`HTTP/1.1 200 OK\n${long}`), body], body },
        { what: 'chunks and a trailer', bytes: [text('HTTP/1.1 200 \nTransfer-Encoding: chunked\n\n'), chunkedBytes(random.pieces(body, 40), [['X-Sum', 'a']])], body, trailers: [['X-Sum', 'a']] },
        { what: '204', bytes: [text('HTTP/1.1 204 No Content\n\n')], body: empty, status: 204 },
        { what: '304 with a length', bytes: [text(`HTTP/1.1 304 Not Modified\n${long}`)], body: empty, status: 304 },
        { what: 'an answer to HEAD', method: 'HEAD', bytes: [text(`HTTP/1.1 200 OK\n${long}`)], body: empty },
        { what: 'chunks to HEAD', method: 'HEAD', bytes: [text('HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n')], body: empty },
        { what: '103, then 200', bytes: [text(`HTTP/1.1 103 Early Hints\nLink: </a>\n\nHTTP/1.1 200 OK\n${long}`), body], body, interim: [103] },
        { what: 'an empty body', bytes: [text('HTTP/1.1 200 OK\nContent-Length: 0\n\n')], body: empty },
        { what: 'Connection: close', bytes: [text(`HTTP/1.1 200 OK\nConnection: close\n${long}`), body], body, persists: false },
        { what: 'HTTP/1.0', bytes: [text(`HTTP/1.0 200 OK\n${long}`), body], body, persists: false },
        { what: 'a body up to the close', bytes: [text('HTTP/1.1 200 OK\n\n'), body], body, eof: true, persists: false },
      ];
      for (const { what, method = 'GET', bytes, body: wanted, status = 200, interim = [], trailers = [], eof = false, persists = true } of cases) {
        const whole = Buffer.concat(bytes);
        for (const pieces of [[whole], random.pieces(whole, 30), random.pieces(whole, 1)]) {
          const request = { method, target: '/a', headers: [['Host', 'a']] as Pairs };
          const [outcome] = await call('asClient', [{ request, pieces, eof }]);
          const sent = `${what}, in ${count(pieces.length, 'piece')}: ${JSON.stringify(whole.toString('latin1', 0, 60))}`;
          check(outcome !== undefined && 'accepted' in outcome, { sent, received: JSON.stringify(outcome), expected: `status ${status} and ${count(wanted.length, 'byte')}` });
          const seen = outcome.accepted;
          check(seen.sent.startsWith(`${method} /a HTTP/1.1\r\n`), { sent: `{ type: 'request', method: '${method}', target: '/a' }`, received: JSON.stringify(seen.sent), expected: 'its request line' });
          check(
            seen.response?.status === status && seen.interim.join() === interim.join() && wanted.equals(seen.body) && JSON.stringify(seen.trailers) === JSON.stringify(trailers) && seen.persists === persists,
            {
              sent,
              received: `${[...seen.interim, seen.response?.status].join(', ')}; ${count(seen.body.length, 'byte')}; ${seen.trailers === undefined ? 'not at its end' : `trailers ${JSON.stringify(seen.trailers)}`}; ${seen.persists ? 'ready for another request' : 'no other request'}`,
              expected: `${[...interim, status].join(', ')}; ${count(wanted.length, 'byte')}; trailers ${JSON.stringify(trailers)}; ${persists ? 'ready for another request' : 'no other request'}`,
            },
          );
        }
      }
      // One exchange after another, and a body that breaks off.
      const request = { method: 'POST', target: '/b', headers: [['Host', 'a']] as Pairs, body: 'to the server' };
      const whole = Buffer.concat([text(`HTTP/1.1 200 OK\n${long}`), body]);
      const several = await call('asClient', Array.from({ length: 3 }, () => ({ request, pieces: random.pieces(whole, 50) })));
      for (const outcome of several) {
        check('accepted' in outcome && body.equals(outcome.accepted.body) && outcome.accepted.sent.endsWith('\r\n\r\nto the server'), { sent: 'three POSTs, one after the other', received: JSON.stringify(outcome).slice(0, 200), expected: `each sent with its body, each answered with ${count(body.length, 'byte')}` });
      }
      const [broken] = await call('asClient', [{ request, pieces: [whole.subarray(0, -1)], eof: true }]);
      check(broken !== undefined && !('accepted' in broken), { sent: `a response of ${count(body.length - 1, 'byte')} where Content-Length says ${body.length}, then the end of the connection`, received: 'a response that is whole', expected: 'RemoteProtocolError (RFC 9112 §8)' });
    },
  );

  rule(
    'asks-as-a-client',
    "writes requests in the client's role, and refuses what is not a response",
    {
      rule: 'a request says how long its body is, and says nothing if it has none (RFC 9110 §8.6); a status line is a version, three digits and a reason (RFC 9112 §4)',
      likely: 'lengths count characters, or only the digits of a status line are checked',
    },
    async ({ call, random }) => {
      const ok = [Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')];
      const host: Pairs = [['Host', 'a']];
      const words = `${random.words(2)} grüße`;
      const lengthOf = (sent: string): string | undefined => /^content-length: (.*)\r$/im.exec(sent)?.[1];
      const sendings: [request: { method: string; target: string; headers: Pairs; body?: string }, length: string | undefined][] = [
        [{ method: 'POST', target: '/', headers: host, body: words }, String(Buffer.byteLength(words))],
        [{ method: 'POST', target: '/', headers: [...host, ['Content-Length', String(Buffer.byteLength(words))]], body: words }, String(Buffer.byteLength(words))],
        [{ method: 'POST', target: '/', headers: host, body: '' }, '0'],
        [{ method: 'POST', target: '/', headers: host }, undefined],
        [{ method: 'POST', target: '/', headers: [...host, ['Content-Length', '0']] }, '0'],
        ...['GET', 'HEAD', 'DELETE', 'OPTIONS'].map((method): [{ method: string; target: string; headers: Pairs; body: string }, undefined] => [{ method, target: '/', headers: host, body: '' }, undefined]),
        [{ method: 'GET', target: '/', headers: host, body: 'x' }, '1'],
      ];
      for (const [request, length] of sendings) {
        const [outcome] = await call('asClient', [{ request, pieces: ok }]);
        const sent = JSON.stringify(request);
        check(outcome !== undefined && 'accepted' in outcome && lengthOf(outcome.accepted.sent) === length && outcome.accepted.sent.endsWith(`\r\n\r\n${request.body === undefined ? '' : Buffer.from(request.body).toString('latin1')}`), {
          sent,
          received: outcome !== undefined && 'accepted' in outcome ? JSON.stringify(outcome.accepted.sent) : JSON.stringify(outcome),
          expected: length === undefined ? 'no Content-Length' : `Content-Length: ${length}, and the body`,
        });
      }
      const [chunked] = await call('asClient', [{ request: { method: 'POST', target: '/', headers: [...host, ['Transfer-Encoding', 'chunked']] }, pieces: ok }]);
      check(chunked !== undefined && 'accepted' in chunked && /^transfer-encoding: chunked\r$/im.test(chunked.accepted.sent) && lengthOf(chunked.accepted.sent) === undefined, { sent: 'a request with Transfer-Encoding: chunked', received: JSON.stringify(chunked), expected: 'that field, and no Content-Length' });
      const [last] = await call('asClient', [{ request: { method: 'GET', target: '/', headers: [...host, ['Connection', 'close']] }, pieces: ok }]);
      check(last !== undefined && 'accepted' in last && /^connection: close\r$/im.test(last.accepted.sent) && !last.accepted.persists, { sent: 'a request with Connection: close', received: JSON.stringify(last), expected: 'the field is sent, and the connection does not persist' });
      const unsendable: { method: string; target: string; headers: Pairs; body?: string }[] = [
        { method: 'G T', target: '/', headers: host },
        { method: '', target: '/', headers: host },
        { method: 'GET', target: '', headers: host },
        { method: 'GET', target: '/a b', headers: host },
        { method: 'GET', target: '/\r\nX: y', headers: host },
        { method: 'POST', target: '/', headers: [...host, ['Content-Length', '1'], ['Transfer-Encoding', 'chunked']] },
      ];
      for (const request of unsendable) {
        const [outcome] = await call('asClient', [{ request, pieces: ok }]);
        check(outcome !== undefined && 'threw' in outcome, { sent: JSON.stringify(request), received: JSON.stringify(outcome), expected: 'LocalProtocolError: it cannot be sent' });
      }
      const request = { method: 'GET', target: '/', headers: host };
      for (const line of ['HTTP/1.1 99 Low', 'HTTP/1.1 099 Low', 'HTTP/1.1 600 High', 'HTTP/1.1 2000 Long', 'HTTP/1.1 20 Short', 'HTTP/1.1  200 OK', 'HTTP/1.1200 OK', 'HTTP/1.1 200OK', 'HTTP/1.1 2x0 OK', 'HTTP/1.1 200 \u0001', 'HTTP/2.0 200 OK', 'ICY 200 OK', '200 OK']) {
        const [outcome] = await call('asClient', [{ request, pieces: [Buffer.from(`${line}\r\nContent-Length: 0\r\n\r\n`, 'latin1')] }]);
        check(outcome !== undefined && !('accepted' in outcome), { sent: JSON.stringify(line), received: JSON.stringify(outcome), expected: 'RemoteProtocolError: not a status line' });
      }
      for (const [line, reason] of [['HTTP/1.1 200 All is well', 'All is well'], ['HTTP/1.1 200 ', ''], ['HTTP/1.1 599 x', 'x'], ['HTTP/1.0 204 y', 'y']]) {
        const [outcome] = await call('asClient', [{ request, pieces: [Buffer.from(`${line}\r\nContent-Length: 0\r\n\r\n`, 'latin1')] }]);
        check(outcome !== undefined && 'accepted' in outcome && outcome.accepted.response?.reason === reason && outcome.accepted.response?.status === Number(line?.slice(9, 12)), { sent: JSON.stringify(line), received: JSON.stringify(outcome), expected: `status ${line?.slice(9, 12)}, reason ${JSON.stringify(reason)}` });
      }
      const [cut] = await call('asClient', [{ request, pieces: [Buffer.from('HTTP/1.1 200 OK\r\nContent-')], eof: true }]);
      check(cut !== undefined && !('accepted' in cut), { sent: 'half a head, then the end of the connection', received: JSON.stringify(cut), expected: 'RemoteProtocolError: it is not whole' });
      const [none] = await call('asClient', [{ request, pieces: [], eof: true }]);
      check(none !== undefined && !('accepted' in none), { sent: 'nothing, and the end of the connection', received: JSON.stringify(none), expected: 'RemoteProtocolError: there is no response' });
    },
  );
});
