import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, chmodSync, renameSync, symlinkSync, truncateSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { count } from '#support/bytes.ts';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { fieldTokens, fieldValue } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type driver from './driver.ts';
import type { BodyDeed, BodyStep, Outcome } from './driver.ts';
import { scratchFolder, site, writeFiles, writeSparse } from './files.ts';
import { closing, download, exchange, expectBody, expectFile, expectFilesClosed, expectStatus, NEEDS_LINKS, NEEDS_PRLIMIT, NEEDS_PROC, once, over, showOutcome, showResponse, untilStalled } from './wire.ts';
import type { TestWorld } from './wire.ts';

const MIB = 1 << 20;
const GIB = 1 << 30;

/** A type without its parameters, in lower case. */
function essence(type: string | undefined): string {
  return (type ?? '').split(';')[0]!.trim().toLowerCase();
}

function charset(type: string | undefined): string | undefined {
  return /;\s*charset="?([^;"]+)"?/i.exec(type ?? '')?.[1]?.toLowerCase();
}

function expectLength(response: HttpTestResponse, bytes: number, sent: string): void {
  const value = fieldValue(response, 'content-length');
  check(value === String(bytes), { sent, received: `Content-Length: ${value ?? '(none)'}`, expected: `Content-Length: ${bytes}: the size is known`, likely: 'without a length nobody can show progress, or see that the end is missing' });
}

const STEPS: Record<BodyStep, string> = { next: 'next()', 'read ahead': 'readAhead()', 'end of read': 'the read ends', 'to the end': 'next() again and again, to the end', close: 'close()' };

function showDeed(deed: BodyDeed): string {
  switch (deed.did) {
    case 'ask':
      return 'is asked for a piece';
    case 'finish':
      return 'says that there is no more';
    case 'close':
      return 'is closed';
    case 'throw':
      return `throws "${deed.message}"`;
    default: {
      const what = deed.buffer === 0 ? 'memory that is not from the pool' : `buffer ${deed.buffer}`;
      return { take: `takes ${what}`, 'give back': `gives ${what} back`, 'begin to read': `begins to read into ${what}`, 'end to read': 'has read', 'give out': `gives out a piece in ${what}` }[deed.did];
    }
  }
}

/** Takes a body through its life and watches the buffers that it borrows. */
async function expectBorrowed(world: TestWorld, file: { fileBytes: number; bufferBytes: number; lastPos: number }, steps: BodyStep[]): Promise<void> {
  const deeds = await world.call('bodyStory', file, steps);
  const lent = new Set<number>();
  const reading: number[] = [];
  let sending = 0;
  let closed = false;
  const expect = (holds: boolean, expected: string, last = deeds.length - 1): void =>
    check(holds, {
      sent: `a body for ${count(file.lastPos + 1, 'byte')}, with buffers of ${file.bufferBytes}${file.fileBytes <= file.lastPos ? `, of a file that has shrunk to ${file.fileBytes}` : ''}: ${steps.map((step) => STEPS[step]).join('; ')}`,
      received: `it ${deeds.slice(Math.max(0, last - 6), last + 1).map(showDeed).join(', ')}`,
      expected,
    });
  deeds.forEach((deed, index) => {
    switch (deed.did) {
      case 'take':
        expect(lent.size === 0, 'one buffer at a time: the one that it has is used again', index);
        lent.add(deed.buffer);
        return;
      case 'begin to read':
        expect(lent.has(deed.buffer), 'it reads into the buffer that it has taken from the pool and not given back', index);
        reading.push(deed.buffer);
        return;
      case 'end to read':
        reading.splice(reading.indexOf(deed.buffer), 1);
        return;
      case 'give out':
        expect(deed.buffer === 0 || lent.has(deed.buffer), 'a piece in a buffer that nobody else can have', index);
        sending = deed.buffer;
        return;
      case 'ask':
        sending = 0;
        return;
      case 'close':
        closed = true;
        return;
      case 'give back':
        expect(lent.delete(deed.buffer), 'it gives back what it has taken, once', index);
        expect(!reading.includes(deed.buffer), 'no buffer goes back while a read into it is under way: the next client would have it', index);
        expect(closed || sending !== deed.buffer, 'no buffer goes back before the next piece is asked for: the kernel may not have taken this one', index);
        return;
      case 'finish':
      case 'throw':
    }
  });
  if (deeds.some(({ did }) => did === 'finish')) expect(lent.size === 0, 'at the end the buffer goes back to the pool');
}

