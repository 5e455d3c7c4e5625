import { isDeepStrictEqual } from 'node:util';
import { count } from '#support/bytes.ts';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { chunkedBytes, requestBytes } from '#support/http-client.ts';
import type driver from './driver.ts';
import type { MachineReading, Outcome, Pairs } from './driver.ts';
import { judge, judgeVector, showOutcome, showText } from './outcomes.ts';
import type { WireVector } from './trials.ts';
import { bytesOf, loadVectors } from './vectors.ts';
import type { TestWorld } from './wire.ts';

/** A vector that nothing came back for. */
const NOTHING: Outcome<string> = { threw: 'nothing came back' };
/** Comes after a message, and must not be touched. */
const NEXT = Buffer.from('GET /next HTTP/1.1\r\nHost: a\r\n\r\n');
/** Longer ones are not fed byte by byte. */
const BYTEWISE_MAX = 2000;

const bytewise = (bytes: Buffer): Buffer[] => Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));

interface Delivery {
  way: string;
  seen: MachineReading;
  /** What came after the message. */
  next: Buffer;
}

/** Feeds the machine a message whole, byte by byte, in pieces, and followed by the bytes of the next one. */
async function readInEveryWay({ call, random }: TestWorld, bytes: Buffer): Promise<Delivery[]> {
  const nothing = Buffer.alloc(0);
  const both = Buffer.concat([bytes, NEXT]);
  const ways: [way: string, pieces: Buffer[], next: Buffer][] = [
    ['whole', [bytes], nothing],
    ['byte by byte', bytewise(bytes), nothing],
    ['in pieces', random.pieces(bytes, 20), nothing],
    ['with the next message after it', [both], NEXT],
    ['byte by byte, with the next message after it', bytewise(both), NEXT],
  ];
  const readings = await call('read', ways.map(([, pieces]) => pieces));
  return ways.map(([way, , next], index) => ({ way, next, seen: readings[index] as MachineReading }));
}

