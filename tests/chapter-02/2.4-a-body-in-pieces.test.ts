import { isDeepStrictEqual } from 'node:util';
import { exercise } from '#support/exercise.ts';
import type { World } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { chunkedBytes } from '#support/http-client.ts';
import type driver from './driver.ts';
import type { DecodedBody, Pairs } from './driver.ts';
import { judge, showOutcome, showText } from './outcomes.ts';
import { bytesOf, loadVectors, ruleOf } from './vectors.ts';
import type { Vector, VectorBytes } from './vectors.ts';

type TestWorld = World<typeof driver>;

interface BodyVector extends Vector {
  bytes: VectorBytes;
  accepted?: string;
  trailers?: Pairs;
  limits?: { bodyBytesMax: number };
}

/** The first bytes of the next message, which belong to nobody yet. */
const NEXT = Buffer.from('GET /next HTTP/1.1\r\nHost: a\r\n\r\n');

const bytewise = (bytes: Buffer): Buffer[] => Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));

/** Whole, byte by byte, cut at random places, and in one piece with the next message. */
function deliveriesOf({ random }: TestWorld, bytes: Buffer): { way: string; pieces: Buffer[]; behind: Buffer }[] {
  const nothing = Buffer.alloc(0);
  const ways = [
    { way: 'in one piece', pieces: [bytes], behind: nothing },
    { way: 'with the next message after it', pieces: [Buffer.concat([bytes, NEXT])], behind: NEXT },
  ];
  if (bytes.length > 3000) return [...ways, { way: 'in pieces', pieces: random.pieces(bytes, 700), behind: nothing }];
  return [
    ...ways,
    { way: 'byte by byte', pieces: bytewise(bytes), behind: nothing },
    { way: 'byte by byte with the next message after it', pieces: bytewise(Buffer.concat([bytes, NEXT])), behind: NEXT },
    { way: 'in pieces', pieces: random.pieces(bytes, 4), behind: nothing },
  ];
}

async function judgeBodies(world: TestWorld, ...groups: string[]): Promise<void> {
  for (const vector of loadVectors<BodyVector>('chunked-bodies', ...groups)) {
    const bytes = bytesOf(vector.bytes);
    const deliveries = deliveriesOf(world, bytes);
    const outcomes = await world.call('decode', deliveries.map(({ pieces }) => pieces), vector.limits);
    for (const [index, { way, behind }] of deliveries.entries()) {
      const result = outcomes[index]?.result ?? { threw: 'nothing came back' };
      const sent = `${showText(bytes.toString('latin1'))} ${way}  [${vector.id}]`;
      if (!('accepted' in result) || vector.accepted === undefined) {
        judge(result, sent, vector.accepted === undefined ? [] : [`the body ${showText(vector.accepted)}`], vector.refused ?? [], ruleOf(vector));
        continue;
      }
      judgeDecoded(result.accepted, sent, Buffer.from(vector.accepted, 'latin1'), vector.trailers ?? [], behind, ruleOf(vector));
    }
  }
}

function judgeDecoded(decoded: DecodedBody | 'needs more', sent: string, body: Buffer, trailers: Pairs, unread: Buffer, why: string): void {
  const shown = (bytes: Uint8Array): string => showText(Buffer.from(bytes).toString('latin1'), 48);
  check(decoded !== 'needs more', { sent, received: 'need-more-data, though the body is complete', expected: `the body ${shown(body)}, then end: ${why}` });
  check(body.equals(decoded.body), { kind: 'wrong bytes', sent, received: shown(decoded.body), expected: `${shown(body)}: ${why}` });
  check(isDeepStrictEqual(decoded.trailers, trailers), {
    sent,
    received: `the trailers ${JSON.stringify(decoded.trailers)}`,
    expected: `the trailers ${JSON.stringify(trailers)}: ${why}`,
  });
  check(unread.equals(decoded.unread), {
    sent,
    received: `unread() gives ${shown(decoded.unread)}`,
    expected: `${shown(unread)}: the bytes after the body belong to the next message`,
    likely: 'the decoder takes more than its body, or forgets what came after it',
  });
}

