import { isDeepStrictEqual } from 'node:util';
import type * as Http from '#subject/02-http/index.ts';
import { count } from '#support/bytes.ts';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { fieldValue, readResponse, saysClose } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type driver from './driver.ts';
import type { Outcome, Pairs } from './driver.ts';
import { showOutcome, showText } from './outcomes.ts';
import { bodyOf } from './wire.ts';

const NOTHING: Outcome<Buffer> = { refused: 0 };

/** What of a request shapes its answer. */
interface Asked {
  method?: string;
  version?: '1.1' | '1.0';
}

function askedBytes({ method = 'GET', version = '1.1' }: Asked): Buffer {
  return Buffer.from(`${method} / HTTP/${version}\r\nHost: a\r\n\r\n`);
}

function showWire(outcome: Outcome<Buffer> | undefined): string {
  if (outcome === undefined) return 'nothing';
  return 'accepted' in outcome ? JSON.stringify(Buffer.from(outcome.accepted).toString('latin1').slice(0, 160)) : showOutcome(outcome);
}

/** The response that these bytes are, one after the other, and nothing else. */
function wholeResponse(wire: readonly Outcome<Buffer>[], method: string, sent: string): HttpTestResponse {
  const bytes = Buffer.concat(wire.map((outcome) => {
    check('accepted' in outcome, { sent, received: showWire(outcome), expected: 'its bytes' });
    return Buffer.from(outcome.accepted);
  }));
  const response = readResponse(bytes, 0, method, true);
  check(!('incomplete' in response) && response.end === bytes.length, { sent, received: JSON.stringify(bytes.toString('latin1').slice(0, 200)), expected: 'one whole response, and nothing after it' });
  return response;
}

