import { exercise } from '#support/exercise.ts';
import type { World } from '#support/exercise.ts';
import type driver from './driver.ts';
import type { Pairs } from './driver.ts';
import { judge, judgeVector, showText } from './outcomes.ts';
import { loadVectors, ruleOf, textOf } from './vectors.ts';
import type { Vector, VectorBytes } from './vectors.ts';

type TestWorld = World<typeof driver>;

interface FramingVector extends Vector {
  fields: Pairs;
  httpVersion: string;
  limits?: { bodyBytesMax: number };
  /** Every right answer. */
  accepted?: string[];
}

interface ChunkVector extends Vector {
  bytes: VectorBytes;
  accepted?: number;
}

async function judgeFramings({ call }: TestWorld, ...groups: string[]): Promise<void> {
  const vectors = loadVectors<FramingVector>('framings', ...groups);
  const outcomes = await call('framings', vectors.map(({ fields, httpVersion, limits }) => ({ fields, httpVersion, ...(limits ? { limits } : {}) })));
  for (const [index, vector] of vectors.entries()) {
    const fields = vector.fields.map(([name, value]) => `${name}: ${showText(value, 40)}`).join(' · ');
    const sent = `bodyFraming of HTTP/${vector.httpVersion}, ${fields || 'no fields'}${vector.limits ? `, with bodyBytesMax ${vector.limits.bodyBytesMax}` : ''}`;
    judge(outcomes[index] ?? { threw: 'nothing came back' }, `${sent}  [${vector.id}]`, vector.accepted ?? [], vector.refused ?? [], ruleOf(vector));
  }
}

async function judgeChunkLines({ call }: TestWorld, ...groups: string[]): Promise<void> {
  const vectors = loadVectors<ChunkVector>('chunk-lines', ...groups);
  const outcomes = await call('chunkLines', vectors.map((vector) => textOf(vector.bytes)));
  for (const [index, vector] of vectors.entries()) judgeVector(vector, outcomes[index], `parseChunkLine of ${showText(textOf(vector.bytes))}`);
}

