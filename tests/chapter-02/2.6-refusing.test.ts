import { count } from '#support/bytes.ts';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { requestBytes } from '#support/http-client.ts';
import { fieldTokens, fieldValue, saysClose } from '#support/http-response.ts';
import type { TcpClient } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import { SECRET } from './driver.ts';
import type { Answer, Pairs, ServeSetup } from './driver.ts';
import { tryVectors } from './trials.ts';
import { eventually, expectBody, expectStatus, once, over, showResponse, staysOpen, theOnly, TIMEOUT_PATIENCE_MS } from './wire.ts';
import type { TestWorld } from './wire.ts';

/** Reads every body to its end. */
const READER: ServeSetup = { otherwise: { reads: 'parts', body: 'ok' } };

async function refuses(world: TestWorld, ...groups: string[]): Promise<void> {
  await tryVectors(world, await world.call('serve', READER), ...groups);
}

/** Long enough that only a timeout under test could end a connection within a test. */
const FAR_MS = 120_000;

exercise<typeof driver>('2.6', import.meta.url, (rule) => {
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
    async (world) => await refuses(world, 'line-ends'),
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
    'refuses HEAD without content, whatever is wrong and however little of it has come',
    {
      rule: 'the answer to HEAD has no content, not even that of a refusal: a client takes what follows the head for the next response (RFC 9110 §9.3.2)',
      likely: 'a request that could not be read is answered like a GET; its method may be known all the same',
    },
    async (world) => {
      const server = await world.call('serve', { ...READER, limits: { headerBytesMax: 2000, bodyBytesMax: 2000 }, timeouts: { headerMs: 150 } });
      const cases: [label: string, text: string, statuses: number[], methods: string[]][] = [
        ['HEAD without Host', 'HEAD / HTTP/1.1\r\n\r\n', [400], ['HEAD']],
        ['HEAD without Host after an empty line', '\r\nHEAD / HTTP/1.1\r\n\r\n', [400], ['HEAD']],
        ['HEAD of another version', 'HEAD / HTTP/3.0\r\nHost: a\r\n\r\n', [400, 505], ['HEAD']],
        ['HEAD with too large a head', `HEAD / HTTP/1.1\r\nHost: a\r\nX-Large: ${'x'.repeat(3000)}\r\n\r\n`, [431], ['HEAD']],
        ['HEAD with too large a body', 'HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n', [413], ['HEAD']],
        ['HEAD with an expectation that nobody meets', 'HEAD / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\nConnection: close\r\n\r\n', [417], ['HEAD']],
        ['HEAD whose head never ends', 'HEAD / HTTP/1.1\r\nHost: a\r\nX-Ha', [408], ['HEAD']],
        ['HEAD whose head never ends after an empty line', '\r\nHEAD / HTTP/1.1\r\nHo', [408], ['HEAD']],
        ['HEAD without Host after a good GET', 'GET / HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\n\r\n', [400], ['GET', 'HEAD']],
        ['HEAD without Host after a good HEAD and an empty line', 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n\r\nHEAD / HTTP/1.1\r\n\r\n', [400], ['HEAD', 'HEAD']],
      ];
      await Promise.all(
        cases.map(async ([label, text, statuses, methods]) => {
          const http = await world.http(server, { label });
          http.sendBytes(text, methods);
          const responses = await http.responsesToEnd({ expected: `${statuses.join(' or ')} without content, and the end of the connection`, patienceMs: TIMEOUT_PATIENCE_MS });
          const last = responses.at(-1);
          check(responses.length === methods.length && last !== undefined && statuses.includes(last.status), { sent: http.tcp.describeSent(), received: http.tcp.describe(), expected: `${statuses.join(' or ')} without content` });
        }),
      );
    },
  );

  rule(
    'stays-refused',
    'reads nothing more from a connection on which something was refused',
    {
      rule: 'after a bad request, what follows may be its body, half a field, or a request that somebody has hidden there (RFC 9112 §2.2, §6.3)',
      likely: 'nextEvent throws, and does not remember it: asked again, it parses what comes next',
    },
    async ({ call, random }) => {
      const good = Buffer.from(`GET /${random.word()} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const cases: [string, string, number[]][] = [
        ['no method', ' / HTTP/1.1\r\nHost: a\r\n\r\n', [400]],
        ['no Host', 'GET / HTTP/1.1\r\n\r\n', [400]],
        ['another version', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', [505]],
        ['a bad length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n', [400]],
        ['a bad chunk', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n', [400]],
        ['an unknown expectation', 'GET / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n', [417]],
      ];
      for (const [what, bad, statuses] of cases) {
        const { first, again, behind, wire, ourState } = await call('afterBadRequest', Buffer.from(bad, 'latin1'), good);
        const sent = `a request with ${what}, and a good one after it, to the machine`;
        for (const [when, outcome] of [['at first', first], ['asked again', again], ['asked again after the good one', behind]] as const) {
          check('refused' in outcome && statuses.includes(outcome.refused), {
            sent,
            received: `${when}: ${'accepted' in outcome ? `the event ${outcome.accepted}` : 'refused' in outcome ? `refused with ${outcome.refused}` : outcome.threw}`,
            expected: `refused with ${statuses.join(' or ')}, every time`,
          });
        }
        check('accepted' in wire && /^connection: close$/im.test(wire.accepted.replaceAll('\r', '')) && ourState === 'must-close', {
          sent: `${sent}; then the answer`,
          received: 'accepted' in wire ? `${JSON.stringify(wire.accepted)}, and our state is ${ourState}` : JSON.stringify(wire),
          expected: 'Connection: close in it, and our state is must-close',
        });
      }
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
    'says-408',
    'answers 408 to a head or a body that does not come in time, and closes',
    {
      rule: 'a server that has waited long enough says 408 and closes (RFC 9110 §15.5.9)',
      likely: 'the connection is cut without a word, or stays open',
    },
    async (world) => {
      const server = await world.call('serve', { ...READER, timeouts: { headerMs: 120, bodyMs: 120 } });
      const cases: [string, string, number[]][] = [
        ['half a head', 'GET /slow HTTP/1.1\r\nHost: a\r\nX-Ha', [408]],
        ['half a body', 'POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf', [408]],
        ['half a chunk', 'POST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nA\r\nhalf', [408]],
      ];
      await Promise.all(
        cases.map(async ([label, text, statuses]) => {
          const http = await world.http(server, { label });
          http.sendBytes(text);
          const response = theOnly(await http.responsesToEnd({ expected: '408 and the end of the connection', patienceMs: TIMEOUT_PATIENCE_MS }), http.tcp);
          expectStatus(response, statuses, http.tcp.describeSent());
          check(saysClose(response), { sent: http.tcp.describeSent(), received: showResponse(response), expected: 'Connection: close' });
        }),
      );
    },
  );

  rule(
    'times-out-the-slow',
    'ends a head that comes byte by byte without end (slowloris)',
    {
      rule: 'the time for a head counts from its first byte: a byte now and then does not restart it',
      likely: "`socket.setTimeout` starts again with every byte",
    },
    async (world) => {
      const server = await world.call('serve', { timeouts: { headerMs: 200, idleMs: FAR_MS } });
      const client = await world.connect(server, { label: 'slowloris (headerMs 200)' });
      client.write('GET / HTTP/1.1\r\nX: ');
      let sent = 0;
      while (!client.ended && !client.closed) {
        check(sent++ < 60, { sent: `${client.describeSent()}, a byte now and then`, received: 'the connection is still open', expected: 'it is closed after headerMs' });
        await staysOpen(client, 10);
        if (!client.ended && !client.closed) client.write('x');
      }
      expectStatus(await once(world, server, 'GET', '/after'), 200, 'a request after slowloris');
    },
  );

  rule(
    'each-head-has-its-time',
    'gives each head of a pipeline a time of its own',
    {
      rule: 'the time for a head counts from its first byte, also if that byte came together with the end of the head before',
      likely: 'the timer of one head goes on for the next: the connection was never idle in between',
    },
    async (world) => {
      const headerMs = 1000;
      const server = await world.call('serve', { otherwise: { synchronous: true, body: 'ok' }, timeouts: { headerMs, idleMs: FAR_MS } });
      const [beginning, end] = ['GET / HTTP/1.1\r\n', 'Host: a\r\n\r\n'];
      const http = await world.http(server, { label: `a head every 50 ms, for ${2.5 * headerMs} ms (headerMs ${headerMs})` });
      http.sendBytes(beginning);
      let sent = 1;
      for (const startedMs = performance.now(); performance.now() - startedMs < 2.5 * headerMs && !http.tcp.ended && !http.tcp.closed; sent++) {
        await world.subject.pass(50);
        http.sendBytes(end + beginning);
      }
      http.tcp.write(`Connection: close\r\n${end}`);
      const responses = await http.responsesToEnd();
      check(responses.length === sent && responses.every(({ status }) => status === 200), {
        timed: true,
        sent: http.tcp.describeSent(),
        received: `${count(responses.length, 'response')}; the last is ${responses.at(-1)?.status ?? 'none'}`,
        expected: `${sent} times 200`,
      });
    },
  );

  rule(
    'times-out-the-deaf',
    'cuts off clients that do not read, do not send what they promised, or do not close',
    {
      rule: 'every wait has an end: for a full buffer (sendMs), for the rest of a body that nobody reads (bodyMs), for the client\'s last word (lingerMs)',
      likely: 'a wait without a timer: each such client holds a connection for ever',
    },
    async (world) => {
      const server = await world.call('serve', {
        routes: { '/endless': { endlessBytes: 60_000 }, '/large': { body: world.random.bytes(32 << 20) }, '/unread': { body: 'not read' } },
        timeouts: { headerMs: FAR_MS, idleMs: FAR_MS, bodyMs: 200, sendMs: 200, lingerMs: 200 },
      });
      const deaf = ['/endless', '/large'].map((target) => {
        const client = world.client(server, { label: `client that does not read GET ${target} (sendMs 200)`, paused: true });
        return client.write(requestBytes('GET', target));
      });
      const silent = await world.http(server, { label: 'client that does not send the body that it promised (bodyMs 200)' });
      silent.announce('POST').tcp.write('POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf');
      expectBody(await silent.response(), 'not read', silent.tcp.describeSent());
      const lasting = await world.http(server, { label: 'client that is refused and does not close (lingerMs 200)' });
      lasting.sendBytes('GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n');
      expectStatus(await lasting.response(), 400, lasting.tcp.describeSent());
      await eventually(
        world,
        async () => (await world.call('connections')) === 0,
        { sent: 'two requests whose answer is not read, half a body, and one that is refused and does not close', received: 'connections are still open', expected: 'each is cut when its time is up' },
        TIMEOUT_PATIENCE_MS,
      );
      const { closed } = await world.call('counters');
      check(closed === 1, { sent: 'GET /endless, not read', received: `close() was called ${closed} times on the body`, expected: 'once' });
      for (const client of [...deaf, silent.tcp, lasting.tcp]) client.destroy();
    },
  );

  rule(
    'trickled-remains',
    'does not wait for ever for the rest of a body that nobody reads, though a byte comes now and then',
    {
      rule: 'a body that nobody reads is dropped for one bodyMs in all, and not for one more with each byte; then the connection is closed',
      likely: 'the timer of a body begins anew with each of its parts',
    },
    async (world) => {
      const server = await world.call('serve', { routes: { '/unread': { body: 'not read' } }, timeouts: { headerMs: FAR_MS, idleMs: FAR_MS, bodyMs: 200 } });
      const cases: [string, string, string, string][] = [
        ['a body with a length (bodyMs 200)', 'Content-Length: 100000', 'half', 'x'],
        ['chunks (bodyMs 200)', 'Transfer-Encoding: chunked', '', '1\r\nx\r\n'],
        ['a chunk extension (bodyMs 200)', 'Transfer-Encoding: chunked', '5;name', 'x'],
      ];
      await Promise.all(cases.map(async ([label, framing, beginning, more]) => {
        const http = await world.http(server, { label });
        http.announce('POST').tcp.write(`POST /unread HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n${beginning}`);
        expectBody(await http.response(), 'not read', http.tcp.describeSent());
        for (let sent = 0; !http.tcp.ended && !http.tcp.closed; sent++) {
          check(sent < 60, { sent: `${http.tcp.describeSent()}, a byte now and then`, received: 'the connection is still open', expected: 'it is closed after bodyMs' });
          await staysOpen(http.tcp, 10);
          if (!http.tcp.ended && !http.tcp.closed) http.tcp.write(more);
        }
      }));
    },
  );

  rule(
    'times-out-while-closing',
    'still ends half-sent requests when the server is closing',
    {
      rule: 'timeouts go on working while a server closes: half a request does not hold it until the deadline',
      likely: 'the timer is stopped when the server stops listening, as in `http.Server.close`',
    },
    async (world) => {
      const server = await world.call('serve', { otherwise: { reads: 'whole' }, timeouts: { headerMs: 200, bodyMs: 200, idleMs: FAR_MS } });
      const head = await world.connect(server, { label: 'client with half a head (headerMs 200)' });
      head.write('GET / HTTP/1.1\r\nX');
      const body = await world.connect(server, { label: 'client with half a body (bodyMs 200)' });
      body.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf');
      await world.settle();
      await world.call('beginClose', FAR_MS);
      await Promise.all([head, body].map(async (client) => await over(client, 'the connection is closed when its time is up, though the server is closing', TIMEOUT_PATIENCE_MS)));
      for (const client of [head, body]) client.end();
      await world.call('awaitClose');
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
    'hands-over-only-what-was-asked-for',
    'switches protocols only for clients that asked for it, and counts those until they are gone',
    {
      rule: 'a server MUST NOT switch to a protocol that the request did not name, and ignores Upgrade in HTTP/1.0 (RFC 9110 §7.8)',
      likely: '101 is sent because the handler says so; the connection is dropped from the count, and keeps the server from ending',
    },
    async (world) => {
      const server = await world.call('serve', { routes: { '/': { switches: true }, '/throws': { switches: 'throws' } } });
      const asked: Pairs = [['Connection', 'Upgrade'], ['Upgrade', 'capitals']];
      for (const [what, fields, version] of [['no Upgrade', [], 'HTTP/1.1'], ['Upgrade, but no Connection: Upgrade', [['Upgrade', 'capitals']], 'HTTP/1.1'], ['Connection: Upgrade, but no Upgrade', [['Connection', 'Upgrade']], 'HTTP/1.1'], ['HTTP/1.0', asked, 'HTTP/1.0']] as [string, Pairs, string][]) {
        const client = await world.connect(server, { label: `client with ${what}` });
        client.write(requestBytes('GET', '/', { fields, version })).end();
        await over(client);
        check(!/^HTTP\/1\.1 101/.test(client.received.toString('latin1')), { sent: client.describeSent(), received: client.describe(), expected: 'no 101' });
      }
      const broken = await world.http(server, { label: 'client whose connection is taken over by a function that throws' });
      broken.send('GET', '/throws', { fields: asked });
      await over(broken.tcp, 'the connection is closed: nobody has it');
      const http = await world.http(server);
      http.send('GET', '/', { fields: asked });
      expectStatus(await http.response(), 101, http.tcp.describeSent());
      await eventually(world, async () => (await world.call('connections')) === 1, { sent: 'GET / with Upgrade', received: 'the count of connections is not 1', expected: 'connections is 1: the one that was handed over' });
      await world.call('beginClose', 100);
      await over(http.tcp, 'a connection that was handed over is cut at the deadline of closeGracefully');
      await world.call('awaitClose');
      check((await world.call('connections')) === 0, { sent: 'closeGracefully', received: 'a connection is still counted', expected: 'none' });
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
      };
      const server = await world.call('serve', { routes });
      const http = await world.http(server, { label: 'one connection' });
      for (const target of Object.keys(routes)) {
        const one = await once(world, server, target === '/after-reading' ? 'POST' : 'GET', target, target === '/after-reading' ? { body: 'abc' } : {}).catch((error: unknown) => {
          // A head may have left before the first part broke.
          if (target === '/breaks-at-once') return undefined;
          throw error;
        });
        if (one === undefined) continue;
        expectStatus(one, 500, `GET ${target}`);
        check(!one.body.includes(SECRET) && !/\bat .*\.ts|node:internal|Error:/.test(one.body.toString()), {
          sent: `GET ${target}, whose handler throws an error with a secret`,
          received: one.body.toString().slice(0, 120),
          expected: 'a body that says nothing about the reason',
        });
      }
      // On one connection: each is answered, and the connection goes on or says that it does not.
      let open = http;
      for (const target of ['/throws', '/rejects', '/nothing', '/fine', '/throws', '/fine']) {
        open.send('GET', target);
        const response = await open.response();
        expectStatus(response, target === '/fine' ? 200 : 500, open.tcp.describeSent());
        if (saysClose(response)) open = await world.http(server, { label: 'the next connection' });
      }
      const errors = await world.call('errors');
      check(errors.includes(SECRET), { sent: 'GET /throws', received: `onError was called with ${errors.length} errors: ${errors.slice(0, 3).join('; ')}`, expected: "the handler's error, for the log" });
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
});
