import { isDeepStrictEqual } from 'node:util';
import { exercise } from '#support/exercise.ts';
import type { World } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type driver from './driver.ts';
import type { Pairs } from './driver.ts';
import { judge, judgeVector, showOutcome, showText } from './outcomes.ts';
import { loadVectors, textOf } from './vectors.ts';
import type { Vector, VectorBytes } from './vectors.ts';

type TestWorld = World<typeof driver>;

interface FieldVector extends Vector {
  bytes: VectorBytes;
  accepted?: [name: string, value: string];
}

interface HostVector extends Vector {
  hosts: string[];
  line: { method: string; target: string; form: string; httpVersion: string };
  accepted?: true;
}

const FAR = 65_536;

/** Each line by itself, and as one of three in a section. */
async function judgeFields({ call }: TestWorld, ...groups: string[]): Promise<void> {
  const vectors = loadVectors<FieldVector>('field-lines', ...groups);
  const outcomes = await call('headerFields', vectors.map((vector) => textOf(vector.bytes)));
  for (const [index, vector] of vectors.entries()) {
    const line = textOf(vector.bytes);
    judgeVector(vector, outcomes[index], `parseHeaderField of ${showText(line)}`);
    // An empty line, or a CR at the end, would make another section of it.
    if (line === '' || line.endsWith('\r')) continue;
    const section = `A: 1\r\n${line}\r\nZ: 2\r\n\r\n`;
    const outcome = await call('fieldSection', section, 0, FAR, 100);
    const fields = vector.accepted === undefined ? [] : [{ end: section.length, fields: [['A', '1'], vector.accepted, ['Z', '2']] }];
    judge(outcome, `parseFieldSection of ${showText(section)}  [${vector.id}]`, fields, vector.refused ?? [], vector.rule);
  }
}

async function judgeHosts({ call }: TestWorld, ...groups: string[]): Promise<void> {
  const vectors = loadVectors<HostVector>('hosts', ...groups);
  const outcomes = await call('checkHosts', vectors.map(({ hosts, line }) => ({ ...line, hosts })));
  for (const [index, vector] of vectors.entries()) {
    const { line, hosts } = vector;
    const shown = hosts.length === 0 ? 'no Host' : hosts.map((host) => `Host: ${showText(host)}`).join(' and ');
    judgeVector(
      { ...vector, ...(vector.accepted ? { accepted: 'accepted' } : {}) },
      outcomes[index],
      `checkHost of ${line.method} ${line.target} HTTP/${line.httpVersion} with ${shown}`,
    );
  }
}

/** Fields with random names; some come twice, the second time in another case. */
function someFields({ random }: TestWorld): Pairs {
  const names = Array.from({ length: 6 }, () => `X-${random.word()}`);
  const twice = names[2] as string;
  return [...names, twice.toUpperCase(), twice.toLowerCase()].map((name) => [name, random.words(random.integer(1, 3))]);
}

