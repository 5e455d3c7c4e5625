import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { chunkedBytes, requestBytes } from '#support/http-client.ts';
import type { HttpClient } from '#support/http-client.ts';
import { exchange, expectBody, expectStatus, once, over, showResponse } from '#support/http-exchange.ts';
import { fieldValue, fieldValues } from '#support/http-response.ts';
import type driver from './driver.ts';
import { answer, body, letterOf, SECRET, start } from './script.ts';
import type { Gathered, Step, LooseEvent } from './script.ts';
import { expectOutcomes, expectReports, noted } from './notes.ts';

/** Receives the whole body, and tells in which events it came. */
const TELL: Step[] = [{ do: 'gather' }, { do: 'tell' }];

/** `send` with a name. */
const send = (as: string, event: LooseEvent): Step => ({ do: 'send', as, event });
const must = (event: LooseEvent): Step => ({ do: 'must send', event });

exercise<typeof driver>('6.1', import.meta.url, (rule) => {
  rule(
    'gives-the-body',
    'gives the body in events, in order, and says which is the last',
    {
      rule: 'receive gives the body in http.request events, in order, with chunks decoded, and no byte beyond; moreBody is false on the last and true on those before (A40)',
      likely: 'moreBody stays true at the end of a body whose length is known, or the bytes of the next request are mistaken for this one',
    },
    async (world) => {
      const server = await world.call('serveScripts', { '/tell': TELL });
      const { random } = world;
      const text = random.words(6);
      const pieces = random.pieces(Buffer.from(text), 7);
      const requests: [what: string, bytes: Buffer, body: string][] = [
        ['a body with its length', requestBytes('POST', '/tell', { body: text }), text],
        ['a body in chunks', requestBytes('POST', '/tell', { chunks: pieces }), text],
        ['a body of length 0', requestBytes('POST', '/tell', { body: '' }), ''],
        ['chunks without a byte', requestBytes('POST', '/tell', { chunks: [] }), ''],
        ['no body', requestBytes('GET', '/tell'), ''],
      ];
      const next = requestBytes('GET', '/tell');
      for (const [what, bytes, expected] of requests) {
        for (const way of ['in one write', 'byte by byte', 'with the next request after'] as const) {
          const http = (await world.http(server)).announce('POST');
          if (way === 'byte by byte') await http.tcp.writeByteByByte(bytes);
          else http.tcp.write(way === 'in one write' ? bytes : Buffer.concat([bytes, next]));
          expectGathered(await http.response(), expected, `${what}, ${way}`);
          if (way !== 'with the next request after') continue;
          expectGathered(await http.announce('GET').response(), '', `the request after ${what}`, 1);
        }
      }
    },
  );

  rule(
    'answers-with-what-it-said',
    'sends the status, the fields and the body of the application',
    {
      rule: 'the fields are sent in their order, each name as often as it was given (A35); a body that is a single event gets a Content-Length; any other is sent in chunks or, to an HTTP/1.0 client, until the end of the connection (A54)',
      likely: 'the response ends with its first part, or never ends',
    },
    async (world) => {
      const { random } = world;
      const words = Array.from({ length: 4 }, () => random.word());
      const status = random.integer(200, 203);
      const fields: [string, string][] = [['X-Said', words[0]!], ['Set-Cookie', 'a=1'], ['x-other', 'caf\u00e9'], ['Set-Cookie', 'b=2']];
      const server = await world.call('serveScripts', {
        '/whole': [must(start(status, fields)), must(body(words[1]!))],
        '/parts': [must(start(status, fields)), ...words.flatMap((word) => [must(body(word, true)), must(body('', true))]), must({ type: 'http.response.body' })],
        '/last': [must(start(200)), must(body(words[0]!, true)), must(body(words[1]!))],
      });
      const cases = [['/whole', words[1]!, 'length'], ['/parts', words.join(''), 'chunked'], ['/last', words[0]! + words[1]!, 'chunked']] as const;
      for (const [path, text, framing] of cases) {
        const http = (await world.http(server)).send('GET', path).send('GET', '/whole');
        const response = await http.response();
        expectBody(response, text, `GET ${path}`);
        expectBody(await http.response(), words[1]!, `GET /whole after GET ${path}`);
        check(response.framing === framing, { sent: `GET ${path}`, received: showResponse(response), expected: `a body by ${framing}` });
        const old = await once(world, server, 'GET', path, { version: 'HTTP/1.0' });
        expectBody(old, text, `GET ${path} HTTP/1.0`);
        check(old.framing !== 'chunked', { sent: `GET ${path} HTTP/1.0`, received: showResponse(old), expected: 'no chunks, which HTTP/1.0 does not know' });
        if (path === '/last') continue;
        expectStatus(response, status, `GET ${path}`);
        const seen = [fieldValue(response, 'x-said'), fieldValue(response, 'x-other'), fieldValues(response, 'set-cookie').join()].join(' | ');
        const expected = `${words[0]} | caf\u00e9 | a=1,b=2`;
        check(seen === expected, { sent: `GET ${path}`, received: seen, expected });
      }
    },
  );

  rule(
    'streams-both-ways',
    'sends parts of the response while the body is still arriving',
    {
      rule: 'receive gives what has arrived and does not wait for the rest (A40), and send sends at once (A53)',
      likely: 'the body is gathered before receive gives it, or the response before it is sent',
    },
    async (world) => {
      const server = await world.call('serveScripts', { '/echo': [{ do: 'echo' }] });
      const http = (await world.http(server)).announce('POST');
      http.tcp.write('POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n');
      const words = Array.from({ length: 4 }, () => world.random.word(4, 8));
      for (const word of words) {
        http.tcp.write(chunkedBytes([word]).subarray(0, -5));
        await http.tcp.until(() => http.tcp.received.includes(word.toUpperCase()), { expected: `${word.toUpperCase()}, before the next chunk is sent` });
      }
      http.tcp.write('0\r\n\r\n');
      expectBody(await http.response(), words.join('').toUpperCase(), 'a body in chunks, each sent when the one before has come back');
    },
  );

  rule(
    'head-leaves-with-the-body',
    'sends the head with the first http.response.body, and not before',
    {
      rule: 'the head does not leave before the first http.response.body, and leaves with it at once, even if that is empty (A53)',
      likely: 'an empty first part is thrown away, and the head with it',
    },
    async (world) => {
      const text = world.random.word();
      const server = await world.call('serveScripts', {
        '/late': [must(start(200, [['X-Late', 'yes']])), { do: 'note', text: 'started' }, { do: 'gate', name: 'head' }, must(body('', true)), { do: 'gate', name: 'body' }, must(body(text))],
      });
      const http = (await world.http(server)).send('GET', '/late');
      await noted(world, 'started', { sent: 'GET /late', expected: 'the application is called' });
      await http.tcp.expectNoMoreThan(0, { expected: 'nothing before the first http.response.body' });
      await world.call('openGate', 'head');
      await http.tcp.until(() => http.tcp.received.includes('\r\n\r\n'), { expected: 'the head, with a first body event that is empty' });
      await world.call('openGate', 'body');
      const response = await http.response();
      expectBody(response, text, 'GET /late');
      check(fieldValue(response, 'x-late') === 'yes', { sent: 'GET /late', received: 'no X-Late', expected: 'X-Late: yes' });
    },
  );

  rule(
    'as-slow-as-its-client',
    'makes send wait as long as the client does not read',
    {
      rule: 'send resolves when there is room for more, and not while more than a high-water mark waits for the client (A30)',
      likely: 'push resolves as soon as it has the part; it has to wait for `next()`, which says that the part has gone',
    },
    async (world) => {
      const [parts, bytes] = [640, 64 * 1024];
      const server = await world.call('serveScripts', { '/flood': [must(start(200)), { do: 'flood', parts, bytes }, must(body(''))] });
      const http = await world.http(server, { paused: true });
      http.send('GET', '/flood');
      const sent = `a response of ${parts} parts of 64 KiB, awaited one by one, to a client that does not read`;
      let before = -1;
      for (let still = 0; still < 12; ) {
        const now = await world.call('count', 'flooded');
        still = now === before && now > 0 ? still + 1 : 0;
        before = now;
        check(now < parts / 2, { sent, received: `${now} parts were taken, and nothing was read`, expected: 'send waits' });
        await world.settle();
      }
      http.tcp.resume();
      const { body: received } = await http.response({ expected: 'all of it, when the client reads' });
      const wrong = Array.from({ length: parts }, (_, index) => index).find((index) => received[index * bytes] !== letterOf(index));
      check(received.length === parts * bytes && wrong === undefined, { sent, received: `${received.length} bytes${wrong === undefined ? '' : `, and part ${wrong} is another one`}`, expected: 'every part, in order' });
    },
  );

  rule(
    'goes-on-after-a-part',
    'lets send resolve when the client reads',
    {
      rule: 'send resolves when there is room for more (A30), for the last event as for the others',
      likely: 'nobody settles the part that was sent last: `next()` is called once more after it, and then the body ends',
    },
    async (world) => {
      const server = await world.call('serveScripts', {
        '/counts': [send('start', start(200)), send('first', body('a', true)), send('second', body('b', true)), send('empty', body('', true)), send('last', body('c'))],
      });
      const http = (await world.http(server)).send('GET', '/counts');
      expectBody(await http.response(), 'abc', 'GET /counts');
      await expectOutcomes(world, { start: 'sent', first: 'sent', second: 'sent', empty: 'sent', last: 'sent' }, 'GET /counts');
      await noted(world, 'end /counts', { sent: 'GET /counts', expected: 'the application comes to its end' });
      await expectReports(world, [], 'GET /counts');
    },
  );

  rule(
    'keeps-the-order-of-calls',
    'takes events in the order of their calls, awaited or not, up to a limit',
    {
      rule: 'send takes events in the order of its calls (A30); when more bytes wait than the server\'s limit allows, the next event is refused (A39), and nothing of it reaches the client (A32)',
      likely: 'waiting parts are given in another order, or waiting bytes are not counted',
    },
    async (world) => {
      const [parts, bytes, bufferedBytesMax] = [30, 10_000, 100_000];
      const server = await world.call(
        'serveScripts',
        { '/few': [must(start(200)), { do: 'burst', parts: 8, bytes: 100, as: 'few' }, must(body(''))], '/many': [must(start(200)), { do: 'burst', parts, bytes, as: 'many' }, must(body(''))] },
        { bufferedBytesMax },
      );
      const few = await once(world, server, 'GET', '/few');
      expectBody(few, Buffer.concat(lettered(8, 100)), '8 parts in one turn');
      await expectOutcomes(world, { few: Array.from({ length: 8 }, () => 'sent').join() }, '8 parts in one turn');
      const response = await once(world, server, 'GET', '/many');
      const sent = `${parts} parts of ${bytes} bytes in one turn, with bufferedBytesMax ${bufferedBytesMax}`;
      const outcomes = (await noted(world, 'many: ', { sent, expected: 'all of them settle' })).split(',');
      const taken = outcomes.indexOf('A39');
      check(taken >= bufferedBytesMax / bytes && taken <= bufferedBytesMax / bytes + 3 && outcomes.slice(taken).every((came) => came === 'A39'), {
        sent, received: outcomes.join(), expected: 'the first ten or eleven are sent, and all others refused as A39',
      });
      expectBody(response, Buffer.concat(lettered(taken, bytes)), sent);
    },
  );

  rule(
    'one-receive-at-a-time',
    'refuses a receive while another one waits',
    {
      rule: 'a call of receive before the previous one has settled is rejected with a GatewayError (A31); the one that waits is not affected',
      likely: 'the second call replaces `#receiver`, and the first never settles',
    },
    async (world) => {
      const server = await world.call('serveScripts', {
        '/two': [{ do: 'receive beside', as: 'first' }, { do: 'receive', as: 'second' }, { do: 'note', text: 'waits' }, { do: 'gate', name: 'go' }, ...answer('done')],
      });
      const http = (await world.http(server)).announce('POST');
      http.tcp.write('POST /two HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n');
      await noted(world, 'waits', { sent: 'two calls of receive, before the body has come', expected: 'the second is rejected' });
      await expectOutcomes(world, { second: 'error A31' }, 'two calls of receive, before the body has come');
      http.tcp.write('abc');
      await expectOutcomes(world, { first: ['"abc" and no more', '"abc" and more'] }, 'the body, when one call waits for it');
      await world.call('openGate', 'go');
      expectBody(await http.response(), 'done', 'POST /two');
    },
  );

  rule(
    'tells-that-the-client-has-gone',
    'gives http.disconnect when the client has gone, and on every later call',
    {
      rule: 'when the client has gone, receive gives http.disconnect, and so does every later call (A41), signal aborts (A19), and send rejects with a DisconnectError (A58). None of that is reported (A64)',
      likely: 'a call made after the end of the body waits for something that nobody settles: `#awaitGone`',
    },
    async (world) => {
      const gone: Step[] = [{ do: 'receive', as: 'first' }, { do: 'note', text: 'waits' }, { do: 'receive', as: 'second' }, { do: 'receive', as: 'third' }, { do: 'signal' }, send('start', start(200)), send('body', body('x')), { do: 'receive', as: 'fourth' }];
      const server = await world.call('serveScripts', {
        '/gone': gone,
        '/lets-through': [{ do: 'gather' }, { do: 'note', text: 'waits' }, { do: 'signal' }, must(start(200)), must(body('x'))],
        '/aborts': [{ do: 'gather' }, { do: 'note', text: 'waits' }, { do: 'signal' }, { do: 'throw', what: 'abort' }],
        '/streams': [must(start(200)), { do: 'note', text: 'waits' }, { do: 'flood', parts: 100_000, bytes: 65_536 }],
      });
      let calls = 0;
      for (const path of ['/gone', '/lets-through', '/aborts', '/streams']) {
        const http = await world.http(server, { paused: true });
        http.send('GET', path);
        await noted(world, 'waits', { sent: `GET ${path}`, expected: 'the application waits' }, ++calls);
        http.tcp.resetNow();
        await noted(world, `end ${path}`, { sent: `GET ${path}, and then a reset`, expected: 'the application hears of it and ends' });
      }
      const disconnect = 'http.disconnect';
      await expectOutcomes(world, { first: '"" and no more', second: disconnect, third: disconnect, start: 'DisconnectError', body: 'DisconnectError', fourth: disconnect }, 'GET /gone, and then a reset');
      await expectReports(world, [], 'four clients that have gone');
    },
  );

  rule(
    'lets-go-of-a-waiting-send',
    'rejects a send that waits when the client goes',
    {
      rule: 'when nothing will arrive any more, send rejects with a DisconnectError, and so do calls that are waiting (A58)',
      likely: 'the part that was under way, or those after it, keep their promises for ever',
    },
    async (world) => {
      const big = 'x'.repeat(8 * 1024 * 1024);
      const steps: Step[] = [must(start(200)), ...['one', 'two', 'three'].map((as): Step => ({ do: 'fire', as, event: body(big, true) })), { do: 'note', text: 'fired' }, { do: 'signal' }, send('after', body('x', true))];
      const server = await world.call('serveScripts', { '/fires': steps }, { bufferedBytesMax: 64 * 1024 * 1024 });
      const http = await world.http(server, { paused: true });
      http.send('GET', '/fires');
      await noted(world, 'fired', { sent: 'GET /fires', expected: 'three parts are sent, none awaited' });
      await world.settle();
      http.tcp.resetNow();
      await expectOutcomes(world, { three: 'DisconnectError', two: 'DisconnectError', after: 'DisconnectError' }, 'three parts of 8 MiB to a client that reads nothing and resets');
      await noted(world, 'one: ', { sent: 'the first of the three', expected: 'it settles' });
      await expectReports(world, [], 'GET /fires, and then a reset');
    },
  );

  rule(
    'disconnects-when-all-is-said',
    'gives http.disconnect when the response is complete',
    {
      rule: 'when the response is complete, receive gives http.disconnect, and so does every later call, even if the body was not received to its end (A41); an application may go on after its last event, and what it throws then is reported and changes nothing (A65)',
      likely: '`#over` is not looked at first: the rest of the body is given, or the call waits for ever',
    },
    async (world) => {
      const after: Step[] = [{ do: 'receive', as: 'after' }, { do: 'receive', as: 'again' }];
      const server = await world.call('serveScripts', {
        '/after': [...answer('done'), ...after],
        '/waits': [{ do: 'gather' }, { do: 'receive beside', as: 'waiting' }, ...answer('done')],
        '/throws': [...answer('done'), { do: 'throw', what: 'plain' }],
        '/next': answer('next'),
      });
      for (const [path, options] of [['/after', { body: 'not received' }], ['/waits', {}], ['/throws', {}]] as const) {
        const http = (await world.http(server)).send('POST', path, options).send('GET', '/next');
        expectBody(await http.response(), 'done', `POST ${path}`);
        expectBody(await http.response(), 'next', `GET /next after POST ${path}`);
      }
      await expectOutcomes(world, { after: 'http.disconnect', again: 'http.disconnect', waiting: 'http.disconnect' }, 'receive when the response is complete');
      await expectReports(world, ['Error'], 'three good responses, and an error after the last event of one');
    },
  );

  rule(
    'says-when-a-body-is-broken',
    'rejects with the status for what is wrong with the body',
    {
      rule: 'if a body breaks off, breaks the protocol or is too large, receive rejects with an error whose status is the one to answer with, and so does every later call (A42); if the application lets it through, it becomes the answer (A62)',
      likely: '`#bodyError` is not kept, or the error becomes a disconnect or a 500',
    },
    async (world) => {
      const server = await world.call(
        'serveScripts',
        { '/gather': [...TELL], '/sees': [{ do: 'receive', as: 'first' }, { do: 'receive', as: 'second' }, { do: 'receive', as: 'third' }, ...answer('sorry', 422)] },
        { limits: { bodyBytesMax: 100 } },
      );
      const head = (path: string, framing: string): string => `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${framing}\r\n\r\n`;
      const chunked = 'Transfer-Encoding: chunked';
      const bad: [what: string, framing: string, bytes: string, fin: boolean, status: number][] = [
        ['a chunk size that is not a number', chunked, 'xyz\r\n', false, 400],
        ['chunks of more than bodyBytesMax', chunked, `80\r\n${'x'.repeat(128)}\r\n`, false, 413],
        ['half a body, and then a FIN', 'Content-Length: 50', 'half', true, 400],
      ];
      for (const [what, framing, bytes, fin, status] of bad) {
        const http = (await world.http(server)).sendBytes(head('/gather', framing) + bytes, ['POST']);
        if (fin) http.tcp.end();
        expectStatus(await http.response(), status, what);
        const seeing = (await world.http(server)).sendBytes(head('/sees', framing) + bytes, ['POST']);
        if (fin) seeing.tcp.end();
        expectStatus(await seeing.response(), 422, `${what}, and an application that answers it by itself`);
        const notes = (await world.call('events')).filter((event) => /^(first|second|third): /.test(event)).slice(-3);
        // What had come before the fault may be given before it is told.
        const [, , last] = notes;
        const given = notes.filter((note) => !note.endsWith(`error ${status}`));
        check(notes.length === 3 && last === `third: error ${status}` && given.every((note) => note.endsWith('and more')) && sorted(notes, given.length), {
          sent: what, received: notes.join('; '), expected: `error ${status}, and again with every later call`,
        });
      }
      await expectReports(world, [], "bodies that are the clients' fault");
    },
  );

  rule(
    'a-reset-within-the-body',
    'ends a receive that waits when the client goes in the middle of its body',
    {
      rule: 'when the client has gone, receive gives http.disconnect (A41), or says that the body broke off (A42); it does not wait for ever, and nothing is reported (A64)',
      likely: 'the promise of `readPart` rejects, and nobody tells `#receiver`',
    },
    async (world) => {
      const server = await world.call('serveScripts', { '/sees': [{ do: 'receive', as: 'first' }, { do: 'receive', as: 'second' }, { do: 'receive', as: 'third' }] });
      const http = (await world.http(server)).announce('POST');
      http.tcp.write('POST /sees HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\nhalf');
      await noted(world, 'first: ', { sent: 'half a body', expected: 'it is given' });
      http.tcp.resetNow();
      await expectOutcomes(world, { second: ['http.disconnect', 'error 400'], third: ['http.disconnect', 'error 400'] }, 'half a body, and then a reset');
      await noted(world, 'end /sees', { sent: 'half a body, and then a reset', expected: 'the application ends' });
      const reports = await world.call('reports');
      check(reports.length === 0, { sent: 'half a body, and then a reset', received: `reported: ${reports.map(({ message }) => message).join('; ')}`, expected: 'nothing is reported' });
    },
  );

  rule(
    'continues-with-the-first-receive',
    'tells a client to go on with its body with the first receive, and not before',
    {
      rule: 'a client that expects 100-continue is told to go on when receive is first called, and not before (A43)',
      likely: '`readPart` is called before anybody receives, or for the next part while this one is being given',
    },
    async (world) => {
      const server = await world.call('serveScripts', {
        '/late': [{ do: 'note', text: 'called' }, { do: 'gate', name: 'receive' }, ...TELL],
        '/never': answer('no need', 403),
      });
      const expecting = (path: string): string => `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n`;
      const http = (await world.http(server)).sendBytes(expecting('/late'), ['POST']);
      await noted(world, 'called', { sent: 'Expect: 100-continue', expected: 'the application is called before the body is there' });
      await http.tcp.expectNoMoreThan(0, { expected: 'no 100 before the first receive' });
      await world.call('openGate', 'receive');
      await http.tcp.until(() => http.tcp.received.includes('HTTP/1.1 100'), { expected: '100 Continue, with the first receive' });
      http.tcp.write('body');
      expectGathered(await http.response(), 'body', 'Expect: 100-continue');
      const never = (await world.http(server)).sendBytes(expecting('/never'), ['POST']);
      expectStatus(await never.response(), 403, 'Expect: 100-continue, and an application that does not receive');
      check(never.interim.length === 0, { sent: 'Expect: 100-continue, and an application that does not receive', received: '100 Continue', expected: 'its answer alone' });
    },
  );

  rule(
    'refuses-what-is-out-of-turn',
    'refuses events whose turn it is not, as if they had not been sent',
    {
      rule: 'a second start is refused (A50), a body before the start (A51) or after the last one (A52), and an event that http does not have (A33). The state stays what it was (A32); the first refusal is reported (A64)',
      likely: 'the application was told and ignored it, so nobody knows: the server has to report it',
    },
    async (world) => {
      const server = await world.call('serveScripts', {
        '/turns': [
          send('body first', body('x')), send('last first', body('x', true)), send('unknown', { type: 'http.response.trailers' }), send('of a websocket', { type: 'websocket.accept' }),
          must(start(202)), send('again', start(500)), must(body('one,', true)), send('again late', start(500)), must(body('two')), send('after', body('x')), send('start after', start(500)),
        ],
        '/lets-through': [must(body('x'))],
        '/unawaited': [{ do: 'forget', event: body('x') }, { do: 'gate', name: 'on' }, ...answer('fine')],
      });
      const response = await once(world, server, 'GET', '/turns');
      expectStatus(response, 202, 'events in and out of their turn');
      expectBody(response, 'one,two', 'events in and out of their turn');
      await expectOutcomes(world, { 'body first': 'A51', 'last first': 'A51', unknown: 'A33', 'of a websocket': 'A33', again: 'A50', 'again late': 'A50', after: 'A52', 'start after': 'A50' }, 'GET /turns');
      await expectReports(world, ['A51'], 'GET /turns, whose first fault is a body first');
      expectStatus(await once(world, server, 'GET', '/lets-through'), 500, 'a body first, and its error let through');
      await expectReports(world, ['A51', 'A51'], 'GET /lets-through');
      const http = (await world.http(server)).send('GET', '/unawaited');
      await noted(world, 'call /unawaited', { sent: 'GET /unawaited', expected: 'the application is called' });
      await world.settle();
      await world.call('openGate', 'on');
      expectBody(await http.response(), 'fine', 'a body first, not looked at, and then a good response');
      await expectReports(world, ['A51', 'A51', 'A51'], 'GET /unawaited');
    },
  );

  rule(
    'refuses-bad-events',
    'refuses unknown events, and fields that cannot be sent',
    {
      rule: 'the keys of an event have the right types (A34); headers are pairs of strings, names are tokens (A35), values have no CR, LF or NUL (A36), none belongs to the connection (A37), and there is at most one Content-Length, in digits (A38)',
      likely: 'the state has changed before the event was checked',
    },
    async (world) => {
      const long = '\u20ac';
      const bad: [LooseEvent, string][] = [
        [start(199), 'A34'], [start(600), 'A34'], [start(101), 'A34'], [{ ...start(200), status: '200' }, 'A34'], [{ ...start(200), status: 200.5 }, 'A34'], [{ type: 7 }, 'A34'],
        [{ ...start(200), headers: { a: 'b' } }, 'A35'], [{ ...start(200), headers: [['a']] }, 'A35'], [{ ...start(200), headers: [['a', 1]] }, 'A35'], [start(200, [['a b', '1']]), 'A35'], [start(200, [['', '1']]), 'A35'],
        [start(200, [['a', '1\r\nb: 2']]), 'A36'], [start(200, [['a', '1\n']]), 'A36'], [start(200, [['a', '\0']]), 'A36'], [start(200, [['a', long]]), 'A36'],
        [start(200, [['Connection', 'close']]), 'A37'], [start(200, [['transfer-encoding', 'chunked']]), 'A37'], [start(200, [['Upgrade', 'x']]), 'A37'], [start(200, [['keep-alive', 'x']]), 'A37'],
        [start(200, [['Content-Length', '1'], ['content-length', '1']]), 'A38'], [start(200, [['Content-Length', '+1']]), 'A38'], [start(200, [['Content-Length', '']]), 'A38'],
      ];
      const badBodies: LooseEvent[] = [{ type: 'http.response.body', body: 7 }, { type: 'http.response.body', body: [1] }, { type: 'http.response.body', body: 'x', moreBody: 1 }];
      const server = await world.call('serveScripts', {
        '/bad': [...bad.map(([event], index) => send(`start ${index}`, event)), must(start(203)), ...badBodies.map((event, index) => send(`body ${index}`, event)), must(body('good'))],
      });
      const response = await once(world, server, 'GET', '/bad');
      expectStatus(response, 203, 'many bad events, and then good ones');
      expectBody(response, 'good', 'many bad events, and then good ones');
      for (const [index, [event, expected]] of bad.entries()) await expectOutcomes(world, { [`start ${index}`]: expected }, JSON.stringify(event));
      for (const [index, event] of badBodies.entries()) await expectOutcomes(world, { [`body ${index}`]: 'A34' }, JSON.stringify(event));
    },
  );

  rule(
    'counts-what-was-promised',
    'refuses more or less than Content-Length says',
    {
      rule: 'a body event with more bytes than Content-Length leaves is refused (A55), and so is a last one that leaves bytes unsent (A56): the application may still send them, otherwise the connection is closed (A61)',
      likely: 'the bytes of a refused event are counted',
    },
    async (world) => {
      const length = start(200, [['Content-Length', '10']]);
      const server = await world.call('serveScripts', {
        '/long': [must(length), send('whole', body('12345678901')), must(body('1234', true)), send('more', body('1234567', true)), must(body('567890'))],
        '/short': [must(length), send('whole', body('1')), must(body('1234', true)), send('less', body('567')), send('none', { type: 'http.response.body' }), must(body('567890'))],
        '/gives-up': [must(length), must(body('1234', true)), send('gives up', body('567'))],
      });
      for (const path of ['/long', '/short']) {
        const response = await once(world, server, 'GET', path);
        expectBody(response, '1234567890', `GET ${path}`);
        check(response.framing === 'length' && fieldValues(response, 'content-length').length === 1, { sent: `GET ${path}`, received: showResponse(response), expected: 'one Content-Length, of 10' });
      }
      await expectOutcomes(world, { more: 'A55', less: 'A56', none: 'A56' }, 'a Content-Length of 10');
      const http = (await world.http(server)).send('GET', '/gives-up');
      await expectCut(http, '1234');
      await expectOutcomes(world, { 'gives up': 'A56' }, 'a Content-Length of 10, and 7 bytes');
    },
  );

  rule(
    'head-has-no-body',
    'sends no body to HEAD, nor with 204, 205 and 304, and reports an application that sends one',
    {
      rule: 'a response to HEAD, and one with 204, 205 or 304, is complete with its head, which leaves with the first body event, whose body is dropped; what is sent after that is rejected with a DisconnectError (A57, A58)',
      likely: 'an endless stream runs on for nobody',
    },
    async (world) => {
      const empty = (status: number): Step[] => [must(start(status)), send(`${status} first`, body('dropped', true)), send(`${status} second`, body('dropped', true))];
      const server = await world.call('serveScripts', {
        '/whole': answer('twelve bytes'),
        '/stream': [must(start(200)), send('first', body('part', true)), send('second', body('part', true)), { do: 'receive', as: 'received' }],
        '/204': empty(204), '/205': empty(205), '/304': empty(304),
      });
      const http = await world.http(server);
      http.send('HEAD', '/whole').send('HEAD', '/stream').send('GET', '/204').send('GET', '/205').send('GET', '/304').send('GET', '/whole');
      const whole = await http.response();
      check(fieldValue(whole, 'content-length') === '12', { sent: 'HEAD /whole', received: `Content-Length: ${String(fieldValue(whole, 'content-length'))}`, expected: 'Content-Length: 12, as GET would be told' });
      for (const status of [200, 204, 205, 304]) {
        const response = await http.response();
        expectStatus(response, status, status === 200 ? 'HEAD /stream' : `GET /${status}`);
        check(response.body.length === 0, { sent: `/${status}`, received: showResponse(response), expected: 'no body' });
      }
      expectBody(await http.response(), 'twelve bytes', 'GET /whole after them');
      const gone = 'DisconnectError';
      await expectOutcomes(world, { first: 'sent', second: gone, received: 'http.disconnect', '204 first': 'sent', '204 second': gone, '205 second': gone, '304 second': gone }, 'responses without a body');
      await expectReports(world, [], 'responses without a body');
    },
  );

  rule(
    'answers-for-an-early-return',
    'answers 500 for an application that returns without a response, and cuts one that is not complete',
    {
      rule: 'if an application returns before its head has left, the server answers 500 (A60); if it returns after that without a last body event, the connection is closed, so that the client sees that something is missing (A61); each is reported once (A64)',
      likely: 'a response without an end is ended as if it were complete, or the client waits for ever',
    },
    async (world) => {
      const server = await world.call('serveScripts', {
        '/nothing': [],
        '/start-only': [must(start(200, [['X-Never', 'sent']]))],
        '/no-end': [must(start(200)), must(body('one,', true)), must(body('two', true))],
        '/head-only': [must(start(200)), must(body('', true))],
      });
      for (const path of ['/nothing', '/start-only']) {
        const response = await once(world, server, 'GET', path);
        expectStatus(response, 500, `GET ${path}`);
        check(fieldValue(response, 'x-never') === undefined, { sent: `GET ${path}`, received: 'X-Never', expected: 'nothing of a head that never left' });
      }
      await expectReports(world, ['A60', 'A60'], 'GET /nothing and GET /start-only');
      await expectCut((await world.http(server)).send('GET', '/no-end').send('GET', '/nothing'), 'one,');
      await expectCut((await world.http(server)).send('GET', '/head-only'), 'HTTP/1.1 200');
      await expectReports(world, ['A60', 'A60', 'A61', 'A61'], 'and GET /no-end and GET /head-only');
      const old = (await world.http(server)).send('GET', '/no-end', { version: 'HTTP/1.0' });
      await over(old.tcp);
    },
  );

  rule(
    'answers-when-the-application-throws',
    'answers 500 for what an application throws, and cuts a response that has begun',
    {
      rule: 'what the application throws before its head has left is answered with 500, or with its own status if the error is meant as an answer, and the client sees nothing of any other error (A62); after that, the connection is closed (A63). It is reported, once (A64)',
      likely: 'an error that is thrown before there is a promise ends the process, or one with a status of its own becomes a 500',
    },
    async (world) => {
      const throws = (what: 'plain' | 'answer' | 'abort' | 'text' | 'undefined'): Step => ({ do: 'throw', what });
      const server = await world.call('serveScripts', {
        '/at-once': [throws('plain')],
        '/later': [{ do: 'gather' }, throws('plain')],
        '/started': [must(start(200, [['X-Never', 'sent']])), throws('plain')],
        '/text': [{ do: 'gather' }, throws('text')],
        '/undefined': [{ do: 'gather' }, throws('undefined')],
        '/abort': [{ do: 'gather' }, throws('abort')],
        '/answer': [{ do: 'gather' }, throws('answer')],
        '/answer-at-once': [throws('answer')],
        '/half': [must(start(200)), must(body('half', true)), throws('plain')],
        '/half-answer': [must(start(200)), must(body('half', true)), throws('answer')],
      });
      const cases = [['/at-once', 500, 'Error'], ['/later', 500, 'Error'], ['/started', 500, 'Error'], ['/text', 500, 'string'], ['/undefined', 500, 'undefined'], ['/abort', 500, 'AbortError'], ['/answer', 418, ''], ['/answer-at-once', 418, '']] as const;
      const expected: string[] = [];
      for (const [path, status, report] of cases) {
        const { response, http } = await exchange(world, server, 'GET', path);
        expectStatus(response, status, `GET ${path}`);
        check(fieldValue(response, 'x-never') === undefined && !http.tcp.received.includes(SECRET), { sent: `GET ${path}`, received: http.tcp.describe(), expected: 'nothing of the error, and nothing of a head that never left' });
        if (report !== '') expected.push(report);
        await expectReports(world, expected, `GET ${path}`);
      }
      await expectCut((await world.http(server)).send('GET', '/half'), 'half');
      await expectReports(world, [...expected, 'Error'], 'GET /half');
      await expectCut((await world.http(server)).send('GET', '/half-answer'), 'half');
    },
  );

  rule(
    'takes-nothing-after-the-end',
    'refuses what is sent after the application has returned',
    {
      rule: 'an application does not send after its promise has settled: what is sent then is refused (A6), nobody has to await that promise, and the process goes on (A32)',
      likely: '`#promises.end()` is not called any more',
    },
    async (world) => {
      const server = await world.call('serveScripts', { '/hello': answer('hello'), '/late': [must(start(200)), must(body('half', true))] });
      const http = (await world.http(server)).send('GET', '/late');
      await expectCut(http, 'half');
      const late = await world.call('sendLate', body('x'));
      // Its connection is closed by now, and who knows that may say so instead.
      check(late === 'A6' || late === 'DisconnectError', { sent: 'http.response.body when the application has returned', received: late, expected: 'A6' });
      expectBody(await once(world, server, 'GET', '/hello'), 'hello', 'GET /hello');
    },
  );

  rule(
    'early-hints',
    'sends early hints before the response, and none after it has begun',
    {
      rule: 'http.response.earlyHints sends 103; when the response has begun it does nothing (A59); for HTTP/1.0 the extension is not there, and its event is refused (A22)',
      likely: 'hints are sent between the head and its body',
    },
    async (world) => {
      const hints: LooseEvent = { type: 'http.response.earlyHints', headers: [['Link', '</a.css>; rel=preload']] };
      const server = await world.call('serveScripts', {
        '/hints': [send('before', hints), send('bad', { ...hints, headers: [['Link', '\r\n']] }), must(start(200)), send('between', hints), must(body('one', true)), send('within', hints), must(body('two')), send('after', hints)],
      });
      const http = (await world.http(server)).send('GET', '/hints');
      expectBody(await http.response(), 'onetwo', 'GET /hints');
      const [hint, ...others] = http.interim;
      check(others.length === 0 && hint?.status === 103 && fieldValue(hint, 'link') === '</a.css>; rel=preload', { sent: 'GET /hints', received: `${http.interim.length} interim responses`, expected: 'one 103 with its Link, before the response' });
      await expectOutcomes(world, { before: 'sent', bad: 'A36', between: 'sent', within: 'sent', after: 'sent' }, 'hints before, within and after a response');
      const extensions = (await world.call('lastScope')).extensions as object;
      check('http.response.earlyHints' in extensions, { sent: 'GET /hints', received: `extensions: ${JSON.stringify(extensions)}`, expected: 'http.response.earlyHints among them' });
      const old = await once(world, server, 'GET', '/hints', { version: 'HTTP/1.0' });
      expectBody(old, 'onetwo', 'GET /hints HTTP/1.0');
      const outcomes = (await world.call('events')).filter((event) => event.startsWith('before: '));
      check(outcomes.at(-1) === 'before: A22' && !('http.response.earlyHints' in ((await world.call('lastScope')).extensions as object)), { sent: 'GET /hints HTTP/1.0', received: outcomes.at(-1) ?? '', expected: 'before: A22, and no such key among the extensions' });
    },
  );

  rule(
    'makes-the-scope',
    'calls the application with all that is known about the request',
    {
      rule: 'the scope has all its keys (A10 to A22): the path decoded and as it was sent, the query, the fields in their order with names in lower case, both ends of the connection',
      likely: 'a key is missing, or two fields with the same name became one',
    },
    async (world) => {
      const server = await world.call('serveScripts', { '/caf\u00e9/a/b': answer('ok') });
      const word = world.random.word();
      const http = await world.http(server);
      http.sendBytes(`PUT http://example.org/caf%C3%A9/a%2Fb?q=${word}&r=%20 HTTP/1.1\r\nHost: localhost\r\nX-One: 1\r\nX_Two: ${word}\r\nX-One: 2\r\nContent-Length: 0\r\n\r\n`, ['PUT']);
      expectStatus(await http.response(), 200, 'PUT in absolute form');
      const { headers, state, client, server: end, ...scope } = await world.call('lastScope');
      const signal = 'an AbortSignal';
      const expected = {
        type: 'http', version: [2, 0], httpVersion: '1.1', method: 'PUT', scheme: 'http', rootPath: '', path: '/caf\u00e9/a/b', rawPath: '/caf%C3%A9/a%2Fb', query: `q=${word}&r=%20`,
        signal, stopping: signal, extensions: { 'http.response.earlyHints': {} },
      };
      for (const [key, value] of Object.entries(expected)) check(JSON.stringify(scope[key]) === JSON.stringify(value), { sent: 'PUT in absolute form', received: `${key}: ${JSON.stringify(scope[key])}`, expected: `${key}: ${JSON.stringify(value)}` });
      const fields = (headers as [string, string][]).map(([name, value]) => `${name}: ${value}`);
      const others = fields.filter((field) => !field.startsWith('host:'));
      check(others.join('|') === `x-one: 1|x_two: ${word}|x-one: 2|content-length: 0` && fields.filter((field) => field.startsWith('host:')).join() === 'host: example.org', {
        sent: 'PUT in absolute form', received: fields.join('; '), expected: 'the fields in their order, and one host: example.org',
      });
      const ends = JSON.stringify([client, end, state]);
      const wanted = JSON.stringify([{ address: '127.0.0.1', port: http.tcp.localPort }, { address: '127.0.0.1', port: server.port }, {}]);
      check(ends === wanted, { sent: 'PUT in absolute form', received: ends, expected: wanted });
    },
  );

  rule(
    'reports-the-first-cause',
    'reports what was refused, and not only what came of it',
    {
      rule: 'the first event that was refused is reported, unless the application has thrown that error itself; what the application throws is always reported (A64)',
      likely: 'the missing response is reported, or what was thrown, but not the event that was refused before',
    },
    async (world) => {
      const server = await world.call('serveScripts', {
        '/refused': [send('early', body('x'))],
        '/short': [must(start(200, [['Content-Length', '10']])), must(body('1234', true)), send('less', body('567'))],
        '/both': [send('early', body('x')), { do: 'throw', what: 'plain' }],
      });
      /** That A60 or A61 is reported as well, which says no more, is nobody's loss. */
      const reported = async (sent: string, expected: readonly string[], before: number): Promise<number> => {
        await noted(world, 'a report', { sent, received: 'nothing was reported, or too little', expected: `reported: ${expected.join(', ')}` }, before + expected.length);
        await world.settle();
        const reports = await world.call('reports');
        const came = reports.slice(before).map(({ rule: broken, name }) => broken ?? name);
        check(came.filter((one) => one !== 'A60' && one !== 'A61').toSorted().join() === expected.join(), { sent, received: `reported: ${came.join(', ')}`, expected: `reported: ${expected.join(', ')}` });
        return reports.length;
      };
      expectStatus(await once(world, server, 'GET', '/refused'), 500, 'GET /refused');
      let count = await reported('a body without a start, and no response', ['A51'], 0);
      await expectCut((await world.http(server)).send('GET', '/short'), '1234');
      count = await reported('a last body event that is too short, and nothing after it', ['A56'], count);
      expectStatus(await once(world, server, 'GET', '/both'), 500, 'GET /both');
      await reported('a body without a start, and then an error of another kind', ['A51', 'Error'], count);
    },
  );

  rule(
    'reports-faults-of-its-own',
    'reports what the application throws, even if the client has gone',
    {
      rule: 'what an application has thrown is reported, except a DisconnectError or an AbortError when the client has gone (A64), and only then',
      likely: 'every error is excused by a client that has gone, or a DisconnectError by its name alone',
    },
    async (world) => {
      const server = await world.call('serveScripts', {
        '/gone': [{ do: 'gather' }, { do: 'note', text: 'waits' }, { do: 'signal' }, { do: 'throw', what: 'plain' }],
        '/there': [{ do: 'gather' }, { do: 'throw', what: 'disconnect' }],
      });
      const http = (await world.http(server)).send('GET', '/gone');
      await noted(world, 'waits', { sent: 'GET /gone', expected: 'the application waits' });
      http.tcp.resetNow();
      await expectReports(world, ['Error'], 'a client that goes, and an application that breaks after it');
      expectStatus(await once(world, server, 'GET', '/there'), 500, 'a DisconnectError, and a client that waits for its answer');
      await expectReports(world, ['Error', 'DisconnectError'], 'and a DisconnectError, where the client is there');
    },
  );

  rule(
    'sends-nothing-to-the-gone',
    'rejects what is sent when the client has gone, whatever was under way',
    {
      rule: 'when the server knows that nothing will arrive any more, send rejects with a DisconnectError (A58), even if the client goes in the middle of its body, or if nothing of the response was under way. It is not reported (A64)',
      likely: 'only an application that is receiving hears that the client has gone, or only one that has just sent',
    },
    async (world) => {
      const server = await world.call('serveScripts', {
        '/half': [{ do: 'receive', as: 'half' }, { do: 'receive', as: 'rest' }, { do: 'signal' }, { do: 'note', text: 'gone' }, { do: 'gate', name: 'half' }, send('start', start(200)), send('body', body('x'))],
        '/idle': [must(start(200)), must(body('a', true)), { do: 'note', text: 'idle' }, { do: 'signal' }, { do: 'note', text: 'gone' }, { do: 'gate', name: 'idle' }, must(body('b', true))],
      });
      const uploads = (await world.http(server)).announce('POST');
      uploads.tcp.write('POST /half HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\nhalf');
      await noted(world, 'half: ', { sent: 'half a body', expected: 'it is given' });
      uploads.tcp.resetNow();
      await noted(world, 'gone', { sent: 'half a body, and then a reset', expected: '`signal` aborts' });
      await world.settle();
      await world.call('openGate', 'half');
      // A head leaves with the first part of the body: until then there is nothing that could not arrive.
      await expectOutcomes(world, { start: ['DisconnectError', 'sent'], body: 'DisconnectError' }, 'half a body, and then a reset');
      const reads = (await world.http(server)).send('GET', '/idle');
      await reads.tcp.until(() => reads.tcp.received.includes('\r\na\r\n'), { expected: 'the first part of the response' });
      await noted(world, 'idle', { sent: 'GET /idle', expected: 'the application waits' });
      reads.tcp.resetNow();
      await noted(world, 'gone', { sent: 'GET /idle, and then a reset', expected: '`signal` aborts' }, 2);
      await world.settle();
      await world.call('openGate', 'idle');
      await noted(world, 'end /idle', { sent: 'GET /idle, and then a reset', expected: 'the application ends' });
      await expectReports(world, [], 'two clients that have gone');
    },
  );

  rule(
    'nothing-after-a-throw',
    'takes nothing from an application that has thrown, and answers a receive that still waits',
    {
      rule: 'what is sent when the application\'s promise has settled is refused (A6), and no hints come after a response (A59); the 500 is a response like any other: when it is complete, receive gives http.disconnect (A41)',
      likely: 'the answer is given, and the exchange is not over',
    },
    async (world) => {
      const server = await world.call('serveScripts', { '/throws': [{ do: 'gather' }, { do: 'receive beside', as: 'waiting' }, { do: 'throw', what: 'plain' }] });
      const http = (await world.http(server)).send('GET', '/throws');
      expectStatus(await http.response(), 500, 'GET /throws');
      await expectOutcomes(world, { waiting: 'http.disconnect' }, 'a receive after the body, and an application that throws');
      const before = http.tcp.received.length;
      const late: LooseEvent[] = [{ type: 'http.response.earlyHints', headers: [['Link', '</a.css>; rel=preload']] }, start(200), body('x')];
      for (const event of late) {
        const came = await world.call('sendLate', event);
        check(came === 'A6' || came === 'DisconnectError', { sent: `${String(event.type)} when the application has thrown`, received: came, expected: 'A6' });
      }
      await http.tcp.expectNoMoreThan(before, { expected: 'nothing after the 500' });
    },
  );

  rule(
    'breaks-off-after-what-waits',
    'cuts a response that breaks off while a part of it is on its way',
    {
      rule: 'an application that throws, or returns without a last body event, when its response has begun: the connection is closed, so that the client sees that it is not complete (A61, A63), even if a part that was not awaited is on its way',
      likely: 'the error of `fail` reaches a server that waits for a part, and is forgotten if none does',
    },
    async (world) => {
      // More than the kernel takes: it is on its way until the client reads.
      const large = 'x'.repeat(12 * 1024 * 1024);
      const begins = (path: string): Step[] => [must(start(200)), must(body('one,', true)), { do: 'gate', name: path }, { do: 'fire', as: path, event: body(large, true) }];
      const server = await world.call('serveScripts', { '/throws': [...begins('/throws'), { do: 'throw', what: 'plain' }], '/returns': begins('/returns') });
      for (const [path, reports] of [['/throws', ['Error']], ['/returns', ['Error', 'A61']]] as const) {
        const http = (await world.http(server)).send('GET', path);
        await http.tcp.until(() => http.tcp.received.includes('one,'), { expected: 'the first part of the response' });
        http.tcp.pause();
        await world.call('openGate', path);
        await noted(world, `end ${path}`, { sent: `GET ${path}`, expected: 'the application ends, and a part of its response still waits' });
        await world.settle();
        http.tcp.resume();
        await expectCut(http, 'one,');
        await expectReports(world, reports, `GET ${path}`);
      }
    },
  );
});