exercise<typeof driver>('2.3', import.meta.url, (rule) => {
  rule(
    'knows-how-long',
    'knows from the fields how long a body is',
    {
      rule: 'a chunked body marks its own end; otherwise Content-Length says how long the body is; without either, a request has no body (RFC 9112 §6.3)',
      likely: 'a request without either field is given a body, or names are compared in one case only',
    },
    async (world) => await judgeFramings(world, 'framings'),
  );

  rule(
    'parses-a-length',
    'parses Content-Length, which is digits and nothing else',
    {
      rule: 'Content-Length is 1*DIGIT (RFC 9110 §8.6)',
      likely: '`Number` and `parseInt` take signs, spaces, letters, hexadecimal and rounding: check the characters first',
    },
    async (world) => {
      const { call, random } = world;
      const numbers = ['0', '1', '007', '9007199254740991', ...Array.from({ length: 6 }, () => String(random.uint32()))];
      const outcomes = await call('contentLengths', numbers);
      for (const [index, text] of numbers.entries()) {
        judge(outcomes[index] ?? { threw: 'nothing' }, `parseContentLength of ${JSON.stringify(text)}`, [Number(text)], [], 'the number');
      }
      const bad = ['', '+2', '-1', '1_0', '0x10', '1e3', '5.0', 'five', '1 2', '5a', '5;', '٥'];
      for (const [index, outcome] of (await call('contentLengths', bad)).entries()) {
        judge(outcome, `parseContentLength of ${JSON.stringify(bad[index])}`, [], [400], 'digits and nothing else');
      }
      const huge = ['9007199254740993', '18446744073709551617', '1180591620717411303424', '9'.repeat(400)];
      for (const [index, outcome] of (await call('contentLengths', huge)).entries()) {
        judge(outcome, `parseContentLength of ${huge[index]?.slice(0, 40)}`, [], [400, 413], 'no JavaScript number holds it exactly');
      }
      await judgeFramings(world, 'bad-lengths');
    },
  );

  rule(
    'refuses-ambiguity',
    'refuses a request whose fields disagree about its length',
    {
      rule: 'where two servers could read two lengths, the request is refused (RFC 9112 §6.3, §11.2)',
      likely: 'the first or the last value wins, or Content-Length is ignored because there is Transfer-Encoding',
    },
    async (world) => await judgeFramings(world, 'ambiguous'),
  );

  rule(
    'refuses-other-codings',
    'refuses every transfer coding but chunked, and chunked twice',
    {
      rule: 'a coding that is not understood is a 501, and a body whose end is not known a 400 (RFC 9112 §6.1, §6.3)',
      likely: '`includes("chunked")`, or a `trim()` that treats a vertical tab as a space',
    },
    async (world) => {
      await judgeFramings(world, 'codings');
      await judgeFramings(world, 'choices');
    },
  );

  rule(
    'limits-the-length',
    'refuses a length over the limit with 413, before the body comes',
    {
      rule: 'a body larger than the server will take is a 413 (RFC 9110 §15.5.14)',
      likely: '`limits.bodyBytesMax` is ignored, or a body of exactly the limit is refused',
    },
    async (world) => await judgeFramings(world, 'limits'),
  );

  rule(
    'parses-chunk-sizes',
    'parses chunk sizes in hexadecimal and ignores extensions',
    {
      rule: 'a chunk begins with its size in hexadecimal; unknown extensions are ignored (RFC 9112 §7.1)',
      likely: 'the size is read as decimal, or an extension with a quoted string is not understood',
    },
    async (world) => {
      const { call, random } = world;
      const sizes = Array.from({ length: 10 }, () => random.uint32());
      const lines = sizes.map((size) => (random.boolean() ? size.toString(16) : size.toString(16).toUpperCase()));
      for (const [index, outcome] of (await call('chunkLines', lines)).entries()) judge(outcome, `parseChunkLine of ${lines[index]}`, [sizes[index]], [], 'hexadecimal');
      await judgeChunkLines(world, 'sizes', 'extensions');
    },
  );

  rule(
    'refuses-bad-sizes',
    'refuses a chunk size that is anything but hexadecimal digits',
    {
      rule: 'a chunk size is 1*HEXDIG (RFC 9112 §7.1); a size that is too large must not wrap around or be rounded',
      likely: '`parseInt(line, 16)` takes signs, `0x`, spaces and any rest; beyond 2^53 it rounds',
    },
    async (world) => {
      await judgeChunkLines(world, 'bad-sizes', 'huge-sizes', 'choices');
    },
  );

  rule(
    'refuses-bad-extensions',
    'refuses line ends hidden in a chunk extension',
    {
      rule: 'no CR and no LF in an extension (RFC 9112 §7.1.1): what one server takes for an extension, the next takes for the end of the line',
      likely: 'everything after the semicolon is skipped unchecked',
    },
    async (world) => await judgeChunkLines(world, 'bad-extensions'),
  );

  rule(
    'reads-the-wish',
    'knows from a head whether the connection persists and whether a 100 is waited for',
    {
      rule: 'HTTP/1.1 persists unless it says close, HTTP/1.0 only if it says keep-alive; close wins (RFC 9112 §9.3); `Expect: 100-continue` counts from 1.1 on (RFC 9110 §10.1.1)',
      likely: 'the field is compared to the letter: it is a list of tokens, and their case does not matter',
    },
    async ({ call }) => {
      const connection = (httpVersion: string, ...values: string[]): { httpVersion: string; fields: Pairs } => ({ httpVersion, fields: values.map((value) => ['Connection', value] as const) });
      const persisting: [ReturnType<typeof connection>, boolean][] = [
        [connection('1.1'), true], [connection('1.1', 'close'), false], [connection('1.1', 'CLOSE'), false], [connection('1.1', 'keep-alive'), true],
        [connection('1.1', 'keep-alive, close'), false], [connection('1.1', 'close , keep-alive'), false], [connection('1.1', 'x', 'close'), false], [connection('1.1', 'x,\tclose'), false],
        [connection('1.1', 'closed'), true], [connection('1.1', 'not-close'), true], [connection('1.1', ''), true], [connection('1.1', ', close'), false], [connection('1.1', 'upgrade'), true],
        [connection('1.0'), false], [connection('1.0', 'keep-alive'), true], [connection('1.0', 'Keep-Alive'), true], [connection('1.0', 'x, keep-alive'), true],
        [connection('1.0', 'close'), false], [connection('1.0', 'keep-alive, close'), false], [connection('1.0', 'close, keep-alive'), false], [connection('1.0', 'keep-alives'), false], [connection('1.0', 'x'), false],
      ];
      const shown = ({ httpVersion, fields }: { httpVersion: string; fields: Pairs }): string => `HTTP/${httpVersion} with ${fields.map((field) => field.join(': ')).join(' and ') || 'neither field'}`;
      const outcomes = await call('persistence', persisting.map(([head]) => head));
      for (const [index, [head, wanted]] of persisting.entries()) judge(outcomes[index]?.persists ?? { threw: 'nothing' }, `persists of ${shown(head)}`, [wanted], [], wanted ? 'it persists' : 'it ends');
      const expect = (httpVersion: string, ...values: string[]): { httpVersion: string; fields: Pairs } => ({ httpVersion, fields: values.map((value) => ['Expect', value] as const) });
      const expecting: [ReturnType<typeof expect>, boolean | undefined][] = [
        [expect('1.1'), false], [expect('1.1', '100-continue'), true], [expect('1.1', '100-Continue'), true], [expect('1.0', '100-continue'), false], [expect('1.0'), false],
        [expect('1.1', 'foo'), undefined], [expect('1.1', '100-continue, foo'), undefined], [expect('1.1', '100'), undefined], [expect('1.1', '100-continues'), undefined],
        // A list: twice is once, and an empty member is not one (RFC 9110 §10.1.1, §5.6.1.2).
        [expect('1.1', '100-continue, 100-Continue'), true], [expect('1.1', '100-continue', '100-continue'), true], [expect('1.1', '100-continue,'), true], [expect('1.1', ', 100-continue ,\t,'), true],
        [expect('1.1', ''), false], [expect('1.1', ','), false], [expect('1.1', '100-continue,, foo'), undefined], [expect('1.1', '100-continue 100-continue'), undefined],
      ];
      const expectations = await call('persistence', expecting.map(([head]) => head));
      for (const [index, [head, wanted]] of expecting.entries()) {
        judge(expectations[index]?.expectsContinue ?? { threw: 'nothing' }, `expectsContinue of ${shown(head)}`, wanted === undefined ? [] : [wanted], wanted === undefined ? [417] : [], 'an expectation that is not known is a 417');
      }
    },
  );

  rule(
    'is-not-held-up-by-spaces',
    'takes a list apart as fast as it came, though it has very many spaces',
    {
      rule: 'any amount of whitespace may be around a member of a list (RFC 9110 §5.6.1): the time for it must not grow with its square, or one client keeps all others waiting',
      likely: '`/[ \\t]+$/` begins anew at each of the spaces; walk in from both ends instead',
    },
    async ({ call }) => {
      const spaces = ' \t'.repeat(150_000);
      for (const [what, value, wanted] of [['within a member', `x${spaces}y, close`, false], ['around a member', `x, ${spaces}close${spaces}, y`, false], ['and no member', `${spaces},${spaces}`, true]] as const) {
        const [outcome] = await call('persistence', [{ httpVersion: '1.1', fields: [['Connection', value]] }]);
        judge(outcome?.persists ?? { threw: 'nothing' }, `persists of Connection with 300,000 spaces and tabs ${what}`, [wanted], [], wanted ? 'nobody says close' : 'close is a member of the list');
      }
    },
  );
});