exercise<typeof driver>('2.5', import.meta.url, (rule) => {
  rule(
    'reads-a-head',
    'gives out a request as soon as its head is there, and leaves what comes after it alone',
    {
      rule: 'a head is complete with its empty line (RFC 9112 §2.1): whole, in pieces or with the next message after it, it is the same head',
      likely: 'the bytes of the head are not taken off the input, or the event comes only when the whole message is there',
    },
    async (world) => {
      const { random } = world;
      const value = random.words(2);
      const target = `/${random.word()}?${random.word()}`;
      const bytes = Buffer.from(`GET ${target} HTTP/1.1\r\nHost: a.example\r\nX-Mark: ${value}\r\nx-mark: again\r\n\r\n`, 'latin1');
      const fields = [['Host', 'a.example'], ['X-Mark', value], ['x-mark', 'again']];
      for (const { way, seen, next } of await readInEveryWay(world, bytes)) {
        const { head, trailers, last, left } = seen;
        check(head !== undefined && head.method === 'GET' && head.target === target && head.form === 'origin' && head.httpVersion === '1.1' && isDeepStrictEqual(head.fields, fields), {
          sent: `${showText(bytes.toString('latin1'))} ${way}, to the machine`,
          received: head === undefined ? `no request, and then ${showOutcome(last)}` : JSON.stringify(head).slice(0, 200),
          expected: `a request: GET ${target}, HTTP/1.1, and its three fields`,
        });
        check(isDeepStrictEqual(last, { accepted: 'paused' }) && trailers !== undefined && next.equals(left), {
          sent: `${showText(bytes.toString('latin1'))} ${way}, to the machine`,
          received: `${trailers === undefined ? 'no end' : 'an end'}, then ${showOutcome(last)}, and ${showText(left.toString('latin1'))} is left`,
          expected: `the end of a body that is not there, then paused: the next request is not read before this one is answered. ${next.length === 0 ? 'Nothing' : 'The next message'} is left`,
        });
      }
    },
  );

  rule(
    'reads-a-body',
    'gives out the body after the head, and its end, whatever its framing',
    {
      rule: 'a message is complete when its framing says so (RFC 9112 §6): what follows belongs to the next one',
      likely: 'what has come with the head is not given to the reader of the body, or what the reader has left is lost',
    },
    async (world) => {
      const { random } = world;
      const body = random.bytes(random.integer(1, 200));
      const trailers: Pairs = [['X-Sum', random.word()]];
      const chunks = Buffer.concat([Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'), chunkedBytes(random.pieces(body, 50), trailers)]);
      const cases: [what: string, bytes: Buffer, wanted: Buffer, trailers: Pairs][] = [
        ['a length', requestBytes('POST', '/', { body }), body, []],
        ['chunks and a trailer', chunks, body, trailers],
        ['Content-Length: 0', requestBytes('POST', '/', { body: '' }), Buffer.alloc(0), []],
      ];
      for (const [what, bytes, wanted, fields] of cases) {
        for (const { way, seen, next } of await readInEveryWay(world, bytes)) {
          check(seen.head !== undefined && wanted.equals(seen.body) && isDeepStrictEqual(seen.trailers, fields) && isDeepStrictEqual(seen.last, { accepted: 'paused' }) && next.equals(seen.left), {
            sent: `a request with ${what} ${way}, to the machine`,
            received: `${seen.head === undefined ? 'no request' : 'a request'}, ${count(seen.body.length, 'byte')}, ${seen.trailers === undefined ? 'no end' : `an end with the trailers ${JSON.stringify(seen.trailers)}`}, then ${showOutcome(seen.last)}; ${count(seen.left.length, 'byte')} left`,
            expected: `a request, ${count(wanted.length, 'byte')}, an end with the trailers ${JSON.stringify(fields)}, then paused; ${count(next.length, 'byte')} left`,
          });
        }
      }
    },
  );

  rule(
    'asks-for-more',
    'asks for more bytes while a message is not whole, and tells an end between messages from one within',
    {
      rule: 'a message that ends before its framing says so is incomplete (RFC 9112 §8); a connection may end where no message has begun',
      likely: 'the end of the input is taken for the end of the message, or for a fault in every case; an empty line counts as the beginning of a request',
    },
    async (world) => {
      const bytes = requestBytes('POST', '/', { body: world.random.words(2) });
      const cuts = [...new Set([1, 4, ...Array.from({ length: 12 }, () => world.random.integer(1, bytes.length - 1))])];
      const begun = cuts.map((cut) => bytes.subarray(0, cut));
      const waiting = await world.call('read', begun.map((piece) => [piece]));
      const ended = await world.call('read', begun.map((piece) => [piece]), { ends: true });
      for (const [index, piece] of begun.entries()) {
        const sent = `the first ${count(piece.length, 'byte')} of ${showText(bytes.toString('latin1'))}`;
        judge(waiting[index]?.last ?? NOTHING, sent, ['need-more-data'], [], 'it is not whole');
        judge(ended[index]?.last ?? NOTHING, `${sent}, and the end of the input`, [], [400], 'it will never be whole');
      }
      for (const text of ['', '\r\n', '\r\n\r\n', '\r']) {
        const [open] = await world.call('read', [[Buffer.from(text)]]);
        const [closed] = await world.call('read', [[Buffer.from(text)]], { ends: true });
        const sent = text === '' ? 'nothing' : `${showText(text)} and no more`;
        judge(open?.last ?? NOTHING, sent, ['need-more-data'], [], 'no request has begun');
        judge(closed?.last ?? NOTHING, `${sent}, and the end of the input`, ['closed'], [], 'no request has begun, so nothing is missing');
      }
    },
  );

  rule(
    'knows-who-waits',
    'knows whether the client waits for a 100 before it sends its body',
    {
      rule: '`Expect: 100-continue` asks for an answer before the body (RFC 9110 §10.1.1); a client that sends its body need not be told to',
      likely: 'the wish is kept when the body has come, or seen where there is no body',
    },
    async (world) => {
      const head = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n';
      const cases: [what: string, text: string, waits: boolean][] = [
        ['a head that expects 100-continue', `${head}Content-Length: 4\r\n\r\n`, true],
        ['the same with chunks', `${head}Transfer-Encoding: chunked\r\n\r\n`, true],
        ['the same, and a part of its body', `${head}Content-Length: 4\r\n\r\nab`, false],
        ['the same without a body', `${head}\r\n`, false],
        ['the same of HTTP/1.0', `${head.replace('1.1', '1.0')}Content-Length: 4\r\n\r\n`, false],
        ['a head that expects nothing', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n', false],
      ];
      for (const [what, text, waits] of cases) {
        const [seen] = await world.call('read', [[Buffer.from(text)]]);
        check(seen?.awaitsContinue === waits, { sent: `${what}, to the machine`, received: `awaitsContinue is ${seen?.awaitsContinue}`, expected: String(waits) });
      }
    },
  );

  rule(
    'refuses-what-cannot-be-read',
    'refuses what is wrong with the status that says so, in whatever pieces it comes',
    {
      rule: 'what a server refuses does not depend on how TCP has cut it (RFC 9112 §2.2, §3, §5, §6)',
      likely: 'a limit or a bad character is noticed only when the whole head is there; or a line is judged before it has ended',
    },
    async (world) => {
      const groups = ['request-line', 'field-lines', 'line-ends', 'hosts', 'lengths', 'codings', 'chunks', 'limits', 'expectations'];
      const vectors = loadVectors<WireVector>('wire', ...groups).filter((vector) => vector.refused !== undefined && vector.accepted === undefined);
      for (const vector of vectors) {
        // With what comes after it: some lines do not end by themselves.
        const bytes = Buffer.concat([bytesOf(vector.bytes), NEXT]);
        const pieces = bytes.length > BYTEWISE_MAX ? world.random.pieces(bytes, Math.ceil(bytes.length / 12)) : bytewise(bytes);
        const readings = await world.call('read', [[bytes], pieces], { limits: { bodyBytesMax: 4000 } });
        for (const [index, way] of ['whole', 'in pieces'].entries()) {
          judgeVector({ ...vector, accepted: undefined }, readings[index]?.last, `${showText(bytes.toString('latin1'))} ${way}, to the machine`);
        }
      }
      const [connect] = await world.call('read', [[Buffer.from('CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n')]]);
      judge(connect?.last ?? NOTHING, 'CONNECT a.example:443', [], [501], 'this server tunnels to nowhere (RFC 9110 §9.3.6)');
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
        const { first, again, behind } = await call('afterBadRequest', Buffer.from(bad, 'latin1'), good);
        const sent = `a request with ${what}, and a good one after it, to the machine`;
        for (const [when, outcome] of [['at first', first], ['asked again', again], ['asked again after the good one', behind]] as const) {
          check('refused' in outcome && statuses.includes(outcome.refused), {
            sent,
            received: `${when}: ${'accepted' in outcome ? `the event ${outcome.accepted}` : 'refused' in outcome ? `refused with ${outcome.refused}` : outcome.threw}`,
            expected: `refused with ${statuses.join(' or ')}, every time`,
          });
        }
      }
    },
  );
});
