import { chmodSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { count } from '#support/bytes.ts';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type { Fields } from '#support/http-client.ts';
import { fieldTokens, fieldValue, fieldValues } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Random } from '#support/random.ts';
import type { Address } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import type { Outcome } from './driver.ts';
import { LONG_AGO_MS, setModified, site, writeFiles } from './files.ts';
import { expectBody, expectFilesClosed, expectStatus, NEEDS_LINKS, NEEDS_PROC, once, showOutcome, showResponse } from './wire.ts';
import type { TestWorld } from './wire.ts';

type Coding = 'br' | 'zstd' | 'gzip';
const CODINGS: readonly Coding[] = ['br', 'zstd', 'gzip'];
const ALL = { encodings: [...CODINGS] };
const HOUR_MS = 3_600_000;

/** Something to be compressed, and what it becomes in each coding. */
function material(random: Random): Record<Coding | 'identity', Buffer> {
  const identity = Buffer.from(`${random.words(3)} `.repeat(random.integer(40, 90)));
  return { identity, br: brotliCompressSync(identity), zstd: zstdCompressSync(identity), gzip: gzipSync(identity) };
}

async function ask(world: TestWorld, server: Address, target: string, accept: string | undefined, more: Fields = [], method = 'GET'): Promise<HttpTestResponse> {
  return await once(world, server, method, target, { fields: [...(accept === undefined ? [] : ([['Accept-Encoding', accept]] as Fields)), ...more] });
}

const show = (target: string, accept: string | undefined, more: Fields = [], method = 'GET'): string =>
  `${method} ${target} with ${[`Accept-Encoding: ${accept ?? '(none)'}`, ...more.map(([name, value]) => `${name}: ${value}`)].join(', ')}`;

function codingOf(response: HttpTestResponse): string {
  return fieldValue(response, 'content-encoding')?.toLowerCase() ?? 'identity';
}

/** Expects 200 with the bytes of one of these codings, and the fields that belong to it. */
function expectCoding(response: HttpTestResponse, files: Record<Coding | 'identity', Buffer>, allowed: readonly (Coding | 'identity')[], sent: string): void {
  expectStatus(response, 200, sent);
  const coding = codingOf(response) as Coding | 'identity';
  check(allowed.includes(coding), { sent, received: `Content-Encoding: ${fieldValue(response, 'content-encoding') ?? '(none)'}`, expected: allowed.map((name) => (name === 'identity' ? 'no Content-Encoding' : name)).join(' or ') });
  expectBody(response, files[coding], `${sent}, answered in ${coding}`);
}

function expectVary(response: HttpTestResponse, sent: string): void {
  check(fieldTokens(response, 'vary').some((token) => token === 'accept-encoding' || token === '*'), { sent, received: `${response.status} with Vary: ${fieldValues(response, 'vary').join(', ') || '(none)'}`, expected: 'Vary: Accept-Encoding' });
}

