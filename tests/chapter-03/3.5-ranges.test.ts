import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { count, showBytes } from '#support/bytes.ts';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type { Fields } from '#support/http-client.ts';
import { fieldValue, fieldValues } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Random } from '#support/random.ts';
import type { Address } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import type { Outcome } from './driver.ts';
import { LONG_AGO_MS, setModified, site, writeSparse } from './files.ts';
import { expectBody, expectFilesClosed, expectStatus, NEEDS_PROC, once, over, showOutcome, showResponse, untilStalled } from './wire.ts';
import type { TestWorld } from './wire.ts';

const GIB = 1 << 30;

type Span = [firstPos: number, lastPos: number];

async function askRange(world: TestWorld, server: Address, target: string, range: string, more: Fields = [], method = 'GET'): Promise<HttpTestResponse> {
  return await once(world, server, method, target, { fields: [['Range', range], ...more] });
}

/** Expects a 206 with exactly these bytes of the content. */
function expectPart(response: HttpTestResponse, content: Buffer, [firstPos, lastPos]: Span, sent: string): void {
  expectStatus(response, 206, sent);
  const contentRange = fieldValue(response, 'content-range');
  check(contentRange === `bytes ${firstPos}-${lastPos}/${content.length}`, { sent, received: `Content-Range: ${contentRange ?? '(none)'}`, expected: `Content-Range: bytes ${firstPos}-${lastPos}/${content.length}` });
  expectBody(response, content.subarray(firstPos, lastPos + 1), sent);
}

/** A part MUST name its version as the whole does (RFC 9110 §15.3.7): how else could parts be put together? */
function expectSameValidators(part: HttpTestResponse, whole: HttpTestResponse, sent: string): void {
  for (const name of ['ETag', 'Last-Modified']) {
    const [seen, wanted] = [fieldValue(part, name.toLowerCase()), fieldValue(whole, name.toLowerCase())];
    check(seen === wanted, { sent, received: `206 with ${name}: ${seen ?? '(none)'}`, expected: `${name}: ${wanted ?? '(none)'}, as the whole file has (RFC 9110 §15.3.7)` });
  }
}

/** The parts of a multipart/byteranges body (RFC 9110 §14.6), by where they belong. */
function partsOf(response: HttpTestResponse, sent: string): { span: Span; size: number; data: Buffer; type: string | undefined }[] {
  const type = fieldValue(response, 'content-type') ?? '(none)';
  const boundary = /^multipart\/byteranges\s*;(?:.*;)?\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(type);
  check(boundary !== null, { sent, received: `206 with Content-Type: ${type}`, expected: 'multipart/byteranges with a boundary' });
  check(fieldValue(response, 'content-range') === undefined, { sent, received: `Content-Range: ${fieldValue(response, 'content-range')}`, expected: 'Content-Range only in the parts (RFC 9110 §15.3.7.2)', likely: 'the Content-Range of one part is sent with the whole' });
  const mark = `--${boundary[1] ?? boundary[2]}`;
  const text = `\r\n${response.body.toString('latin1')}`;
  const [preamble, ...sections] = text.split(`\r\n${mark}`);
  check(preamble?.trim() === '' && sections.at(-1)?.startsWith('--') === true, { sent, received: showBytes(response.body), expected: `parts that each begin with ${mark}, and ${mark}-- after the last` });
  return sections.slice(0, -1).map((section) => {
    const found = /^[ \t]*\r\n([\s\S]*?\r\n)\r\n([\s\S]*)$/.exec(section);
    const range = /^content-range:[ \t]*bytes (\d+)-(\d+)\/(\d+)[ \t]*\r$/im.exec(found?.[1] ?? '');
    check(found !== null && range !== null, { sent, received: showBytes(Buffer.from(section, 'latin1')), expected: 'fields with Content-Range, an empty line, the bytes' });
    return { span: [Number(range[1]), Number(range[2])], size: Number(range[3]), data: Buffer.from(found[2]!, 'latin1'), type: /^content-type:[ \t]*(.*?)[ \t]*\r$/im.exec(found[1]!)?.[1] };
  });
}

/** Marks the bytes of spans; undefined if a span is not within the size. */
function covered(spans: readonly Span[], size: number): Uint8Array | undefined {
  const marks = new Uint8Array(size);
  for (const [firstPos, lastPos] of spans) {
    if (!(firstPos >= 0 && firstPos <= lastPos && lastPos < size)) return undefined;
    for (let at = firstPos; at <= lastPos; at++) marks[at]!++;
  }
  return marks;
}

