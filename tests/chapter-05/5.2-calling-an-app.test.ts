import { exercise } from '#support/exercise.ts';
import type { World } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { eventually, expectBody, expectStatus, once, over, showResponse } from '#support/http-exchange.ts';
import { fieldValue, fieldValues } from '#support/http-response.ts';
import { SECRET } from './apps.ts';
import type driver from './driver.ts';
import { expectCut, expectNoSecret, show, target } from './wire.ts';

/** The kinds of body that an application may return. */
const KINDS = ['list', 'sync', 'async'] as const;

/** Waits until there is one report more than `before`, and checks that it says this. */
async function expectReports(world: World<typeof driver>, before: number, sent: string, says: RegExp): Promise<void> {
  const told = async (): Promise<string[]> => (await world.call('errors')).slice(before);
  await eventually(world, async () => (await told()).length > 0, { sent, received: 'no report', expected: 'one report' });
  await world.settle();
  const reports = await told();
  check(reports.length === 1 && says.test(reports[0]!), { sent, received: reports.map((report) => JSON.stringify(report)).join(', '), expected: `one report, with ${says.source.replaceAll('\\b', '')} in it` });
}

exercise<typeof driver>('5.2', import.meta.url, (rule) => {
  rule(
    'answers-with-what-it-said',
    "sends the application's status, fields and body",
    {
      rule: 'the response has the status, the header fields in their order, each name as often as it was given (G41), and the parts of the body',
      likely: 'the application is called with a `startResponse` that keeps nothing, or its list is not sent with `wholeResponse`',
    },
    async (world) => {
      const server = await world.call('serve');
      const { random } = world;
      const [text, said, status] = [random.words(4), random.words(2), random.integer(200, 203)];
      const sent = target('/hello', { text, said, status: `${status} ${random.word()}` });
      const response = await once(world, server, 'GET', sent);
      expectStatus(response, status, sent);
      expectBody(response, text, sent);
      const cookies = fieldValues(response, 'set-cookie');
      check(fieldValue(response, 'x-said') === said && cookies.join() === 'a=1,b=2', {
        sent,
        received: `X-Said: ${show(fieldValue(response, 'x-said'))}, Set-Cookie: ${show(cookies)}`,
        expected: `X-Said: ${said}, and Set-Cookie twice`,
      });
    },
  );

  rule(
    'short-list-has-its-length',
    'sends a list of one part, or of no parts, with its length',
    {
      rule: 'a body that is an array of one part, or an empty one, is sent with a Content-Length (G54): rule 6',
      likely: 'every list is sent in chunks: `isShortList` tells short ones apart',
    },
    async (world) => {
      const server = await world.call('serve');
      const text = world.random.words(3);
      const cases = [[target('/hello', { text }), text], ['/nothing', ''], [target('/parts', { kind: 'list' }, [text]), text]] as const;
      const http = await world.http(server);
      for (const [path] of cases) http.send('GET', path);
      for (const [path, body] of cases) {
        const response = await http.response();
        expectBody(response, body, path);
        check(response.framing === 'length', { sent: `GET ${path}`, received: showResponse(response), expected: 'a Content-Length' });
      }
    },
  );

  rule(
    'sends-every-part',
    'sends every part of every kind of body',
    {
      rule: 'a body is an iterable or an async iterable (G50); without a length it is sent in chunks, or, to an HTTP/1.0 client, until the end of the connection (G54): rule 6. An empty part sends nothing and does not end the body (G52): rule 9',
      likely: 'an empty part is sent as a chunk, whose size of 0 ends the body; or a synchronous body is awaited',
    },
    async (world) => {
      const server = await world.call('serve');
      const words = Array.from({ length: 3 }, () => world.random.word());
      const parts = ['', '', words[0]!, '', words[1]!, words[2]!, ''];
      const paths = [...KINDS.map((kind) => target('/parts', { kind }, parts)), target('/generator', {}, parts), target('/async-generator', {}, parts)];
      for (const path of paths) {
        const http = await world.http(server);
        http.send('GET', path).send('GET', target('/hello', { text: 'next' }));
        expectBody(await http.response(), words.join(''), `GET ${path}`);
        expectBody(await http.response(), 'next', `GET /hello after GET ${path}`);
        const old = await once(world, server, 'GET', path, { version: 'HTTP/1.0' });
        expectBody(old, words.join(''), `GET ${path} HTTP/1.0`);
        check(old.framing === 'close' || old.framing === 'length', { sent: `GET ${path} HTTP/1.0`, received: showResponse(old), expected: 'no chunks, which HTTP/1.0 does not know' });
      }
      const only = target('/parts', { kind: 'async' }, ['', '']);
      expectBody(await once(world, server, 'GET', only), '', `GET ${only}`);
    },
  );

  rule(
    'keeps-the-length',
    "sends the application's Content-Length",
    {
      rule: 'an application that knows the length says so (G49); its Content-Length is sent, and no second one',
      likely: 'the application\'s fields are replaced, or added twice',
    },
    async (world) => {
      const server = await world.call('serve');
      const parts = [world.random.word(), world.random.word()];
      const length = parts.join('').length;
      for (const kind of KINDS) {
        const path = target('/parts', { kind, length }, parts);
        const response = await once(world, server, 'GET', path);
        expectBody(response, parts.join(''), `GET ${path}`);
        const lengths = fieldValues(response, 'content-length');
        check(response.framing === 'length' && lengths.length === 1, { sent: `GET ${path}`, received: `${showResponse(response)}, Content-Length: ${show(lengths)}`, expected: `one Content-Length of ${length}` });
      }
    },
  );

  rule(
    'refuses-a-bad-head',
    'throws at the application for a status or a field that cannot be sent',
    {
      rule: 'a status is three digits from 200 to 599, a space and a text (G40); headers are pairs of strings, names are tokens (G41), nothing contains a CR, LF or NUL (G42), no field is about the connection (G43), and there is at most one Content-Length (G49). A call that breaks this throws, and changes nothing (G44): rule 1',
      likely: 'the head is kept before it is checked, or never checked: `parseStatus` and `checkHeaders` do that',
    },
    async (world) => {
      const server = await world.call('serve');
      const word = world.random.word();
      const cases: [status: unknown, headers: unknown][] = [
        ['200', []], ['OK', []], ['99 Low', []], ['100 Continue', []], ['600 High', []], ['200  ', []], ['2000 OK', []], [200, []], ['200 O\r\nX-Bad: 1', []],
        ['200 OK', { 'X-Bad': '1' }], ['200 OK', [['X-Bad']]], ['200 OK', [['X-Bad', 1]]], ['200 OK', [['X Bad', '1']]], ['200 OK', [['', '1']]], ['200 OK', [['X-Bad:', '1']]],
        ['200 OK', [['X-Bad', `${word}\r\nSet-Cookie: a=b`]]], ['200 OK', [['X-Bad', `${word}\nX: y`]]], ['200 OK', [['X-Bad', `${word}\r`]]], ['200 OK', [['X-Bad', '\u0000']]], ['200 OK', [['X-Bad', '€']]], ['200 OK', [['X-Bad\r\nX', '1']]],
        ...['Connection', 'keep-alive', 'Transfer-Encoding', 'TE', 'Upgrade', 'Trailer', 'Proxy-Connection'].map((name): [unknown, unknown] => ['200 OK', [[name, 'close']]]),
        ['200 OK', [['Content-Length', '4'], ['content-length', '4']]], ['200 OK', [['Content-Length', '4 bytes']]], ['200 OK', [['Content-Length', '-4']]],
      ];
      const http = await world.http(server);
      for (const [status, headers] of cases) {
        const sent = `startResponse(${JSON.stringify(status)}, ${JSON.stringify(headers)}), caught, then a good call`;
        http.send('POST', '/tries', { body: JSON.stringify({ status, headers }) });
        const response = await http.response();
        const last = (await world.call('events')).at(-1) ?? '';
        check(last.startsWith('threw'), { sent, received: `it was ${last}`, expected: 'it throws' });
        check(response.status === 200 && fieldValue(response, 'x-good') === 'yes' && fieldValue(response, 'x-bad') === undefined && response.body.toString() === 'good', {
          sent, received: `${showResponse(response)}; X-Good: ${show(fieldValue(response, 'x-good'))}, X-Bad: ${show(fieldValue(response, 'x-bad'))}`, expected: 'the good head, as if the bad one had never been given',
        });
      }
    },
  );

  rule(
    'second-call-is-an-error',
    'throws at a second call without an error',
    {
      rule: 'startResponse must not be called a second time without an error: it throws, and the first response stays (G44): rule 2',
      likely: 'the last call wins',
    },
    async (world) => {
      const server = await world.call('serve');
      const response = await once(world, server, 'GET', '/twice');
      const [, last] = await world.call('events');
      check(last?.startsWith('threw') === true, { sent: 'startResponse twice', received: `the second one was ${String(last)}`, expected: 'it throws' });
      expectStatus(response, 200, 'startResponse twice');
      check(fieldValue(response, 'x-second') === undefined, { sent: 'startResponse twice', received: 'the fields of the second call', expected: 'the fields of the first call' });
    },
  );

  rule(
    'changes-its-mind',
    'replaces the response as long as nothing has been sent',
    {
      rule: 'with an error that is not undefined, and as long as the head has not been sent, status and headers replace the ones given before (G45); the head is not sent before the first part that is not empty (G48): rules 2 and 3',
      likely: 'the head is sent with an empty part, or by the call; note that `null` and 0 are errors too',
    },
    async (world) => {
      const server = await world.call('serve');
      const http = await world.http(server);
      http.send('GET', '/changes-its-mind');
      await world.settle();
      await world.call('openGate', 'change');
      const response = await http.response();
      expectStatus(response, 503, 'startResponse 200, an empty part, then startResponse 503 with an error');
      expectBody(response, 'sorry', '/changes-its-mind');
      check(fieldValue(response, 'x-first') === undefined && fieldValue(response, 'x-second') === 'yes', { sent: '/changes-its-mind', received: 'fields of the first call', expected: 'the fields of the second call, and no others' });
      expectNoSecret(http.tcp);
      for (const error of ['null', '0']) {
        expectStatus(await once(world, server, 'GET', target('/falsy-error', { error })), 500, `startResponse 200, then 500 with the error ${error}`);
      }
    },
  );

  rule(
    'head-leaves-with-the-first-part',
    'sends the head and a part as soon as there is one',
    {
      rule: 'when the first part that is not empty has been given, the head is sent at once (G48), and every part is sent before the next one is asked for (G51): rules 3 and 4',
      likely: 'the body is collected before it is sent',
    },
    async (world) => {
      const server = await world.call('serve');
      const http = await world.http(server);
      http.send('GET', '/two-parts');
      await http.tcp.until(() => http.tcp.received.includes('one,'), { expected: 'the head and the first part, while the application is waiting' });
      await world.call('openGate', 'more');
      expectBody(await http.response(), 'one,two', 'GET /two-parts');
    },
  );

  rule(
    'one-part-after-another',
    'asks for a part when the previous one has been sent',
    {
      rule: 'no part is asked for before the previous one has gone to the kernel, so that its memory may be reused (G51): rule 4',
      likely: 'parts are asked for in advance, and kept',
    },
    async (world) => {
      const server = await world.call('serve');
      const http = await world.http(server, { paused: true });
      http.send('GET', '/same-memory');
      await eventually(world, async () => (await world.call('count', 'asked')) > 0, { sent: 'GET /same-memory', received: 'no part was asked for', expected: 'the first one is' });
      http.tcp.resume();
      const { body } = await http.response();
      const wrong = body.findIndex((byte, offset) => byte !== Math.floor(offset / 65_536));
      check(body.length === 96 * 65_536 && wrong === -1, {
        sent: 'a body of 96 parts of 64 KiB, all in the same memory, to a client that reads late',
        received: wrong === -1 ? `${body.length} bytes` : `part ${Math.floor(wrong / 65_536)} has bytes of part ${String(body[wrong])}`,
        expected: 'every part as it was when the application gave it',
      });
    },
  );

  rule(
    'closes-once',
    'closes every body once, however its response ends',
    {
      rule: 'close() is called exactly once: at the end, after the body has thrown, for HEAD, and when no part was ever asked for (G53): rule 5',
      likely: 'one of the ways in which a response ends was forgotten, or one of them closes twice',
    },
    async (world) => {
      const server = await world.call('serve');
      const word = world.random.word();
      const cases: [method: string, path: string, version?: string][] = [];
      for (const kind of KINDS) {
        const one = target('/parts', { kind }, [word]);
        cases.push(['GET', one], ['HEAD', one], ['GET', one, 'HTTP/1.0'], ['GET', target('/parts', { kind }, ['', word, word])], ['GET', target('/parts', { kind })], ['GET', target('/parts', { kind, status: '204 No Content' })]);
        if (kind !== 'list') cases.push(['GET', target('/body-throws', { kind })], ['GET', target('/body-throws', { kind }, [word])]);
        cases.push(['GET', target('/never-starts', { kind }, [word])], ['GET', target('/string-part', { kind })]);
      }
      let before = 0;
      for (const [method, path, version = 'HTTP/1.1'] of cases) {
        const http = await world.http(server);
        http.send(method, path, { version, fields: [['Connection', 'close']] });
        await over(http.tcp);
        const sent = `${method} ${path} ${version}`;
        const report = (times: number): Parameters<typeof eventually>[2] => ({ sent, received: `close() was called ${times === 0 ? 'never' : `${times} times`}`, expected: 'once' });
        await eventually(world, async () => (await world.call('count', 'close')) > before, report(0));
        await world.settle();
        const times = (await world.call('count', 'close')) - before;
        check(times === 1, report(times));
        before++;
      }
    },
  );

  rule(
    'closes-when-the-client-has-gone',
    'closes the body when the client has gone, even while the application waits',
    {
      rule: 'close() is called once when the client has gone, even while the application is waiting, and before that return() ends the iteration that is given up (G53); gateway.signal aborts (G24): rule 5',
      likely: 'nothing listens to `signal`, so a body that is waiting stays open',
    },
    async (world) => {
      const server = await world.call('serve');
      for (const [path, begun] of [['/waits', 'waiting'], ['/deaf', 'waiting'], ['/endless', 'next'], ['/empty-parts', 'next']] as const) {
        const before = (await world.call('events')).length;
        const http = await world.http(server);
        http.send('GET', path);
        await eventually(world, async () => (await world.call('events')).slice(before).includes(begun), { sent: `GET ${path}`, received: 'the body was not asked for a part', expected: 'it is' });
        http.tcp.resetNow();
        const seen = async (): Promise<string[]> => (await world.call('events')).slice(before).filter((event) => event === 'close' || event === 'return' || event === 'abort');
        await eventually(world, async () => (await seen()).includes('close'), { sent: `GET ${path}, then a reset`, received: 'the body was not closed', expected: 'close() is called' });
        await world.settle();
        const events = await seen();
        check(events.filter((event) => event === 'close').length === 1 && events.includes('return') && events.indexOf('return') < events.indexOf('close'), {
          sent: `GET ${path}, then a reset`, received: events.join(', '), expected: 'return, then close, each once',
        });
        const all = (await world.call('events')).slice(before);
        check(!all.slice(all.indexOf('close')).includes('next'), { sent: `GET ${path}, then a reset`, received: 'a part was asked for after close()', expected: 'none is' });
        const errors = await world.call('errors');
        check(errors.length === 0, { sent: `GET ${path}, then a reset`, received: `it was reported: ${errors.join('; ')}`, expected: 'no report: there is no client left to answer' });
        if (path === '/waits') check(events.includes('abort'), { sent: `GET ${path}, then a reset`, received: 'gateway.signal did not abort', expected: 'it aborts' });
      }
    },
  );

  rule(
    'gone-before-it-began',
    'closes the body even when the client had gone before the application was called',
    {
      rule: 'close() is called once when the client has gone, even if no part was ever asked for; none is asked for afterwards (G51, G53): rule 5',
      likely: 'a signal that has already aborted emits no event: check `signal.aborted` too',
    },
    async (world) => {
      await world.call('serve');
      const parts = [world.random.word(), world.random.word()];
      for (const path of ['/deaf', ...KINDS.map((kind) => target('/parts', { kind }, parts)), target('/generator', {}, parts), target('/async-generator', {}, parts)]) {
        const sent = `a call for ${path} with a signal that has already aborted`;
        const all = await world.call('callForNobody', path);
        const isCalled = all.some((event) => event.startsWith('call '));
        const events = all.filter((event) => ['next', 'return', 'close', 'finally'].includes(event));
        const received = events.join(', ') || 'nothing was done to the body';
        // A server that does not even call the application has nothing to close.
        if (isCalled && !path.includes('generator')) {
          const begun = events.includes('next');
          check(events.filter((event) => event === 'close').length === 1 && events.at(-1) === 'close' && (!begun || events.includes('return')), {
            sent, received, expected: 'close, once; and return before it if a part was asked for',
          });
        }
        const errors = await world.call('errors');
        check(errors.length === 0, { sent, received: `it was reported: ${errors.join('; ')}`, expected: 'no report: the application has done nothing wrong' });
      }
    },
  );

  rule(
    'closed-while-it-closes',
    'closes a body once, even if closing it makes the client leave',
    {
      rule: 'close() is called exactly once, and so is return() (G53), whatever they do: rule 5',
      likely: '`#closed` is set after the calls, and the code that they run may close the body again',
    },
    async (world) => {
      await world.call('serve');
      for (const step of ['return', 'close'] as const) {
        const events = await world.call('callAndLeaveByClose', step);
        check(events.join() === 'return,close', { sent: `a body that is given up, and whose ${step}() makes the client leave`, received: events.join(', ') || 'nothing was done to the body', expected: 'return, then close, each once' });
      }
    },
  );

  rule(
    'ends-generators',
    'gives up a generator with return()',
    {
      rule: 'the iterator\'s return() ends an iteration that is given up (G53), so a generator\'s `finally` runs',
      likely: 'only a body with a `close` of its own is closed',
    },
    async (world) => {
      const server = await world.call('serve');
      const parts = [world.random.word(), world.random.word()];
      let before = 0;
      for (const path of ['/generator', '/async-generator']) {
        for (const method of ['GET', 'HEAD']) {
          await once(world, server, method, target(path, {}, parts));
          await eventually(world, async () => (await world.call('count', 'finally')) > before, { sent: `${method} ${path}`, received: 'its `finally` did not run', expected: 'it does' });
          before++;
        }
      }
    },
  );

  rule(
    'cuts-what-is-too-long',
    'sends no more than Content-Length says',
    {
      rule: 'if a body is longer than its Content-Length, the excess is not sent, and it is reported (G55): rule 7',
      likely: "the application's length is not passed to the code that sends the body",
    },
    async (world) => {
      const server = await world.call('serve');
      const word = world.random.word(6, 9);
      for (const kind of KINDS) {
        for (const parts of [[word], [word.slice(0, 3), word.slice(3)], [word.slice(0, 4), word.slice(4)]]) {
          const path = target('/parts', { kind, length: 4 }, parts);
          const before = (await world.call('errors')).length;
          const http = await world.http(server);
          http.send('GET', path);
          expectBody(await http.response(), word.slice(0, 4), `GET ${path}`);
          http.send('GET', target('/hello', { text: 'next' }));
          await http.tcp.until(() => http.tcp.ended || http.tcp.closed || http.tcp.received.includes('next'), { expected: 'the next response, or the end of the connection' });
          http.completeResponses();
          const after = http.leftOver.toString('latin1');
          check(after === '', { sent: `GET ${path}`, received: `${show(after)} after the body`, expected: 'nothing' });
          await eventually(world, async () => (await world.call('errors')).length > before, { sent: `GET ${path}`, received: 'nothing was reported', expected: 'that the body is too long' });
        }
      }
    },
  );

  rule(
    'closes-after-what-is-too-short',
    'closes the connection when the body is too short',
    {
      rule: 'if a body has fewer bytes than its Content-Length, the connection is closed, and it is reported (G56): rule 7. A server that keeps the connection sends the next response into the middle of this one',
      likely: 'the connection is kept open',
    },
    async (world) => {
      const server = await world.call('serve');
      const word = world.random.word();
      for (const kind of KINDS) {
        for (const parts of [[word], [word, word], []]) {
          const path = target('/parts', { kind, length: 50 }, parts);
          const before = (await world.call('errors')).length;
          const http = await world.http(server);
          http.send('GET', path).send('GET', target('/hello', { text: 'next' }));
          await over(http.tcp, 'the connection is closed after a body that is shorter than its Content-Length');
          check(!http.tcp.received.includes('next'), { sent: `GET ${path}, and another request`, received: 'the next response in the middle of this body', expected: 'the connection is closed' });
          await eventually(world, async () => (await world.call('errors')).length > before, { sent: `GET ${path}`, received: 'nothing was reported', expected: 'that the body is too short' });
        }
      }
    },
  );

  rule(
    'no-body-where-none-may-be',
    'sends no body in answer to HEAD, nor with 204, 205 or 304',
    {
      rule: 'a response to HEAD, and one with 204, 205 or 304, has no body, whatever the application gives (G57): rule 8',
      likely: 'the parts are sent, and the client takes them for the next response',
    },
    async (world) => {
      const server = await world.call('serve');
      const parts = [world.random.word(), world.random.word()];
      for (const kind of KINDS) {
        for (const given of [parts, parts.slice(1)]) {
          const http = await world.http(server);
          const asked: [string, string][] = [
            ['HEAD', target('/parts', { kind }, given)],
            ['HEAD', target('/parts', { kind, length: given.join('').length }, given)],
            ...['204 No Content', '304 Not Modified', '205 Reset Content'].map((status): [string, string] => ['GET', target('/parts', { kind, status }, given)]),
          ];
          for (const [method, path] of asked) {
            http.send(method, path);
            const response = await http.response();
            check(response.body.length === 0, { sent: `${method} ${path}`, received: showResponse(response), expected: 'no body' });
            http.send('GET', target('/hello', { text: 'next' }));
            expectBody(await http.response(), 'next', `GET /hello after ${method} ${path}`);
          }
        }
      }
    },
  );

  rule(
    'needs-a-start',
    'answers 500 if startResponse was not called',
    {
      rule: 'startResponse must be called before the first part that is not empty, and before the body ends (G47): rule 3',
      likely: 'a 200 is made up',
    },
    async (world) => {
      const server = await world.call('serve');
      for (const kind of KINDS) {
        for (const parts of [[], [''], [world.random.word()], ['', world.random.word(), 'b']]) {
          const path = target('/never-starts', { kind }, parts);
          expectStatus(await once(world, server, 'GET', path), 500, `GET ${path}`);
        }
      }
    },
  );

  rule(
    'body-is-a-body',
    'answers 500 if the application returns anything but a body',
    {
      rule: 'a body is an iterable of Uint8Array; a promise is not one (G1), and a string is neither a body nor a part of one (G50): rule 10',
      likely: 'what the application returns is iterated without a check',
    },
    async (world) => {
      const server = await world.call('serve');
      for (const path of ['/promise', '/rejected', '/string', '/undefined', '/string-part', ...KINDS.map((kind) => target('/string-part', { kind }))]) {
        expectStatus(await once(world, server, 'GET', path), 500, `GET ${path}`);
      }
    },
  );

  rule(
    'throws-before-the-head',
    'answers 500 when the application throws before anything was sent, and reveals nothing',
    {
      rule: 'an error that the application or its body throws before the head has been sent is answered with 500; nothing of it reaches the client (G60), and it is reported once (G64): rule 10',
      likely: 'only what the call throws is caught, or the error is reported twice',
    },
    async (world) => {
      const server = await world.call('serve');
      const paths = ['/throws', '/starts-and-throws', ...['sync', 'async'].flatMap((kind) => [target('/body-throws', { kind }), target('/body-throws', { kind }, [''])])];
      for (const [index, path] of paths.entries()) {
        const http = await world.http(server);
        http.send('GET', path, { fields: [['Connection', 'close']] });
        const [response] = await http.responsesToEnd();
        expectStatus(response!, 500, `GET ${path}`);
        expectNoSecret(http.tcp);
        const { length } = await world.call('errors');
        check(length === index + 1, { sent: `GET ${path}`, received: `${length - index} reports`, expected: 'one report of what was thrown' });
      }
      const quiet = await world.call('serve', { silent: true });
      await once(world, quiet, 'GET', '/throws');
      const written = await world.call('written');
      check(written.includes('sesame'), { sent: 'GET /throws', received: `gateway.errors: ${show(written)}`, expected: 'the error in gateway.errors, since the server was not told otherwise' });
    },
  );

  rule(
    'throws-after-the-head',
    'closes the connection when the application throws too late',
    {
      rule: 'after the head has been sent, the connection is closed, so that the client sees that the response is incomplete (G61): rule 10',
      likely: 'the error is swallowed, and the last chunk is sent',
    },
    async (world) => {
      const server = await world.call('serve');
      const word = world.random.word();
      for (const kind of ['sync', 'async']) {
        for (const query of [{ kind }, { kind, length: 50 }]) {
          const path = target('/body-throws', query, [word]);
          const before = (await world.call('errors')).length;
          const http = await world.http(server);
          http.send('GET', path).send('GET', target('/hello', { text: 'next' }));
          await expectCut(http, word, 'an error in the body ends the connection');
          expectNoSecret(http.tcp);
          check(!http.tcp.received.includes('next'), { sent: `GET ${path}, and another request`, received: 'the next response after it', expected: 'the connection is closed' });
          const seen = (await world.call('errors')).length - before;
          check(seen === 1, { sent: `GET ${path}`, received: `${seen} reports`, expected: 'one report' });
        }
      }
    },
  );

  rule(
    'too-late-to-change',
    'throws the error back when it comes after the head, and ends the connection',
    {
      rule: 'called with an error after the head has been sent, startResponse throws that same error (G46); the response is not completed after that, even if the application goes on (G61): rule 2',
      likely: '`take` does not remember that the head has been sent, or `check` throws nothing, or only what is truthy: `null` and 0 are errors too',
    },
    async (world) => {
      const server = await world.call('serve');
      for (const query of [{}, { length: 8 }, { error: 'null' }, { error: '0' }]) {
        const http = await world.http(server);
        http.send('GET', target('/too-late', query));
        await expectCut(http, 'some', 'the response must stay incomplete, whatever the application does after it has caught the error');
        const last = (await world.call('events')).findLast((event) => event.startsWith('threw') || event === 'taken');
        check(last === 'threw the same', { sent: 'startResponse with an error, after the first part', received: String(last), expected: 'it throws that same error' });
        check(!http.tcp.received.includes('somemore') && !/more(?:\r\n0|$)/.test(http.tcp.received.toString('latin1')), { sent: '/too-late', received: http.tcp.describe(), expected: 'nothing more of the body' });
        expectNoSecret(http.tcp);
      }
    },
  );

  rule(
    'close-may-throw',
    'is not disturbed when close() throws',
    {
      rule: 'what close() throws is reported and changes nothing: the response stays as it is (G63)',
      likely: 'the error goes to the code that called close()',
    },
    async (world) => {
      const server = await world.call('serve');
      for (const parts of [[world.random.word()], [world.random.word(), 'b']]) {
        const before = (await world.call('errors')).length;
        const http = await world.http(server);
        const path = target('/close-throws', {}, parts);
        http.send('GET', path).send('GET', target('/hello', { text: 'next' }));
        expectBody(await http.response(), parts.join(''), `GET ${path}`);
        expectBody(await http.response(), 'next', `GET /hello after GET ${path}`);
        await eventually(world, async () => (await world.call('errors')).length === before + 1, { sent: `GET ${path}`, received: 'no report, or several', expected: 'one report' });
      }
    },
  );

  rule(
    'reads-the-body',
    'lets the application read the request\'s body, and nothing beyond',
    {
      rule: 'gateway.input gives the bytes of this body and not one more (G30 to G37): rule 11; its errors are answered with their own status if the application lets them through (G62)',
      likely: 'an error from the input becomes a 500: `refuse` knows which errors carry their own status',
    },
    async (world) => {
      const server = await world.call('serve', { heldBytesMax: 2000 });
      const body = `${world.random.word()}\n${world.random.word(20, 30)}`;
      const [line, rest] = [body.slice(0, body.indexOf('\n') + 1), body.slice(body.indexOf('\n') + 1)] as const;
      const http = await world.http(server);
      for (const options of [{ body }, { chunks: world.random.pieces(Buffer.from(body), 7) }]) {
        http.send('POST', '/echo', options).send('POST', '/reads-all', options).send('POST', '/reads-mixed', options);
        expectBody(await http.response(), body, 'POST /echo');
        expectBody(await http.response(), `${body}|0`, 'POST /reads-all');
        expectBody(await http.response(), `${line}|${rest.slice(0, 5)}|${rest.slice(5)}`, 'POST /reads-mixed');
      }
      const before = (await world.call('errors')).length;
      expectStatus(await once(world, server, 'POST', '/reads-all', { body: 'x'.repeat(2001) }), 413, 'POST /reads-all with more than one call may hold');
      const seen = (await world.call('errors')).length - before;
      check(seen === 0, { sent: 'a body that is too large', received: `${seen} reports`, expected: 'none: it is the client\'s fault' });
    },
  );

  rule(
    'drops-what-was-not-read',
    'drops what the application has not read, or closes the connection',
    {
      rule: 'what the application has not read of a body is discarded before the next request is read, up to a limit; beyond it the connection is closed (G70): rule 12',
      likely: 'the rest of the body is mistaken for the next request',
    },
    async (world) => {
      const server = await world.call('serve');
      const http = await world.http(server);
      const body = `GET /endless HTTP/1.1\r\nHost: ${world.random.word()}\r\n\r\n`;
      http.send('POST', '/reads-not', { body }).send('POST', '/reads-not', { chunks: [body] }).send('GET', target('/hello', { text: 'next' }));
      expectBody(await http.response(), 'not read', 'POST /reads-not');
      expectBody(await http.response(), 'not read', 'POST /reads-not in chunks');
      expectBody(await http.response(), 'next', 'GET /hello after bodies that were not read');
    },
  );

  rule(
    'goes-on-when-it-is-read',
    'tells a client to go on when the application reads, and not before',
    {
      rule: 'a client that sends Expect: 100-continue gets 100 when the application first reads (G72; RFC 9110 §10.1.1)',
      likely: 'the server asks for the body before the application does',
    },
    async (world) => {
      const server = await world.call('serve');
      const body = world.random.words(4);
      const head = (path: string): string => `POST ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
      const reads = await world.http(server, { label: 'read' });
      reads.announce('POST').tcp.write(head('/echo'));
      await reads.tcp.until(() => /^HTTP\/1\.1 100 .*\r\n\r\n$/s.test(reads.tcp.received.toString('latin1')), { expected: 'HTTP/1.1 100 Continue, before the body is sent' });
      reads.tcp.write(body);
      expectBody(await reads.response(), body, 'POST /echo with Expect: 100-continue');
      const unread = await world.http(server, { label: 'not read' });
      unread.announce('POST').tcp.write(head('/reads-not'));
      expectBody(await unread.response({ expected: 'the response: the body is not read' }), 'not read', 'POST /reads-not with Expect: 100-continue');
      check(unread.interim.length === 0, { sent: 'POST /reads-not with Expect: 100-continue', received: `${unread.interim.length} interim responses before the final one`, expected: 'none: the application has not read' });
    },
  );

  rule(
    'flags-are-true',
    'tells the application what its server is',
    {
      rule: 'gateway.multithread, multiprocess and runOnce describe the server truthfully (G23): rule 13',
      likely: 'the flags are always false',
    },
    async (world) => {
      const setup = { multithread: world.random.boolean(), multiprocess: world.random.boolean(), runOnce: world.random.boolean() };
      const response = await once(world, await world.call('serve', setup), 'GET', '/flags');
      expectBody(response, `${setup.multithread} ${setup.multiprocess} ${setup.runOnce}`, `GET /flags of a server with ${JSON.stringify(setup)}`);
    },
  );

  rule(
    'date-and-server',
    'adds Date, unless the application has one of its own',
    {
      rule: 'the server adds Date, and may add Server, if the application has not given one (G71): rule 14',
      likely: 'the field is sent twice',
    },
    async (world) => {
      const server = await world.call('serve', { serverSoftware: world.random.word() });
      const given = await once(world, server, 'GET', target('/hello', { text: 'a' }));
      const date = fieldValue(given, 'date') ?? '';
      check(!Number.isNaN(Date.parse(date)) && fieldValues(given, 'server').length <= 1, { sent: 'GET /hello', received: `Date: ${date}, Server: ${show(fieldValues(given, 'server'))}`, expected: 'one Date, and at most one Server' });
      const own = await once(world, server, 'GET', '/own-fields');
      const [dates, servers] = [fieldValues(own, 'date'), fieldValues(own, 'server')];
      check(dates.join() === 'Thu, 01 Jan 1970 00:00:00 GMT' && servers.join() === 'of-its-own', { sent: 'GET /own-fields', received: `Date: ${show(dates)}, Server: ${show(servers)}`, expected: 'the application\'s own' });
    },
  );

  rule(
    'early-hints',
    'sends early hints before the response, and none after',
    {
      rule: 'gateway.earlyHints sends 103 (RFC 8297); it is optional, absent for HTTP/1.0, and does nothing once the response has begun (G25): rule 15',
      likely: 'early hints are sent in the middle of the body',
    },
    async (world) => {
      const server = await world.call('serve');
      const http = await world.http(server);
      http.send('GET', '/hints').send('GET', target('/hello', { text: 'next' }));
      expectBody(await http.response(), 'first,second', 'GET /hints');
      const hasHints = (await world.call('events')).includes('hints function');
      const statuses = http.interim.map(({ status }) => status).join();
      check(statuses === (hasHints ? '103' : ''), { sent: 'GET /hints', received: statuses === '' ? 'no 103' : statuses, expected: 'one 103, before the response' });
      expectBody(await http.response(), 'next', 'GET /hello');
      const old = await once(world, server, 'GET', '/hints', { version: 'HTTP/1.0' });
      expectBody(old, 'first,second', 'GET /hints HTTP/1.0');
      check((await world.call('events')).includes('hints undefined'), { sent: 'GET /hints HTTP/1.0', received: 'gateway.earlyHints is there', expected: 'it is absent' });
    },
  );

  rule(
    'many-on-one-connection',
    'answers pipelined requests one after another',
    {
      rule: 'the application is called once for each request (G2), and responses come in the order of the requests (RFC 9112 §9.3.2)',
      likely: 'something is kept from one request to the next',
    },
    async (world) => {
      const server = await world.call('serve');
      const http = await world.http(server);
      const asked = Array.from({ length: 12 }, () => {
        const parts = Array.from({ length: world.random.integer(1, 3) }, () => world.random.word());
        const path = world.random.pick(['/generator', '/async-generator', ...KINDS]);
        return { parts, path: path.startsWith('/') ? target(path, {}, parts) : target('/parts', { kind: path }, parts) };
      });
      for (const { path } of asked) http.send('GET', path);
      for (const { path, parts } of asked) expectBody(await http.response(), parts.join(''), `GET ${path}`);
      const calls = (await world.call('events')).filter((event) => event.startsWith('call ')).length;
      check(calls === asked.length, { sent: `${asked.length} requests`, received: `${calls} calls`, expected: 'one for each' });
    },
  );

  rule(
    'later-parts-are-checked',
    'does not send a part that is not bytes, even after parts that are',
    {
      rule: 'a part is a Uint8Array (G50); if the body breaks a rule after the head has been sent, it is cut off (G61): rule 10',
      likely: 'only the first part is checked',
    },
    async (world) => {
      const server = await world.call('serve');
      const http = await world.http(server);
      http.send('GET', '/breaks/G50-later');
      await expectCut(http, 'fine', 'a part that is a string was sent as if it were bytes');
      check(!http.tcp.received.includes('a text'), { sent: 'GET /breaks/G50-later, which gives a part, then a string', received: 'the string', expected: 'the part, and nothing more' });
      await expectReports(world, 0, 'GET /breaks/G50-later', /\bG50\b/);
    },
  );

  rule(
    'says-what-was-broken',
    'reports once which rule an application has broken',
    {
      rule: 'the server reports what the application broke, once (G64), as a GatewayError with the rule\'s number',
      likely: 'what `wholeResponse` or `checkBody` throws does not go through `refuse`, or a TypeError of our own is reported instead',
    },
    async (world) => {
      const server = await world.call('serve');
      const cases = [['/breaks/G47', 'G47'], ['/breaks/G47-end', 'G47'], ['/breaks/G47-later', 'G47'], ['/starts-twice', 'G44'], ['/breaks/G50', 'G50'], ['/breaks/G50-string', 'G50'], ['/object', 'G50'], ['/null', 'G50'], ['/breaks/G1', 'G1']] as const;
      for (const [path, broken] of cases) {
        const before = (await world.call('errors')).length;
        expectStatus(await once(world, server, 'GET', path), 500, `GET ${path}`);
        await expectReports(world, before, `GET ${path}`, new RegExp(`\\b${broken}\\b`));
      }
    },
  );

  rule(
    'close-that-rejects',
    'reports what close() rejects with, and goes on',
    {
      rule: 'what close() throws is reported and changes nothing (G63), even if close() returns a promise that rejects: rule 5',
      likely: 'a promise that is not awaited ends the process when it rejects',
    },
    async (world) => {
      const server = await world.call('serve');
      for (const parts of [['one'], ['one,', 'two']]) {
        const before = (await world.call('errors')).length;
        const path = target('/close-rejects', {}, parts);
        expectBody(await once(world, server, 'GET', path), parts.join(''), `GET ${path}`);
        await expectReports(world, before, `GET ${path}`, new RegExp(SECRET));
      }
      expectBody(await once(world, server, 'GET', target('/hello', { text: 'next' })), 'next', 'GET /hello after it');
    },
  );

  rule(
    'giving-up-is-no-excuse',
    'reports an error, unless it is an AbortError and the client has gone',
    {
      rule: 'an AbortError after `gateway.signal` has aborted is not reported (G64); every other error is: rule 10',
      likely: 'one of the two conditions is enough to stay silent',
    },
    async (world) => {
      const server = await world.call('serve');
      expectStatus(await once(world, server, 'GET', '/gives-up'), 500, 'GET /gives-up, which throws an AbortError although the client is still there');
      await expectReports(world, 0, 'GET /gives-up, which throws an AbortError although the client is still there', new RegExp(SECRET));
      const before = (await world.call('errors')).length;
      const http = await world.http(server);
      http.send('GET', '/fails-for-nobody');
      await eventually(world, async () => (await world.call('events')).includes('waiting'), { sent: 'GET /fails-for-nobody', received: 'the application was not asked', expected: 'it is' });
      http.tcp.resetNow();
      await expectReports(world, before, 'GET /fails-for-nobody, which throws another error than AbortError after the client has gone', new RegExp(SECRET));
    },
  );

  rule(
    'too-late-is-reported',
    'reports an error that came too late, even if the application swallows it',
    {
      rule: 'an error that comes after the head has been sent is thrown back, and the response is not completed, even if the application catches the error (G46); it is reported once (G64): rule 2',
      likely: 'the server remembers that there was an error, but not which one',
    },
    async (world) => {
      const server = await world.call('serve');
      const http = await world.http(server);
      http.send('GET', '/too-late-and-quiet');
      await expectCut(http, 'first', 'the application goes on as if nothing had happened, and so does the server');
      await expectReports(world, 0, 'GET /too-late-and-quiet', new RegExp(SECRET));
      expectNoSecret(http.tcp);
    },
  );
});
