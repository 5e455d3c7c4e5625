import { join } from 'node:path';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type { Fields } from '#support/http-client.ts';
import { fieldValue } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Random } from '#support/random.ts';
import type { Address } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import type { Outcome, Pairs } from './driver.ts';
import { folderOfAnyTime, LONG_AGO_MS, scratchFolder, setModified, site, writeFiles } from './files.ts';
import { expectBody, expectFilesClosed, expectStatus, NEEDS_PROC, once, showOutcome, showResponse } from './wire.ts';
import type { TestWorld } from './wire.ts';

const HOUR_MS = 3_600_000;
const HOLDS_ANY_TIME = folderOfAnyTime();
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** `Sun, 06 Nov 1994 08:49:37 GMT` */
const imfDate = (ms: number): string => new Date(ms).toUTCString();

/** `Sunday, 06-Nov-94 08:49:37 GMT` */
function rfc850Date(ms: number): string {
  const [, day, month, year, time] = /^\w{3}, (\d\d) (\w{3}) (\d{4}) (\S+) GMT$/.exec(imfDate(ms)) as unknown as string[];
  return `${DAYS[new Date(ms).getUTCDay()]}, ${day}-${month}-${year!.slice(2)} ${time} GMT`;
}

/** `Sun Nov  6 08:49:37 1994` */
function asctimeDate(ms: number): string {
  const [, name, day, month, year, time] = /^(\w{3}), (\d\d) (\w{3}) (\d{4}) (\S+) GMT$/.exec(imfDate(ms)) as unknown as string[];
  return `${name} ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`;
}

/** A tag as RFC 9110 §8.8.3 has it, or undefined. */
function tagOf(response: HttpTestResponse): string | undefined {
  const value = fieldValue(response, 'etag');
  return value !== undefined && /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(value) ? value : undefined;
}

const opaque = (tag: string): string => tag.replace(/^W\//, '');
const isWeak = (tag: string): boolean => tag.startsWith('W/');

async function ask(world: TestWorld, server: Address, target: string, fields: Fields, method = 'GET'): Promise<HttpTestResponse> {
  return await once(world, server, method, target, { fields });
}

async function tagAt(world: TestWorld, server: Address, target: string): Promise<string> {
  const response = await once(world, server, 'GET', target);
  expectStatus(response, 200, `GET ${target}`);
  const tag = tagOf(response);
  check(tag !== undefined, { sent: `GET ${target}`, received: `ETag: ${fieldValue(response, 'etag') ?? '(none)'}`, expected: 'an entity tag, in quotes (RFC 9110 §8.8.3)' });
  return tag;
}

const show = (target: string, fields: Fields, method = 'GET'): string => `${method} ${target} with ${fields.map(([name, value]) => `${name}: ${value}`).join(', ')}`;

/** A 304: no body, and no field that describes a body. */
function expectNotModified(response: HttpTestResponse, sent: string): void {
  check(response.status === 304 && response.body.length === 0, { sent, received: showResponse(response), expected: '304, without a body' });
}

interface Case {
  method: string;
  fields: Pairs;
  current: { etag: string | null; lastModifiedMs: number | null };
}

/** RFC 9110 §13.2.2, as briefly as possible; for fields that are well formed. */
function expectedStatus({ method, fields, current }: Case): 304 | 412 | null {
  const field = (name: string): string | undefined => fields.find(([other]) => other === name)?.[1];
  const tags = (list: string): string[] => list.match(/(?:W\/)?"[^"]*"/g) ?? [];
  const read = method === 'GET' || method === 'HEAD';
  const { etag, lastModifiedMs } = current;
  const date = (name: string): number => Date.parse(field(name) ?? '');
  const ifMatch = field('If-Match');
  if (ifMatch !== undefined) {
    if (ifMatch !== '*' && !tags(ifMatch).some((tag) => tag === etag && !isWeak(tag))) return 412;
  } else if (lastModifiedMs !== null && date('If-Unmodified-Since') < lastModifiedMs) return 412;
  const ifNoneMatch = field('If-None-Match');
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch === '*' || tags(ifNoneMatch).some((tag) => etag !== null && opaque(tag) === opaque(etag))) return read ? 304 : 412;
  } else if (read && lastModifiedMs !== null && date('If-Modified-Since') >= lastModifiedMs) return 304;
  return null;
}

function randomCase(random: Random): Case {
  const some = [random.word(), random.word()];
  const tag = (): string => `${random.integer(0, 2) === 0 ? 'W/' : ''}"${random.pick(some)}"`;
  const lastModifiedMs = LONG_AGO_MS + random.integer(-2, 2) * 1000;
  const list = (): string => (random.integer(0, 5) === 0 ? '*' : Array.from({ length: random.integer(1, 3) }, tag).join(random.pick([', ', ',', ' ,\t'])));
  const date = (): string => imfDate(lastModifiedMs + random.integer(-1, 1) * 1000);
  const makers: [string, () => string][] = [['If-Match', list], ['If-Unmodified-Since', date], ['If-None-Match', list], ['If-Modified-Since', date]];
  const fields = random.shuffle(makers.filter(() => random.integer(0, 1) === 0)).map(([name, make]) => [name, make()] as const);
  return { method: random.pick(['GET', 'GET', 'HEAD', 'PUT', 'DELETE']), fields, current: { etag: tag(), lastModifiedMs } };
}