/** A valid range and where it leads; undefined if it cannot be satisfied. */
function randomRange(random: Random, size: number): { text: string; span: Span | undefined } {
  const position = (): number => Math.max(0, random.integer(0, 5) === 0 ? size + random.integer(-2, 3) : random.integer(0, size + 2));
  if (random.integer(0, 3) === 0) {
    const length = position();
    return { text: `-${length}`, span: length === 0 ? undefined : [Math.max(0, size - length), size - 1] };
  }
  const firstPos = position();
  const open = random.boolean();
  const lastPos = firstPos + random.integer(0, size);
  return { text: open ? `${firstPos}-` : `${firstPos}-${lastPos}`, span: firstPos >= size ? undefined : [firstPos, open ? size - 1 : Math.min(lastPos, size - 1)] };
}

exercise<typeof driver>('3.5', import.meta.url, (rule) => {
  rule(
    'reads-a-range',
    'reads a range: from here to there, from here on, or the last few bytes',
    {
      rule: 'positions count from 0 and both ends are included; a suffix is a length, an end beyond the file is cut (RFC 9110 §14.1.2)',
      likely: '`-5` is mistaken for "from 0 to 5", or 0 for "nothing said"',
    },
    async ({ call, random }) => {
      const cases: [value: string, size: number, span: Span | undefined][] = [
        ['bytes=0-0', 10, [0, 0]],
        ['bytes=0-4', 10, [0, 4]],
        ['bytes=2-4', 10, [2, 4]],
        ['bytes=9-9', 10, [9, 9]],
        ['bytes=0-9', 10, [0, 9]],
        ['bytes=0-', 10, [0, 9]],
        ['bytes=7-', 10, [7, 9]],
        ['bytes=9-', 10, [9, 9]],
        ['bytes=-1', 10, [9, 9]],
        ['bytes=-2', 10, [8, 9]],
        ['bytes=-10', 10, [0, 9]],
        ['bytes=-99', 10, [0, 9]],
        ['bytes=8-99', 10, [8, 9]],
        ['bytes=10-', 10, undefined],
        ['bytes=10-12', 10, undefined],
        ['bytes=-0', 10, undefined],
        ['bytes=0-0', 1, [0, 0]],
        ['bytes=1-', 1, undefined],
        ['bytes=-1', 1, [0, 0]],
        ['bytes=007-08', 10, [7, 8]],
        ['bytes=0-99999999999999999999999', 10, [0, 9]],
        ['bytes=-99999999999999999999999', 10, [0, 9]],
        ['bytes=99999999999999999999999-', 10, undefined],
        [`bytes=${2 ** 40}-`, 2 ** 41, [2 ** 40, 2 ** 41 - 1]],
      ];
      for (let times = 0; times < 300; times++) {
        const size = random.integer(1, 30);
        const { text, span } = randomRange(random, size);
        cases.push([`bytes=${text}`, size, span]);
      }
      const outcomes = await call('ranges', cases.map(([value, size]) => ({ value, size })));
      cases.forEach(([value, size, span], index) => {
        const outcome = outcomes[index] as Outcome<Span[] | null>;
        check('accepted' in outcome && JSON.stringify(outcome.accepted) === JSON.stringify(span === undefined ? [] : [span]), {
          sent: `parseRange('${value}', ${size})`,
          received: showOutcome(outcome),
          expected: span === undefined ? '[]: it cannot be satisfied' : `one range: firstPos ${span[0]}, lastPos ${span[1]}`,
        });
      });
    },
  );

  rule(
    'ignores-what-is-not-a-range',
    'ignores another unit, and survives what is not a range at all',
    {
      rule: 'an unknown unit MUST be ignored, and an invalid field may be (RFC 9110 §14.2): the whole file is right for everyone',
      likely: '`5-2` gives a negative length, or `Number` takes an empty text for 0',
    },
    async ({ call, random }) => {
      const other = ['items=0-1', `${random.word()}=0-1`, 'xbytes=0-1', `${random.word()} bytes=0-1`, 'byte=0-1', 'bytesx=0-1', 'none'];
      const invalid = ['bytes=5-2', 'bytes=', 'bytes=-', 'bytes=a-b', 'bytes=1-b', 'bytes=0x1-2', 'bytes=1.5-2', 'bytes=--1', 'bytes=+1-2', 'bytes=1-2-3', 'bytes=1 2-3', 'bytes 0-1', 'bytes:0-1', '0-1', '', 'bytes', 'bytes=0-1;2-3', 'bytes=1e1-', 'bytes=0-1, 5-2', 'bytes=0-1,a', 'bytes=٣-٤'];
      const outcomes = await call('ranges', [...other, ...invalid].map((value) => ({ value, size: 10 })));
      [...other, ...invalid].forEach((value, index) => {
        const outcome = outcomes[index] as Outcome<Span[] | null>;
        const rejected = index >= other.length && (('accepted' in outcome && outcome.accepted?.length === 0) || ('refused' in outcome && outcome.refused === 416));
        check(('accepted' in outcome && outcome.accepted === null) || rejected, { sent: `parseRange('${value}', 10)`, received: showOutcome(outcome), expected: 'null: it is ignored' });
      });
    },
  );

  rule(
    'reads-several-ranges',
    'reads several ranges, drops those that cannot be satisfied, and gives no byte twice',
    {
      rule: 'overlapping ranges cost more than the file: they may be joined, or the field ignored (RFC 9110 §14.2, §15.3.7.2)',
      likely: 'each range is taken by itself; or one that begins after the end spoils the others',
    },
    async ({ call, random }) => {
      const fixed = ['0-1,8-', '0-1, 8-9', '8-,0-1', '-2,0-0', '0-0,20-30', '20-,3-4', '0-3,2-5', '0-4,5-9', '0-,0-,0-', '2-3,2-3', '-1,-2,-3', '0-0,,4-4', ',1-2', '20-,-0'];
      const values = [...fixed, ...Array.from({ length: 200 }, () => Array.from({ length: random.integer(2, 6) }, () => randomRange(random, 10).text).join(random.pick([',', ', ', ' ,'])))];
      const outcomes = await call('ranges', values.map((value) => ({ value: `bytes=${value}`, size: 10 })));
      values.forEach((value, index) => {
        const outcome = outcomes[index] as Outcome<Span[] | null>;
        const spans = value.split(',').flatMap((text): Span[] => {
          const found = /^\s*(?:(\d+)-(\d*)|-(\d+))\s*$/.exec(text);
          if (!found) return [];
          if (found[3] !== undefined) return Number(found[3]) === 0 ? [] : [[Math.max(0, 10 - Number(found[3])), 9]];
          return Number(found[1]) > 9 ? [] : [[Number(found[1]), found[2] === '' ? 9 : Math.min(9, Number(found[2]))]];
        });
        const wanted = covered(spans, 10)!.map((times) => Math.min(times, 1));
        const sent = `parseRange('bytes=${value}', 10)`;
        check('accepted' in outcome, { sent, received: showOutcome(outcome), expected: 'ranges, or null' });
        // A server that sends one part only may ignore the field.
        if (outcome.accepted === null) return;
        const seen = covered(outcome.accepted, 10);
        check(seen !== undefined && Buffer.compare(seen, wanted) === 0, { sent, received: JSON.stringify(outcome.accepted), expected: `ranges that cover ${[...wanted].map((mark, at) => (mark ? at : '')).filter((at) => at !== '').join(' ') || 'nothing'}, each byte once; or null` });
      });
      // Empty elements of a list are skipped (RFC 9110 §5.6.1.2): it is the same list.
      const gaps = ['0-0,,4-4', ',0-0,4-4', '0-0,4-4,', '0-0, ,4-4', '0-0,\t, ,4-4,'];
      const [list, ...same] = await call('ranges', ['0-0,4-4', ...gaps].map((value) => ({ value: `bytes=${value}`, size: 10 })));
      same.forEach((outcome, index) => check(JSON.stringify(outcome) === JSON.stringify(list), { sent: `parseRange('bytes=${gaps[index]}', 10)`, received: showOutcome(outcome), expected: `${showOutcome(list!)}, as for 'bytes=0-0,4-4'` }));
      // Exactly as many as there may be: all of them, or none.
      const full = await call('ranges', [{ value: `bytes=${Array.from({ length: 16 }, (_, at) => `${at * 3}-${at * 3}`).join(',')}`, size: 1000 }, { value: 'bytes=0-0,2-2,4-4', size: 10, rangesMax: 3 }]);
      full.forEach((outcome, index) => check('accepted' in outcome && (outcome.accepted === null || outcome.accepted.length === [16, 3][index]), { sent: `parseRange of ${[16, 3][index]} ranges, rangesMax ${[16, 3][index]}`, received: showOutcome(outcome), expected: 'all of them, or null' }));
      const many = await call('ranges', [{ value: `bytes=${Array.from({ length: 40 }, (_, at) => `${at * 3}-${at * 3}`).join(',')}`, size: 1000 }, { value: 'bytes=0-0,2-2,4-4,6-6', size: 10, rangesMax: 3 }]);
      many.forEach((outcome, index) => {
        const refused = 'refused' in outcome || ('accepted' in outcome && (outcome.accepted === null || outcome.accepted.length === 0));
        check(refused, { sent: `parseRange of ${[40, 4][index]} ranges, rangesMax ${[16, 3][index]}`, received: showOutcome(outcome).slice(0, 80), expected: 'null: no reader needs that many; and not some of them, for nobody would know which' });
      });
    },
  );

  rule(
    'sends-a-part',
    'sends the part that is asked for, and says where it belongs',
    {
      rule: '206 with Content-Range (RFC 9110 §15.3.7.1); its Content-Length is that of the part',
      likely: 'the last position is mistaken for a length, or the length is that of the file',
    },
    async (world) => {
      const { random } = world;
      const content = random.bytes(random.integer(300_000, 500_000));
      const size = content.length;
      const server = await world.call('serve', { root: site({ 'a.bin': content, 'one.txt': 'x' }) });
      const middle = random.integer(1, size - 200_000);
      const whole = await once(world, server, 'HEAD', '/a.bin');
      const units = fieldValue(whole, 'accept-ranges');
      check(units === undefined || units.toLowerCase() === 'bytes', { sent: 'HEAD /a.bin', received: `Accept-Ranges: ${units}`, expected: 'Accept-Ranges: bytes (RFC 9110 §14.3)' });
      const cases: [text: string, span: Span][] = [
        ['0-0', [0, 0]],
        ['0-99', [0, 99]],
        [`${middle}-${middle + 150_000}`, [middle, middle + 150_000]],
        [`${size - 10}-`, [size - 10, size - 1]],
        ['-1', [size - 1, size - 1]],
        ['-1000', [size - 1000, size - 1]],
        [`${size - 1}-${size + 1000}`, [size - 1, size - 1]],
        ['1-', [1, size - 1]],
      ];
      for (const [text, span] of cases) {
        const sent = `GET /a.bin (${count(size, 'byte')}) with Range: bytes=${text}`;
        const response = await askRange(world, server, '/a.bin', `bytes=${text}`);
        expectPart(response, content, span, sent);
        check(fieldValue(response, 'content-type') === 'application/octet-stream', { sent, received: `Content-Type: ${fieldValue(response, 'content-type')}`, expected: 'that of the file' });
        expectSameValidators(response, whole, sent);
      }
      expectPart(await askRange(world, server, '/one.txt', 'bytes=0-0'), Buffer.from('x'), [0, 0], 'GET /one.txt (1 byte) with Range: bytes=0-0');
      // The whole file, as a part or as a whole: both are right.
      for (const text of ['0-', `-${size + 5}`, `0-${size - 1}`]) {
        const response = await askRange(world, server, '/a.bin', `bytes=${text}`);
        expectStatus(response, [200, 206], `GET /a.bin with Range: bytes=${text}`);
        expectBody(response, content, `GET /a.bin with Range: bytes=${text}`);
      }
    },
  );

  rule(
    'answers-416',
    'answers 416 to a range that begins after the end, and says how long the file is',
    {
      rule: 'Content-Range: bytes */LENGTH tells the client what it could ask for (RFC 9110 §15.5.17)',
      likely: 'an empty 206, or the length is missing',
    },
    async (world) => {
      const size = world.random.integer(10, 1000);
      const server = await world.call('serve', { root: site({ 'a.txt': 'x'.repeat(size) }) });
      for (const range of [`bytes=${size}-`, `bytes=${size + 5}-${size + 10}`, 'bytes=-0', 'bytes=99999999999999999999-', `bytes=${size}-, ${size + 1}-`]) {
        const response = await askRange(world, server, '/a.txt', range);
        const sent = `GET /a.txt (${count(size, 'byte')}) with Range: ${range}`;
        // A server that only ever sends one part may ignore several.
        if (range.includes(',') && response.status === 200) continue;
        expectStatus(response, 416, sent);
        check(fieldValue(response, 'content-range') === `bytes */${size}`, { sent, received: `416 with Content-Range: ${fieldValue(response, 'content-range') ?? '(none)'}`, expected: `Content-Range: bytes */${size}` });
      }
    },
  );

  rule(
    'sends-all-to-the-rest',
    'sends the whole file if the field is not to be followed',
    {
      rule: 'another unit MUST be ignored; what is invalid may be ignored or refused with 416, and never breaks the server',
      likely: 'an error of the parser becomes a 500',
    },
    async (world) => {
      const content = world.random.words(30);
      const server = await world.call('serve', { root: site({ 'a.txt': content, 'empty.txt': '' }) });
      for (const range of ['items=0-1', 'none']) {
        const response = await askRange(world, server, '/a.txt', range);
        expectStatus(response, 200, `GET /a.txt with Range: ${range}`);
        expectBody(response, content, `GET /a.txt with Range: ${range}`);
      }
      for (const range of ['bytes=5-2', 'bytes=a-b', 'bytes=-', 'bytes=', 'bytes=1-2-3', '0-1', 'bytes']) {
        const response = await askRange(world, server, '/a.txt', range);
        expectStatus(response, [200, 416], `GET /a.txt with Range: ${range}`);
        if (response.status === 200) expectBody(response, content, `GET /a.txt with Range: ${range}`);
      }
      for (const range of ['bytes=0-', 'bytes=0-0', 'bytes=-1']) {
        const response = await askRange(world, server, '/empty.txt', range);
        expectStatus(response, [200, 416], `GET /empty.txt with Range: ${range}`);
      }
    },
  );

  rule(
    'minds-get-only',
    'follows Range for GET only',
    {
      rule: 'Range MUST be ignored for any other method (RFC 9110 §14.2): HEAD describes the whole file',
      likely: 'HEAD is answered exactly like GET',
    },
    async (world) => {
      const size = world.random.integer(100, 1000);
      const server = await world.call('serve', { root: site({ 'a.txt': 'x'.repeat(size) }) });
      for (const range of ['bytes=0-9', `bytes=${size}-`]) {
        const response = await askRange(world, server, '/a.txt', range, [], 'HEAD');
        const sent = `HEAD /a.txt (${count(size, 'byte')}) with Range: ${range}`;
        expectStatus(response, 200, sent);
        check(fieldValue(response, 'content-length') === String(size) && fieldValue(response, 'content-range') === undefined, { sent, received: `Content-Length: ${fieldValue(response, 'content-length')}, Content-Range: ${fieldValue(response, 'content-range') ?? '(none)'}`, expected: `Content-Length: ${size}, no Content-Range` });
      }
      expectStatus(await askRange(world, server, '/nothing', 'bytes=0-1'), 404, 'GET /nothing with a Range');
    },
  );

  rule(
    'sends-several-parts',
    'sends several parts as multipart/byteranges, or the whole file',
    {
      rule: 'each part has its Content-Range and its bytes (RFC 9110 §14.6); a server that cannot do it sends 200',
      likely: 'the length of the whole is not the sum of parts, heads and boundaries; or only the first range is sent',
    },
    async (world) => {
      const { random } = world;
      const content = random.bytes(random.integer(300_000, 400_000));
      const size = content.length;
      const server = await world.call('serve', { root: site({ 'a.html': content }) });
      const whole = await once(world, server, 'HEAD', '/a.html');
      const http = await world.http(server);
      const cases: { text: string; spans: Span[] }[] = [
        { text: '0-9,-10', spans: [[0, 9], [size - 10, size - 1]] },
        { text: `1000-200000, 5-5, ${size - 1}-`, spans: [[1000, 200_000], [5, 5], [size - 1, size - 1]] },
        { text: `0-0, ${size + 5}-, 2-2`, spans: [[0, 0], [2, 2]] },
        { text: `100-199,150-249,${size}-`, spans: [[100, 249]] },
        { text: '0-4,5-9', spans: [[0, 9]] },
      ];
      for (const { text, spans } of cases) {
        const sent = `GET /a.html (${count(size, 'byte')}) with Range: bytes=${text}`;
        http.send('GET', '/a.html', { fields: [['Range', `bytes=${text}`]] });
        const response = await http.response();
        expectStatus(response, [200, 206], sent);
        if (response.status === 200) {
          expectBody(response, content, sent);
          continue;
        }
        expectSameValidators(response, whole, sent);
        const wanted = covered(spans, size)!;
        const types = fieldValues(response, 'content-type');
        check(types.length === 1, { sent, received: `206 with ${types.length === 0 ? 'no Content-Type' : types.map((type) => `Content-Type: ${type}`).join(' and ')}`, expected: 'one Content-Type: that of the whole, multipart/byteranges', likely: 'the type of the file is sent with the whole; it belongs to each part' });
        const single = /^multipart\//i.test(types[0]!) ? null : /^bytes (\d+)-(\d+)\//.exec(fieldValue(response, 'content-range') ?? '');
        const parts = single ? [{ span: [Number(single[1]), Number(single[2])] as Span, size, data: response.body, type: 'text/html' }] : partsOf(response, sent);
        for (const part of parts) {
          check(part.size === size && /^text\/html/i.test(part.type ?? ''), { sent, received: `a part of ${part.size} bytes and type ${part.type}`, expected: `${size}, and the type of the file` });
          check(part.data.equals(content.subarray(part.span[0], part.span[1] + 1)), { kind: 'wrong bytes', sent, received: `other bytes for ${part.span.join('-')}: ${showBytes(part.data)}`, expected: showBytes(content.subarray(part.span[0], part.span[1] + 1)) });
        }
        const seen = covered(parts.map(({ span }) => span), size);
        check(seen !== undefined && Buffer.compare(seen, wanted) === 0, { sent, received: `the parts ${parts.map(({ span }) => span.join('-')).join(', ')}`, expected: `${spans.map((span) => span.join('-')).join(', ')}` });
      }
    },
  );

  rule(
    'costs-no-more-than-the-file',
    'sends no more than the file, however many ranges are asked for',
    {
      rule: 'many small or overlapping ranges are an attack (RFC 9110 §17.15): cap their number, join what overlaps, or send the whole file',
      likely: 'each of a thousand ranges becomes a part with a head of its own',
    },
    async (world) => {
      const content = world.random.bytes(10_000);
      const server = await world.call('serve', { root: site({ 'a.bin': content }) });
      const ranges = [Array.from({ length: 1000 }, () => '0-').join(','), Array.from({ length: 700 }, (_, at) => `${at * 2}-${at * 2}`).join(','), Array.from({ length: 500 }, (_, at) => `-${at + 1}`).join(','), Array.from({ length: 600 }, (_, at) => `${at}-`).join(',')];
      for (const text of ranges) {
        const response = await askRange(world, server, '/a.bin', `bytes=${text}`);
        const sent = `GET /a.bin (${count(content.length, 'byte')}) with Range: bytes=${text.slice(0, 24)}…, ${text.split(',').length} ranges`;
        expectStatus(response, [200, 206, 400, 416, 431], sent);
        check(response.body.length < content.length + 8192, { sent, received: `a body of ${count(response.body.length, 'byte')}`, expected: 'no more than the file, plus a little for the heads of parts' });
      }
      const strict = await world.call('serve', { root: site({ 'a.bin': content }), options: { rangesMax: 2 } });
      const three = await askRange(world, strict, '/a.bin', 'bytes=0-0,10-10,20-20');
      expectStatus(three, [200, 400, 416], 'GET /a.bin with Range: bytes=0-0,10-10,20-20, where the settings have rangesMax: 2');
    },
  );

  rule(
    'minds-if-range',
    'sends the part only if the copy that the client has is still right, and all of it otherwise',
    {
      rule: 'If-Range needs a strong validator that is exactly ours (RFC 9110 §13.1.5): parts of two versions together make neither',
      likely: 'the field is ignored; or a weak tag is enough, or a later date',
    },
    async (world) => {
      const { random } = world;
      const content = Buffer.from(random.words(60));
      const server = await world.call('serve', { root: site({ 'a.txt': content }) });
      const first = await once(world, server, 'GET', '/a.txt');
      const tag = fieldValue(first, 'etag') ?? '""';
      const strong = !tag.startsWith('W/');
      const date = new Date(LONG_AGO_MS).toUTCString();
      const later = new Date(LONG_AGO_MS + 1000).toUTCString();
      const earlier = new Date(LONG_AGO_MS - 1000).toUTCString();
      const cases: [value: string, statuses: number[]][] = [
        [tag, strong ? [206] : [200]],
        [`"${random.word()}"`, [200]],
        [strong ? `W/${tag}` : tag, [200]],
        [`${tag}x`, [200]],
        [date, [200, 206]],
        [later, [200]],
        [earlier, [200]],
        [random.word(), [200]],
        ['*', [200]],
      ];
      for (const [value, statuses] of cases) {
        const sent = `GET /a.txt with Range: bytes=5-9, If-Range: ${value}; the file has ETag: ${tag}, Last-Modified: ${date}`;
        const response = await askRange(world, server, '/a.txt', 'bytes=5-9', [['If-Range', value]]);
        expectStatus(response, statuses, sent);
        if (response.status === 206) expectPart(response, content, [5, 9], sent);
        else expectBody(response, content, sent);
      }
      // Then even a range that could never be satisfied does not matter.
      const stale = await askRange(world, server, '/a.txt', `bytes=${content.length}-`, [['If-Range', '"another"']]);
      expectStatus(stale, 200, 'GET /a.txt with a Range after its end and If-Range: "another"');
    },
  );

  rule(
    'trusts-no-young-date',
    'accepts a date in If-Range if it is exactly ours, and only once its second is over',
    {
      rule: 'a date is a strong validator only if the file cannot have changed twice within its second (RFC 9110 §8.8.2.2)',
      likely: 'dates are compared, and that is all',
    },
    async ({ call, random }) => {
      const lastModifiedMs = LONG_AGO_MS + random.integer(0, 9999) * 1000;
      const value = new Date(lastModifiedMs).toUTCString();
      const current = { etag: null, lastModifiedMs };
      const outcomes = await call('ifRanges', [0, 300, 900].map((age) => ({ value, current, nowMs: lastModifiedMs + age })));
      outcomes.forEach((outcome) => check('accepted' in outcome && !outcome.accepted, { sent: `ifRangeHolds('${value}', …) less than a second after that`, received: showOutcome(outcome), expected: 'false' }));
      // Long over, and exactly ours: that is how the field has worked since RFC 2068, and a download goes on.
      const old = [60_001, 3_600_000, random.integer(1e6, 1e9)];
      const holding = await call('ifRanges', old.map((age) => ({ value, current: { etag: random.pick([null, '"a"']), lastModifiedMs }, nowMs: lastModifiedMs + age })));
      holding.forEach((outcome, index) => check('accepted' in outcome && outcome.accepted === true, { sent: `ifRangeHolds('${value}', …) ${old[index]} ms after that`, received: showOutcome(outcome), expected: 'true: it is exactly the Last-Modified of the file, and its second is over' }));
      const away = [-60_000, -1000, 1000, 60_000];
      const others = await call('ifRanges', away.map((ms) => ({ value: new Date(lastModifiedMs + ms).toUTCString(), current, nowMs: lastModifiedMs + 3_600_000 })));
      others.forEach((outcome, index) => check('accepted' in outcome && !outcome.accepted, { sent: `ifRangeHolds of a date ${Math.abs(away[index]!)} ms ${away[index]! < 0 ? 'before' : 'after'} the Last-Modified of the file`, received: showOutcome(outcome), expected: 'false: another version' }));
      const nothing = await call('ifRanges', [{ value: random.word(), current: { etag: null, lastModifiedMs: null }, nowMs: Date.now() }, { value: '"a', current: { etag: '"a"', lastModifiedMs }, nowMs: Date.now() },{ value, current: { etag: null, lastModifiedMs: null }, nowMs: Date.now() }, { value: '"a"', current, nowMs: Date.now() }, { value: 'W/"a"', current: { etag: 'W/"a"', lastModifiedMs }, nowMs: Date.now() }]);
      nothing.forEach((outcome) => check('accepted' in outcome && !outcome.accepted, { sent: 'ifRangeHolds with nothing to compare, or only a weak tag', received: showOutcome(outcome), expected: 'false' }));
    },
  );

  rule(
    'asks-conditions-first',
    'asks the conditions first, then the range',
    {
      rule: 'Range comes last (RFC 9110 §13.2.2, step 5): a copy that is good is good as a whole',
      likely: 'a request with Range takes another path, on which the conditions are never checked',
    },
    async (world) => {
      const server = await world.call('serve', { root: site({ 'a.txt': world.random.words(20) }) });
      const tag = fieldValue(await once(world, server, 'GET', '/a.txt'), 'etag') ?? '""';
      for (const range of ['bytes=0-4', 'bytes=999999-']) {
        expectStatus(await askRange(world, server, '/a.txt', range, [['If-None-Match', tag]]), 304, `GET /a.txt with Range: ${range} and If-None-Match: its tag`);
        expectStatus(await askRange(world, server, '/a.txt', range, [['If-Match', '"another"']]), 412, `GET /a.txt with Range: ${range} and If-Match: "another"`);
      }
      expectStatus(await askRange(world, server, '/a.txt', 'bytes=0-4', [['If-None-Match', '"another"']]), 206, 'GET /a.txt with Range: bytes=0-4 and If-None-Match: "another"');
    },
  );

  rule(
    'goes-there-directly',
    'reads no more of a file than the part that is asked for',
    {
      rule: 'a positioned read begins anywhere: the end of a gibibyte comes as soon as its beginning',
      likely: 'the file is read from its beginning, and what comes before is thrown away; or it is read as a whole and cut',
      skip: NEEDS_PROC,
    },
    async (world) => {
      const root = site({});
      writeSparse(join(root, 'large.bin'), GIB);
      setModified(join(root, 'large.bin'), LONG_AGO_MS);
      const server = await world.call('serve', { root });
      const before = (await world.call('consumption')).readBytes;
      for (const [text, length] of [['-1000', 1000], ['1073741000-', 824], ['536870912-536871011', 100]] as const) {
        const response = await askRange(world, server, '/large.bin', `bytes=${text}`);
        expectStatus(response, 206, `GET /large.bin (1 GiB) with Range: bytes=${text}`);
        expectBody(response, Buffer.alloc(length), `GET /large.bin with Range: bytes=${text}`);
      }
      const read = (await world.call('consumption')).readBytes - before;
      check(read < 8 << 20, { sent: 'three ranges of a file of 1 GiB, 1,924 bytes together', received: `${count(read, 'byte')} were read`, expected: 'little more than what is sent' });
      await expectFilesClosed(world, root, 'three ranges of /large.bin');
    },
  );

  rule(
    'closes-files',
    'closes the file after 206 and 416, and when a client leaves in the middle of a part',
    {
      rule: 'however a response ends, its file is closed',
      likely: 'the part ends before the file does, and only the end of the file closes it',
      skip: NEEDS_PROC,
    },
    async (world) => {
      const root = site({});
      writeSparse(join(root, 'large.bin'), GIB);
      const server = await world.call('serve', { root });
      for (const text of ['0-9', '0-9,100-199,300-399', `${GIB}-`, '-1', '5-2']) {
        for (let times = 0; times < 2; times++) await world.http(server).then(async (http) => {
          http.send('GET', '/large.bin', { fields: [['Range', `bytes=${text}`]] });
          await http.tcp.until(() => http.tcp.receivedBytes > 20);
          http.tcp.destroy();
        });
        const likely = text === `${GIB}-` ? 'a 416 has a text for a body, and the file is nobody\'s: `instead` closes it' : undefined;
        await expectFilesClosed(world, root, `GET /large.bin with Range: bytes=${text}`, { likely });
      }
      for (const text of ['100-', '0-999999999', '0-9,1000-']) {
        const http = await world.http(server);
        http.send('GET', '/large.bin', { fields: [['Range', `bytes=${text}`]] });
        await http.tcp.until(() => http.tcp.receivedBytes > 5000, { expected: 'the beginning of a large part' });
        http.tcp.resetNow();
        await expectFilesClosed(world, root, `GET /large.bin with Range: bytes=${text}, by a client that leaves`);
      }
    },
  );

  rule(
    'breaks-off-what-shrinks',
    'ends the connection when a file becomes shorter while several parts of it are sent',
    {
      rule: 'the bytes of a part are where its Content-Range says, or they are not there (RFC 9110 §15.3.7)',
      likely: 'the next part begins where the missing bytes of the one before should be',
      skip: NEEDS_PROC,
    },
    async (world) => {
      const root = site({});
      const file = join(root, 'log.bin');
      writeSparse(file, GIB);
      const server = await world.call('serve', { root });
      const http = await world.http(server);
      const sent = 'GET /log.bin (1 GiB) with Range: bytes=0-900000000,1000000000-1000000009, which is cut to 1,000 bytes meanwhile';
      http.send('GET', '/log.bin', { fields: [['Range', 'bytes=0-900000000,1000000000-1000000009']] });
      await http.tcp.until(() => http.tcp.receivedBytes > 100_000, { expected: 'the beginning of a large part' });
      http.tcp.pause();
      await untilStalled(world, http.tcp, { sent });
      truncateSync(file, 1000);
      http.tcp.resume();
      await over(http.tcp, 'the connection is closed: the rest will never come');
      // The file was all zeros, so anything else belongs to the head of the response or to that of its first part.
      const end = http.tcp.received.subarray(10_000);
      const at = end.findIndex((byte) => byte !== 0);
      check(at === -1, { sent, received: `after the bytes that were there: ${showBytes(end.subarray(at, at + 200))}`, expected: 'the end of the connection' });
      await expectFilesClosed(world, root, sent);
    },
  );

  rule(
    'answers-the-pipeline',
    'answers many ranges on one connection, each with its own bytes',
    {
      rule: 'each response is framed by its own length',
      likely: 'what is left of one part is sent with the next',
    },
    async (world) => {
      const { random } = world;
      const content = random.bytes(random.integer(50_000, 200_000));
      const server = await world.call('serve', { root: site({ 'a.bin': content }) });
      const http = await world.http(server);
      const spans = Array.from({ length: 25 }, (): Span => {
        const firstPos = random.integer(0, content.length - 1);
        return [firstPos, random.integer(firstPos, content.length - 1)];
      });
      for (const [firstPos, lastPos] of spans) http.send('GET', '/a.bin', { fields: [['Range', `bytes=${firstPos}-${lastPos}`]] });
      for (const span of spans) expectPart(await http.response(), content, span, `Range: bytes=${span.join('-')}, in a pipeline of 25`);
    },
  );
});
