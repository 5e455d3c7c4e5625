import { isDeepStrictEqual } from 'node:util';
import type * as Http from '#subject/02-http/index.ts';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type driver from './driver.ts';
import type { Outcome, Pairs } from './driver.ts';
import { showOutcome } from './outcomes.ts';
import type { TestWorld } from './wire.ts';

/** What of a request shapes its answer. */
interface Asked {
  method?: string;
  version?: '1.1' | '1.0';
  connection?: string;
}

function askedBytes({ method = 'GET', version = '1.1', connection }: Asked): Buffer {
  return Buffer.from(`${method} / HTTP/${version}\r\nHost: a\r\n${connection === undefined ? '' : `Connection: ${connection}\r\n`}\r\n`);
}

function showWire(outcome: Outcome<Buffer> | undefined): string {
  if (outcome === undefined) return 'nothing';
  return 'accepted' in outcome ? JSON.stringify(Buffer.from(outcome.accepted).toString('latin1').slice(0, 160)) : showOutcome(outcome);
}

/** The head that the machine writes for a request. */
async function headOf(world: TestWorld, asked: Asked, event: Http.EventToSend & { type: 'response' }): Promise<{ text: string; sent: string }> {
  const { wire: [outcome] } = await world.call('write', askedBytes(asked), [event]);
  const { method = 'GET', version = '1.1', connection } = asked;
  const sent = `a ${event.status} to ${method} of HTTP/${version}${connection === undefined ? '' : ` with Connection: ${connection}`}, to the machine`;
  check(outcome !== undefined && 'accepted' in outcome, { sent, received: showWire(outcome), expected: 'the bytes of a head' });
  return { text: Buffer.from(outcome.accepted).toString('latin1'), sent };
}

/** A field line, with its name in lower case. */
const lowerName = (line: string): string => line.replace(/^[^:]+/, (name) => name.toLowerCase());

/** The values of a field, one for each line. */
function valuesIn(head: string, name: string): string[] {
  return head.split('\r\n').filter((line) => line.toLowerCase().startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trim());
}