const sectionOf = (fields: Pairs): string => `${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;

exercise<typeof driver>('2.2', import.meta.url, (rule) => {
  rule(
    'parses-a-field',
    'parses a field line into its name and its value',
    {
      rule: 'a field line is a name, a colon and a value (RFC 9112 §5)',
      likely: 'the line is split at every colon, or an empty value is mistaken for an error',
    },
    async (world) => await judgeFields(world, 'fields'),
  );

  rule(
    'leaves-whitespace-out',
    'leaves out the whitespace around a value, and keeps what is inside',
    {
      rule: 'spaces and tabs around a value are not part of it; nothing else is whitespace (RFC 9112 §5.1)',
      likely: '`trim()` removes more than spaces and tabs, or only one space is skipped',
    },
    async (world) => await judgeFields(world, 'whitespace'),
  );

  rule(
    'takes-all-characters',
    'accepts every token as a name, and every visible character in a value',
    {
      rule: 'a name is a token (RFC 9110 §5.6.2); a value may hold visible characters, spaces, tabs and bytes beyond ASCII (RFC 9110 §5.5)',
      likely: 'only letters, digits and hyphens are accepted in a name, or only ASCII in a value',
    },
    async (world) => await judgeFields(world, 'characters'),
  );

  rule(
    'refuses-bad-names',
    'refuses a name that is not a token, a space before the colon, and folded lines',
    {
      rule: 'a server MUST refuse whitespace between name and colon with 400 (RFC 9112 §5.1) and folded lines (§5.2)',
      likely: 'the name is trimmed, or everything before the colon is mistaken for a name: that is how requests are smuggled',
    },
    async (world) => await judgeFields(world, 'bad-names'),
  );

  rule(
    'refuses-bad-values',
    'refuses CR, LF and NUL in a value',
    {
      rule: 'CR, LF and NUL in a value are invalid and dangerous: 400 (RFC 9110 §5.5)',
      likely: 'the characters of the value are not checked, or `$` matched before a newline',
    },
    async (world) => {
      await judgeFields(world, 'bad-values');
      await judgeFields(world, 'choices');
    },
  );

  rule(
    'reads-a-section',
    'reads field lines up to the empty line, whatever comes after it',
    {
      rule: 'the fields end at the first empty line; what follows belongs to the body or the next message (RFC 9112 §2.1)',
      likely: 'the returned position is not the one after the empty line, or `start` is ignored',
    },
    async (world) => {
      const fields = someFields(world);
      const section = sectionOf(fields);
      const before = 'GET / HTTP/1.1\r\n';
      const behind = 'GET /next HTTP/1.1\r\nHost: b\r\n\r\n';
      for (const [text, start] of [[section, 0], [section + behind, 0], [before + section, before.length], [before + section + behind, before.length]] as const) {
        const outcome = await world.call('fieldSection', text, start, FAR, 100);
        judge(outcome, `parseFieldSection(${showText(text, 48)}, ${start}, …)`, [{ end: start + section.length, fields }], [], 'the fields and the position after the empty line');
      }
      for (const [text, start] of [['\r\n', 0], [`${before}\r\n`, before.length], ['\r\nX: a\r\n\r\n', 0]] as const) {
        const outcome = await world.call('fieldSection', text, start, FAR, 100);
        judge(outcome, `parseFieldSection(${showText(text)}, ${start}, …)`, [{ end: start + 2, fields: [] }], [], 'no fields: the empty line comes at once');
      }
    },
  );

  rule(
    'asks-for-more',
    'asks for more until the empty line is there, however the section was cut',
    {
      rule: 'TCP may cut a message between any two bytes: half a section is not a section, and not an error',
      likely: 'a line without its CRLF is mistaken for a whole one, or half a line is an error',
    },
    async (world) => {
      const section = sectionOf(someFields(world));
      const outcomes = await world.call('fieldSectionPrefixes', section, FAR, 100);
      for (const [length, outcome] of outcomes.entries()) {
        const expected = length === section.length ? length : -1;
        judge(outcome, `the first ${length} of ${section.length} bytes: …${showText(section.slice(Math.max(0, length - 40), length))}`, [expected], [], expected === -1 ? '-1 is "need more"' : 'the section is complete');
      }
    },
  );

  rule(
    'refuses-bare-line-ends',
    'refuses a line that ends in a bare LF or a bare CR',
    {
      rule: 'a line ends in CRLF; a bare CR is not a line end (RFC 9112 §2.2), and a bare LF is refused here: where servers disagree about it, requests slip through',
      likely: 'the search is for LF alone, and a CR before it is optional',
    },
    async ({ call }) => {
      for (const section of ['A: 1\nB: 2\r\n\r\n', 'A: 1\r\nB: 2\n\r\n', 'A: 1\r\n\n', 'A: 1\n\n', '\n', 'A: 1\rB: 2\r\n\r\n', 'A: 1\r\r\n\r\n', 'A: 1\r\n\r\r\n\r\n', 'A: 1\r\n B: 2\r\n\r\n', 'A: 1\r\n\tB: 2\r\n\r\n', ' A: 1\r\n\r\n', 'A: 1\r\n \r\n\r\n']) {
        const outcome = await call('fieldSection', `${section}C: 3\r\n\r\n`, 0, FAR, 100);
        judge(outcome, `parseFieldSection of ${showText(section)} and more after it`, [], [400], 'only CRLF ends a line, and no line begins with whitespace');
      }
    },
  );

  rule(
    'limits-the-section',
    'refuses too many fields, and too many bytes of them, with 431',
    {
      rule: 'a server answers 431 to fields that are too many or too large (RFC 6585 §5), as soon as it knows',
      likely: 'the limits are checked only when the section is complete: a client that never ends it fills the memory',
    },
    async ({ call, random }) => {
      const count = random.integer(3, 30);
      const bytes = random.integer(100, 2000);
      const many = (number: number): string => 'A: 1\r\n'.repeat(number);
      const long = (size: number): string => `A: ${'x'.repeat(size - 5)}\r\n`;
      const cases: [text: string, bytesMax: number, countMax: number, ok: boolean, what: string][] = [
        [`${many(count)}\r\n`, FAR, count, true, `${count} fields`],
        [`${many(count + 1)}\r\n`, FAR, count, false, `${count + 1} fields`],
        [many(count + 1), FAR, count, false, `${count + 1} fields and no end yet`],
        // Whether the empty line counts is left open.
        [`${long(bytes - 2)}\r\n`, bytes, 100, true, `${bytes} bytes with the empty line`],
        [`${long(bytes + 1)}\r\n`, bytes, 100, false, `${bytes + 1} bytes without the empty line`],
        [`A: ${'x'.repeat(bytes)}`, bytes, 100, false, `${bytes + 3} bytes of a line that has no end yet`],
        [`${'A'.repeat(bytes + 3)}`, bytes, 100, false, `${bytes + 3} bytes of a name that has no end yet`],
        [`${long(Math.floor(bytes / 2))}${long(bytes)}\r\n`, bytes, 100, false, 'two fields that are too large together'],
      ];
      for (const [text, bytesMax, countMax, ok, what] of cases) {
        const outcome = await call('fieldSection', text, 0, bytesMax, countMax);
        check(ok ? 'accepted' in outcome && outcome.accepted.end === text.length : 'refused' in outcome && outcome.refused === 431, {
          sent: `parseFieldSection of ${what}, with bytesMax ${bytesMax} and countMax ${countMax}`,
          received: 'accepted' in outcome ? `it returned ${outcome.accepted.end}` : showOutcome(outcome),
          expected: ok ? `${text.length}: all of it` : 'a RemoteProtocolError with status 431',
        });
      }
    },
  );

  rule(
    'finds-names-in-any-case',
    'finds a field by its name, in upper or lower case',
    {
      rule: 'field names are not case-sensitive (RFC 9110 §5.1)',
      likely: 'names are compared as they were sent',
    },
    async ({ call, random }) => {
      const name = `X-${random.word()}-${random.word()}`;
      const value = random.words(2);
      const names = [name, name.toLowerCase(), name.toUpperCase()];
      for (const sent of names) {
        const { found } = await call('lookUp', `Host: a\r\n${sent}: ${value}\r\nAccept: */*\r\n\r\n`, names);
        for (const { name: asked, get, all, has } of found) {
          check(get === value && has && isDeepStrictEqual(all, [value]), {
            sent: `${sent}: ${value}, and a look-up of ${asked}`,
            received: `get: ${String(get)}, has: ${String(has)}, getAll: ${JSON.stringify(all)}`,
            expected: JSON.stringify(value),
          });
        }
      }
    },
  );

  rule(
    'keeps-order-and-duplicates',
    'keeps the order, the case and the duplicates of fields, and joins them when asked',
    {
      rule: 'several lines with the same name are one list, joined by commas in their order (RFC 9110 §5.3)',
      likely: 'a plain object or a Map keeps only the last value of a name',
    },
    async (world) => {
      const fields = someFields(world);
      const [name] = fields[2] as readonly [string, string];
      const values = fields.filter((field) => field[0].toLowerCase() === name.toLowerCase()).map((field) => field[1]);
      const { size, pairs, found } = await world.call('lookUp', sectionOf(fields), [name]);
      check(size === fields.length && isDeepStrictEqual(pairs, fields), {
        sent: fields.map((field) => field.join(': ')).join(' · ').slice(0, 160),
        received: `size ${size}: ${pairs.map((field) => field.join(': ')).join(' · ').slice(0, 160)}`,
        expected: `${fields.length} fields in this order, with the case of the wire`,
      });
      check(found[0]?.get === values.join(', ') && isDeepStrictEqual(found[0]?.all, values), {
        sent: values.map((value) => `${name}: ${value}`).join(' · '),
        received: `get: ${found[0]?.get}, getAll: ${JSON.stringify(found[0]?.all)}`,
        expected: `get: ${values.join(', ')}, getAll: the three values in their order`,
      });
    },
  );

  rule(
    'knows-what-is-not-there',
    'returns undefined for a field that is not there, whatever its name',
    {
      rule: 'a field that was not sent has no value: neither an empty one nor a property of an object',
      likely: '`headers[name]` on a plain object finds `constructor` and `__proto__`; or a name is found as part of another',
    },
    async ({ call }) => {
      const names = ['x', 'ost', 'Hos', 'Hostx', 'constructor', '__proto__', 'toString', 'hasOwnProperty', 'Empty', ''];
      const { found } = await call('lookUp', 'Host: x-host\r\nEmpty:\r\nX-Y: a\r\n\r\n', names);
      for (const { name, get, all, has } of found) {
        const there = name === 'Empty';
        check(there ? get === '' && has && all.length === 1 : get === undefined && !has && all.length === 0, {
          sent: `Host: x-host, Empty: (an empty value), X-Y: a, and a look-up of ${JSON.stringify(name)}`,
          received: `get: ${JSON.stringify(get)}, has: ${String(has)}, getAll: ${JSON.stringify(all)}`,
          expected: there ? 'an empty string: the field is there' : 'undefined, false and an empty list',
        });
      }
      const { found: proto } = await call('lookUp', '__proto__: a\r\nconstructor: b\r\n\r\n', ['__proto__', 'constructor']);
      check(proto[0]?.get === 'a' && proto[1]?.get === 'b', {
        sent: '__proto__: a, constructor: b',
        received: proto.map(({ name, get }) => `${name}: ${String(get)}`).join(', '),
        expected: 'fields like any others',
      });
    },
  );

  rule(
    'accepts-hosts',
    'accepts every valid Host, and none at all from HTTP/1.0',
    {
      rule: 'Host is a name or an address with an optional port (RFC 9110 §7.2); HTTP/1.0 has none',
      likely: 'the check is stricter than the grammar: underscores, IPv6 and an empty port are allowed',
    },
    async (world) => await judgeHosts(world, 'hosts'),
  );

  rule(
    'refuses-bad-hosts',
    'refuses a request without Host, with two, or with an invalid one',
    {
      rule: 'a server MUST respond with 400 to an HTTP/1.1 request without Host, and to any with more than one or an invalid one (RFC 9112 §3.2)',
      likely: 'only the presence of the field is checked; with two Hosts, two servers may serve two sites',
    },
    async (world) => {
      await judgeHosts(world, 'bad-hosts');
      await judgeHosts(world, 'choices');
    },
  );
});
