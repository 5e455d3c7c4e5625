import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { count } from '#support/bytes.ts';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { HttpClient, requestBytes } from '#support/http-client.ts';
import { saysClose } from '#support/http-response.ts';
import type driver from './driver.ts';
import { askAndCheck, bodyOf, eventually, exchange, expectBody, expectClose, expectStatus, once, over, READER, showResponse, staysOpen, targetsOf, theOnly, TIMEOUT_PATIENCE_MS } from './wire.ts';

/** Long enough that only a timeout under test could end a connection within a test. */
const FAR_MS = 120_000;

exercise<typeof driver>('2.11', import.meta.url, (rule) => {
  rule(
    'times-out-the-silent',
    'closes connections that are idle for too long, but not one that is being answered',
    {
      rule: 'a server may close an idle connection at any time (RFC 9112 §9.5); a handler takes as long as it likes',
      likely: 'one timeout for everything, or none before the first request',
    },
    async (world) => {
      const server = await world.call('serve', {
        routes: { '/slow': { gate: 'slow', body: 'slow' }, '/reads-late': { gate: 'slow', reads: 'parts', body: 'read' } },
        timeouts: { idleMs: 300, bodyMs: 300 },
      });
      // Not connected before they write: this process may be kept waiting between the two.
      const slow = new HttpClient(world.client(server, { label: 'client whose handler is slow' }));
      slow.send('GET', '/slow');
      const reads = new HttpClient(world.client(server, { label: 'client whose body nobody reads yet (bodyMs 300)' }));
      reads.send('POST', '/reads-late', { body: world.random.bytes(1 << 20) });
      const idle = new HttpClient(world.client(server, { label: 'client idle after a response (idleMs 300)' }));
      await askAndCheck(idle, '/idle');
      const fresh = await world.connect(server, { label: 'client that says nothing (idleMs 300)' });
      await Promise.all([fresh, idle.tcp].map(async (client) => await over(client, 'the connection is closed when its time is up', TIMEOUT_PATIENCE_MS)));
      check(fresh.receivedBytes === 0 && idle.leftOver.length === 0, { sent: 'nothing', received: `${fresh.describe()} and ${idle.tcp.describe()}`, expected: 'no response, since nobody asked: idle connections are closed without a word' });
      check(await staysOpen(slow.tcp, 400), { sent: slow.tcp.describeSent(), received: slow.tcp.describe(), expected: 'the connection stays open: the client has done its part' });
      check(await staysOpen(reads.tcp, 100), { sent: reads.tcp.describeSent(), received: reads.tcp.describe(), expected: 'the connection stays open: nobody has asked for the body yet' });
      await world.call('release', 'slow');
      expectBody(await slow.response(), 'slow', slow.tcp.describeSent());
      expectBody(await reads.response(), 'read', reads.tcp.describeSent());
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
    'answers-408-to-head-without-content',
    'answers a HEAD whose head never ends with 408 and without content',
    {
      rule: 'the answer to HEAD has no content, not even that of a refusal: a client takes what follows the head for the next response (RFC 9110 §9.3.2)',
      likely: 'a request that could not be read is answered like a GET; its method may be known all the same',
    },
    async (world) => {
      const server = await world.call('serve', { ...READER, timeouts: { headerMs: 150 } });
      const cases: [label: string, text: string][] = [
        ['HEAD whose head never ends', 'HEAD / HTTP/1.1\r\nHost: a\r\nX-Ha'],
        ['HEAD whose head never ends after an empty line', '\r\nHEAD / HTTP/1.1\r\nHo'],
      ];
      await Promise.all(
        cases.map(async ([label, text]) => {
          const http = await world.http(server, { label });
          http.sendBytes(text, ['HEAD']);
          const responses = await http.responsesToEnd({ expected: '408 without content, and the end of the connection', patienceMs: TIMEOUT_PATIENCE_MS });
          check(responses.length === 1 && responses[0]?.status === 408, { sent: http.tcp.describeSent(), received: http.tcp.describe(), expected: '408 without content' });
        }),
      );
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
    'idle-time-begins-anew',
    'gives a connection its idle time anew after each answer',
    {
      rule: 'a connection is idle while nothing is asked and nothing answered (RFC 9112 §9.5): one that is in use is not closed, however old it is',
      likely: 'one timer is started with the connection, and none with its last answer',
    },
    async (world) => {
      const idleMs = 1000;
      const server = await world.call('serve', { otherwise: { synchronous: true, body: 'ok' }, timeouts: { idleMs, headerMs: FAR_MS } });
      const http = await world.http(server, { label: `a request every 50 ms, for ${2.5 * idleMs} ms (idleMs ${idleMs})` });
      let sent = 0;
      for (const startedMs = performance.now(); performance.now() - startedMs < 2.5 * idleMs && !http.tcp.ended && !http.tcp.closed; sent++) {
        http.send('GET', '/');
        await world.subject.pass(50);
      }
      if (!http.tcp.closed) http.send('GET', '/', { fields: [['Connection', 'close']] });
      const responses = await http.responsesToEnd({ timed: true });
      check(responses.length === sent + 1 && responses.every(({ status }) => status === 200), {
        timed: true,
        sent: http.tcp.describeSent(),
        received: `${count(responses.length, 'response')}, then the end of the connection`,
        expected: `${sent + 1} times 200`,
      });
    },
  );

  rule(
    'slow-senders-get-through',
    'takes a body that comes slowly, but comes',
    {
      rule: 'bodyMs is for the next part of a body: a client on a slow line needs longer for all of it',
      likely: 'one timer for the whole body',
    },
    async (world) => {
      const bodyMs = 600;
      const server = await world.call('serve', { ...READER, timeouts: { bodyMs } });
      const http = await world.http(server, { label: `client that takes ${2.5 * bodyMs} ms for its body, a byte every 50 ms (bodyMs ${bodyMs})` });
      const length = (2.5 * bodyMs) / 50;
      http.sendBytes(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`, ['POST']);
      for (let sent = 0; sent < length && !http.tcp.closed; sent++) {
        await world.subject.pass(50);
        http.tcp.write('x');
      }
      const response = await http.response({ timed: true });
      check(response.status === 200, { timed: true, sent: http.tcp.describeSent(), received: showResponse(response), expected: '200' });
    },
  );

  rule(
    'slow-readers-get-it-all',
    'sends a large body to the end to a client that reads slowly, but reads',
    {
      rule: 'sendMs is for a piece of a response: a client that takes one after the other is not cut off, however long the whole takes',
      likely: 'a large body is one write, and has one sendMs for all of it',
    },
    async (world) => {
      const body = world.random.bytes(32 << 20);
      const server = await world.call('serve', { routes: { '/large': { body } }, timeouts: { sendMs: 1000 } });
      const http = await world.http(server, { label: 'client that takes three seconds to read 32 MiB (sendMs 1000)', paused: true });
      http.send('GET', '/large');
      const steps = 60;
      for (let step = 1; step <= steps; step++) {
        await world.subject.pass(50);
        http.tcp.resume();
        await http.tcp.until(() => http.tcp.receivedBytes >= (body.length * step) / steps, { timed: true, expected: 'the next part of the body: the client has just read one' });
        http.tcp.pause();
      }
      http.tcp.resume();
      const response = await http.response({ timed: true });
      expectBody(response, body, 'GET /large, read slowly');
    },
  );

  rule(
    'lingers-for-its-time',
    'lingers for lingerMs, and no longer for a client that goes on sending',
    {
      rule: 'after its last byte a server reads on for a while (RFC 9112 §9.6), and not for as long as a byte comes now and then',
      likely: 'each byte that is dropped starts the timer again',
    },
    async (world) => {
      const server = await world.call('serve', { ...READER, timeouts: { headerMs: FAR_MS, idleMs: FAR_MS, bodyMs: FAR_MS, lingerMs: 200 } });
      const http = await world.http(server, { label: 'client that is refused and goes on sending (lingerMs 200)' });
      http.sendBytes('GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n');
      expectStatus(await http.response(), 400, http.tcp.describeSent());
      const startedMs = world.subject.ownMs();
      while ((await world.call('connections')) > 0) {
        check(world.subject.ownMs() - startedMs < TIMEOUT_PATIENCE_MS, { timed: true, sent: `${http.tcp.describeSent()}, a byte now and then`, received: 'the connection is still open', expected: 'it is cut after lingerMs' });
        if (!http.tcp.closed) http.tcp.write('x');
        await world.subject.pass(10);
      }
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
    'keeps-idle-connections-for-a-while',
    'keeps idle connections for `idleMs` when it closes, and answers one more request on each',
    {
      rule: 'a client that sends its next request just when the server closes would get a reset and cannot know whether it was served (RFC 9112 §9.5): so idle connections may stay for a while, and the answer says close',
      likely: '`idleMs` is the same as `deadlineMs`, or idle connections end at once; or a second call with a shorter time changes nothing',
    },
    async (world) => {
      const server = await world.call('serve', {});
      const idle = await Promise.all([1, 2, 3].map(async (number) => await world.http(server, { label: `idle client ${number} of 3` })));
      for (const http of idle) await askAndCheck(http, '/before');
      await world.call('beginClose', FAR_MS, FAR_MS);
      await world.settle();
      const [asking, waiting, leaving] = idle as [HttpClient, HttpClient, HttpClient];
      const response = await askAndCheck(asking, '/once-more');
      check(saysClose(response), { sent: 'GET /once-more while the server closes', received: showResponse(response), expected: 'Connection: close' });
      await over(asking.tcp, 'the connection is closed after its answer');
      check(await staysOpen(waiting.tcp, 200), { sent: `closeGracefully with idleMs ${FAR_MS}, and nothing more`, received: 'an idle connection has been closed', expected: 'it stays open for idleMs' });
      leaving.tcp.end();
      await over(leaving.tcp, 'a client that ends its side is answered with a FIN');
      // A second call, with a shorter time.
      await world.call('beginClose', FAR_MS, 100);
      await over(waiting.tcp, 'an idle connection is closed when idleMs is up', TIMEOUT_PATIENCE_MS);
      check(waiting.leftOver.length === 0, { sent: 'nothing', received: waiting.tcp.describe(), expected: 'the end of the connection, without a word' });
      for (const http of [asking, waiting]) http.tcp.end();
      await world.call('awaitClose');
    },
  );

  rule(
    'takes-a-half-close-for-a-goodbye',
    'treats a client that ends its side as gone, if `abortOnHalfClose` says so',
    {
      rule: "browsers and most clients never end their side before they have the answer; a server may take a FIN for a goodbye and stop working for nobody",
      likely: "the option is not read; or the request's signal is not aborted",
    },
    async (world) => {
      const server = await world.call('serve', { routes: { '/slow': { gate: 'never', watchesSignal: true } }, abortOnHalfClose: true });
      const http = await world.http(server, { label: 'client that asks, and ends its side' });
      http.send('GET', '/slow');
      await eventually(world, async () => (await world.call('calls')).length === 1, { sent: 'GET /slow', received: 'no call of the handler', expected: 'one' });
      http.tcp.end();
      await over(http.tcp, 'the connection is closed: the client is taken for gone');
      await eventually(world, async () => (await world.call('counters')).aborted === 1, { sent: 'GET /slow and FIN (abortOnHalfClose)', received: "the request's signal has not aborted", expected: 'it aborts' });
      check(http.tcp.receivedBytes === 0, { sent: 'GET /slow and FIN (abortOnHalfClose)', received: http.tcp.describe(), expected: 'no answer' });
      expectStatus(await once(world, server, 'GET', '/after'), 200, 'a request after it');
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
    'tells-the-kernel-how-many-may-wait',
    'hands `backlog` on to the kernel, 511 without it',
    {
      rule: 'connections wait in the kernel until they are accepted, up to the backlog (listen(2)); a burst beyond it is turned away',
      likely: 'the option is not handed on to `listen`',
    },
    async ({ call, random }) => {
      const wanted = random.integer(1, 400);
      for (const [backlog, expected] of [[wanted, wanted], [undefined, 511]] as const) {
        const told = await call('backlogOf', backlog);
        check(told === expected, { sent: backlog === undefined ? 'serveHttp without a backlog' : `serveHttp with backlog ${backlog}`, received: `the kernel was told ${told}`, expected: String(expected) });
      }
    },
  );

  rule(
    'listens-on-a-descriptor',
    'serves on a socket that somebody else has opened',
    {
      rule: 'a descriptor that was inherited, from a supervisor or from systemd, is listened on like a port',
      likely: 'fd is not handed on to `listen`, which then takes a free port',
      ...(process.platform === 'win32' ? { skip: 'Windows has no descriptors of sockets' } : {}),
    },
    async (world) => {
      const body = world.random.words(3);
      expectBody(await once(world, await world.call('serveDescriptor', body), 'GET', '/'), body, 'GET / to a server that was given a descriptor');
    },
  );
});
