import { exercise } from '#support/exercise.ts';
import type { World } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type driver from './driver.ts';
import { judge, judgeVector, showOutcome, showText } from './outcomes.ts';
import { loadVectors, textOf } from './vectors.ts';
import type { Vector, VectorBytes } from './vectors.ts';

interface LineVector extends Vector {
  bytes: VectorBytes;
  accepted?: { method: string; target: string; form: string; httpVersion: string };
}

type TestWorld = World<typeof driver>;

/** Feeds the vectors of some groups: each line alone, and as a range of a longer text. */
async function judgeGroups({ call }: TestWorld, ...groups: string[]): Promise<void> {
  const vectors = loadVectors<LineVector>('request-lines', ...groups);
  const outcomes = await call('requestLines', vectors.map((vector) => textOf(vector.bytes)));
  for (const [index, vector] of vectors.entries()) {
    const line = showText(textOf(vector.bytes));
    judgeVector(vector, outcomes[index]?.alone, `parseRequestLine of ${line}`);
    judgeVector(vector, outcomes[index]?.within, `parseRequestLine of ${line} between other bytes, by start and end`);
  }
}

exercise<typeof driver>('2.1', import.meta.url, (rule) => {
  rule(
    'takes-a-line-apart',
    'takes a request line apart: method, target, version',
    {
      rule: 'a request line is a method, a space, a request-target, a space and a version (RFC 9112 §3)',
      likely: 'the parts are taken from the wrong places, or `start` and `end` are ignored',
    },
    async ({ call, random }) => {
      for (let round = 0; round < 8; round++) {
        const method = random.pick(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD']);
        const target = `/${random.word()}/${random.word()}?${random.word()}=${random.integer(0, 999)}`;
        const httpVersion = random.pick(['1.0', '1.1']);
        const line = `${method} ${target} HTTP/${httpVersion}`;
        const [outcome] = await call('requestLines', [line]);
        for (const one of [outcome?.alone, outcome?.within]) {
          judge(one ?? { threw: 'nothing' }, line, [{ method, target, form: 'origin', httpVersion }], [], 'the parts of the line, as they were sent');
        }
      }
    },
  );

  rule(
    'takes-any-method',
    'accepts any token as a method and keeps its case',
    {
      rule: 'a method is a token, and it is case-sensitive (RFC 9110 §9.1)',
      likely: 'only known methods are accepted (that is for the handler to say), or the method is converted to upper case',
    },
    async (world) => await judgeGroups(world, 'methods'),
  );

  rule(
    'refuses-what-is-not-a-method',
    'refuses a method that is not a token',
    {
      rule: 'a token is made of letters, digits and !#$%&\'*+-.^_`|~ (RFC 9110 §5.6.2)',
      likely: 'everything up to the first space is mistaken for the method',
    },
    async (world) => await judgeGroups(world, 'bad-methods'),
  );

  rule(
    'tells-the-four-forms',
    'tells the four forms of a target apart, and keeps it as it was sent',
    {
      rule: 'a target is a path, a URL, a host with a port, or an asterisk (RFC 9112 §3.2)',
      likely: 'only paths are accepted: proxies send absolute-form, and every server MUST accept it',
    },
    async (world) => await judgeGroups(world, 'targets'),
  );

  rule(
    'refuses-what-is-not-a-target',
    'refuses a target in none of the four forms, or in the wrong one for its method',
    {
      rule: 'authority-form is for CONNECT alone, the asterisk for OPTIONS alone, and a path begins with a slash (RFC 9112 §3.2)',
      likely: 'everything between the two spaces is mistaken for a target',
    },
    async (world) => await judgeGroups(world, 'bad-targets'),
  );

  rule(
    'takes-minor-versions',
    'serves HTTP/1.0 as 1.0 and every higher 1.x as 1.1',
    {
      rule: 'a higher minor version is treated as the highest minor version that the server knows (RFC 9110 §2.5)',
      likely: 'the version is compared with `HTTP/1.1`, to the letter',
    },
    async (world) => await judgeGroups(world, 'versions'),
  );

  rule(
    'refuses-other-versions',
    'refuses other major versions with 505 and what is not a version with 400',
    {
      rule: 'a version is `HTTP/`, a digit, a dot and a digit, in capitals (RFC 9112 §2.3); another major version is a 505 (RFC 9110 §15.6.6)',
      likely: 'a regular expression without `$`, one that ignores case, or one status for all',
    },
    async (world) => await judgeGroups(world, 'bad-versions'),
  );

  rule(
    'minds-every-space',
    'refuses a line with one space too many or too few, or with another kind of space',
    {
      rule: 'there is one space between the parts and nothing else; what two servers split differently is an attack (RFC 9112 §3, §11.2)',
      likely: '`split(/\\s+/)`, `split(" ")` without checking how many parts there are, or `trim()`',
    },
    async (world) => await judgeGroups(world, 'bad-spaces'),
  );

  rule(
    'refuses-cleanly',
    'accepts or refuses what the RFC leaves open, and never breaks on it',
    {
      rule: 'what is refused is refused with a status, whatever the bytes (RFC 9112 §3.2)',
      likely: 'an error without a status, or a target that was changed',
    },
    async (world) => {
      await judgeGroups(world, 'choices');
      const lines = Array.from({ length: 200 }, () => world.random.bytes(world.random.integer(1, 40)).toString('latin1'));
      const outcomes = await world.call('requestLines', lines);
      for (const [index, { alone }] of outcomes.entries()) {
        check('refused' in alone && (alone.refused === 400 || alone.refused === 505), {
          sent: `parseRequestLine of random bytes: ${showText(lines[index] as string)}`,
          received: showOutcome(alone),
          expected: 'a RemoteProtocolError with status 400',
        });
      }
    },
  );

  rule(
    'limits-the-line',
    'takes 8,000 bytes, and refuses more than its limit with 414',
    {
      rule: 'a server should take request lines of at least 8,000 bytes (RFC 9112 §3); a target longer than it will take is a 414 (RFC 9110 §15.5.15)',
      likely: '`limits.requestLineBytesMax` is ignored, or the status is another one; 431 is for header fields',
    },
    async ({ call, random }) => {
      const lineOf = (bytes: number): string => `GET /${'a'.repeat(bytes - 14)} HTTP/1.1`;
      const max = random.integer(40, 4000);
      const cases: { bytes: number; limit: number | undefined; refused: number[] }[] = [
        { bytes: 8000, limit: undefined, refused: [] },
        { bytes: 20_000, limit: undefined, refused: [414] },
        { bytes: max, limit: max, refused: [] },
        { bytes: max + 1, limit: max, refused: [414] },
        { bytes: max * 3, limit: max, refused: [414] },
      ];
      for (const { bytes, limit, refused } of cases) {
        const line = lineOf(bytes);
        const [outcome] = limit === undefined ? await call('requestLines', [line]) : await call('requestLines', [line], { requestLineBytesMax: limit });
        const accepted = refused.length > 0 ? [] : [{ method: 'GET', target: line.slice(4, -9), form: 'origin', httpVersion: '1.1' }];
        const sent = `a request line of ${bytes} bytes, ${limit === undefined ? 'with the default limits' : `requestLineBytesMax ${limit}`}`;
        for (const one of [outcome?.alone, outcome?.within]) judge(one ?? { threw: 'nothing' }, sent, accepted, refused, 'the limit counts the line without its CRLF');
      }
    },
  );
});
