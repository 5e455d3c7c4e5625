import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { requestBytes } from '#support/http-client.ts';
import { fieldTokens, fieldValue, fieldValues, saysClose } from '#support/http-response.ts';
import { SECRET } from './driver.ts';
import type driver from './driver.ts';
import type { Answer } from './driver.ts';
import { tryVectors } from './trials.ts';
import { badAnswer, closing, eventually, expectBody, expectStatus, once, over, READER, showResponse, theOnly } from './wire.ts';
import type { TestWorld } from './wire.ts';

async function refuses(world: TestWorld, ...groups: string[]): Promise<void> {
  await tryVectors(world, await world.call('serve', READER), ...groups);
}

exercise<typeof driver>('2.10', import.meta.url, (rule) => {
  rule(
    'refuses-a-bad-line',
    'refuses a bad request line with 400 and another version with 505, and closes',
    {
      rule: 'after a request that cannot be understood nobody knows where the next one begins: answer with an error and `Connection: close`, then end the connection (RFC 9112 §3, §9.6)',
      likely: 'the error reaches the socket as an exception, or the connection goes on after it',
    },
    async (world) => await refuses(world, 'request-line'),
  );

  rule(
    'refuses-bad-fields',
    'refuses bad field lines with 400 and closes',
    {
      rule: 'whitespace before the colon, folded lines and names that are not tokens are refused (RFC 9112 §5)',
      likely: 'the parser refuses, but what is in the buffer is still served',
    },
    async (world) => await refuses(world, 'field-lines'),
  );

  rule(
    'refuses-bare-line-ends',
    'refuses lines that end in a bare LF or a bare CR, without waiting for more',
    {
      rule: 'lines end in CRLF (RFC 9112 §2.2); two servers that disagree about it see different requests in the same bytes',
      likely: 'the server waits for a CRLF CRLF that never comes: it hangs instead of refusing',
    },
    async (world) => {
      await refuses(world, 'line-ends');
      // With nothing after it.
      const server = await world.call('serve', READER);
      await Promise.all(
        ['GET / HTTP/1.1\n', 'GET / HTTP/1.1\nHost: a\n\n', 'GET / HTTP/1.1\r\nHost: a\n\n', 'GET / HTTP/1.1\r\nHost: a\r\n\n'].map(async (text) => {
          const http = await world.http(server);
          http.sendBytes(text);
          expectStatus(await http.response({ expected: '400: no CRLF will mend that line' }), 400, http.tcp.describeSent());
        }),
      );
    },
  );

  rule(
    'refuses-hosts',
    'refuses a request without Host, with two, or with an invalid one',
    {
      rule: 'a server MUST answer 400 to a missing, repeated or invalid Host (RFC 9112 §3.2)',
      likely: 'checkHost is not called, or only for one version',
    },
    async (world) => await refuses(world, 'hosts'),
  );

  rule(
    'refuses-bad-lengths',
    'refuses a Content-Length that is not a number, or two of them',
    {
      rule: 'a length that two servers could read in two ways is refused (RFC 9112 §6.3)',
      likely: 'the body is read with a wrong length, and its rest is served as a request',
    },
    async (world) => await refuses(world, 'lengths'),
  );

  rule(
    'refuses-bad-codings',
    'refuses Transfer-Encoding beside Content-Length, in HTTP/1.0, and unknown codings',
    {
      rule: 'what is framed in two ways, or in an unknown one, is refused (RFC 9112 §6.1, §6.3)',
      likely: 'one of the two wins; this is the oldest way to smuggle a request',
    },
    async (world) => await refuses(world, 'codings'),
  );

  rule(
    'refuses-bad-chunks',
    'refuses a bad chunked body with 400 and closes, when the handler is already at work',
    {
      rule: 'a body that breaks its framing is answered with 400 if there is still time, and the connection closes (RFC 9112 §7.1, §8)',
      likely: "the body's error is mistaken for the handler's and becomes a 500, or nobody answers at all",
    },
    async (world) => await refuses(world, 'chunks'),
  );

  rule(
    'refuses-beyond-limits',
    'refuses what is too long: 414 for the target, 431 for fields, 413 for bodies',
    {
      rule: 'everything that a client can make grow has a limit (RFC 9110 §15.5.14, §15.5.15, RFC 6585 §5)',
      likely: 'one status for everything, or a limit that is checked only when everything has come',
    },
    async (world) => {
      const server = await world.call('serve', { ...READER, limits: { bodyBytesMax: 4000 } });
      await tryVectors(world, server, 'limits');
      // A line that is too long already need not end first.
      for (const [label, start, status] of [['a target without an end', 'GET /', 414], ['a field without an end', 'GET / HTTP/1.1\r\nHost: a\r\nX-A: ', 431]] as const) {
        const http = await world.http(server, { label });
        http.announce('GET').tcp.write(start);
        await world.settle();
        http.tcp.write('a'.repeat(world.random.integer(40_000, 60_000)));
        expectStatus(await http.response({ expected: `${status}, although the line has no end yet` }), status, http.tcp.describeSent());
      }
    },
  );

  rule(
    'refuses-expectations',
    'answers 417 to an expectation that it cannot meet, and sends no 100 for a body that is too large',
    {
      rule: 'an unknown expectation is a 417; a request that will be refused gets its final response, not a 100 (RFC 9110 §10.1.1)',
      likely: 'Expect is looked at only for 100-continue, or the 100 is sent before the head is checked',
    },
    async (world) => {
      const server = await world.call('serve', { ...READER, limits: { bodyBytesMax: 4000 } });
      await tryVectors(world, server, 'expectations');
      // What the head alone decides is decided before the body is asked for.
      for (const [label, fields, status] of [
        ['a body over the limit, held back', 'Content-Length: 5000\r\nExpect: 100-continue', 413],
        ['two lengths, and a body held back', 'Content-Length: 5\r\nContent-Length: 6\r\nExpect: 100-continue', 400],
        ['another expectation beside 100-continue', 'Content-Length: 5\r\nExpect: 100-continue, foo', 417],
      ] as const) {
        const http = await world.http(server, { label });
        http.announce('POST').tcp.write(`POST /held HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n`);
        const response = await http.response({ expected: `${status}, without the body` });
        expectStatus(response, status, http.tcp.describeSent());
        check(http.interim.length === 0, { sent: http.tcp.describeSent(), received: `a 100, then ${response.status}`, expected: `${status} and no 100: the client would send its body for nothing` });
      }
    },
  );

  rule(
    'answers-the-good-first',
    'answers the good requests of a packet, then refuses the bad one after them',
    {
      rule: 'responses, refusals too, go out in the order of the requests (RFC 9112 §9.3.2)',
      likely: 'the error closes the connection before the earlier responses are out, or overtakes them',
    },
    async (world) => {
      const server = await world.call('serve', { ...READER, routes: { '/slow': { gate: 'slow', body: 'slow' } } });
      await tryVectors(world, server, 'after-good');
      const http = await world.http(server, { label: 'a slow request and a bad one after it' });
      http.sendBytes(Buffer.concat([requestBytes('GET', '/slow'), Buffer.from('NONSENSE\r\n\r\n')]));
      for (let turn = 0; turn < 5; turn++) await world.settle();
      await http.tcp.expectNoMoreThan(0, { expected: 'nothing before the slow response' });
      await world.call('release', 'slow');
      const [slow, refused, ...more] = await http.responsesToEnd();
      const head = await world.http(server, { label: 'HEAD and a bad request after it' });
      head.sendBytes(Buffer.concat([requestBytes('HEAD', '/ok'), Buffer.from('NONSENSE\r\n\r\n')]), ['HEAD', 'GET']);
      // The strict reader wants the whole body of what is not an answer to HEAD.
      const [, behind] = await head.responsesToEnd();
      check(behind?.status === 400, { sent: head.tcp.describeSent(), received: head.tcp.describe(), expected: '200 without a body, then 400 with the body that it says' });
      check(slow?.status === 200 && refused?.status === 400 && more.length === 0 && saysClose(refused), {
        sent: http.tcp.describeSent(),
        received: http.tcp.describe(),
        expected: '200, then 400 with Connection: close, then FIN',
      });
    },
  );

  rule(
    'refuses-head-without-content',
    'refuses HEAD without content, whatever is wrong with it',
    {
      rule: 'the answer to HEAD has no content, not even that of a refusal: a client takes what follows the head for the next response (RFC 9110 §9.3.2)',
      likely: 'a request that could not be read is answered like a GET; its method may be known all the same',
    },
    async (world) => {
      const server = await world.call('serve', { ...READER, limits: { headerBytesMax: 2000, bodyBytesMax: 2000 } });
      const cases: [label: string, text: string, statuses: number[], methods: string[]][] = [
        ['HEAD without Host', 'HEAD / HTTP/1.1\r\n\r\n', [400], ['HEAD']],
        ['HEAD without Host after an empty line', '\r\nHEAD / HTTP/1.1\r\n\r\n', [400], ['HEAD']],
        ['HEAD of another version', 'HEAD / HTTP/3.0\r\nHost: a\r\n\r\n', [400, 505], ['HEAD']],
        ['HEAD with too large a head', `HEAD / HTTP/1.1\r\nHost: a\r\nX-Large: ${'x'.repeat(3000)}\r\n\r\n`, [431], ['HEAD']],
        ['HEAD with too large a body', 'HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n', [413], ['HEAD']],
        ['HEAD with an expectation that nobody meets', 'HEAD / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\nConnection: close\r\n\r\n', [417], ['HEAD']],
        ['HEAD without Host after a good GET', 'GET / HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\n\r\n', [400], ['GET', 'HEAD']],
        ['HEAD without Host after a good HEAD and an empty line', 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n\r\nHEAD / HTTP/1.1\r\n\r\n', [400], ['HEAD', 'HEAD']],
      ];
      await Promise.all(
        cases.map(async ([label, text, statuses, methods]) => {
          const http = await world.http(server, { label });
          http.sendBytes(text, methods);
          const responses = await http.responsesToEnd({ expected: `${statuses.join(' or ')} without content, and the end of the connection` });
          const last = responses.at(-1);
          check(responses.length === methods.length && last !== undefined && statuses.includes(last.status), { sent: http.tcp.describeSent(), received: http.tcp.describe(), expected: `${statuses.join(' or ')} without content` });
        }),
      );
    },
  );

  rule(
    'serves-what-is-right',
    'serves every request that is right, however unusual',
    {
      rule: 'strict is not narrow: what the grammar allows is served (RFC 9112)',
      likely: 'a check that is stricter than the grammar',
    },
    async (world) => {
      await refuses(world, 'accepted');
      await refuses(world, 'choices');
    },
  );

  rule(
    'answers-before-closing',
    'lets a refused client that is still sending read its answer',
    {
      rule: 'a server that closes at once while bytes come in resets the connection, and the answer is lost: it ends its side, reads on for a while, then closes (RFC 9112 §9.6)',
      likely: '`socket.destroy()` right after the refusal',
    },
    async (world) => {
      const server = await world.call('serve', { ...READER, limits: { bodyBytesMax: 4000 } });
      for (let round = 0; round < 3; round++) {
        const http = await world.http(server, { label: 'client that goes on sending a refused body', paused: true });
        const body = world.random.bytes(600_000);
        http.send('POST', '/upload', { body: Buffer.alloc(0), fields: [['X-First', 'no']] });
        http.send('POST', '/upload', { body });
        await http.tcp.until(() => http.tcp.flushedBytes > 0, { expected: 'the bytes are taken' });
        for (let turn = 0; turn < 10; turn++) {
          if (!http.tcp.closed) http.tcp.write(body.subarray(0, 60_000));
          await world.settle();
        }
        http.tcp.resume();
        expectStatus(await http.response(), 200, http.tcp.describeSent());
        const refused = await http.response({ expected: 'the 413, before the connection is gone' });
        expectStatus(refused, 413, http.tcp.describeSent());
        check(saysClose(refused), { sent: http.tcp.describeSent(), received: showResponse(refused), expected: 'Connection: close' });
        await over(http.tcp);
      }
    },
  );

  rule(
    'survives-every-refusal',
    'serves the next client after any number of refusals, and after random bytes',
    {
      rule: 'a bad request concerns one connection and nobody else',
      likely: 'an exception ends the process, or the connection is never forgotten',
    },
    async (world) => {
      const server = await world.call('serve', READER);
      await Promise.all(
        Array.from({ length: 40 }, async (_, index) => {
          const client = await world.connect(server, { label: 'client that sends random bytes' });
          const garbage = world.random.bytes(world.random.integer(1, 3000));
          client.write(index % 2 === 0 ? Buffer.concat([garbage, Buffer.from('\r\n\r\n')]) : Buffer.concat([Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n'), garbage, Buffer.from('\n\r\n\r\n')]));
          client.end();
          await over(client, 'a refusal, or the end of the connection');
        }),
      );
      await eventually(world, async () => (await world.call('connections')) === 0, { sent: 'nothing more', received: `${await world.call('connections')} connections are still counted`, expected: 'none is left' });
      expectStatus(await once(world, server, 'GET', '/after'), 200, 'a good request after 40 clients that send random bytes');
      const errors = await world.call('errors');
      check(errors.length === 0, { sent: 'bad requests', received: `onError was told: ${errors[0]}`, expected: "nothing: the client's faults are not the server's" });
    },
  );

  rule(
    'refuses-half-a-request',
    'never serves a request that breaks off',
    {
      rule: 'a message that ends before its framing says so is incomplete and not processed (RFC 9112 §8)',
      likely: 'the end of the input is mistaken for the end of the body',
    },
    async (world) => {
      const server = await world.call('serve', READER);
      const bodies = [
        'POST /half HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf',
        'POST /half HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
        'POST /half HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n',
        'GET /half HTTP/1.1\r\nHost: a\r\n',
        'GET /half HTTP/1.1\r\nHost: a',
        'GET /ha',
      ];
      for (const text of bodies) {
        const http = await world.http(server);
        http.sendBytes(text).tcp.end();
        const responses = await http.responsesToEnd();
        check(responses.length <= 1 && responses.every(({ status }) => status === 400 || status === 408), {
          sent: http.tcp.describeSent(),
          received: http.tcp.describe(),
          expected: '400, or the end of the connection without a word',
        });
      }
      const complete = (await world.call('calls')).filter((call) => call.complete);
      check(complete.length === 0, { sent: 'requests that break off', received: `the handler saw the end of ${complete.length} bodies`, expected: 'of none' });
    },
  );

  rule(
    'survives-those-who-leave',
    'keeps running when clients leave in the middle of anything',
    {
      rule: 'a client may be gone at any time; nobody else notices',
      likely: "no 'error' listener on the socket, or a promise whose rejection nothing catches",
    },
    async (world) => {
      const server = await world.call('serve', { otherwise: { reads: 'whole', echo: true } });
      const bytes = requestBytes('POST', '/', { body: world.random.words(20) });
      for (let round = 0; round < 12; round++) {
        const client = await world.connect(server, { label: 'client that leaves' });
        const cut = world.random.integer(0, bytes.length);
        if (cut > 0) client.write(bytes.subarray(0, cut));
        if (round % 3 > 0) await world.settle();
        if (round % 2 === 0) client.resetNow();
        else client.end();
      }
      await eventually(world, async () => (await world.call('connections')) === 0, { sent: '12 requests that break off', received: `${await world.call('connections')} connections are still counted`, expected: 'none is left' });
      expectStatus(await once(world, server, 'GET', '/after'), 200, 'a request after all that');
    },
  );

  rule(
    'says-500',
    'answers 500 when a handler throws, rejects or returns no response, and says nothing about the reason',
    {
      rule: 'an unexpected condition is a 500 (RFC 9110 §15.6.1); its details are for the log, not for the client',
      likely: 'nothing catches an exception in an async handler, or its message is sent to the client',
    },
    async (world) => {
      const routes: Record<string, Answer> = {
        '/throws': { throws: 'error' },
        '/rejects': { throws: 'rejects' },
        '/nothing': { throws: 'nothing' },
        '/null': { throws: 'null' },
        '/garbage': { throws: 'garbage' },
        '/after-reading': { throws: 'rejects', reads: 'whole' },
        '/bad-field': { headers: [['X-A', 'b\r\nX-Evil: c']], body: 'x' },
        '/bad-status': { status: 42 },
        '/breaks-at-once': { parts: ['a'], breaksAfter: 0 },
        '/breaks-later': { parts: ['a', 'b'], breaksAfter: 1 },
      };
      const server = await world.call('serve', { routes });
      const http = await world.http(server, { label: 'one connection' });
      for (const target of Object.keys(routes)) {
        const reported = (await world.call('errors')).length;
        const one = await once(world, server, target === '/after-reading' ? 'POST' : 'GET', target, target === '/after-reading' ? { body: 'abc' } : {}).catch((error: unknown) => {
          // The head has left before the body broke: no answer is left to give, and it is a fault of ours all the same.
          if (target.startsWith('/breaks')) return undefined;
          throw error;
        });
        if (one !== undefined) {
          expectStatus(one, 500, `GET ${target}`);
          check(!one.body.includes(SECRET) && !/\bat .*\.ts|node:internal|Error:/.test(one.body.toString()), {
            sent: `GET ${target}, whose handler throws an error with a secret`,
            received: one.body.toString().slice(0, 120),
            expected: 'a body that says nothing about the reason',
          });
        }
        await world.settle();
        const news = (await world.call('errors')).slice(reported);
        const threw = ['/throws', '/rejects', '/after-reading'].includes(target);
        check(threw ? news.includes(SECRET) : news.length > 0, { sent: `GET ${target}`, received: `onError was called with ${news.length} errors: ${news.join('; ')}`, expected: threw ? "the handler's error, for the log" : 'what is wrong with the response, or with its body, for the log' });
      }
      // On one connection: each is answered, and the connection goes on or says that it does not.
      let open = http;
      for (const target of ['/throws', '/rejects', '/nothing', '/fine', '/throws', '/fine']) {
        open.send('GET', target);
        const response = await open.response();
        expectStatus(response, target === '/fine' ? 200 : 500, open.tcp.describeSent());
        if (saysClose(response)) open = await world.http(server, { label: 'the next connection' });
      }
    },
  );

  rule(
    'answers-http-errors',
    'answers an HttpError with its status, its message and its fields',
    {
      rule: 'an error that a handler throws on purpose is an answer: `throw new HttpError(404)`',
      likely: 'every exception becomes a 500',
    },
    async (world) => {
      const words = world.random.words(3);
      const routes: Record<string, Answer> = {
        '/404': { throws: 'http error', status: 404 },
        '/405': { throws: 'http error', status: 405, headers: [['Allow', 'GET, PUT']] },
        '/503': { throws: 'http error', status: 503, body: words, headers: [['Retry-After', '7']] },
        '/413': { throws: 'http error', status: 413, reads: 'whole' },
      };
      const server = await world.call('serve', { routes });
      for (const [target, answer] of Object.entries(routes)) {
        for (const method of ['GET', 'HEAD']) {
          const response = await once(world, server, method, target);
          expectStatus(response, answer.status ?? 0, `${method} ${target}`);
          for (const [name, value] of answer.headers ?? []) {
            check(fieldValue(response, name) === value, { sent: `${method} ${target}`, received: `${name}: ${fieldValue(response, name)}`, expected: `${name}: ${value}` });
          }
          if (target === '/503' && method === 'GET') check(response.body.includes(words), { sent: `GET ${target}`, received: response.body.toString().slice(0, 100), expected: `a body that says ${words}` });
        }
      }
      check((await world.call('errors')).length === 0, { sent: 'handlers that throw an HttpError', received: 'onError was told', expected: 'nothing: it is an answer, not a fault' });
      const http = await world.http(server);
      http.send('GET', '/404').send('GET', '/after');
      expectStatus(await http.response(), 404, http.tcp.describeSent());
      if (http.tcp.ended) return;
      expectBody(await http.response(), 'this is /after', http.tcp.describeSent());
    },
  );

  rule(
    'holds-no-more-than-its-limit',
    'answers 413 when a handler asks for a whole body that is too large to hold',
    {
      rule: '`request.bytes()` has a limit of its own: a body that is too large to be held may still be streamed (RFC 9110 §15.5.14)',
      likely: 'the parts are joined however many there are',
    },
    async (world) => {
      const server = await world.call('serve', { otherwise: { reads: 'whole', body: 'ok' }, limits: { heldBytesMax: 5000 } });
      expectStatus(await once(world, server, 'POST', '/', { body: world.random.bytes(5000) }), 200, 'a body of 5,000 bytes (heldBytesMax 5000)');
      for (const options of [{ body: world.random.bytes(5001) }, { chunks: [world.random.bytes(3000), world.random.bytes(3000)] }, { body: world.random.bytes(300_000) }]) {
        const http = await world.http(server);
        http.send('POST', '/large', options).send('GET', '/after');
        const response = await http.response();
        expectStatus(response, 413, http.tcp.describeSent());
        check(fieldTokens(response, 'connection').includes('close'), { sent: http.tcp.describeSent(), received: showResponse(response), expected: 'Connection: close' });
        await over(http.tcp);
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
        ['a field of a 103 with CRLF', { informational: [{ status: 103, headers: [['Link', '</a>\r\nX-Evil: yes']] }], body: 'a' }],
        ['a field of an HttpError with CRLF', { throws: 'http error', status: 401, headers: [['WWW-Authenticate', 'Basic realm="a"\r\nX-Evil: yes']] }],
        ['a field of an HttpError with U+010D U+010A', { throws: 'http error', status: 405, headers: [['Allow', 'GET\u010d\u010aX-Evil: yes']] }],
        ['a field of an HttpError whose name has CRLF', { throws: 'http error', status: 503, headers: [['Retry-After: 1\r\nX-Evil', 'yes']] }],
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
    'serves-no-https-in-cleartext',
    'refuses a target of https on a connection that is not secured',
    {
      rule: 'what is asked for by https MUST be refused over a connection that is not secured: 421 says so (RFC 9110 §7.4, §15.5.20)',
      likely: 'only the path of an absolute target is looked at',
    },
    async (world) => {
      const server = await world.call('serve', { otherwise: { body: 'secret' } });
      for (const [target, statuses] of [['https://a.example/', [400, 403, 404, 421]], ['HTTPS://a.example:443/x', [400, 403, 404, 421]], ['http://a.example/', [200]], ['/https://a.example/', [200]]] as const) {
        expectStatus(await once(world, server, 'GET', target), statuses, `GET ${target}`);
      }
      const served = (await world.call('calls')).map(({ target }) => target);
      check(!served.some((target) => /^https:/i.test(target)), { sent: 'GET https://a.example/ in cleartext', received: 'the handler was called', expected: 'it is not called' });
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
    'adds-fields-to-refusals',
    'puts the fields of `refusalHeaders` on every response that is made from an error, and on no other',
    {
      rule: 'what a site says in each of its answers, such as Strict-Transport-Security, it says in its refusals, too; an error\'s own field takes the place of such a one',
      likely: 'the option is used for one kind of error only, or its fields are sent twice',
    },
    async (world) => {
      const mark = world.random.word();
      const server = await world.call('serve', {
        routes: { '/broken': { throws: 'error' }, '/405': { throws: 'http error', status: 405, headers: [['Allow', 'GET'], ['x-mark', 'own']] } },
        refusalHeaders: [['X-Mark', mark], ['Content-Length', '7'], ['Connection', 'keep-alive']],
      });
      const refused: [what: string, bytes: Buffer, status: number, mark: string | undefined][] = [
        ['a request that cannot be read', Buffer.from('NONSENSE\r\n\r\n'), 400, mark],
        ['a handler that throws', requestBytes('GET', '/broken', closing()), 500, mark],
        ['an HttpError with a field of the same name', requestBytes('GET', '/405', closing()), 405, 'own'],
        ['a request that is right', requestBytes('GET', '/', closing()), 200, undefined],
      ];
      for (const [what, bytes, status, wanted] of refused) {
        const http = await world.http(server, { label: what });
        http.sendBytes(bytes, ['GET']);
        const response = theOnly(await http.responsesToEnd(), http.tcp);
        expectStatus(response, status, http.tcp.describeSent());
        const found = fieldValues(response, 'x-mark');
        check(found.join() === (wanted ?? ''), { sent: `${what}; refusalHeaders has X-Mark: ${mark}`, received: `X-Mark: ${found.join(' and ') || 'none'}`, expected: wanted ?? 'none' });
      }
    },
  );
});