exercise<typeof driver>('2.6', import.meta.url, (rule) => {
  rule(
    'writes-a-head',
    'writes a status line, the fields in their order, and an empty line',
    {
      rule: 'a response begins with `HTTP/1.1 SP status SP reason`, whatever the version of the request; fields keep their order, and none is joined to another (RFC 9112 §4, §5; RFC 9110 §5.3)',
      likely: 'a CRLF is missing, the space before an empty reason is left out, or fields are kept in an object',
    },
    async (world) => {
      const headers: Pairs = [['Content-Length', '5'], ['Set-Cookie', `a=${world.random.word()}`], ['X-Empty', ''], ['Set-Cookie', `b=${world.random.word()}`], ['Content-Type', 'text/plain']];
      for (const [status, reason, line] of [[200, undefined, 'HTTP/1.1 200 OK'], [404, undefined, 'HTTP/1.1 404 Not Found'], [299, undefined, 'HTTP/1.1 299 '], [200, 'All is well', 'HTTP/1.1 200 All is well'], [503, '', 'HTTP/1.1 503 ']] as const) {
        for (const version of ['1.1', '1.0'] as const) {
          const { text, sent } = await headOf(world, { version }, { type: 'response', status, headers, ...(reason === undefined ? {} : { reason }) });
          const [first, ...lines] = text.split('\r\n');
          // The reason phrase is free, if the handler names none.
          check(reason === undefined ? first?.startsWith(line.slice(0, 13)) === true : first === line, { sent, received: JSON.stringify(first), expected: JSON.stringify(line) });
          check(text.endsWith('\r\n\r\n') && text.indexOf('\r\n\r\n') === text.length - 4, { sent, received: JSON.stringify(text.slice(-60)), expected: 'one empty line, at the end of the head' });
          const given = headers.filter(([name]) => name !== 'Content-Length').map(([name, value]) => `${name}: ${value}`);
          // A name may be written in any case (RFC 9110 §5.1).
          const wanted = given.map(lowerName);
          const found = lines.map(lowerName).filter((one) => wanted.includes(one));
          check(isDeepStrictEqual(found, wanted), { sent, received: JSON.stringify(lines.filter((one) => one !== '')), expected: `the lines ${given.join(' and ')}, in this order` });
        }
      }
    },
  );

  rule(
    'frames-the-answer',
    'says where the body ends: by its length, by chunks, by the end of the connection, or with the head',
    {
      rule: 'a body of unknown length goes out in chunks, to HTTP/1.0 up to the end of the connection (RFC 9112 §6.1, §6.3); 1xx, 204 and 304 end with their head (RFC 9110 §8.6, §15.4.5)',
      likely: 'the status, the method or the version of the request is forgotten; the handler\'s own field is sent beside the server\'s',
    },
    async (world) => {
      const cases: [what: string, asked: Asked, status: number, headers: Pairs, length: string | undefined, coding: string | undefined][] = [
        ['a body in parts', {}, 200, [], undefined, 'chunked'],
        ['a body in parts to HTTP/1.0', { version: '1.0' }, 200, [], undefined, undefined],
        ['a body of a known length', {}, 200, [['content-length', '7']], '7', undefined],
        ['a body of a known length to HTTP/1.0', { version: '1.0' }, 200, [['Content-Length', '7']], '7', undefined],
        ['chunks that the handler wants', {}, 200, [['Transfer-Encoding', 'chunked']], undefined, 'chunked'],
        ['204', {}, 204, [], undefined, undefined],
        ['204 with a length', {}, 204, [['Content-Length', '3']], undefined, undefined],
        ['304', {}, 304, [], undefined, undefined],
        ['304 with the length of the 200', {}, 304, [['Content-Length', '9']], '9 or none', undefined],
        ['HEAD with the length of GET', { method: 'HEAD' }, 200, [['Content-Length', '9']], '9 or none', undefined],
      ];
      for (const [what, asked, status, headers, length, coding] of cases) {
        const { text, sent } = await headOf(world, asked, { type: 'response', status, headers });
        const [lengths, codings] = [valuesIn(text, 'content-length'), valuesIn(text, 'transfer-encoding')];
        const rightLength = length === '9 or none' ? ['9', ''].includes(lengths.join()) : lengths.join() === (length ?? '');
        check(rightLength && codings.join() === (coding ?? '') && lengths.length + codings.length <= 1, {
          sent: `${sent} (${what})`,
          received: `Content-Length: ${lengths.join(' and ') || 'none'}, Transfer-Encoding: ${codings.join(' and ') || 'none'}`,
          expected: `Content-Length: ${length ?? 'none'}, Transfer-Encoding: ${coding ?? 'none'}`,
        });
      }
    },
  );

  rule(
    'says-whether-it-goes-on',
    'says close when this response is the last, and keep-alive where HTTP/1.0 asked for it',
    {
      rule: 'the last response of a connection says so (RFC 9112 §9.6); HTTP/1.0 must be told that the connection persists (appendix C.2.2); a body without a length ends with the connection',
      likely: 'only the wish of the client counts, or only that of the handler',
    },
    async (world) => {
      const length: Pairs = [['Content-Length', '2']];
      const cases: [what: string, asked: Asked, headers: Pairs, close: boolean | undefined, connection: string][] = [
        ['HTTP/1.1', {}, length, undefined, ''],
        ['the client says close', { connection: 'close' }, length, undefined, 'close'],
        ['the handler says close', {}, [...length, ['Connection', 'close']], undefined, 'close'],
        ['the server says close', {}, length, true, 'close'],
        ['HTTP/1.0', { version: '1.0' }, length, undefined, 'close'],
        ['HTTP/1.0 with keep-alive', { version: '1.0', connection: 'keep-alive' }, length, undefined, 'keep-alive'],
        ['HTTP/1.0 with keep-alive, a body without a length', { version: '1.0', connection: 'keep-alive' }, [], undefined, 'close'],
      ];
      for (const [what, asked, headers, close, connection] of cases) {
        const { text, sent } = await headOf(world, asked, { type: 'response', status: 200, headers, ...(close === undefined ? {} : { close }) });
        const tokens = valuesIn(text, 'connection').map((value) => value.toLowerCase());
        // From 1.1 on keep-alive may be said, and means nothing.
        const right = connection === '' ? !tokens.includes('close') : tokens.join() === connection;
        check(right, { sent: `${sent} (${what})`, received: `Connection: ${tokens.join(' and ') || 'none'}`, expected: `Connection: ${connection || 'none'}` });
      }
    },
  );

  rule(
    'dates-the-answer',
    'sends one Date: its own, or the handler\'s',
    {
      rule: 'an origin server with a clock MUST send Date in its responses (RFC 9110 §6.6.1)',
      likely: 'the field is missing, or there twice when the handler sets one',
    },
    async (world) => {
      const own = 'Sun, 06 Nov 1994 08:49:37 GMT';
      for (const headers of [[], [['date', own]]] as Pairs[]) {
        const { text, sent } = await headOf(world, {}, { type: 'response', status: 200, headers });
        const dates = valuesIn(text, 'date');
        check(dates.length === 1 && (headers.length === 0 ? Math.abs(Date.parse(dates[0] as string) - Date.now()) < 120_000 : dates[0] === own), {
          sent, received: dates.length === 0 ? 'no Date' : `Date: ${dates.join(' and Date: ')}`, expected: headers.length === 0 ? 'one Date, of now' : `Date: ${own}, and no other`,
        });
      }
    },
  );

  rule(
    'refuses-what-cannot-be-sent',
    'refuses a head that would forge a line, a status or a framing, and then still sends another one',
    {
      rule: 'CR, LF and NUL never leave in a field (RFC 9110 §5.5); a status has three digits (§15); a length is digits, and once (§8.6)',
      likely: 'values are written as they are; or the machine has moved on before it noticed',
    },
    async (world) => {
      const cases: [what: string, event: { status?: number; reason?: string; headers?: Pairs }][] = [
        ['a value with CRLF', { headers: [['X-A', 'b\r\nX-Evil: yes']] }],
        ['a value with NUL', { headers: [['X-A', 'b\0']] }],
        ['a value with U+010A', { headers: [['X-A', 'b\u010aX-Evil: yes']] }],
        ['a name with a space', { headers: [['X A', 'b']] }],
        ['an empty name', { headers: [['', 'b']] }],
        ['a reason with CRLF', { reason: 'OK\r\nX-Evil: yes' }],
        ['the status 42', { status: 42 }],
        ['the status 600', { status: 600 }],
        ['the status 200.5', { status: 200.5 }],
        ['an interim status in a final response', { status: 103 }],
        ['two lengths', { headers: [['Content-Length', '1'], ['Content-Length', '1']] }],
        ['a length that is not digits', { headers: [['Content-Length', '+1']] }],
        ['another coding', { headers: [['Transfer-Encoding', 'gzip']] }],
      ];
      for (const [what, event] of cases) {
        const bad: Http.EventToSend = { type: 'response', status: 200, headers: [], ...event };
        const { wire } = await world.call('write', askedBytes({}), [bad, { type: 'response', status: 500, headers: [['Content-Length', '0']] }]);
        const [first, second] = wire;
        check(first !== undefined && 'threw' in first && first.threw.startsWith('LocalProtocolError'), { sent: `a response with ${what}, to the machine`, received: showWire(first), expected: 'a LocalProtocolError: the caller is at fault' });
        check(second !== undefined && 'accepted' in second && second.accepted.toString('latin1').startsWith('HTTP/1.1 500'), { sent: `a response with ${what}, and a 500 after it, to the machine`, received: showWire(second), expected: 'the head of the 500: nothing has happened yet' });
      }
    },
  );
});