exercise<typeof driver>('2.7', import.meta.url, (rule) => {
  rule(
    'sends-a-whole-body',
    'sends a body that is there as a whole, counted in bytes, and is ready for the next request',
    {
      rule: 'Content-Length is a number of bytes (RFC 9110 §8.6), and text goes out as UTF-8; when both sides are done, the next exchange begins',
      likely: '`length` of a string counts UTF-16 units; or the states stay where they are',
    },
    async (world) => {
      const text = `${world.random.words(2)} grüße 🐸`;
      for (const body of [text, world.random.bytes(world.random.integer(1, 900)), '']) {
        const { wire, ourState, theirState } = await world.call('write', askedBytes({}), [{ type: 'response', status: 200, headers: [], body }]);
        const sent = `a response with a body of ${count(Buffer.byteLength(body), 'byte')}, to the machine`;
        const response = wholeResponse(wire, 'GET', sent);
        check(response.body.equals(Buffer.from(body)), { sent, received: showWire(wire[0]), expected: 'that body' });
        const length = fieldValue(response, 'content-length');
        check(length === undefined || length === String(Buffer.byteLength(body)), { sent, received: `Content-Length: ${length}`, expected: `${Buffer.byteLength(body)}, or chunks` });
        check(ourState === 'idle' && theirState === 'idle', { sent, received: `the states ${ourState} and ${theirState}`, expected: 'idle and idle' });
      }
    },
  );

  rule(
    'sends-parts',
    'sends parts in chunks or up to a length, and the end of the body',
    {
      rule: 'a chunk is its size in hexadecimal digits, CRLF, its bytes, CRLF; one of size 0 ends the body, so an empty part is not sent (RFC 9112 §7.1)',
      likely: 'the size is decimal or counts characters; an empty part ends the body',
    },
    async (world) => {
      const parts = ['grüße ', '', world.random.bytes(world.random.integer(20, 300)), 'end'];
      const whole = Buffer.concat(parts.map((part) => Buffer.from(part)));
      for (const [what, asked, headers] of [['chunks', {}, []], ['a length', {}, [['Content-Length', String(whole.length)]]], ['the end of the connection', { version: '1.0' }, []]] as [string, Asked, Pairs][]) {
        const events: Http.EventToSend[] = [{ type: 'response', status: 200, headers }, ...parts.map((data) => ({ type: 'data', data }) as const), { type: 'end' }];
        const { wire, ourState } = await world.call('write', askedBytes(asked), events);
        const sent = `a body in ${parts.length} parts, framed by ${what}, to the machine`;
        const response = wholeResponse(wire, 'GET', sent);
        check(response.body.equals(whole), { sent, received: `${count(response.body.length, 'byte')}: ${showText(response.body.toString('latin1'))}`, expected: `${count(whole.length, 'byte')}: ${showText(whole.toString('latin1'))}` });
        check(ourState === (what === 'the end of the connection' ? 'must-close' : 'idle'), { sent, received: `our state is ${ourState}`, expected: 'idle, or must-close where only the end of the connection ends the body' });
      }
    },
  );

  rule(
    'keeps-to-the-length',
    'refuses more than was promised, and less',
    {
      rule: 'a message is as long as its Content-Length says (RFC 9112 §6.3): one byte more is the beginning of the next response',
      likely: 'nobody counts',
    },
    async (world) => {
      const promise: Http.EventToSend = { type: 'response', status: 200, headers: [['Content-Length', '4']] };
      const data = (text: string): Http.EventToSend => ({ type: 'data', data: text });
      const cases: [what: string, events: Http.EventToSend[], refused: number][] = [
        ['five bytes at once', [promise, data('12345')], 1],
        ['five bytes in two parts', [promise, data('1234'), data('5')], 2],
        ['three bytes and the end', [promise, data('123'), { type: 'end' }], 2],
        ['nothing and the end', [promise, { type: 'end' }], 1],
        ['five bytes that are refused, then four', [promise, data('12345'), data('1234'), { type: 'end' }], 1],
      ];
      for (const [what, events, refused] of cases) {
        const { wire } = await world.call('write', askedBytes({}), events);
        for (const [index, outcome] of wire.entries()) {
          const right = index === refused ? 'threw' in outcome && outcome.threw.startsWith('LocalProtocolError') : 'accepted' in outcome;
          check(right, { sent: `Content-Length: 4, and ${what}, to the machine`, received: `event ${index + 1}: ${showWire(outcome)}`, expected: index === refused ? 'a LocalProtocolError' : 'its bytes' });
        }
      }
    },
  );

  rule(
    'drops-what-may-not-be-sent',
    'takes the body of an answer that has none, and sends nothing of it',
    {
      rule: 'an answer to HEAD has no content, and 204 and 304 have none either (RFC 9110 §6.4.1): no handler should need a case for it',
      likely: 'the body is written all the same: the client takes it for the next response',
    },
    async (world) => {
      for (const [method, status] of [['HEAD', 200], ['GET', 204], ['GET', 304], ['HEAD', 404]] as const) {
        const sent = `a ${status} to ${method} with a body`;
        const [whole] = (await world.call('write', askedBytes({ method }), [{ type: 'response', status, headers: [], body: 'never' }])).wire;
        check(whole !== undefined && 'accepted' in whole && whole.accepted.toString('latin1').endsWith('\r\n\r\n'), { sent: `${sent}, to the machine`, received: showWire(whole), expected: 'a head, and nothing after it' });
        const { wire, ourState } = await world.call('write', askedBytes({ method }), [{ type: 'response', status, headers: [] }, { type: 'data', data: 'never' }, { type: 'end', trailers: [['X-A', 'b']] }]);
        const rest = wire.slice(1);
        check(rest.every((outcome) => 'accepted' in outcome && outcome.accepted.length === 0) && ourState === 'idle', { sent: `${sent} in parts, to the machine`, received: `${rest.map(showWire).join(' and ')}; our state is ${ourState}`, expected: 'no byte after the head, and idle' });
      }
    },
  );

  rule(
    'writes-trailers',
    'sends trailers after chunks, drops them elsewhere, and refuses those that would change the message',
    {
      rule: 'trailer fields come between the last chunk and the empty line (RFC 9112 §7.1.2); framing, routing and authentication must be known before the body (RFC 9110 §6.5.1)',
      likely: 'the last chunk already has its empty line; or a field that must not be a trailer is let through, or dropped without a word',
    },
    async (world) => {
      const sum = world.random.word();
      const answer = (headers: Pairs, trailers: Pairs): Http.EventToSend[] => [{ type: 'response', status: 200, headers }, { type: 'data', data: 'ab' }, { type: 'end', trailers }];
      for (const [headers, wanted] of [[[], [['X-Sum', sum]]], [[['Content-Length', '2']], []]] as [Pairs, Pairs][]) {
        const { wire } = await world.call('write', askedBytes({}), answer(headers, [['X-Sum', sum]]));
        const sent = `a body ${headers.length === 0 ? 'in chunks' : 'of a length'} and the trailer X-Sum: ${sum}, to the machine`;
        const response = wholeResponse(wire, 'GET', sent);
        check(isDeepStrictEqual(response.trailers.map(({ name, value }) => [name, value]), wanted), { sent, received: JSON.stringify(response.trailers), expected: JSON.stringify(wanted) });
      }
      for (const name of ['Content-Length', 'transfer-encoding', 'Host', 'Authorization', 'Content-Type', 'X Evil']) {
        const { wire } = await world.call('write', askedBytes({}), answer([], [[name, '1']]));
        const last = wire.at(-1);
        check(last !== undefined && 'threw' in last && last.threw.startsWith('LocalProtocolError'), { sent: `the trailer ${name}, to the machine`, received: showWire(last), expected: 'a LocalProtocolError' });
      }
    },
  );

  rule(
    'sends-the-interim',
    'sends 1xx before the final response, none to HTTP/1.0, and 101 only when the request has ended',
    {
      rule: 'a 1xx ends with its head and has no framing; HTTP/1.0 MUST NOT be sent one (RFC 9110 §15.2); after 101 the connection speaks another protocol (§15.2.2)',
      likely: 'a 1xx is given a length or takes the place of the answer',
    },
    async (world) => {
      const hints: Http.EventToSend = { type: 'informational', status: 103, headers: [['Link', '</a>']] };
      const final: Http.EventToSend = { type: 'response', status: 200, headers: [], body: 'x' };
      const { wire } = await world.call('write', askedBytes({}), [hints, hints, final]);
      const text = wire[0] !== undefined && 'accepted' in wire[0] ? wire[0].accepted.toString('latin1') : '';
      check(/^HTTP\/1\.1 103 [^\r\n]*\r\n[Ll]ink: <\/a>\r\n\r\n$/.test(text), { sent: '103 with Link, to the machine', received: showWire(wire[0]), expected: 'a status line, the field, and an empty line' });
      check('accepted' in (wire[2] ?? NOTHING), { sent: '103, 103 and 200, to the machine', received: showWire(wire[2]), expected: 'the final response' });
      const old = await world.call('write', askedBytes({ version: '1.0' }), [hints, final]);
      check(old.wire.every((outcome) => 'accepted' in outcome) && (old.wire[0] as { accepted: Buffer }).accepted.length === 0, { sent: '103 to HTTP/1.0, to the machine', received: showWire(old.wire[0]), expected: 'no byte, and no error' });
      const cases: [what: string, received: Buffer, event: Http.EventToSend][] = [
        ['200 as an interim response', askedBytes({}), { type: 'informational', status: 200, headers: [] }],
        ['101 before the body has ended', Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab'), { type: 'informational', status: 101, headers: [] }],
        ['101 to HTTP/1.0', askedBytes({ version: '1.0' }), { type: 'informational', status: 101, headers: [] }],
      ];
      for (const [what, received, event] of cases) {
        const { wire: [outcome] } = await world.call('write', received, [event]);
        check(outcome !== undefined && 'threw' in outcome && outcome.threw.startsWith('LocalProtocolError'), { sent: `${what}, to the machine`, received: showWire(outcome), expected: 'a LocalProtocolError' });
      }
      const late = await world.call('write', askedBytes({}), [{ type: 'response', status: 200, headers: [] }, hints]);
      check('threw' in (late.wire[1] ?? NOTHING), { sent: '103 after the head of the final response, to the machine', received: showWire(late.wire[1]), expected: 'a LocalProtocolError' });
      const switched = await world.call('write', askedBytes({}), [{ type: 'informational', status: 101, headers: [] }]);
      check(switched.ourState === 'switched' && switched.theirState === 'switched', { sent: '101, to the machine', received: `the states ${switched.ourState} and ${switched.theirState}`, expected: 'switched and switched' });
    },
  );

  rule(
    'closes-after-a-refusal',
    'makes the answer to a request that could not be read the last one',
    {
      rule: 'nobody knows where the next request begins: the answer says close (RFC 9112 §9.6), and nothing may be sent after it',
      likely: 'the refusal is not remembered when the answer is written',
    },
    async (world) => {
      for (const text of ['NONSENSE\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n', 'GET / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n']) {
        const answer: Http.EventToSend = { type: 'response', status: 400, headers: [], body: 'bad' };
        const { wire, ourState } = await world.call('write', Buffer.from(text), [answer, answer]);
        const sent = `${showText(text)} and the answer to it, to the machine`;
        const response = wholeResponse(wire.slice(0, 1), 'GET', sent);
        check(saysClose(response) && ourState === 'must-close', { sent, received: `${showWire(wire[0])}, and our state is ${ourState}`, expected: 'Connection: close in it, and our state is must-close' });
        check('threw' in (wire[1] ?? NOTHING), { sent: `${sent}, twice`, received: showWire(wire[1]), expected: 'a LocalProtocolError: nothing follows the last response' });
      }
    },
  );

  rule(
    'forgets-the-request',
    'forgets the last request when the next one is awaited',
    {
      rule: 'what a response looks like depends on its own request: one that is sent before a request has come (408) answers none (RFC 9110 §6.4.1)',
      likely: 'the states begin anew for the next exchange, but the machine keeps the request that was answered: after HEAD, a refusal has no body',
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
});