/** What each coding weighs; identity is undefined if nobody mentioned it. */
function weightsOf(accept: string): Map<string, number> {
  const named = new Map<string, number>();
  for (const member of accept.split(',')) {
    const [name, ...parameters] = member.split(';').map((text) => text.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    if (name) named.set(name, q === undefined ? 1 : Number(q.slice(2)));
  }
  return named;
}

/** Says what is wrong with an order of preference; undefined if nothing is. */
function fault(accept: string, available: readonly Coding[], order: readonly string[]): string | undefined {
  const named = weightsOf(accept);
  const any = named.get('*');
  const acceptable = new Map<string, number>();
  for (const coding of available) {
    const weight = named.get(coding) ?? any ?? 0;
    if (weight > 0) acceptable.set(coding, weight);
  }
  const identity = named.get('identity') ?? (any === 0 ? 0 : undefined);
  if (new Set(order).size !== order.length) return 'a coding is there twice';
  for (const coding of order) {
    if (coding === 'identity' ? identity === 0 : !acceptable.has(coding)) return `${coding} is not acceptable`;
  }
  for (const coding of acceptable.keys()) if (!order.includes(coding)) return `${coding} is acceptable and not there`;
  if (identity !== 0 && !order.includes('identity')) return 'identity is acceptable and not there';
  const weights = order.flatMap((coding) => (coding === 'identity' && identity === undefined ? [] : [coding === 'identity' ? identity! : acceptable.get(coding)!]));
  if (weights.some((weight, index) => index > 0 && weight > weights[index - 1]!)) return 'what is liked better comes later';
  if (identity === undefined && acceptable.size > 0 && order[0] === 'identity') return 'identity comes first though nobody asked for it';
  return undefined;
}

exercise<typeof driver>('3.6', import.meta.url, (rule) => {
  rule(
    'weighs-codings',
    'knows which codings a client takes, and which of them it likes best',
    {
      rule: 'a weight is from 0 to 1, and 1 if nothing is said; 0 means "not acceptable"; * means all the others (RFC 9110 §12.4.2, §12.5.3)',
      likely: '`includes`, or the order in the list is mistaken for the order of preference',
    },
    async ({ call, random }) => {
      const fixed = ['gzip', 'br', 'gzip, deflate, br', 'BR', 'GZip;Q=0.5, br;q=0.2', 'gzip;q=1.0, br;q=0.5', 'br;q=0', 'gzip, br;q=0', 'gzip;q=0.000', '*', '*;q=0', '*;q=0, br', '*;q=0.1, br;q=0', 'identity', 'identity;q=0', 'identity;q=0, gzip', 'identity;q=1, br;q=0.5', '*;q=0, identity', 'gzip ; q=0.3 , br\t;\tq=0.9', 'x-brightness', 'brr, gzipped', 'zstd, br;q=0.999', 'gzip;q=0.001', 'deflate, compress', ',, gzip ,', 'br;q=0.5, gzip;q=0.5, zstd;q=0.5'];
      const members = ['br', 'gzip', 'zstd', 'identity', '*', 'deflate', 'BR', 'x-nothing'];
      const drawn = Array.from({ length: 300 }, () =>
        random
          .shuffle(members.filter((name) => name !== 'BR'))
          .slice(0, random.integer(1, 5))
          .map((name) => `${random.integer(0, 4) === 0 ? name.toUpperCase() : name}${random.boolean() ? '' : `${random.pick([';', '; ', ' ;'])}q=${random.pick(['0', '0.0', '0.1', '0.25', '0.5', '0.9', '1', '1.000'])}`}`)
          .join(random.pick([',', ', '])),
      );
      const cases = [...fixed, ...drawn].map((value) => ({ value, available: random.shuffle(CODINGS).slice(0, random.integer(1, 3)) }));
      const outcomes = await call('codings', cases);
      cases.forEach(({ value, available }, index) => {
        const outcome = outcomes[index] as Outcome<string[]>;
        const wrong = 'accepted' in outcome ? fault(value, available, outcome.accepted) : 'an error';
        check(wrong === undefined, { sent: `preferredCodings('${value}', ${JSON.stringify(available)})`, received: `${showOutcome(outcome)}: ${wrong}`, expected: 'those that are acceptable, the best first' });
      });
      const [none, empty, alias] = await call('codings', [{ value: undefined, available: [...CODINGS] }, { value: '', available: [...CODINGS] }, { value: 'x-gzip', available: ['gzip'] }]);
      check('accepted' in none! && none.accepted[0] === 'identity', { sent: 'preferredCodings(undefined, …): no such field', received: showOutcome(none!), expected: 'identity first' });
      check('accepted' in empty! && empty.accepted.join() === 'identity', { sent: "preferredCodings('', …)", received: showOutcome(empty!), expected: '["identity"]: an empty field takes nothing else' });
      check('accepted' in alias! && alias.accepted.includes('gzip'), { sent: "preferredCodings('x-gzip', ['gzip'])", received: showOutcome(alias!), expected: 'gzip: it is the same (RFC 9110 §8.4.1.3)' });
    },
  );

  rule(
    'serves-siblings',
    'serves the sibling in the coding that the client likes best',
    {
      rule: 'Content-Encoding says how the bytes are encoded; Content-Type stays that of the original (RFC 9110 §8.4)',
      likely: 'the type of `.br` or `.gz` is sent, or the length of the original',
    },
    async (world) => {
      const files = material(world.random);
      const server = await world.call('serve', { root: site({ 'app.js': files.identity, 'app.js.br': files.br, 'app.js.zst': files.zstd, 'app.js.gz': files.gzip, 'two.css': files.identity, 'two.css.gz': files.gzip }), options: ALL });
      const cases: [target: string, accept: string | undefined, allowed: (Coding | 'identity')[]][] = [
        ['/app.js', 'br', ['br']],
        ['/app.js', 'zstd', ['zstd']],
        ['/app.js', 'gzip', ['gzip']],
        ['/app.js', 'gzip, deflate, br, zstd', ['br', 'zstd', 'gzip']],
        ['/app.js', 'br;q=0.5, gzip;q=0.9, zstd;q=0.1', ['gzip']],
        ['/app.js', '*', ['br', 'zstd', 'gzip']],
        ['/app.js', undefined, ['identity']],
        ['/app.js', '', ['identity']],
        ['/app.js', 'identity', ['identity']],
        ['/app.js', 'deflate', ['identity']],
        ['/two.css', 'br, gzip;q=0.1', ['gzip']],
        ['/two.css', 'br', ['identity']],
      ];
      for (const [target, accept, allowed] of cases) {
        const response = await ask(world, server, target, accept);
        expectCoding(response, files, allowed, show(target, accept));
        const type = fieldValue(response, 'content-type') ?? '(none)';
        check(type.startsWith(target.endsWith('.js') ? 'text/javascript' : 'text/css'), { sent: show(target, accept), received: `Content-Type: ${type}`, expected: 'that of the original' });
        const head = await ask(world, server, target, accept, [], 'HEAD');
        check(head.status === 200 && codingOf(head) === codingOf(response) && fieldValue(head, 'content-length') === String(response.body.length), { sent: show(target, accept, [], 'HEAD'), received: `${showResponse(head)}, Content-Encoding: ${fieldValue(head, 'content-encoding') ?? '(none)'}, Content-Length: ${fieldValue(head, 'content-length')}`, expected: 'the fields of GET' });
      }
    },
  );

  rule(
    'honours-zero',
    'sends no coding that the client refuses',
    {
      rule: 'a weight of 0 means "not acceptable" (RFC 9110 §12.4.2)',
      likely: 'the name is found in the field, and its q is not read',
    },
    async (world) => {
      const files = material(world.random);
      const server = await world.call('serve', { root: site({ 'a.txt': files.identity, 'a.txt.br': files.br, 'a.txt.gz': files.gzip, 'plain.txt': files.identity }), options: ALL });
      for (const [accept, allowed] of [['gzip;q=0, br;q=0', ['identity']], ['gzip, br;q=0', ['gzip']], ['br;q=0.0, *', ['gzip']], ['*;q=0', []], ['*;q=0, gzip', ['gzip']], ['identity;q=0, br', ['br']], ['gzip;q=0', ['identity']]] as [string, (Coding | 'identity')[]][]) {
        const response = await ask(world, server, '/a.txt', accept);
        // If nothing is acceptable, 406 says so; and sending the file as it is does no harm (RFC 9110 §12.4.1).
        if (allowed.length === 0) {
          expectStatus(response, [406, 200], show('/a.txt', accept));
          check(response.status === 406 || codingOf(response) === 'identity', { sent: show('/a.txt', accept), received: `200 with Content-Encoding: ${codingOf(response)}`, expected: '406, or no Content-Encoding' });
        } else expectCoding(response, files, allowed, show('/a.txt', accept));
      }
      const refused = await ask(world, server, '/plain.txt', 'identity;q=0, br');
      expectStatus(refused, [406, 200], show('/plain.txt', 'identity;q=0, br'));
      expectStatus(await ask(world, server, '/nothing.txt', 'identity;q=0, br'), [404, 406], show('/nothing.txt', 'identity;q=0, br'));
    },
  );

  rule(
    'varies-always',
    'says Vary: Accept-Encoding with every answer that might have been another',
    {
      rule: 'a cache that keeps one answer for all must know that there are several (RFC 9110 §12.5.5): Vary goes with the plain file, too, even if it has no sibling today',
      likely: 'Vary is sent only with an encoded body',
    },
    async (world) => {
      const files = material(world.random);
      const root = site({ 'a.txt': files.identity, 'a.txt.gz': files.gzip, 'plain.txt': files.identity });
      const server = await world.call('serve', { root, options: ALL });
      for (const target of ['/a.txt', '/plain.txt']) {
        for (const accept of ['gzip', 'identity', undefined, 'gzip;q=0']) {
          for (const method of ['GET', 'HEAD']) {
            const response = await ask(world, server, target, accept, [], method);
            expectVary(response, show(target, accept, [], method));
            const tag = fieldValue(response, 'etag') ?? '""';
            const again: Fields = [['If-None-Match', tag]];
            const unchanged = await ask(world, server, target, accept, again, method);
            expectStatus(unchanged, 304, show(target, accept, again, method));
            expectVary(unchanged, show(target, accept, again, method));
          }
          const range: Fields = [['Range', 'bytes=0-4']];
          expectVary(await ask(world, server, target, accept, range), show(target, accept, range));
        }
      }
      // With a Vary of its own.
      const own = await world.call('serve', { root, options: { ...ALL, headers: [['Vary', 'Origin']] } });
      const response = await ask(world, own, '/a.txt', 'gzip');
      expectVary(response, `${show('/a.txt', 'gzip')}, where the settings have Vary: Origin`);
      check(fieldTokens(response, 'vary').includes('origin'), { sent: `${show('/a.txt', 'gzip')}, where the settings have Vary: Origin`, received: `Vary: ${fieldValues(response, 'vary').join(', ')}`, expected: 'both names' });
    },
  );

  rule(
    'tags-each-coding',
    'gives each coding a tag of its own',
    {
      rule: 'encoded bytes are another representation (RFC 9110 §8.8.3.3): its tag must not match the others',
      likely: 'the tag of the original is sent with all of them, or the coding is not in the tag and only their sizes tell them apart',
    },
    async (world) => {
      const { random } = world;
      const files = material(random);
      // By chance an encoded file may be as long as the original. (Nobody here decodes them.)
      const bytes = random.integer(50, 500);
      const alike = { identity: random.bytes(bytes), br: random.bytes(bytes), zstd: random.bytes(bytes), gzip: random.bytes(bytes) };
      const all = (name: string, contents: typeof files): Record<string, Buffer> => ({ [name]: contents.identity, [`${name}.br`]: contents.br, [`${name}.zst`]: contents.zstd, [`${name}.gz`]: contents.gzip });
      const server = await world.call('serve', { root: site({ ...all('a.txt', files), ...all('b.txt', alike) }), options: ALL });
      for (const [target, contents] of [['/a.txt', files], ['/b.txt', alike]] as const) {
        const about = target === '/a.txt' ? '' : `, where each is of ${count(bytes, 'byte')} and of the same time`;
        const tags = new Map<string, string>();
        for (const accept of [...CODINGS, 'identity']) tags.set(accept, fieldValue(await ask(world, server, target, accept), 'etag') ?? '');
        const opaque = [...tags.values()].map((tag) => tag.replace(/^W\//, ''));
        check(new Set(opaque).size === 4, { sent: `GET ${target} in br, zstd, gzip and identity${about}`, received: [...tags].map(([name, tag]) => `${name} ${tag}`).join(', '), expected: 'four tags' });
        for (const [accept, tag] of tags) {
          for (const other of tags.keys()) {
            const fields: Fields = [['If-None-Match', tag]];
            const response = await ask(world, server, target, other, fields);
            expectStatus(response, other === accept ? 304 : 200, show(target, other, fields));
            if (other !== accept) expectBody(response, contents[other as Coding | 'identity'], show(target, other, fields));
          }
        }
      }
    },
  );

  rule(
    'counts-encoded-bytes',
    'counts the bytes of a range as they are encoded',
    {
      rule: 'a range is a part of the selected representation (RFC 9110 §14.2), whose bytes are the encoded ones; or it is ignored',
      likely: 'the range is cut out of the original, or counted by its size',
    },
    async (world) => {
      const files = material(world.random);
      const server = await world.call('serve', { root: site({ 'a.txt': files.identity, 'a.txt.gz': files.gzip, 'a.txt.br': files.br }), options: ALL });
      for (const coding of ['gzip', 'br', 'identity'] as const) {
        for (const [text, first, end] of [['0-4', 0, 5], ['-7', -7, Infinity], ['5-', 5, Infinity]] as const) {
          const fields: Fields = [['Range', `bytes=${text}`]];
          const sent = show('/a.txt', coding, fields);
          const response = await ask(world, server, '/a.txt', coding, fields);
          expectStatus(response, [200, 206], sent);
          // A server that sends parts of the file as it is says so.
          const seen = codingOf(response);
          check(seen === coding || seen === 'identity', { sent, received: `Content-Encoding: ${seen}`, expected: coding });
          const content = files[seen];
          const part = content.subarray(first, end);
          const contentRange = `bytes ${first < 0 ? content.length + first : first}-${Math.min(end, content.length) - 1}/${content.length}`;
          if (response.status === 206) check(fieldValue(response, 'content-range') === contentRange, { sent, received: `Content-Range: ${fieldValue(response, 'content-range')}`, expected: contentRange });
          expectBody(response, response.status === 206 ? part : content, `${sent}, answered in ${seen}`);
        }
      }
    },
  );

  rule(
    'takes-no-old-sibling',
    'takes no sibling that is older than its original',
    {
      rule: 'what was compressed before the last change is another text',
      likely: 'whatever is there is sent',
    },
    async (world) => {
      const files = material(world.random);
      const old = brotliCompressSync(Buffer.from('what was there before'));
      const root = site({ 'a.txt': files.identity, 'a.txt.br': old, 'a.txt.gz': files.gzip, 'b.txt': files.identity, 'b.txt.br': files.br });
      setModified(join(root, 'a.txt.br'), LONG_AGO_MS - HOUR_MS);
      setModified(join(root, 'b.txt.br'), LONG_AGO_MS + HOUR_MS);
      const server = await world.call('serve', { root, options: ALL });
      expectCoding(await ask(world, server, '/a.txt', 'br'), files, ['identity'], `${show('/a.txt', 'br')}, where a.txt.br is an hour older`);
      expectCoding(await ask(world, server, '/a.txt', 'br, gzip;q=0.5'), files, ['gzip', 'identity'], `${show('/a.txt', 'br, gzip;q=0.5')}, where a.txt.br is an hour older`);
      expectCoding(await ask(world, server, '/b.txt', 'br'), files, ['br'], `${show('/b.txt', 'br')}, where b.txt.br is an hour younger`);
    },
  );

  rule(
    'keeps-siblings-files',
    'serves a sibling as a file of its own when it is asked for by its name, and no sibling when none was wanted',
    {
      rule: '/a.js.gz is a file of its own: nobody must unpack it on the way',
      likely: 'Content-Encoding is set by the extension',
    },
    async (world) => {
      const files = material(world.random);
      const root = site({ 'a.js': files.identity, 'a.js.gz': files.gzip, 'only.js.gz': files.gzip, 'sub/index.html': files.identity, 'sub/index.html.br': files.br });
      const server = await world.call('serve', { root, options: ALL });
      const archive = await ask(world, server, '/a.js.gz', 'gzip');
      const sent = show('/a.js.gz', 'gzip');
      expectStatus(archive, 200, sent);
      check(fieldValue(archive, 'content-encoding') === undefined && /gzip/.test(fieldValue(archive, 'content-type') ?? ''), { sent, received: `Content-Encoding: ${fieldValue(archive, 'content-encoding') ?? '(none)'}, Content-Type: ${fieldValue(archive, 'content-type')}`, expected: 'no Content-Encoding, application/gzip' });
      expectBody(archive, files.gzip, sent);
      expectStatus(await ask(world, server, '/only.js', 'gzip'), 404, `${show('/only.js', 'gzip')}, of which there is only only.js.gz`);
      expectCoding(await ask(world, server, '/sub/', 'br'), files, ['br'], show('/sub/', 'br'));
      const plain = await world.call('serve', { root });
      expectCoding(await ask(world, plain, '/a.js', 'gzip'), files, ['identity'], `${show('/a.js', 'gzip')}, where the settings have no encodings`);
      const gzipOnly = await world.call('serve', { root, options: { encodings: ['gzip'] } });
      expectCoding(await ask(world, gzipOnly, '/sub/', 'br'), files, ['identity'], `${show('/sub/', 'br')}, where the settings have gzip alone`);
    },
  );

  rule(
    'follows-no-sibling-out',
    'follows no sibling that leads out of the root, and takes no directory for one',
    {
      rule: 'a sibling is a file below the root like any other',
      likely: 'the sibling is opened by its name, past the checks of exercise 3.1',
      skip: NEEDS_LINKS,
    },
    async (world) => {
      const files = material(world.random);
      const root = site({ 'a.txt': files.identity, 'b.txt': files.identity, 'b.txt.gz/': '' });
      writeFiles(dirname(root), { 'secret.gz': gzipSync(Buffer.from('the secret')) }, LONG_AGO_MS + HOUR_MS);
      symlinkSync('../secret.gz', join(root, 'a.txt.gz'));
      const server = await world.call('serve', { root, options: ALL });
      expectCoding(await ask(world, server, '/a.txt', 'gzip'), files, ['identity'], `${show('/a.txt', 'gzip')}, where a.txt.gz is a link out of the root`);
      expectCoding(await ask(world, server, '/b.txt', 'gzip'), files, ['identity'], `${show('/b.txt', 'gzip')}, where b.txt.gz is a directory`);
    },
  );

  rule(
    'sends-cache-control',
    'sends the Cache-Control that was chosen: with files, parts and 304',
    {
      rule: 'a 304 MUST have the Cache-Control that a 200 would have had (RFC 9110 §15.4.5)',
      likely: 'only the 200 has it',
    },
    async (world) => {
      const value = `public, max-age=${world.random.integer(60, 9999)}`;
      const server = await world.call('serve', { root: site({ 'a.txt': 'hello, world', 'index.html': 'index' }), options: { cacheControl: value } });
      const tag = fieldValue(await ask(world, server, '/a.txt', undefined), 'etag') ?? '""';
      for (const [target, method, fields, status] of [['/a.txt', 'GET', [], 200], ['/', 'GET', [], 200], ['/a.txt', 'HEAD', [], 200], ['/a.txt', 'GET', [['Range', 'bytes=0-3']], 206], ['/a.txt', 'GET', [['If-None-Match', tag]], 304], ['/a.txt', 'HEAD', [['If-None-Match', tag]], 304]] as [string, string, Fields, number][]) {
        const response = await ask(world, server, target, undefined, fields, method);
        const sent = show(target, undefined, fields, method);
        expectStatus(response, status, sent);
        const seen = fieldValues(response, 'cache-control').join(', ');
        check(seen === value, { sent, received: `${status} with Cache-Control: ${seen || '(none)'}`, expected: value });
      }
      const without = await world.call('serve', { root: site({ 'a.txt': 'a' }) });
      const other = await ask(world, without, '/a.txt', undefined);
      check(!/max-age|immutable/.test(fieldValue(other, 'cache-control') ?? ''), { sent: 'GET /a.txt, where nothing was chosen', received: `Cache-Control: ${fieldValue(other, 'cache-control')}`, expected: 'no promise, since nobody made one' });
    },
  );

  rule(
    'sends-headers',
    'sends the fields that were chosen, in place of its own',
    {
      rule: 'the person who runs the server knows better: a field of the settings replaces ours of the same name, in upper or lower case',
      likely: 'both are sent, or the field is sent only with a 200',
    },
    async (world) => {
      const word = world.random.word();
      const root = site({ 'a.txt': 'hello, world', 'sub/b.txt': 'b' });
      const server = await world.call('serve', { root, options: { listing: true, cacheControl: 'no-cache', headers: [['X-Word', word], ['content-type', 'text/x-own'], ['Cache-Control', 'no-store'], ['Access-Control-Allow-Origin', '*'], ['X-Content-Type-Options', 'nosniff'], ['Content-Location', `/${word}`], ['Expires', 'Thu, 01 Jan 1970 00:00:00 GMT']] } });
      const tag = fieldValue(await ask(world, server, '/a.txt', undefined), 'etag') ?? '""';
      for (const [target, method, fields, statuses] of [['/a.txt', 'GET', [], [200]], ['/a.txt', 'HEAD', [], [200]], ['/a.txt', 'GET', [['Range', 'bytes=0-3']], [206]], ['/a.txt', 'GET', [['If-None-Match', tag]], [304]], ['/sub', 'GET', [], [301, 308]], ['/sub/', 'GET', [], [200]]] as [string, string, Fields, number[]][]) {
        const response = await ask(world, server, target, undefined, fields, method);
        const sent = show(target, undefined, fields, method);
        expectStatus(response, statuses, sent);
        const own: [string, string][] = [['x-word', word], ['access-control-allow-origin', '*']];
        // A 304 MUST have these, too (RFC 9110 §15.4.5).
        if (target === '/a.txt') own.push(['cache-control', 'no-store'], ['content-location', `/${word}`], ['expires', 'Thu, 01 Jan 1970 00:00:00 GMT'], ['x-content-type-options', 'nosniff']);
        if (target === '/a.txt' && response.status !== 304) own.push(['content-type', 'text/x-own']);
        for (const [name, value] of own) {
          const seen = fieldValues(response, name);
          check(seen.length === 1 && seen[0] === value, { sent: `${sent}, where the settings have ${name}: ${value}`, received: `${response.status} with ${name}: ${seen.join(' and ') || '(none)'}`, expected: value });
        }
      }
      const object = await world.call('serve', { root, options: { headers: { 'X-Word': word } } });
      check(fieldValue(await ask(world, object, '/a.txt', undefined), 'x-word') === word, { sent: `GET /a.txt, where the settings have { 'X-Word': '${word}' }`, received: 'no X-Word', expected: word });
    },
  );

  rule(
    'refuses-what-cannot-be-sent',
    'refuses settings that cannot be sent, before the first request',
    {
      rule: 'a line end in a field is the end of the field, and what follows is another (RFC 9110 §5.5): the person who starts the server must hear about it, and not the visitors',
      likely: 'the fields are checked only with the first response, or only some of them are',
    },
    async (world) => {
      const word = world.random.word();
      const root = site({ 'a.txt': 'a' });
      const bad = [{ headers: [['X-Word', `${word}\r\nSet-Cookie: a=b`]] as [string, string][] }, { headers: { 'X Word': word } }, { headers: { 'X-Word': `${word}\n` } }, { cacheControl: `no-cache\r\nX-Word: ${word}` }, { cacheControl: `no-cache\0` }];
      for (const options of bad) {
        const outcome = await world.call('staticFiles', root, options);
        check('threw' in outcome, { sent: `staticFiles(root, ${JSON.stringify(options)})`, received: 'accepted' in outcome ? `a ${String(outcome.accepted)}` : showOutcome(outcome), expected: 'an error, at once' });
      }
      for (const options of [{}, { headers: { 'X-Word': word } }, { headers: [['X-Word', word], ['X-Word', '']] as [string, string][], cacheControl: 'max-age=60, immutable' }]) {
        const outcome = await world.call('staticFiles', root, options);
        check('accepted' in outcome && outcome.accepted === 'function', { sent: `staticFiles(root, ${JSON.stringify(options)})`, received: showOutcome(outcome), expected: 'a handler' });
      }
    },
  );

  rule(
    'closes-siblings',
    'closes the original, and siblings that are not sent',
    {
      rule: 'two files may be open: however the response ends, both are closed',
      likely: 'the one that is not sent stays open',
      skip: NEEDS_PROC,
    },
    async (world) => {
      const files = material(world.random);
      const root = site({ 'a.txt': files.identity, 'a.txt.br': files.br, 'a.txt.gz': files.gzip, 'old.txt': files.identity, 'old.txt.br': files.br, 'only.txt.br': files.br, 'plain.txt': files.identity });
      setModified(join(root, 'old.txt.br'), LONG_AGO_MS - HOUR_MS);
      const server = await world.call('serve', { root, options: ALL });
      for (const target of ['/a.txt', '/old.txt', '/only.txt', '/plain.txt', '/nothing']) {
        for (const accept of ['br', 'gzip, br;q=0.5', 'identity;q=0', undefined]) {
          for (const method of ['GET', 'HEAD']) await ask(world, server, target, accept, [], method);
          await ask(world, server, target, accept, [['If-None-Match', '*']]);
          await expectFilesClosed(world, root, show(target, accept));
        }
      }
    },
  );

  rule(
    'does-without-what-it-may-not-read',
    'serves a file whose sibling may not be read, and closes the sibling of a file that may not be read',
    {
      rule: 'a sibling saves bytes; if it cannot be read, the file itself is still there',
      likely: 'the 403 of the sibling becomes the answer; or the original cannot be opened, and nobody closes the sibling',
      skip: NEEDS_LINKS,
    },
    async (world) => {
      const files = material(world.random);
      const root = site({ 'a.txt': files.identity, 'a.txt.br': files.br, 'a.txt.gz': files.gzip, 'b.txt': files.identity, 'b.txt.br': files.br, 'c.txt': files.identity, 'c.txt.br': files.br });
      chmodSync(dirname(root), 0o755);
      for (const name of ['a.txt.br', 'b.txt.br', 'c.txt']) chmodSync(join(root, name), 0o000);
      await world.call('dropRights');
      const server = await world.call('serve', { root, options: ALL });
      expectCoding(await ask(world, server, '/a.txt', 'br, gzip;q=0.5'), files, ['gzip', 'identity'], `${show('/a.txt', 'br, gzip;q=0.5')}, where a.txt.br may not be read`);
      expectCoding(await ask(world, server, '/b.txt', 'br'), files, ['identity'], `${show('/b.txt', 'br')}, where b.txt.br may not be read`);
      const sent = `${show('/c.txt', 'br')}, where c.txt may not be read, and c.txt.br may`;
      for (let times = 0; times < 3; times++) {
        // A server that only asks for the times of the original sends the sibling, which anybody may read.
        const response = await ask(world, server, '/c.txt', 'br');
        expectStatus(response, [200, 403, 404], sent);
        if (response.status === 200) expectBody(response, files.br, sent);
      }
      if (NEEDS_PROC === undefined) await expectFilesClosed(world, root, `${sent}, three times`);
    },
  );
});