exercise<typeof driver>('2.4', import.meta.url, (rule) => {
  rule(
    'decodes-chunks',
    'decodes a chunked body, however it is cut, and leaves what comes after it',
    {
      rule: 'size, CRLF, that many bytes, CRLF, until a size of 0 (RFC 9112 §7.1)',
      likely: 'half a chunk line is mistaken for a whole one, data is searched instead of counted, or the decoder reads beyond its body',
    },
    async (world) => {
      await judgeBodies(world, 'bodies');
      const { random, call } = world;
      const parts = Array.from({ length: random.integer(3, 6) }, () => random.bytes(random.integer(1, 400)));
      const bytes = chunkedBytes(parts);
      const deliveries = deliveriesOf(world, bytes);
      const outcomes = await call('decode', deliveries.map(({ pieces }) => pieces));
      for (const [index, { way, behind }] of deliveries.entries()) {
        const result = outcomes[index]?.result ?? { threw: 'nothing' };
        const sent = `${parts.length} chunks of random bytes ${way}`;
        check('accepted' in result, { sent, received: showOutcome(result), expected: 'the bytes of the chunks' });
        judgeDecoded(result.accepted, sent, Buffer.concat(parts), [], behind, 'the bytes of the chunks');
      }
      // A lot at once, and in pieces as a socket gives them: a line may then lie anywhere.
      const many = Array.from({ length: 300 }, () => random.bytes(random.integer(1, 2000)));
      const much = chunkedBytes(many);
      const behind = random.bytes(50);
      const all = Buffer.concat([much, behind]);
      for (const [index, outcome] of (await call('decode', [[all], random.pieces(all, 65_536), random.pieces(all, 3000)])).entries()) {
        const sent = `300 chunks of up to 2,000 random bytes, ${['at once', 'in large pieces', 'in small pieces'][index]}`;
        check('accepted' in outcome.result, { sent, received: showOutcome(outcome.result).slice(0, 200), expected: 'the bytes of the chunks' });
        judgeDecoded(outcome.result.accepted, sent, Buffer.concat(many), [], behind, 'the bytes of the chunks');
      }
    },
  );

  rule(
    'gives-data-as-it-comes',
    'gives the data of a chunk as it comes, not when the chunk is complete',
    {
      rule: 'a chunk may be of any size: holding one until it is whole lets a client fill the memory',
      likely: 'the decoder waits for all the bytes of a chunk before it returns any',
    },
    async ({ call, random }) => {
      const half = random.bytes(random.integer(200, 900));
      const [outcome] = await call('decode', [[Buffer.from('1000\r\n'), half]]);
      check(outcome !== undefined && outcome.dataBytes === half.length && 'accepted' in outcome.result && outcome.result.accepted === 'needs more', {
        sent: `a chunk of 4,096 bytes, ${half.length} of which have come`,
        received: outcome === undefined ? 'nothing' : `${outcome.dataBytes} bytes of data; ${showOutcome(outcome.result).slice(0, 80)}`,
        expected: `${half.length} bytes of data, then need-more-data`,
      });
    },
  );

  rule(
    'waits-for-the-end',
    'asks for more until the empty line after the last chunk is there',
    {
      rule: 'a chunked body ends with the empty line after its trailers, not with the size of 0 (RFC 9112 §7.1)',
      likely: '`0` and CRLF are mistaken for the end: the next message then begins with an empty line, or with a trailer',
    },
    async (world) => {
      const bytes = chunkedBytes(['abc', 'defg'], [['X-Sum', '7']]);
      const deliveries = Array.from({ length: bytes.length }, (_, length) => [bytes.subarray(0, length)]);
      const outcomes = await world.call('decode', deliveries);
      for (const [length, { result }] of outcomes.entries()) {
        check('accepted' in result && result.accepted === 'needs more', {
          sent: `the first ${length} of ${bytes.length} bytes of a chunked body: …${showText(bytes.toString('latin1', Math.max(0, length - 40), length))}`,
          received: 'accepted' in result ? 'end' : showOutcome(result),
          expected: 'need-more-data: it is not complete',
        });
      }
    },
  );

  rule(
    'reads-trailers',
    'reads trailers, and never lets one change the framing',
    {
      rule: 'fields that frame or route a message are refused or dropped in trailers (RFC 9110 §6.5.1)',
      likely: 'trailers are skipped, not parsed, or all of them are passed on',
    },
    async (world) => await judgeBodies(world, 'trailers'),
  );

  rule(
    'refuses-bad-chunks',
    'refuses a body that breaks the grammar of chunks',
    {
      rule: 'every line ends in CRLF, and so does the data of every chunk (RFC 9112 §7.1)',
      likely: 'two bytes after the data are skipped unchecked, or a bare LF ends a line',
    },
    async (world) => await judgeBodies(world, 'bad-bodies'),
  );

  rule(
    'limits-the-body',
    'refuses a body, extensions and trailers beyond their limits',
    {
      rule: 'everything that a client can make grow has a limit: 413 for the body (RFC 9110 §15.5.14), extensions and trailers too (RFC 9112 §7.1.1)',
      likely: 'each chunk is compared with the limit instead of their sum, or a line without an end is kept for ever',
    },
    async (world) => await judgeBodies(world, 'body-limits'),
  );

  rule(
    'stays-refused',
    'refuses for good: after an error nothing more comes out',
    {
      rule: 'after a framing error nobody knows where a message begins: the decoder stays dead (RFC 9112 §6.3)',
      likely: 'the decoder skips the bad line and goes on with the next',
    },
    async ({ call }) => {
      const good = '3\r\ndef\r\n0\r\n\r\n';
      const cases: [what: string, bad: string, more: string][] = [
        ['a chunk without CRLF after it', '3\r\nabcX', `\r\n${good}`],
        ['a line that is not a size', 'x\r\n', good],
        ['a line that is not a size, after a good chunk', '3\r\nabc\r\n+3\r\n', good],
        ['a bad extension', '3;a\rb\r\n', good],
        ['a bare LF', '3\n', good],
        ['a bad trailer', '0\r\nX : a\r\n\r\n', good],
      ];
      for (const [what, bad, more] of cases) {
        const outcomes = await call('decodeAfterRefusal', Buffer.from(bad), Buffer.from(more));
        for (const [index, outcome] of outcomes.entries()) {
          check('refused' in outcome && outcome.refused === 400, {
            sent: `${what}, then ${['nothing', 'nextEvent again', 'what would have been good, and nextEvent'][index]}`,
            received: showOutcome(outcome),
            expected: 'a RemoteProtocolError with status 400, each time',
          });
        }
      }
    },
  );
});