function expectEvaluated(cases: readonly Case[], outcomes: readonly Outcome<304 | 412 | null>[], expected: (item: Case) => 304 | 412 | null): void {
  cases.forEach((item, index) => {
    const outcome = outcomes[index] as Outcome<304 | 412 | null>;
    const wanted = expected(item);
    check('accepted' in outcome && (outcome.accepted ?? null) === wanted, {
      sent: `${show('/', item.fields, item.method)}; the file has ETag: ${item.current.etag}, Last-Modified: ${item.current.lastModifiedMs === null ? '(none)' : imfDate(item.current.lastModifiedMs)}`,
      received: showOutcome(outcome),
      expected: wanted === null ? 'null: go on' : String(wanted),
    });
  });
}

exercise<typeof driver>('3.4', import.meta.url, (rule) => {
  rule(
    'compares-tags',
    'compares entity tags, strongly and weakly',
    {
      rule: 'strong comparison: the same, and neither is weak; weak comparison: the same apart from W/ (RFC 9110 §8.8.3.2)',
      likely: 'two equal weak tags are taken to match strongly',
    },
    async ({ call, random }) => {
      const [a, b] = [random.word(), `${random.word()}2`];
      const cases: [a: string, b: string, strongly: boolean, weakly: boolean][] = [
        [`"${a}"`, `"${a}"`, true, true],
        [`"${a}"`, `"${b}"`, false, false],
        [`W/"${a}"`, `W/"${a}"`, false, true],
        [`W/"${a}"`, `"${a}"`, false, true],
        [`"${a}"`, `W/"${a}"`, false, true],
        [`W/"${a}"`, `W/"${b}"`, false, false],
        [`"${a.toUpperCase()}"`, `"${a.toLowerCase()}"`, false, false],
        ['""', '""', true, true],
        ['"W/"', '""', false, false],
        [`"W/${a}"`, `"W/${a}"`, true, true],
      ];
      const outcomes = await call('tagMatches', cases.map(([one, other]) => ({ a: one, b: other })));
      cases.forEach(([one, other, strongly, weakly], index) => {
        const { strongly: seenStrongly, weakly: seenWeakly } = outcomes[index]!;
        check('accepted' in seenStrongly && seenStrongly.accepted === strongly, { sent: `matchesStrongly('${one}', '${other}')`, received: showOutcome(seenStrongly), expected: String(strongly) });
        check('accepted' in seenWeakly && seenWeakly.accepted === weakly, { sent: `matchesWeakly('${one}', '${other}')`, received: showOutcome(seenWeakly), expected: String(weakly) });
      });
    },
  );

  rule(
    'dates-in-any-zone',
    'writes and reads dates in UTC, wherever the server is',
    {
      rule: 'an HTTP date is in UTC, which it calls GMT, in all three formats (RFC 9110 §5.6.7)',
      likely: "the date is made or read by a function that uses the server's time zone, which is UTC in most tests",
    },
    async (world) => {
      const root = site({ 'a.txt': 'a' });
      const server = await world.call('serve', { root });
      for (const zone of world.random.shuffle(['America/St_Johns', 'Asia/Kolkata', 'Pacific/Auckland'])) {
        await world.call('moveTo', zone);
        const mtimeMs = LONG_AGO_MS + world.random.integer(0, 300) * 24 * HOUR_MS;
        writeFiles(root, { 'a.txt': world.random.word() }, mtimeMs);
        const response = await ask(world, server, '/a.txt', []);
        const date = fieldValue(response, 'last-modified');
        check(date === imfDate(mtimeMs), { sent: `GET /a.txt, from a server in ${zone}`, received: `Last-Modified: ${date ?? '(none)'}`, expected: imfDate(mtimeMs) });
        for (const [format, write] of [['IMF-fixdate', imfDate], ['RFC 850', rfc850Date], ['asctime', asctimeDate]] as const) {
          const unchanged = await ask(world, server, '/a.txt', [['If-Modified-Since', write(mtimeMs)]]);
          expectStatus(unchanged, 304, `If-Modified-Since: its Last-Modified in the format of ${format}, to a server in ${zone}`);
          const earlier = await ask(world, server, '/a.txt', [['If-Modified-Since', write(mtimeMs - 1000)]]);
          expectStatus(earlier, 200, `If-Modified-Since: a second before its Last-Modified in the format of ${format}, to a server in ${zone}`);
        }
      }
      await world.call('moveTo');
    },
  );

  rule(
    'dates-of-another-age',
    'serves a file from whatever age, and dates it only if a date can say it',
    {
      rule: 'a time from the disk is data like any other: a file system holds times that no HTTP date, with its year of four digits, can name (RFC 9110 §5.6.7)',
      likely: 'the time is formatted as it is: `Invalid Date`, or a year with a sign',
      skip: HOLDS_ANY_TIME === undefined ? 'needs a file system that holds times beyond those of JavaScript' : undefined,
    },
    async (world) => {
      const root = scratchFolder(HOLDS_ANY_TIME);
      const server = await world.call('serve', { root });
      for (const seconds of [9_050_000_000_000, -9_050_000_000_000, -200_000_000_000, -2_000_000_000]) {
        const text = world.random.word();
        writeFiles(root, { 'old.txt': text }, seconds * 1000);
        const response = await ask(world, server, '/old.txt', []);
        const sent = `GET /old.txt, modified ${seconds.toLocaleString('en')} s after 1970`;
        expectStatus(response, 200, sent);
        expectBody(response, text, sent);
        const date = fieldValue(response, 'last-modified');
        check(date === undefined || /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(date), { sent, received: `Last-Modified: ${date ?? ''}`, expected: 'an HTTP date, or no Last-Modified' });
        if (date !== undefined) check(Date.parse(date) <= Date.now() + 1000, { sent, received: `Last-Modified: ${date}`, expected: 'no time in the future' });
        const again = await ask(world, server, '/old.txt', [['If-Modified-Since', 'Sun, 06 Nov 1994 08:49:37 GMT']]);
        expectStatus(again, [200, 304], `${sent}, with If-Modified-Since`);
      }
    },
  );

  rule(
    'reads-lists-of-tags',
    'reads a list of tags, even if a tag has commas in it',
    {
      rule: 'a tag may contain any visible character except the quote (RFC 9110 §8.8.3): the comma, too',
      likely: 'the list is split at its commas',
    },
    async ({ call, random }) => {
      const tags = Array.from({ length: 3 }, () => `"${random.word()}"`);
      const cases: [value: string, tags: '*' | string[]][] = [
        ['*', '*'],
        [tags[0]!, [tags[0]!]],
        [`W/${tags[0]}`, [`W/${tags[0]}`]],
        [tags.join(', '), tags],
        [tags.join(','), tags],
        [tags.join(' ,\t '), tags],
        [`"a,b", ${tags[1]}`, ['"a,b"', tags[1]!]],
        ['"*"', ['"*"']],
        ['""', ['""']],
        [`, ${tags[0]}, ,`, [tags[0]!]],
        ['"a\\", "b"', ['"a\\"', '"b"']],
      ];
      const outcomes = await call('tagLists', cases.map(([value]) => value));
      cases.forEach(([value, wanted], index) => {
        const outcome = outcomes[index] as Outcome<'*' | string[]>;
        check('accepted' in outcome && JSON.stringify(outcome.accepted) === JSON.stringify(wanted), { sent: `parseEntityTags(${JSON.stringify(value)})`, received: showOutcome(outcome), expected: JSON.stringify(wanted) });
      });
      const garbage = await call('tagLists', ['', tags[0]!.slice(1, -1), '"open', `w/${random.word()}`]);
      for (const outcome of garbage) check('accepted' in outcome && outcome.accepted !== '*', { sent: 'parseEntityTags of what is not a tag', received: showOutcome(outcome), expected: 'a list in which there is nothing that could match' });
      const inside: [value: string, none: string][] = [[`w/${tags[0]}`, tags[0]!], [`x${tags[0]}`, tags[0]!], [`${tags[0]}x`, tags[0]!], [`"a b",${tags[1]}`, '","'], [`"a b", ${tags[1]},"c d"`, '", "']];
      const taken = await call('tagLists', inside.map(([value]) => value));
      inside.forEach(([value, none], index) => {
        const outcome = taken[index] as Outcome<'*' | string[]>;
        check('accepted' in outcome && outcome.accepted !== '*' && !outcome.accepted.includes(none), { sent: `parseEntityTags(${JSON.stringify(value)})`, received: showOutcome(outcome), expected: `a list without ${JSON.stringify(none)}: that is a piece of something that is not a tag`, likely: 'whatever looks like a tag is taken, wherever it is' });
      });
    },
  );

  rule(
    'gives-validators',
    'sends ETag and Last-Modified with a file, to GET and HEAD alike',
    {
      rule: 'an origin server SHOULD send both (RFC 9110 §8.8.2.1, §8.8.3.1)',
      likely: 'the date is not in GMT, or not the time of modification',
    },
    async (world) => {
      const { random } = world;
      const mtimeMs = LONG_AGO_MS + random.integer(0, 10_000) * 1000 + random.integer(1, 999);
      const root = site({});
      writeFiles(root, { 'a.txt': random.words(3), 'empty.txt': '' }, mtimeMs);
      const server = await world.call('serve', { root });
      for (const target of ['/a.txt', '/empty.txt']) {
        const tag = await tagAt(world, server, target);
        for (const method of ['GET', 'HEAD']) {
          const response = await once(world, server, method, target);
          const seen = fieldValue(response, 'last-modified');
          check(seen === imfDate(Math.floor(mtimeMs / 1000) * 1000), { sent: `${method} ${target}, modified at ${new Date(mtimeMs).toISOString()}`, received: `Last-Modified: ${seen ?? '(none)'}`, expected: imfDate(mtimeMs) });
          check(tagOf(response) === tag, { sent: `${method} ${target}`, received: `ETag: ${fieldValue(response, 'etag')}`, expected: `${tag}, as before: nothing has changed` });
        }
      }
    },
  );

  rule(
    'changes-the-tag',
    'gives each version of a file a tag of its own',
    {
      rule: 'a strong tag is the name of exactly these bytes: other bytes have another (RFC 9110 §8.8.1)',
      likely: 'the tag is made from the size alone, or from a time in whole seconds',
    },
    async (world) => {
      const { random } = world;
      const root = site({});
      const server = await world.call('serve', { root });
      const seen = new Map<string, string>();
      const digits = (): string => String(random.integer(10_000_000, 99_999_999));
      const times = [LONG_AGO_MS, LONG_AGO_MS + 250, LONG_AGO_MS + 500, LONG_AGO_MS + HOUR_MS, LONG_AGO_MS - HOUR_MS, LONG_AGO_MS + 501];
      const versions = times.map((mtimeMs) => ({ content: digits(), mtimeMs }));
      versions.push({ content: 'longer than the others are', mtimeMs: LONG_AGO_MS });
      for (const { content, mtimeMs } of versions) {
        writeFiles(root, { 'a.txt': content }, mtimeMs);
        const tag = await tagAt(world, server, '/a.txt');
        const before = seen.get(tag);
        // Two weak tags may be the same within a second: they only say "about the same".
        check(before === undefined || before === content || isWeak(tag), {
          sent: `GET /a.txt after a change from ${JSON.stringify(before)} to ${JSON.stringify(content)}, at ${new Date(mtimeMs).toISOString()}`,
          received: `ETag: ${tag}, as before`,
          expected: 'another tag',
        });
        seen.set(tag, content);
      }
      check(new Set([...seen.keys()].map(opaque)).size > 2, { sent: 'GET /a.txt, changed six times within two hours', received: [...seen.keys()].join(', '), expected: 'different tags for different versions' });
    },
  );

  rule(
    'tags-codings-apart',
    'gives each coding of a version a tag of its own',
    {
      rule: 'encoded bytes are another representation (RFC 9110 §8.8.3.3): its tag is another, even if size and time are the same',
      likely: 'the coding is not in the tag',
    },
    async ({ call, random }) => {
      const nowMs = Date.now();
      for (const ageMs of [HOUR_MS, 10]) {
        const version = { size: random.integer(1, 1e6), mtimeMs: nowMs - ageMs };
        const outcomes = await call('entityTags', ['', 'br', 'zstd', 'gzip'].map((coding) => ({ version, coding, nowMs })));
        const tags = outcomes.map((outcome) => ('accepted' in outcome ? opaque(String(outcome.accepted)) : showOutcome(outcome)));
        check(outcomes.every((outcome) => 'accepted' in outcome) && new Set(tags).size === tags.length, { sent: "entityTag of one version, with '', 'br', 'zstd' and 'gzip'", received: tags.join(', '), expected: 'four tags' });
      }
    },
  );

  rule(
    'claims-no-more-than-it-knows',
    'gives no strong tag that two versions would share',
    {
      rule: 'a file that was modified just now may change once more within the same tick of its clock: such a tag is weak (RFC 9110 §8.8.1)',
      likely: 'size and time make a tag, and it is always strong',
    },
    async (world) => {
      const nowMs = Date.now();
      const versions = [5, 200, 900].map((ageMs) => ({ version: { size: world.random.integer(1, 1e6), mtimeMs: nowMs - ageMs }, coding: '', nowMs }));
      for (const outcome of await world.call('entityTags', versions)) {
        check('accepted' in outcome && isWeak(String(outcome.accepted)), { sent: 'entityTag of a file that was modified within the last second', received: showOutcome(outcome), expected: 'a weak tag: W/"…"' });
      }
      // Its time stays recent for as long as the test takes, however slow the machine.
      const root = site({});
      const soonMs = nowMs + HOUR_MS;
      const server = await world.call('serve', { root });
      writeFiles(root, { 'a.txt': 'version 1' }, soonMs);
      const first = await tagAt(world, server, '/a.txt');
      writeFiles(root, { 'a.txt': 'version 2' }, soonMs);
      const second = await tagAt(world, server, '/a.txt');
      check(first !== second || isWeak(first), { sent: 'GET /a.txt before and after a change that left its size and its time as they were', received: `ETag: ${first}, twice`, expected: 'two tags, or a weak one' });
    },
  );

  rule(
    'reads-dates',
    'reads a date in each of the three formats',
    {
      rule: 'a recipient MUST accept all three (RFC 9110 §5.6.7); two digits that would be more than 50 years ahead belong to the century before',
      likely: '`Date.parse` takes a date without GMT for local time, and two digits for any century',
    },
    async ({ call, random }) => {
      const nowMs = Date.UTC(2026, 5, 15);
      const [fiftyYears, before] = [Date.UTC(2076, 5, 15), Date.UTC(1976, 5, 15)];
      const cases: [value: string, wanted: number[]][] = [
        ['Sun, 06 Nov 1994 08:49:37 GMT', [784_111_777_000]],
        ['Sunday, 06-Nov-94 08:49:37 GMT', [784_111_777_000]],
        ['Sun Nov  6 08:49:37 1994', [784_111_777_000]],
        ['Thursday, 29-Feb-24 00:00:00 GMT', [Date.UTC(2024, 1, 29)]],
        ['Thursday, 31-Dec-99 23:59:59 GMT', [Date.UTC(1999, 11, 31, 23, 59, 59)]],
        // A leap second is the last of its minute or the first of the next: nobody can tell them apart here.
        ['Sat, 31 Dec 2016 23:59:60 GMT', [Date.UTC(2016, 11, 31, 23, 59, 59), Date.UTC(2017, 0, 1)]],
        ['Thu, 01 Jan 1970 00:00:00 GMT', [0]],
        // Fifty years ahead to the second, and more than that by a second, a day, half a year.
        ...[0, -1000].map((ms): [string, number[]] => [rfc850Date(fiftyYears + ms), [fiftyYears + ms]]),
        ...[1000, 24 * HOUR_MS, 4000 * HOUR_MS].map((ms): [string, number[]] => [rfc850Date(before + ms), [before + ms]]),
      ];
      for (let times = 0; times < 100; times++) {
        const ms = random.integer(Date.UTC(1978, 0) / 1000, nowMs / 1000) * 1000;
        for (const format of [imfDate, rfc850Date, asctimeDate]) cases.push([format(ms), [ms]]);
      }
      const outcomes = await call('httpDates', cases.map(([value]) => value), nowMs);
      cases.forEach(([value, wanted], index) => {
        const outcome = outcomes[index] as Outcome<number | null>;
        check('accepted' in outcome && wanted.includes(outcome.accepted ?? NaN), { sent: `parseHttpDate('${value}'), in 2026`, received: showOutcome(outcome), expected: wanted.map((ms) => `${ms}, ${new Date(ms).toISOString()}`).join(' or ') });
      });
    },
  );

  rule(
    'reads-no-other-date',
    'takes nothing else as a date',
    {
      rule: 'what is not a date must be ignored (RFC 9110 §13.1.3), and a day that no month has is not a date',
      likely: '`Date.parse`, and regular expressions without `^` and `$`, take too much for a date; 31 April rolls over into May',
      section: 'Have you got something newer?',
    },
    async ({ call, random }) => {
      const nowMs = Date.UTC(2026, 5, 15);
      const year = random.integer(1990, 2020);
      const day = String(random.integer(10, 28));
      const two = String(year).slice(2);
      const ms = Date.UTC(year, 10, Number(day), 8, 49, 37);
      const good = [imfDate(ms), rfc850Date(ms), asctimeDate(ms)];
      const name = good[2]!.slice(0, 3);
      const changes: [find: string, replace: string][] = [
        ['Nov', 'Nob'], ['Nov', ''], ['Nov', '11'], ['Nov', 'nov'], [name, 'Mun'], [name, `${name}n`], [day, '00'], [day, '32'], [day, 'x1'], [day, '1x'], [day, `${day}1`], ['Nov', 'Nov '],
        ['08:', '24:'], ['08:', '8:'], ['08:', '008:'], ['08:', '30:'], [':49', ':60'], [':49', ':4'], [':49', ''], [':37', ':61'], [':37', ':7'], [':37', ':70'], [':37', ''], [':37', ':37.5'], [':37', ':3x'],
      ];
      const values = good.flatMap((value) => [...changes.map(([find, replace]) => value.replace(find, replace)), `x${value}`, `${value}x`, `${value} ${value}`, value.replace('GMT', 'UTC').replace(/\d{4}$/, '12x4'), value.replace(/ GMT$| \d{4}$/, '')]);
      // The year of one form in another, and days that do not exist.
      values.push(`Mon, ${day} Nov ${two} 08:49:37 GMT`, `Mon, ${day} Nov 1${year} 08:49:37 GMT`, `Monday, ${day}-Nov-${year} 08:49:37 GMT`, `Mon, ${day}-Nov-${year} 08:49:37 GMT`, `Monday, ${day} Nov ${year} 08:49:37 GMT`, `Mon Nov ${day} 08:49:37 ${two}`, `Mon Nov ${day} 08:49:37 ${year} GMT`, `Mon ${day} Nov ${year} 08:49:37 GMT`);
      for (const wrong of ['31 Apr 2020', '29 Feb 2019', '30 Feb 2020', '29 Feb 1900', '31 Nov 2020', '00 Jan 2020']) values.push(`Sun, ${wrong} 08:49:37 GMT`);
      values.push(`Mon Nov 0x 08:49:37 ${year}`, `Mon Nov  0 08:49:37 ${year}`, `Mon Nov x1 08:49:37 ${year}`, 'Sun Feb 30 08:49:37 2020', 'Sunday, 31-Sep-20 08:49:37 GMT', '', 'GMT', String(nowMs), new Date(nowMs).toISOString(), 'now');
      const [outcomes, fine] = [await call('httpDates', values, nowMs), await call('httpDates', good, nowMs)];
      good.forEach((value, index) => check('accepted' in fine[index]! && fine[index].accepted === ms, { sent: `parseHttpDate('${value}')`, received: showOutcome(fine[index]!), expected: String(ms) }));
      values.forEach((value, index) => {
        const outcome = outcomes[index] as Outcome<number | null>;
        check('accepted' in outcome && outcome.accepted === null, { sent: `parseHttpDate('${value}')`, received: showOutcome(outcome), expected: 'null: it is not an HTTP-date (RFC 9110 §5.6.7)' });
      });
    },
  );

  rule(
    'evaluates-in-order',
    'evaluates the four conditions in their order',
    {
      rule: 'If-Match, else If-Unmodified-Since; then If-None-Match, else If-Modified-Since for GET and HEAD (RFC 9110 §13.2.2)',
      likely: 'a date is compared although there is a tag, or a tag is compared in the wrong way',
    },
    async ({ call, random }) => {
      const etag = `"${random.word()}"`;
      const other = `"${random.word()}-2"`;
      const lastModifiedMs = LONG_AGO_MS;
      const [before, same, after] = [-1000, 0, 1000].map((ms) => imfDate(lastModifiedMs + ms)) as [string, string, string];
      const strong = { etag, lastModifiedMs };
      const weak = { etag: `W/${etag}`, lastModifiedMs };
      const get = (fields: Pairs, current: Case['current'] = strong): Case => ({ method: 'GET', fields, current });
      const cases: Case[] = [
        get([['If-None-Match', etag]]),
        get([['If-None-Match', other]]),
        get([['If-None-Match', `W/${etag}`]]),
        get([['If-None-Match', etag]], weak),
        get([['If-None-Match', `${other}, ${etag}`]]),
        get([['If-None-Match', '*']]),
        get([['If-Modified-Since', before]]),
        get([['If-Modified-Since', same]]),
        get([['If-Modified-Since', after]]),
        get([['If-None-Match', other], ['If-Modified-Since', after]]),
        get([['If-None-Match', etag], ['If-Modified-Since', before]]),
        get([['If-Match', etag]]),
        get([['If-Match', other]]),
        get([['If-Match', '*']]),
        get([['If-Match', `W/${etag}`]]),
        get([['If-Match', `W/${etag}`]], weak),
        get([['If-Unmodified-Since', before]]),
        get([['If-Unmodified-Since', same]]),
        get([['If-Match', etag], ['If-Unmodified-Since', before]]),
        get([['If-Match', other], ['If-Unmodified-Since', after]]),
        get([['If-Match', etag], ['If-None-Match', etag]]),
        get([['If-Match', other], ['If-None-Match', etag]]),
        get([['If-Unmodified-Since', before], ['If-None-Match', etag]]),
        get([]),
        { method: 'HEAD', fields: [['If-None-Match', etag]], current: strong },
        { method: 'PUT', fields: [['If-None-Match', '*']], current: strong },
        { method: 'PUT', fields: [['If-Modified-Since', after]], current: strong },
        { method: 'DELETE', fields: [['If-Unmodified-Since', before]], current: strong },
      ];
      const some = [...cases, ...Array.from({ length: 300 }, () => randomCase(random))];
      expectEvaluated(some, await call('preconditions', some), expectedStatus);
    },
  );

  rule(
    'ignores-what-is-not-a-condition',
    'ignores what is not a date, and lets what is not a tag match nothing',
    {
      rule: 'a recipient MUST ignore If-Modified-Since and If-Unmodified-Since if the date is not valid (RFC 9110 §13.1.3, §13.1.4)',
      likely: '`Date.parse` takes much that is not an HTTP-date, and gives NaN for the rest',
    },
    async ({ call, random }) => {
      const current = { etag: `"${random.word()}"`, lastModifiedMs: LONG_AGO_MS };
      // All of them name a time long before or long after, if they are taken for one.
      const early = ['1994-11-06T08:49:37Z', '784111777', 'Sun, 06 Nov 1994 08:49:37 UTC', 'Sun, 06 Nov 1994', 'Sun, 31 Feb 1994 08:49:37 GMT', 'Sun, 06 Nov 1994 25:49:37 GMT', 'yesterday', ''];
      const late = ['2094-11-06T08:49:37Z', 'Sat, 06 Nov 2094 08:49:37 UTC', 'Sat, 06 Nov 2094 08:49:37 +0000', 'Sat, 32 Oct 2094 08:49:37 GMT', '3939871777', 'tomorrow', ''];
      const cases: Case[] = [
        ...early.map((date) => ({ method: 'GET', fields: [['If-Unmodified-Since', date]] as Pairs, current })),
        ...late.map((date) => ({ method: 'GET', fields: [['If-Modified-Since', date]] as Pairs, current })),
        ...[current.etag.slice(1, -1), current.etag.slice(0, -1), `w/${current.etag}x`.slice(0, -2), ''].map((tag) => ({ method: 'GET', fields: [['If-None-Match', tag]] as Pairs, current })),
        // With nothing to compare, a tag or a date says nothing.
        { method: 'GET', fields: [['If-None-Match', current.etag]], current: { etag: null, lastModifiedMs: LONG_AGO_MS } },
        { method: 'GET', fields: [['If-Modified-Since', imfDate(LONG_AGO_MS)]], current: { etag: null, lastModifiedMs: null } },
        { method: 'GET', fields: [['If-Unmodified-Since', imfDate(LONG_AGO_MS)]], current: { etag: null, lastModifiedMs: null } },
      ];
      expectEvaluated(cases, await call('preconditions', cases), () => null);
      const none: Case[] = [{ method: 'GET', fields: [['If-Match', current.etag.slice(1, -1)]], current }, { method: 'GET', fields: [['If-Match', current.etag]], current: { etag: null, lastModifiedMs: LONG_AGO_MS } }];
      expectEvaluated(none, await call('preconditions', none), () => 412);
    },
  );

  rule(
    'answers-304',
    'answers 304 to a client whose tag is still right, and the file to all others',
    {
      rule: 'a 304 says that the client\'s copy is good. It has no body (RFC 9110 §15.4.5), but it has the tag again',
      likely: 'the W/ of a tag is compared, too, or only a single tag is looked for',
    },
    async (world) => {
      const { random } = world;
      const content = random.words(30);
      const server = await world.call('serve', { root: site({ 'a.txt': content, 'b.txt': random.words(10) }) });
      const tag = await tagAt(world, server, '/a.txt');
      const other = `"${random.word()}"`;
      for (const value of [tag, opaque(tag), `W/${opaque(tag)}`, `${other}, ${tag}`, `${tag},${other}`, `"a,b",\t${tag}`, '*']) {
        for (const method of ['GET', 'HEAD']) {
          const fields: Fields = [['If-None-Match', value]];
          const response = await ask(world, server, '/a.txt', fields, method);
          expectNotModified(response, show('/a.txt', fields, method));
          check(fieldValue(response, 'etag') === tag, { sent: show('/a.txt', fields, method), received: `304 with ETag: ${fieldValue(response, 'etag') ?? '(none)'}`, expected: `the tag again: ${tag}` });
          const length = fieldValue(response, 'content-length');
          check(length === undefined || length === String(content.length), { sent: show('/a.txt', fields, method), received: `304 with Content-Length: ${length}`, expected: 'none, or that of the file (RFC 9110 §8.6)' });
        }
      }
      for (const value of [other, `W/${other}`, `"${opaque(tag).slice(1, -1)}x"`, opaque(tag).slice(1, -1)]) {
        const response = await ask(world, server, '/a.txt', [['If-None-Match', value]]);
        expectStatus(response, 200, show('/a.txt', [['If-None-Match', value]]));
        expectBody(response, content, show('/a.txt', [['If-None-Match', value]]));
      }
      // The new version has another tag.
      const root = site({ 'a.txt': content });
      const changing = await world.call('serve', { root });
      const before = await tagAt(world, changing, '/a.txt');
      writeFiles(root, { 'a.txt': `${content}!` }, LONG_AGO_MS + HOUR_MS);
      const changed = await ask(world, changing, '/a.txt', [['If-None-Match', before]]);
      expectBody(changed, `${content}!`, 'GET /a.txt with the tag of its last version');
    },
  );

  rule(
    'minds-dates',
    'answers 304 to a client whose date is not earlier, in each of the three formats',
    {
      rule: 'a recipient MUST accept all three formats of a date (RFC 9110 §5.6.7)',
      likely: 'the date is compared as text, or the milliseconds of the file make it newer than its own Last-Modified',
    },
    async (world) => {
      const { random } = world;
      const content = random.words(5);
      const mtimeMs = LONG_AGO_MS + random.integer(0, 20_000) * 1000 + random.integer(1, 999);
      const root = site({});
      writeFiles(root, { 'a.txt': content }, mtimeMs);
      const server = await world.call('serve', { root });
      const wholeMs = Math.floor(mtimeMs / 1000) * 1000;
      for (const format of [imfDate, rfc850Date, asctimeDate]) {
        for (const [offsetMs, status] of [[0, 304], [1000, 304], [HOUR_MS, 304], [-1000, 200], [-24 * HOUR_MS, 200]] as const) {
          const fields: Fields = [['If-Modified-Since', format(wholeMs + offsetMs)]];
          const response = await ask(world, server, '/a.txt', fields);
          expectStatus(response, status, show('/a.txt', fields));
          if (status === 200) expectBody(response, content, show('/a.txt', fields));
        }
      }
      // The server must accept what it has said itself.
      const said = fieldValue(await once(world, server, 'GET', '/a.txt'), 'last-modified') ?? '';
      expectNotModified(await ask(world, server, '/a.txt', [['If-Modified-Since', said]]), show('/a.txt', [['If-Modified-Since', said]]));
    },
  );

  rule(
    'lets-the-tag-decide',
    'lets the tag decide if there are both',
    {
      rule: 'a recipient MUST ignore If-Modified-Since if there is If-None-Match (RFC 9110 §13.1.3)',
      likely: 'either condition is enough for a 304: after a change within a second, clients keep the old file',
    },
    async (world) => {
      const content = world.random.words(5);
      const server = await world.call('serve', { root: site({ 'a.txt': content }) });
      const tag = await tagAt(world, server, '/a.txt');
      const later = imfDate(LONG_AGO_MS + HOUR_MS);
      for (const fields of [[['If-None-Match', '"another"'], ['If-Modified-Since', later]], [['If-Modified-Since', later], ['If-None-Match', '"another", "one"']]] as Fields[]) {
        const response = await ask(world, server, '/a.txt', fields);
        expectStatus(response, 200, show('/a.txt', fields));
        expectBody(response, content, show('/a.txt', fields));
      }
      const fields: Fields = [['If-None-Match', tag], ['If-Modified-Since', imfDate(LONG_AGO_MS - HOUR_MS)]];
      expectNotModified(await ask(world, server, '/a.txt', fields), show('/a.txt', fields));
    },
  );

  rule(
    'answers-412',
    'answers 412 when the client wants nothing done to another version',
    {
      rule: 'If-Match needs strong comparison; a condition that fails is answered with 412 (RFC 9110 §13.1.1, §15.5.13)',
      likely: 'the conditions for writing are not checked for GET',
    },
    async (world) => {
      const content = world.random.words(5);
      const server = await world.call('serve', { root: site({ 'a.txt': content }) });
      const tag = await tagAt(world, server, '/a.txt');
      const failing: Fields[] = [[['If-Match', '"another"']], [['If-Match', `W/${opaque(tag)}`]], [['If-Unmodified-Since', imfDate(LONG_AGO_MS - HOUR_MS)]], [['If-Match', '"another"'], ['If-None-Match', tag]]];
      for (const fields of failing) {
        for (const method of ['GET', 'HEAD']) {
          const response = await ask(world, server, '/a.txt', fields, method);
          expectStatus(response, 412, show('/a.txt', fields, method));
          check(!response.body.includes(content), { sent: show('/a.txt', fields, method), received: '412 with the file', expected: 'not the file' });
        }
      }
      const holding: Fields[] = [[['If-Match', '*']], [['If-Unmodified-Since', imfDate(LONG_AGO_MS)]], ...(isWeak(tag) ? [] : [[['If-Match', tag]], [['If-Match', `"another", ${tag}`]]] as Fields[])];
      for (const fields of holding) {
        const response = await ask(world, server, '/a.txt', fields);
        expectStatus(response, 200, show('/a.txt', fields));
        expectBody(response, content, show('/a.txt', fields));
      }
    },
  );

  rule(
    'asks-only-what-is-there',
    'lets no condition change the answer for what is not there',
    {
      rule: 'preconditions are evaluated only if the answer would otherwise be 2xx (RFC 9110 §13.2.1)',
      likely: 'they are evaluated before the file is looked for',
    },
    async (world) => {
      const server = await world.call('serve', { root: site({ 'a.txt': 'a' }) });
      for (const fields of [[['If-None-Match', '*']], [['If-Match', '*']], [['If-Match', '"a"']], [['If-Modified-Since', imfDate(Date.now())]]] as Fields[]) {
        expectStatus(await ask(world, server, '/nothing', fields), 404, show('/nothing', fields));
        expectStatus(await ask(world, server, '/%zz', fields), 400, show('/%zz', fields));
        expectStatus(await ask(world, server, '/a.txt', fields, 'POST'), 405, show('/a.txt', fields, 'POST'));
      }
    },
  );

  rule(
    'dates-nothing-later-than-now',
    'never says that a file was modified in the future',
    {
      rule: 'Last-Modified MUST NOT be later than the response (RFC 9110 §8.8.2.1)',
      likely: 'the clock of the disk, or of the machine that the file came from, is believed',
    },
    async (world) => {
      const root = site({ 'a.txt': 'a' });
      setModified(join(root, 'a.txt'), Date.now() + 24 * HOUR_MS);
      const server = await world.call('serve', { root });
      const response = await once(world, server, 'GET', '/a.txt');
      const seen = fieldValue(response, 'last-modified');
      check(seen === undefined || Date.parse(seen) <= Date.now(), { sent: 'GET /a.txt, whose time is tomorrow', received: `Last-Modified: ${seen}`, expected: 'the current time at the latest' });
    },
  );

  rule(
    'closes-what-is-not-sent',
    'closes the file even if it is not sent',
    {
      rule: 'a 304 and a 412 have opened the file as well',
      likely: 'only the body closes the file, and nobody reads the body',
      skip: NEEDS_PROC,
    },
    async (world) => {
      const root = site({ 'a.txt': world.random.bytes(300_000) });
      const server = await world.call('serve', { root });
      const tag = await tagAt(world, server, '/a.txt');
      for (const fields of [[['If-None-Match', tag]], [['If-Match', '"another"']], [['If-Modified-Since', imfDate(Date.now())]]] as Fields[]) {
        for (let times = 0; times < 3; times++) for (const method of ['GET', 'HEAD']) await ask(world, server, '/a.txt', fields, method);
        await expectFilesClosed(world, root, `${show('/a.txt', fields)}, six times`);
      }
    },
  );
});