exercise<typeof driver>('3.2', import.meta.url, (rule) => {
  rule(
    'knows-types',
    'knows the media type of a file by its name',
    {
      rule: 'a server says what it sends (RFC 9110 §8.3), and for text the charset',
      likely: "the extension's case matters, or the charset is missing; an unknown type is application/octet-stream",
    },
    async ({ call, random }) => {
      const word = random.word();
      const cases: [name: string, types: string, isText: boolean][] = [
        [`${word}.html`, 'text/html', true],
        [`${word}.css`, 'text/css', true],
        [`${word}.js`, 'text/javascript', true],
        [`${word}.mjs`, 'text/javascript', true],
        [`${word}.txt`, 'text/plain', true],
        [`${word}.md`, 'text/markdown', true],
        [`${word}.csv`, 'text/csv', true],
        [`${word}.json`, 'application/json', false],
        [`${word}.svg`, 'image/svg+xml', false],
        [`${word}.png`, 'image/png', false],
        [`${word}.jpg`, 'image/jpeg', false],
        [`${word}.webp`, 'image/webp', false],
        [`${word}.woff2`, 'font/woff2', false],
        [`${word}.webm`, 'video/webm', false],
        [`${word}.mp4`, 'video/mp4', false],
        [`${word}.mp3`, 'audio/mpeg', false],
        [`${word}.aac`, 'audio/aac', false],
        [`${word}.bmp`, 'image/bmp', false],
        [`${word}.pdf`, 'application/pdf', false],
        [`${word}.wasm`, 'application/wasm', false],
        [`${word}.zip`, 'application/zip', false],
        [`${word}.tar.gz`, 'application/gzip', false],
        [`${word.toUpperCase()}.HTML`, 'text/html', true],
        [`${word}.min.Js`, 'text/javascript', true],
        [`${word}.q${word}q`, 'application/octet-stream', false],
        [word, 'application/octet-stream', false],
        [`html`, 'application/octet-stream', false],
        [`${word}.`, 'application/octet-stream', false],
        ['.constructor', 'application/octet-stream', false],
        [`${word}.__proto__`, 'application/octet-stream', false],
      ];
      const [xml] = await call('mediaTypes', [`${word}.xml`]);
      const type = xml !== undefined && 'accepted' in xml ? xml.accepted : undefined;
      check(['text/xml', 'application/xml'].includes(essence(type)) && charset(type) === undefined, { sent: `mediaType('${word}.xml')`, received: showOutcome(xml!), expected: 'text/xml or application/xml, without a charset: it says itself what it is written in, and a charset would overrule that (RFC 7303 §3)' });
      const outcomes = await call('mediaTypes', cases.map(([name]) => name));
      cases.forEach(([name, type, isText], index) => {
        const outcome = outcomes[index] as Outcome<string>;
        const seen = 'accepted' in outcome && typeof outcome.accepted === 'string' ? outcome.accepted : undefined;
        const set = charset(seen);
        // A parameter too many on JSON does no harm; on a picture it would be wrong.
        const rightCharset = isText ? set === 'utf-8' : set === undefined || (set === 'utf-8' && /json|xml/.test(type));
        check(essence(seen) === type && rightCharset, {
          sent: `mediaType(${JSON.stringify(name)})`,
          received: showOutcome(outcome),
          expected: isText ? `${type}; charset=utf-8` : type,
        });
      });
    },
  );

  rule(
    'serves-files',
    'serves a file, byte for byte, with its type and its length',
    {
      rule: 'GET transfers the current representation (RFC 9110 §9.3.1)',
      likely: 'the bytes are turned into a string on their way',
    },
    async (world) => {
      const { random } = world;
      const word = random.word();
      const every = Buffer.from(random.shuffle(Array.from({ length: 256 }, (_, value) => value)));
      const files: Record<string, Buffer> = {
        [`${word}.txt`]: Buffer.from(random.words(20)),
        'binary.bin': every,
        'picture.png': random.bytes(random.integer(1000, 5000)),
        'sub/umlauts.html': Buffer.from('<p>Grüße, 世界 🌍</p>'),
        'one.txt': Buffer.from('1'),
        'empty.txt': Buffer.alloc(0),
        'two words & more.txt': Buffer.from(word),
      };
      const server = await world.call('serve', { root: site(files) });
      for (const [name, content] of Object.entries(files)) {
        const target = `/${name.split('/').map(encodeURIComponent).join('/')}`;
        const response = await expectFile(world, server, target, content);
        expectLength(response, content.length, `GET ${target}`);
        const type = fieldValue(response, 'content-type');
        const wanted = name.endsWith('.png') ? 'image/png' : name.endsWith('.html') ? 'text/html' : name.endsWith('.txt') ? 'text/plain' : 'application/octet-stream';
        check(essence(type) === wanted, { sent: `GET ${target}`, received: `Content-Type: ${type ?? '(none)'}`, expected: wanted });
      }
    },
  );

  rule(
    'ignores-the-query',
    'finds the file by the path alone',
    {
      rule: 'the query is not part of the path (RFC 3986 §3.4); a target in absolute-form has a path, too (RFC 9112 §3.2.2)',
      likely: '`request.target` is used where `request.path` is meant',
    },
    async (world) => {
      const word = world.random.word();
      const server = await world.call('serve', { root: site({ 'a.txt': word }) });
      for (const target of [`/a.txt?${word}`, '/a.txt?', '/a.txt?b/../c?d%zz', 'http://localhost/a.txt', 'http://localhost/a.txt?q']) await expectFile(world, server, target, word);
    },
  );

  rule(
    'finds-nothing',
    'answers 404 for what is not there, and refuses what must not be served',
    {
      rule: 'without a file there is no 200; nothing outside the root is served, and a request for it is not a failure of the server',
      likely: 'an error of the file system becomes a 500, or the path is not taken through exercise 3.1',
    },
    async (world) => {
      const word = world.random.word();
      const root = site({ 'a.txt': 'a', '.secret': word, 'sub/b.txt': 'b' });
      const server = await world.call('serve', { root });
      const cases: [target: string, statuses: number[]][] = [
        [`/${word}`, [404]],
        ['/a.txt/b', [404]],
        ['/sub/a.txt', [404]],
        ['/%zz', [400]],
        ['/a%00.txt', [400]],
        ['/.secret', [400, 403, 404]],
        ['/../a.txt', [400, 403, 404]],
        ['/%2e%2e/root/a.txt', [400, 403, 404]],
        ['/sub/..%2fa.txt', [400, 403, 404]],
        ['//a.txt', [400, 403, 404]],
        [`/${'x'.repeat(300)}`, [400, 403, 404, 414]],
      ];
      for (const [target, statuses] of cases) {
        const response = await once(world, server, 'GET', target);
        expectStatus(response, statuses, `GET ${target.slice(0, 40)}`);
        check(!response.body.includes(root), { sent: `GET ${target}`, received: response.body.toString().slice(0, 80), expected: 'nothing about the disk of the server' });
      }
      await expectFile(world, server, '/a.txt', 'a');
    },
  );

  rule(
    'answers-head',
    'answers HEAD like GET, without the body',
    {
      rule: 'the server SHOULD send the same header fields to HEAD as to GET (RFC 9110 §9.3.2)',
      likely: 'Content-Length is 0, or HEAD is refused',
    },
    async (world) => {
      const content = world.random.bytes(world.random.integer(1000, 100_000));
      const server = await world.call('serve', { root: site({ 'a.png': content, 'empty.txt': '' }) });
      for (const [target, bytes] of [['/a.png', content.length], ['/empty.txt', 0]] as const) {
        const get = await once(world, server, 'GET', target);
        const head = await once(world, server, 'HEAD', target);
        expectStatus(head, 200, `HEAD ${target}`);
        expectLength(head, bytes, `HEAD ${target}`);
        check(fieldValue(head, 'content-type') === fieldValue(get, 'content-type'), { sent: `HEAD ${target}`, received: `Content-Type: ${fieldValue(head, 'content-type')}`, expected: `${fieldValue(get, 'content-type')}, as for GET` });
      }
      expectStatus(await once(world, server, 'HEAD', '/nothing'), 404, 'HEAD /nothing');
    },
  );

  rule(
    'decodes-a-name-once',
    'looks for each name as it was decoded, once, even if nothing is there',
    {
      rule: 'a path is decoded once (RFC 3986 §2.4): `%2561.txt` is a file called `%61.txt`, and not `a.txt`',
      likely: 'a name that is not found is decoded again and looked up once more',
    },
    async (world) => {
      const server = await world.call('serve', { root: site({ 'a.txt': 'a', 'b c.txt': 'b', '%61%.txt': 'percent', 'sub/d.txt': 'd' }) });
      for (const target of ['/%2561.txt', '/%252561.txt', '/b%2520c.txt', '/sub%252fd.txt', '/%2573ub/d.txt', '/sub/%2564.txt']) {
        expectStatus(await once(world, server, 'GET', target), 404, `GET ${target}, where only what it means decoded twice is there`);
      }
      for (const [target, text] of [['/%61.txt', 'a'], ['/%2561%25.txt', 'percent'], ['/b%20c.txt', 'b']] as const) {
        const response = await once(world, server, 'GET', target);
        expectStatus(response, 200, `GET ${target}`);
        expectBody(response, text, `GET ${target}`);
      }
    },
  );

  rule(
    'refuses-other-methods',
    'answers 405 with Allow to methods that make no sense for a file',
    {
      rule: 'a 405 MUST say in Allow what the resource supports (RFC 9110 §15.5.6)',
      likely: 'every method is answered as GET, or Allow is missing',
    },
    async (world) => {
      const word = world.random.word();
      const server = await world.call('serve', { root: site({ 'a.txt': word }) });
      const http = await world.http(server);
      for (const method of world.random.shuffle(['POST', 'PUT', 'DELETE', 'PATCH', 'BREW'])) {
        http.send(method, '/a.txt', { body: 'b' });
        const response = await http.response();
        // RFC 9110 §9.1: one that nobody knows may be a 501 as well.
        expectStatus(response, method === 'BREW' ? [405, 501] : 405, `${method} /a.txt`);
        if (response.status === 501) continue;
        const allow = fieldTokens(response, 'allow');
        check(allow.includes('get') && allow.includes('head') && !allow.includes(method.toLowerCase()), { sent: `${method} /a.txt`, received: `Allow: ${fieldValue(response, 'allow') ?? '(none)'}`, expected: 'Allow: GET, HEAD and perhaps OPTIONS' });
      }
      http.send('OPTIONS', '/a.txt');
      const options = await http.response();
      expectStatus(options, [200, 204], 'OPTIONS /a.txt');
      check(fieldTokens(options, 'allow').includes('get'), { sent: 'OPTIONS /a.txt', received: `Allow: ${fieldValue(options, 'allow') ?? '(none)'}`, expected: 'Allow: GET, HEAD, OPTIONS (RFC 9110 §9.3.7)' });
      await expectFile(world, server, '/a.txt', word);
    },
  );

  rule(
    'sends-headers-with-options',
    'sends the fields of the settings with the answer to OPTIONS',
    {
      rule: 'before it lets a script of another site send a request, a browser asks with OPTIONS, and looks for Access-Control-Allow-Origin in the answer',
      likely: 'only Allow is sent',
    },
    async (world) => {
      const word = world.random.word();
      const headers: [string, string][] = [['Access-Control-Allow-Origin', '*'], ['X-Word', word]];
      const server = await world.call('serve', { root: site({ 'a.txt': 'a' }), options: { headers } });
      const response = await once(world, server, 'OPTIONS', '/a.txt');
      expectStatus(response, [200, 204], 'OPTIONS /a.txt');
      for (const [name, value] of headers) {
        const seen = fieldValue(response, name.toLowerCase());
        check(seen === value, { sent: `OPTIONS /a.txt, where the settings have ${name}: ${value}`, received: `${response.status} with ${name}: ${seen ?? '(none)'}`, expected: value });
      }
      check(fieldTokens(response, 'allow').includes('get'), { sent: 'OPTIONS /a.txt', received: `Allow: ${fieldValue(response, 'allow') ?? '(none)'}`, expected: 'Allow: GET, HEAD, OPTIONS' });
    },
  );

  rule(
    'answers-the-pipeline',
    'answers many requests on one connection, in order: files, HEAD, and what is not there',
    {
      rule: 'each response is framed: the next one begins where it ends (RFC 9112 §6)',
      likely: 'the body of a HEAD is sent, or the length is not that of the file',
    },
    async (world) => {
      const { random } = world;
      const names = Array.from({ length: 6 }, (_, index) => `${random.word()}${index}.bin`);
      const files = Object.fromEntries(names.map((name) => [name, random.bytes(random.integer(0, 100_000))]));
      const server = await world.call('serve', { root: site(files) });
      const http = await world.http(server);
      const steps = Array.from({ length: 20 }, () => ({ method: random.integer(0, 3) === 0 ? 'HEAD' : 'GET', name: random.integer(0, 4) === 0 ? 'nothing' : (names[random.integer(0, names.length - 1)] as string) }));
      for (const { method, name } of steps) http.send(method, `/${name}`);
      for (const { method, name } of steps) {
        const response = await http.response();
        const content = files[name];
        expectStatus(response, content ? 200 : 404, `${method} /${name}`);
        if (content && method === 'GET') expectBody(response, content, `GET /${name}, in a pipeline of ${steps.length}`);
      }
    },
  );

  rule(
    'serves-large-files',
    'serves a file of some megabytes, byte for byte, even to several clients at once',
    {
      rule: 'each reader has its own place in the file and its own bytes',
      likely: 'two responses share one position in the file, or one buffer that is filled again before the first part has gone',
    },
    async (world) => {
      const { random } = world;
      // More than the kernel takes for a client that does not read: the rest of a piece waits in the server.
      const block = random.bytes(MIB);
      const large = Buffer.concat(Array.from({ length: 24 }, (_, number) => [block.subarray(number * 999), block.subarray(0, number * 999)]).flat());
      const contents = [large, ...Array.from({ length: 2 }, () => random.bytes(random.integer(MIB, 3 * MIB)))];
      const server = await world.call('serve', { root: site(Object.fromEntries(contents.map((content, index) => [`${index}.bin`, content]))) });
      const slow = await Promise.all(Array.from({ length: 3 }, async (_, number) => await world.http(server, { label: `slow client ${number + 1} of 3`, paused: true })));
      for (const http of slow) http.send('GET', '/0.bin');
      await untilStalled(world, slow[0]!.tcp, { sent: 'GET /0.bin (24 MiB) by three clients that do not read yet' });
      await Promise.all(
        Array.from({ length: 8 }, async (_, number) => {
          const file = 1 + (number % 2);
          const content = contents[file] as Buffer;
          const http = await world.http(server, { label: `client ${number + 1} of 8` });
          http.send('GET', `/${file}.bin`);
          const response = await download(http, content.length);
          expectStatus(response, 200, http.tcp.describeSent());
          expectBody(response, content, http.tcp.describeSent());
        }),
      );
      for (const http of slow) http.tcp.resume();
      for (const http of slow) {
        const response = await download(http, large.length);
        expectStatus(response, 200, http.tcp.describeSent());
        expectBody(response, large, `${http.tcp.describeSent()}, read only after the others had been served`);
      }
    },
  );

  rule(
    'bounds-its-memory',
    'reads no more of a file than the client takes: a gibibyte in bounded memory',
    {
      rule: 'memory does not grow with the file: backpressure reaches the disk',
      likely: '`readFile`, or a stream whose `write` returned false and nobody waited for drain',
      skip: NEEDS_PROC,
    },
    async (world) => {
      const root = site({});
      writeSparse(join(root, 'large.bin'), GIB);
      const server = await world.call('serve', { root });
      const sent = 'GET /large.bin (1 GiB) by four clients that stop reading';
      const clients = await Promise.all(
        Array.from({ length: 4 }, async () => {
          const http = await world.http(server);
          http.send('GET', '/large.bin');
          await http.tcp.until(() => http.tcp.receivedBytes > 1000, { expected: 'the beginning of a file of 1 GiB' });
          http.tcp.pause();
          return http;
        }),
      );
      await untilStalled(world, clients[0]!.tcp, { sent });
      const head = clients[0]!.tcp.received.toString('latin1', 0, 1000);
      check(head.startsWith('HTTP/1.1 200') && /^content-length: *1073741824\r$/im.test(head), { sent: 'GET /large.bin', received: head.slice(0, head.indexOf('\r\n\r\n')), expected: '200 with Content-Length: 1073741824' });
    },
  );

  rule(
    'borrows-one-buffer',
    'reads all pieces of a file into one buffer from the pool, and gives it back at the end',
    {
      rule: 'each client that is being served takes one buffer, and the next client takes it again',
      likely: 'a buffer is made, or taken, for each piece; or it is never given back, or twice: in `#done` and once more',
    },
    async (world) => {
      const { random } = world;
      const bufferBytes = random.integer(500, 5000);
      const bytes = [1, bufferBytes, 3 * bufferBytes, 3 * bufferBytes + random.integer(1, 400)];
      for (const fileBytes of bytes) {
        await expectBorrowed(world, { fileBytes, bufferBytes, lastPos: fileBytes - 1 }, ['to the end', 'close']);
        await expectBorrowed(world, { fileBytes, bufferBytes, lastPos: fileBytes - 1 }, ['read ahead', 'end of read', 'to the end', 'next', 'end of read', 'close']);
      }
      await expectBorrowed(world, { fileBytes: 0, bufferBytes, lastPos: -1 }, ['to the end', 'close']);
      await expectBorrowed(world, { fileBytes: bufferBytes + 1, bufferBytes, lastPos: 9 * bufferBytes }, ['to the end', 'close']);
    },
  );

  rule(
    'keeps-what-is-read-into',
    'gives no buffer back while a read into it is under way, even when the client has left',
    {
      rule: '`close` does not undo a read that has begun: it ends in that buffer, no matter who has it by then',
      likely: '`close` gives the buffer back, as `#done` does',
    },
    async (world) => {
      const { random } = world;
      const bufferBytes = random.integer(500, 5000);
      const file = { fileBytes: 5 * bufferBytes, bufferBytes, lastPos: 5 * bufferBytes - 1 };
      const stories: BodyStep[][] = [
        ['next', 'close', 'end of read'],
        ['next', 'end of read', 'next', 'close', 'end of read'],
        ['read ahead', 'close', 'end of read'],
        ['next', 'end of read', 'close'],
        ['read ahead', 'end of read', 'close'],
        ['close'],
      ];
      for (const story of stories) await expectBorrowed(world, file, story);
    },
  );

  rule(
    'closes-files',
    'closes every file again: after GET, HEAD, an empty file, and what is not served',
    {
      rule: 'a descriptor that is not closed is lost: some thousands of requests later, the server can open nothing more',
      likely: 'HEAD never asks for the body, and only the body closes the file',
      skip: NEEDS_PROC,
    },
    async (world) => {
      const root = site({ 'a.txt': 'a', 'empty.txt': '', 'large.bin': world.random.bytes(MIB) });
      const server = await world.call('serve', { root });
      for (const [method, target] of [['GET', '/a.txt'], ['HEAD', '/a.txt'], ['HEAD', '/large.bin'], ['GET', '/empty.txt'], ['HEAD', '/empty.txt'], ['GET', '/large.bin'], ['POST', '/a.txt'], ['GET', '/nothing'], ['GET', '/a.txt/b'], ['OPTIONS', '/a.txt']] as const) {
        for (let times = 0; times < 3; times++) await once(world, server, method, target);
        await expectFilesClosed(world, root, `${method} ${target}, three times`);
      }
    },
  );

  rule(
    'closes-files-of-those-who-leave',
    'closes the file when the client leaves in the middle of it',
    {
      rule: 'however a response ends, even suddenly, its file is closed',
      likely: '`createReadStream(…).pipe(…)`: nobody ends the stream when the socket has gone',
      skip: NEEDS_PROC,
    },
    async (world) => {
      const root = site({ 'small.txt': 'small' });
      writeSparse(join(root, 'large.bin'), GIB);
      const server = await world.call('serve', { root });
      const sent = 'GET /large.bin by twenty clients that leave';
      await Promise.all(
        Array.from({ length: 20 }, async (_, number) => {
          const http = await world.http(server, { label: `client ${number + 1} of 20` });
          http.send('GET', '/large.bin');
          if (number % 4 !== 0) await http.tcp.until(() => http.tcp.receivedBytes > number * 1000, { expected: 'the beginning of a file of 1 GiB' });
          if (number % 2 === 0) http.tcp.resetNow();
          else http.tcp.destroy();
        }),
      );
      await expectFilesClosed(world, root, sent);
      await expectFile(world, server, '/small.txt', 'small');
    },
  );

  rule(
    'keeps-files-apart',
    'gives nobody the bytes of another file, while clients come and go',
    {
      rule: 'a descriptor that was closed may mean another file a moment later, and a buffer that was given back may hold another response',
      likely: 'a file is closed, or a buffer given back, while a read is still in progress',
    },
    async (world) => {
      const { random } = world;
      const contents = Array.from({ length: 4 }, (_, index) => Buffer.alloc(random.integer(300_000, 900_000), 65 + index));
      const server = await world.call('serve', { root: site(Object.fromEntries(contents.map((content, index) => [`${index}.bin`, content]))) });
      const visit = async (number: number): Promise<void> => {
        const content = contents[number % 4] as Buffer;
        const http = await world.http(server);
        http.send('GET', `/${number % 4}.bin`, closing());
        if (number % 3 === 0) {
          const leaveAt = (number * 7919) % content.length;
          await http.tcp.until(() => http.tcp.receivedBytes > leaveAt);
          http.tcp.resetNow();
          return;
        }
        const response = await download(http, content.length);
        expectStatus(response, 200, http.tcp.describeSent());
        expectBody(response, content, `${http.tcp.describeSent()}, beside clients that leave`);
      };
      for (let round = 0; round < 6; round++) await Promise.all(Array.from({ length: 12 }, async (_, index) => await visit(round * 12 + index)));
    },
  );

  rule(
    'breaks-off-what-shrinks',
    'ends the connection when a file becomes shorter while it is sent',
    {
      rule: 'a response that cannot be completed must not look complete (RFC 9112 §8): the connection closes early',
      likely: 'the server waits for bytes that never come, or fills the rest with something else',
      skip: NEEDS_PROC,
    },
    async (world) => {
      const root = site({});
      const file = join(root, 'log.bin');
      writeSparse(file, GIB);
      const server = await world.call('serve', { root });
      const http = await world.http(server);
      http.send('GET', '/log.bin').send('GET', '/log.bin');
      await http.tcp.until(() => http.tcp.receivedBytes > 100_000, { expected: 'the beginning of a file of 1 GiB' });
      http.tcp.pause();
      const sent = 'GET /log.bin (1 GiB), which is cut to 1,000 bytes meanwhile';
      await untilStalled(world, http.tcp, { sent });
      truncateSync(file, 1000);
      http.tcp.resume();
      await over(http.tcp, 'the connection is closed: the rest will never come');
      check(http.tcp.receivedBytes < GIB, { sent, received: `${count(http.tcp.receivedBytes, 'byte')}`, expected: 'what was there, and then the end of the connection' });
      await expectFilesClosed(world, root, sent);
      expectLength(await expectFile(world, server, '/log.bin', Buffer.alloc(1000)), 1000, 'GET /log.bin, later');
    },
  );

  rule(
    'sends-no-more-than-promised',
    'sends exactly what was promised when a file grows while it is sent',
    {
      rule: 'Content-Length is a promise: what comes after it would be taken for the next response (RFC 9112 §6.3)',
      likely: 'the file is read to its end and not to the length that was promised',
    },
    async (world) => {
      const root = site({ 'next.txt': 'next' });
      const file = join(root, 'log.bin');
      const bytes = 24 * MIB + world.random.integer(0, 1000);
      writeSparse(file, bytes);
      const server = await world.call('serve', { root });
      const http = await world.http(server);
      http.send('GET', '/log.bin').send('GET', '/next.txt');
      await http.tcp.until(() => http.tcp.receivedBytes > 10_000);
      http.tcp.pause();
      appendFileSync(file, Buffer.alloc(2 * MIB, 'more'));
      http.tcp.resume();
      const response = await download(http, bytes);
      expectLength(response, bytes, 'GET /log.bin, to which something is added meanwhile');
      const hash = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
      check(response.body.length === bytes && hash(response.body) === hash(Buffer.alloc(bytes)), { sent: 'GET /log.bin, to which something is added meanwhile', received: showResponse(response), expected: `the ${count(bytes, 'byte')} that were there` });
      const next = await http.response();
      expectBody(next, 'next', 'GET /next.txt, after it in the pipeline');
    },
  );

  rule(
    'opens-files-only',
    'opens nothing that is not a file: opening a pipe would wait for ever',
    {
      rule: 'a static server serves regular files; opening a FIFO waits until somebody writes into it',
      likely: 'the file is opened before anybody asks what it is',
      skip: NEEDS_LINKS,
    },
    async (world) => {
      const root = site({ 'a.txt': 'a' });
      const made = spawnSync('mkfifo', [join(root, 'pipe'), join(root, 'pipe.txt')]);
      check(made.status === 0, { received: `mkfifo failed: ${made.stderr}`, expected: 'a FIFO: mkfifo is part of every Unix' });
      const server = await world.call('serve', { root });
      // Four at a time: that many threads do the work of Node's file system.
      await Promise.all(
        ['/pipe', '/pipe.txt', '/pipe', '/pipe.txt', '/pipe'].map(async (target) => {
          for (const method of ['GET', 'HEAD']) {
            const { response } = await exchange(world, server, method, target);
            expectStatus(response, [403, 404], `${method} ${target}, a FIFO`);
          }
        }),
      );
      await expectFile(world, server, '/a.txt', 'a');
    },
  );

  rule(
    'refuses-what-may-not-be-read',
    'answers 403 or 404 for a file that the server may not read, and goes on',
    {
      rule: 'a server that may not read a file may not serve it (RFC 9110 §15.5.4); that is not a failure of the server',
      likely: 'EACCES becomes a 500',
      skip: NEEDS_LINKS,
    },
    async (world) => {
      const root = site({ 'closed.txt': 'closed', 'a.txt': 'a' });
      chmodSync(dirname(root), 0o755);
      chmodSync(join(root, 'closed.txt'), 0o000);
      await world.call('dropRights');
      const server = await world.call('serve', { root });
      for (const method of ['GET', 'HEAD']) expectStatus(await once(world, server, method, '/closed.txt'), [403, 404], `${method} /closed.txt`);
      await expectFile(world, server, '/a.txt', 'a');
    },
  );

  rule(
    'minds-the-settings',
    'serves hidden files and files outside the root if the settings say so',
    {
      rule: '`dotfiles`, `followOutside` and `platform` mean for the server what they mean for a path in exercise 3.1',
      likely: 'the settings are not passed on',
      skip: NEEDS_LINKS,
    },
    async (world) => {
      const { random } = world;
      const files = { 'www/.hidden.txt': random.words(3), 'www/a~1.txt': random.words(4), 'beside.txt': random.words(5) };
      const folder = scratchFolder();
      writeFiles(folder, files);
      const root = join(folder, 'www');
      symlinkSync('../beside.txt', join(root, 'link'));
      const cases: [target: string, content: string, options: { dotfiles?: boolean; followOutside?: boolean; platform?: 'linux' | 'win32' }, served: boolean][] = [
        ['/.hidden.txt', files['www/.hidden.txt'], {}, false],
        ['/.hidden.txt', files['www/.hidden.txt'], { dotfiles: false }, false],
        ['/.hidden.txt', files['www/.hidden.txt'], { dotfiles: true }, true],
        ['/link', files['beside.txt'], {}, false],
        ['/link', files['beside.txt'], { followOutside: false }, false],
        ['/link', files['beside.txt'], { followOutside: true }, true],
        ['/a~1.txt', files['www/a~1.txt'], {}, true],
        ['/a~1.txt', files['www/a~1.txt'], { platform: 'linux' }, true],
        ['/a~1.txt', files['www/a~1.txt'], { platform: 'win32' }, false],
      ];
      for (const [target, content, options, served] of cases) {
        const server = await world.call('serve', { root, options });
        const sent = `GET ${target}, where the settings are ${JSON.stringify(options)}`;
        const response = await once(world, server, 'GET', target);
        expectStatus(response, served ? 200 : [400, 403, 404], sent);
        if (served) expectBody(response, content, sent);
      }
    },
  );

  rule(
    'follows-a-deployment',
    'serves one version of the site after its root, a link, has been set to the next',
    {
      rule: 'after a deployment that switches a link from one directory to another, the site must be there, and all its files must be of one version',
      likely: 'the real path of the root is looked up once, and used for ever; or paths that were found are kept',
      skip: NEEDS_LINKS,
    },
    async (world) => {
      const { random } = world;
      const names = ['a.txt', 'sub/b.txt', 'c.txt'];
      const contents = [1, 2].map((version) => Object.fromEntries(names.map((name) => [name, `${random.words(3)}, version ${version}`])));
      const folder = scratchFolder();
      writeFiles(join(folder, 'one'), contents[0]!);
      writeFiles(join(folder, 'two'), contents[1]!);
      const root = join(folder, 'www');
      symlinkSync('one', root);
      const server = await world.call('serve', { root });
      for (const name of names.slice(0, 2)) await expectFile(world, server, `/${name}`, contents[0]![name]!);
      symlinkSync('two', join(folder, 'next'));
      renameSync(join(folder, 'next'), root);
      const seen = new Map<string, string>();
      for (const name of random.shuffle(names)) {
        const response = await once(world, server, 'GET', `/${name}`);
        expectStatus(response, 200, `GET /${name}, after the root, a link, was set from one directory to another that has the same names`);
        seen.set(name, response.body.toString());
      }
      check(contents.some((content) => names.every((name) => seen.get(name) === content[name])), {
        sent: names.map((name) => `GET /${name}`).join(', '),
        received: [...seen].map(([name, text]) => `${name}: ${text}`).join('; '),
        expected: 'all of the new version (or all of the old one)',
      });
    },
  );

  rule(
    'outlasts-a-shortage',
    'says that it cannot when no more files can be opened, and serves again afterwards',
    {
      rule: 'a process that is out of descriptors cannot tell whether a file is there: a failure for the time being, 503 or 500 (RFC 9110 §15.6), and not a 404, which caches and search engines believe',
      likely: 'any error of `open` is mistaken for "not there", or the error ends the process',
      skip: NEEDS_PRLIMIT,
    },
    async (world) => {
      const content = world.random.words(5);
      const root = site({ 'a.txt': content, 'sub/b.txt': 'b' });
      const server = await world.call('serve', { root });
      // Accepting a connection takes a descriptor, too: these have been accepted.
      const clients = await Promise.all(Array.from({ length: 4 }, async () => await world.http(server)));
      for (const http of clients) expectBody(await http.send('GET', '/a.txt').response(), content, 'GET /a.txt');
      await world.call('takeDescriptors');
      for (const [index, target] of ['/a.txt', '/sub/b.txt', '/a.txt', '/a.txt'].entries()) {
        const http = clients[index]!;
        http.send('GET', target, { fields: index === 2 ? [['If-None-Match', '*']] : [] });
        expectStatus(await http.response(), [500, 503], `GET ${target}, while the process can open no more files`);
      }
      await world.call('giveDescriptorsBack');
      await expectFile(world, server, '/a.txt', content);
      await expectFile(world, server, '/sub/b.txt', 'b');
    },
  );
});