/** Pieces of a burst. */
function lettered(parts: number, bytes: number): Buffer[] {
  return Array.from({ length: parts }, (_, index) => Buffer.alloc(bytes, letterOf(index)));
}

function sorted(notes: readonly string[], given: number): boolean {
  return notes.slice(given).every((note) => note.includes(': error '));
}

/** The events that told a body: all of it, and the end where it is. */
function expectGathered(response: { body: Buffer; status: number }, expected: string, sent: string, most = Infinity): void {
  check(response.status === 200, { sent, received: `status ${response.status}`, expected: 'the application receives the body, and answers' });
  const events = JSON.parse(response.body.toString()) as Gathered[];
  const wrong = events.find(({ type }) => type !== 'http.request');
  check(wrong === undefined, { sent, received: wrong?.type ?? '', expected: 'http.request, to the end of the body' });
  check(events.length <= most, { sent, received: `${events.length} events`, expected: 'one, with an empty body' });
  const text = events.map(({ latin1 }) => latin1).join('');
  check(text === expected, { sent, received: JSON.stringify(text), expected: JSON.stringify(expected) });
}

/** The connection ends, and the response that began on it has not come to its end. */
async function expectCut({ tcp }: HttpClient, has: string): Promise<void> {
  await tcp.until(() => tcp.ended || tcp.closed, { expected: 'the connection is closed, and the response has no end' });
  const text = tcp.received.toString('latin1');
  const report = { sent: tcp.describeSent(), received: tcp.describe(), expected: `a response with ${JSON.stringify(has)} that breaks off` };
  check(text.includes(has), report);
  check(!/\r\n0\r\n(?:.*\r\n)*\r\n$/.test(text), { ...report, received: `${tcp.describe()}: with the last chunk it looks complete` });
  check(!text.includes(SECRET), { ...report, received: `${tcp.describe()}: with the message of the error` });
}
