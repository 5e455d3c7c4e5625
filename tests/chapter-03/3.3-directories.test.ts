import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { count } from '#support/bytes.ts';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { fieldValue } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Address } from '#support/tcp-client.ts';
import type { StaticOptions } from '#subject/03-static/index.ts';
import type driver from './driver.ts';
import { LONG_AGO_MS, setModified, site, writeFiles, writeSparse } from './files.ts';
import { expectBody, expectFile, expectFilesClosed, expectStatus, NEEDS_LINKS, NEEDS_PROC, once, showOutcome } from './wire.ts';
import type { TestWorld } from './wire.ts';

/** Statuses that send a client elsewhere for good. */
const REDIRECTS = [301, 308];
/** Names that mean something to a URL, to HTML, or to both. */
const ODD_NAMES = ['two words', 'a&b', 'quo"te', "apo'strophe", '<b>bold<', 'x:y', 'a#b', 'a?b=c', '100%', '%41', 'a;b', 'a+b', '~home', '世界', '[brackets]', '&amp;', 'javascript:alert(1)', '{x}', 'a|b', 'a^b`c'];

/** Where a client goes after it asked for `target` and was sent to the response's Location. */
function destination(response: HttpTestResponse, target: string): URL | undefined {
  const location = fieldValue(response, 'location');
  return location === undefined ? undefined : new URL(location, `http://localhost${target}`);
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** A text with the entities of HTML decoded, as a browser would. */
function unescapeHtml(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal?: string, hex?: string, name?: string) =>
    decimal !== undefined ? String.fromCodePoint(Number(decimal)) : hex !== undefined ? String.fromCodePoint(parseInt(hex, 16)) : (ENTITIES[(name ?? '').toLowerCase()] ?? whole),
  );
}

/** Every `href` of a page. */
function references(html: string): string[] {
  return Array.from(html.matchAll(/<a\b[^>]*?\shref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/gi), (found) => unescapeHtml(found[1] ?? found[2] ?? found[3] ?? ''));
}

/** The listing of a directory, as paths that its links lead to. */
async function listed(world: TestWorld, server: Address, target: string): Promise<{ html: string; paths: string[] }> {
  const response = await once(world, server, 'GET', target);
  expectStatus(response, 200, `GET ${target}`);
  const type = fieldValue(response, 'content-type') ?? '(none)';
  check(/^text\/html\s*;\s*charset="?utf-8/i.test(type), { sent: `GET ${target}`, received: `Content-Type: ${type}`, expected: 'text/html; charset=utf-8' });
  const html = response.body.toString('utf8');
  const base = `http://localhost${target}`;
  const paths = references(html).flatMap((reference) => (URL.canParse(reference, base) ? [new URL(reference, base)] : [])).map((url) => (url.host === 'localhost' ? url.pathname + url.search + url.hash : url.href));
  return { html, paths };
}

const UNITS = ['B', 'K', 'M', 'G', 'T'];

/** Checks what the listing of a directory with one file says about that file: a size in some unit, a time to the minute. */
function expectTrue(html: string, { size, mtimeMs }: { size: number; mtimeMs: number }, sent: string): void {
  const text = html.replaceAll(/<(head|style|script)\b[\s\S]*?<\/\1>/gi, '');
  const nothing = /\b(?:undefined|null|NaN|Infinity)\b/.exec(text);
  check(nothing === null, { sent, received: `"${nothing?.[0]}" on the page`, expected: 'what is known about the file' });
  for (const [shown, digits, unit] of text.matchAll(/(\d[\d,.]*)\s*(bytes?|B|[KMGT]i?B?)\b/gi)) {
    const power = Math.max(0, UNITS.indexOf(unit![0]!.toUpperCase()));
    // Rounded to two digits; and kB may mean either.
    const right = [1000, 1024].some((base) => Math.abs(Number(digits!.replaceAll(/,(?=\d{3})/g, '')) * base ** power - size) <= 0.06 * size);
    check(right, { sent, received: shown, expected: `the size of the file, which is ${count(size, 'byte')}` });
  }
  for (const [shown, date, time] of text.matchAll(/(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)/g)) {
    // In whatever time zone.
    check(Math.abs(Date.parse(`${date}T${time}Z`) - mtimeMs) < 15 * 3_600_000, { sent, received: shown, expected: `the time of its modification, ${new Date(mtimeMs).toISOString()}` });
  }
}

const pathOf = (name: string): string => `/${name.split('/').map(encodeURIComponent).join('/')}`;

exercise<typeof driver>('3.3', import.meta.url, (rule) => {
  rule(
    'serves-the-index',
    'serves index.html for a path that ends in a slash',
    {
      rule: "a directory's path means its index",
      likely: 'only `/` is handled, or the index is looked for without its directory',
    },
    async (world) => {
      const { random } = world;
      const files = { 'index.html': random.words(5), 'sub/index.html': random.words(6), 'sub/deep er/index.html': random.words(7) };
      const server = await world.call('serve', { root: site(files) });
      for (const [target, content] of [['/', files['index.html']], ['/sub/', files['sub/index.html']], ['/sub/deep%20er/', files['sub/deep er/index.html']], ['/?q', files['index.html']]] as const) {
        const response = await expectFile(world, server, target, content);
        const type = fieldValue(response, 'content-type') ?? '(none)';
        check(/^text\/html\s*;\s*charset="?utf-8/i.test(type), { sent: `GET ${target}`, received: `Content-Type: ${type}`, expected: 'text/html; charset=utf-8' });
        const head = await once(world, server, 'HEAD', target);
        expectStatus(head, 200, `HEAD ${target}`);
        check(fieldValue(head, 'content-length') === String(content.length), { sent: `HEAD ${target}`, received: `Content-Length: ${fieldValue(head, 'content-length')}`, expected: String(content.length) });
      }
    },
  );

  rule(
    'redirects-to-the-slash',
    'redirects a client that asks for a directory without its slash',
    {
      rule: 'relative links in the index count from the last slash (RFC 3986 §5.2.3): the client has to know that there is one; for good, with 301 or 308 (RFC 9110 §15.4.2, §15.4.9)',
      likely: 'the index is served for both, the status says "for now", or the Location is not what the client needs',
    },
    async (world) => {
      const word = world.random.word();
      const server = await world.call('serve', { root: site({ [`${word}/index.html`]: 'index', [`${word}/two words/a.txt`]: 'a', 'sub/deep/b.txt': 'b' }) });
      for (const method of ['GET', 'HEAD']) {
        for (const target of [`/${word}`, `/${word}/two%20words`, '/sub', '/sub/deep']) {
          const response = await once(world, server, method, target);
          expectStatus(response, REDIRECTS, `${method} ${target}`);
          const there = destination(response, target);
          check(there?.host === 'localhost' && there.pathname === `${target}/` && there.search === '', { sent: `${method} ${target}`, received: `Location: ${fieldValue(response, 'location') ?? '(none)'}`, expected: `a reference that leads to ${target}/` });
          check(!there.href.includes('?'), { sent: `${method} ${target}`, received: `Location: ${fieldValue(response, 'location')}`, expected: `${target}/ without a question mark: to a cache \`/a/?\` is another URL than \`/a/\``, likely: 'the `?` is there although the query is empty' });
        }
      }
      expectBody(await once(world, server, 'GET', `/${word}/`), 'index', `GET /${word}/`);
    },
  );

  rule(
    'redirects-relatively',
    'names no host and no port when it redirects',
    {
      rule: 'Location may be relative (RFC 9110 §10.2.2), and only the client knows which name it asked for: behind a proxy, a server knows another',
      likely: 'the URL is made from the Host field or from the port that the server listens on',
    },
    async (world) => {
      const word = world.random.word();
      const server = await world.call('serve', { root: site({ [`${word}/a.txt`]: 'a' }) });
      for (const host of ['localhost', 'evil.example', `${word}.example:8080`]) {
        const response = await once(world, server, 'GET', `/${word}`, { host });
        const location = fieldValue(response, 'location') ?? '';
        check(location !== '' && !/^[a-z][a-z0-9+.-]*:|^\/\//i.test(location), { sent: `GET /${word} with Host: ${host}`, received: `Location: ${location || '(none)'}`, expected: 'a reference without a scheme and a host' });
      }
    },
  );

  rule(
    'keeps-the-query',
    'keeps the query when it redirects',
    {
      rule: 'the query belongs to what was asked for',
      likely: 'the Location is made from the path alone',
    },
    async (world) => {
      const word = world.random.word();
      const server = await world.call('serve', { root: site({ [`${word}/a.txt`]: 'a' }) });
      for (const query of [`?${word}=1`, '?a=1&b=%20%2F', '?a/b?c', '?%zz']) {
        const target = `/${word}${query}`;
        const response = await once(world, server, 'GET', target);
        const there = destination(response, target);
        check(there?.pathname === `/${word}/` && there.search === query, { sent: `GET ${target}`, received: `Location: ${fieldValue(response, 'location') ?? '(none)'}`, expected: `a reference that leads to /${word}/${query}` });
      }
    },
  );

  rule(
    'redirects-to-itself-only',
    'leads nobody to another place, whatever a directory is called',
    {
      rule: '`//evil.example/` is a reference to another host (RFC 3986 §4.2), and `a:b/` has a scheme',
      likely: 'the decoded name, or the path as it came, is put into the Location unchanged',
    },
    async (world) => {
      const root = site({});
      for (const name of ODD_NAMES) mkdirSync(join(root, name));
      const server = await world.call('serve', { root });
      for (const name of ODD_NAMES) {
        const target = pathOf(name);
        const response = await once(world, server, 'GET', target);
        expectStatus(response, REDIRECTS, `GET ${target}`);
        const there = destination(response, target);
        check(there?.host === 'localhost' && there.protocol === 'http:' && decodeURIComponent(there.pathname) === `/${name}/` && there.search === '', {
          sent: `GET ${target}`,
          received: `Location: ${fieldValue(response, 'location') ?? '(none)'}`,
          expected: `a reference that leads to ${target}/`,
        });
      }
      for (const target of ['//evil.example', '//evil.example/', '//evil.example/..', '/%2fevil.example', '/%2f%2fevil.example/', '/%5cevil.example', '/\\evil.example', '///evil.example', '/sub//evil.example']) {
        const response = await once(world, server, 'GET', target);
        const there = destination(response, target);
        check(there === undefined || there.host === 'localhost', { sent: `GET ${target}`, received: `Location: ${fieldValue(response, 'location')}`, expected: '404: nobody is sent to another host' });
      }
    },
  );

  rule(
    'redirects-with-headers',
    'sends the fields of the settings with a redirect, too',
    {
      rule: 'the fields that were chosen are for every response that is not an error: a page of another site may follow a redirect only if that has Access-Control-Allow-Origin',
      likely: 'the redirect has its Location, and nothing of the settings',
    },
    async (world) => {
      const word = world.random.word();
      const root = site({ [`${word}/a.txt`]: 'a' });
      for (const headers of [[['X-Word', word], ['Access-Control-Allow-Origin', '*']], { 'X-Word': word }] as Exclude<StaticOptions['headers'], undefined>[]) {
        const server = await world.call('serve', { root, options: { headers } });
        const response = await once(world, server, 'GET', `/${word}`);
        expectStatus(response, REDIRECTS, `GET /${word}`);
        for (const [name, value] of Array.isArray(headers) ? headers : Object.entries(headers)) {
          const seen = fieldValue(response, name.toLowerCase());
          check(seen === value, { sent: `GET /${word}, where the settings have ${name}: ${value}`, received: `${response.status} with ${name}: ${seen ?? '(none)'}`, expected: value });
        }
      }
    },
  );

  rule(
    'minds-the-index-option',
    'takes as an index what the settings name, in their order',
    {
      rule: 'the first of `index` that is there is the index',
      likely: 'index.html is written into the code',
    },
    async (world) => {
      const word = world.random.word();
      const root = site({ 'a/index.html': 'html', 'a/home.txt': 'home', [`a/${word}.html`]: word, 'b/index.html': 'html', 'b/home.txt': 'home', 'c/index.html': 'html' });
      const server = await world.call('serve', { root, options: { index: [`${word}.html`, 'home.txt'] } });
      await expectFile(world, server, '/a/', word);
      await expectFile(world, server, '/b/', 'home');
      expectStatus(await once(world, server, 'GET', '/c/'), [403, 404], 'GET /c/, which has no index by these settings');
      const none = await world.call('serve', { root, options: { index: [] } });
      expectStatus(await once(world, none, 'GET', '/b/'), [403, 404], 'GET /b/, where the settings have no index at all');
      await expectFile(world, none, '/b/index.html', 'html');
    },
  );

  rule(
    'lists-nothing-unasked',
    'shows nobody what is in a directory without an index, unless the settings say so',
    {
      rule: 'names are not for everybody: 404, or 403',
      likely: 'the listing is on by default',
    },
    async (world) => {
      const word = world.random.word();
      const server = await world.call('serve', { root: site({ [`sub/${word}.txt`]: 'a', 'none/': '' }) });
      for (const target of ['/', '/sub/', '/none/']) {
        const response = await once(world, server, 'GET', target);
        expectStatus(response, [403, 404], `GET ${target}`);
        check(!response.body.includes(word), { sent: `GET ${target}`, received: response.body.toString().slice(0, 100), expected: 'no names' });
      }
      expectStatus(await once(world, server, 'GET', `/sub/${word}.txt/`), 404, `GET /sub/${word}.txt/`);
    },
  );

  rule(
    'lists-files-and-directories',
    'lists what is in a directory, each with a link that leads to it',
    {
      rule: 'every link of a listing leads to what it names; a directory ends in a slash',
      likely: 'the name is put into the link unchanged, or the link counts from the root',
    },
    async (world) => {
      const { random } = world;
      const names = Array.from({ length: random.integer(5, 12) }, (_, index) => `${random.word()}-${index}.txt`);
      const files = { ...Object.fromEntries(names.map((name) => [name, `this is ${name}`])), [`${random.word()}/in.txt`]: 'in', 'sub/deep/x.txt': 'x' };
      const server = await world.call('serve', { root: site(files), options: { listing: true } });
      const { paths } = await listed(world, server, '/');
      for (const name of names) {
        check(paths.includes(pathOf(name)), { sent: 'GET /', received: paths.join(' '), expected: `a link to ${pathOf(name)}` });
        await expectFile(world, server, pathOf(name), `this is ${name}`);
      }
      check(paths.includes('/sub/'), { sent: 'GET /', received: paths.join(' '), expected: 'a link to /sub/, with its slash' });
      const sub = await listed(world, server, '/sub/');
      check(sub.paths.includes('/sub/deep/'), { sent: 'GET /sub/', received: sub.paths.join(' '), expected: 'a link to /sub/deep/' });
      const head = await once(world, server, 'HEAD', '/sub/');
      expectStatus(head, 200, 'HEAD /sub/');
      const empty = Object.keys(files).length;
      check(paths.length >= empty - 1, { sent: 'GET /', received: `${paths.length} links`, expected: `at least ${empty - 1}` });
    },
  );

  rule(
    'escapes-text',
    'escapes a text so that it is nothing but text, in an element and in quotes',
    {
      rule: 'in an element `<` and `&` have a meaning, in a quoted attribute the quotes: what is escaped for both may be used in either',
      likely: 'only `<`, `>` and `&` are replaced; or they are replaced one after the other with `&` last, and `&lt;` becomes `&amp;lt;`',
    },
    async ({ call, random }) => {
      const word = random.word();
      const texts = ['', word, '<', '>', '&', '"', "'", `<b>${word}</b>`, `" onclick="${word}()`, `' onclick='${word}()`, '&amp;', '&lt;', '&&', `a & b < c > d "e" 'f'`, 'Grüße, 世界 🌍', '$&', ...Array.from({ length: 50 }, () => Array.from({ length: 8 }, () => random.pick([...`&<>"'`, 'a', ';', 'lt', '#39'])).join(''))];
      const outcomes = await call('escapedTexts', texts);
      texts.forEach((text, index) => {
        const outcome = outcomes[index]!;
        const sent = `escapeHtml(${JSON.stringify(text)})`;
        const escaped = 'accepted' in outcome ? String(outcome.accepted) : '';
        const bare = /[<"']|&(?!(?:#\d+|#x[\da-f]+|\w+);)/i.exec(escaped)?.[0];
        check('accepted' in outcome && bare === undefined, { sent, received: showOutcome(outcome), expected: `no ${bare ?? 'error'}: an entity in its place` });
        check(unescapeHtml(escaped) === text, { sent, received: `${showOutcome(outcome)}, which is read as ${JSON.stringify(unescapeHtml(escaped))}`, expected: `what is read as ${JSON.stringify(text)}` });
      });
    },
  );

  rule(
    'escapes-names',
    'escapes names, for the URL and for HTML',
    {
      rule: 'a name in a listing is text that a stranger may have chosen: it must not become markup (OWASP), nor another URL',
      likely: 'names are escaped for one of the two and not for the other, or in the wrong order',
    },
    async (world) => {
      // With a digit: no element of a page has it in its name.
      const tag = `${world.random.word()}7`;
      const hostile = [...ODD_NAMES, `<img src=x onerror=${tag}()>`, `"><script>${tag}()<`, `'><i ${tag}>`, `"${tag}="`];
      const root = site({ ...Object.fromEntries(hostile.map((name) => [name, `this is ${name}`])), '<i>folder/in.txt': 'in' });
      const server = await world.call('serve', { root, options: { listing: true } });
      const { html, paths } = await listed(world, server, '/');
      for (const name of hostile) {
        const wanted = pathOf(name);
        const found = paths.find((path) => path === wanted || decodedOrSame(path) === `/${name}`);
        check(found !== undefined && !/[?#]/.test(found), { sent: `GET /, where a file is called ${JSON.stringify(name)}`, received: `links to ${paths.filter((path) => path !== '/').slice(0, 8).join(' ')} …`, expected: `a link to ${wanted}` });
        await expectFile(world, server, found, `this is ${name}`);
      }
      // What the reader sees is each name as it is on the disk.
      const texts = html.replaceAll(/<(head|style|script)\b[\s\S]*?<\/\1>/gi, '').split(/<[^>]*>/).map((text) => unescapeHtml(text).trim());
      for (const name of [...hostile, '<i>folder']) check(texts.some((text) => text === name || text === `${name}/`), { sent: `GET /, where a file is called ${JSON.stringify(name)}`, received: `as text: ${texts.filter((text) => text !== '').slice(0, 12).join(' | ')} …`, expected: 'the name as text, for a person to read' });
      // A page without its text and without the values of its attributes is markup.
      const markup = (html.match(/<[^>]*>/g) ?? []).map((element) => element.replaceAll(/"[^"]*"|'[^']*'/g, '""'));
      const smuggled = markup.find((element) => element.includes(tag) || /^<(?:img|script|i|b)\b/i.test(element) || /onerror/i.test(element));
      check(smuggled === undefined, { sent: 'GET /, where files have names like <img src=x onerror=…>', received: `the element ${smuggled}`, expected: 'names as text: &lt;img src=x …' });
      const { html: inside } = await listed(world, server, '/%3Ci%3Efolder/');
      check(!inside.includes('<i>'), { sent: 'GET /%3Ci%3Efolder/', received: 'the element <i>', expected: "the directory's own name escaped, too" });
    },
  );

  rule(
    'lists-what-would-be-served',
    'lists nothing that a request would not get',
    {
      rule: 'no dotfiles, no links that lead out, no pipes: what is not served is not shown',
      likely: '`readdir` is shown as it is',
      skip: NEEDS_LINKS,
    },
    async (world) => {
      const word = world.random.word();
      const root = site({ 'a.txt': 'a', [`.${word}`]: 'hidden', '.git/config': 'hidden', '.well-known/b.txt': 'b' });
      writeFiles(dirname(root), { [`out-${word}.txt`]: 'secret', 'outside/c.txt': 'secret' });
      symlinkSync(`../out-${word}.txt`, join(root, `link-${word}`));
      symlinkSync('../outside', join(root, 'folder'));
      symlinkSync('nowhere', join(root, 'dangling'));
      symlinkSync('a.txt', join(root, 'within'));
      spawnSync('mkfifo', [join(root, 'pipe')]);
      const server = await world.call('serve', { root, options: { listing: true } });
      const { paths, html } = await listed(world, server, '/');
      for (const [path, what] of [[`/.${word}`, 'a dotfile'], ['/.git/', 'a dotfile'], [`/link-${word}`, 'a link out of the root'], ['/folder/', 'a link out of the root'], ['/folder', 'a link out of the root'], ['/dangling', 'a link to nothing'], ['/pipe', 'a FIFO']]) {
        check(!paths.includes(path as string), { sent: 'GET /', received: `a link to ${path}, ${what}`, expected: 'only what a request would get' });
      }
      check(!html.includes(`.${word}`), { sent: 'GET /', received: `the name .${word}`, expected: 'no dotfile by name either' });
      for (const path of ['/a.txt', '/within']) check(paths.includes(path), { sent: 'GET /', received: paths.join(' '), expected: `a link to ${path}` });
    },
  );

  rule(
    'says-nothing-wrong',
    'shows the size and the time of each file as they are, if it shows them',
    {
      rule: 'besides the names a listing may say what it likes, as long as it is true',
      likely: 'the entry has another time, or the size of something else: of the link, or of the blocks on the disk',
      skip: NEEDS_LINKS,
    },
    async (world) => {
      const { random } = world;
      const root = site({});
      const sizes = [0, 1, 999, 1023, 1024, 1500, random.integer(2000, 9999), random.integer(2, 9) * 1_000_000 + 7, random.integer(1e10, 1e11)];
      const server = await world.call('serve', { root, options: { listing: true } });
      for (const [index, size] of sizes.entries()) {
        const mtimeMs = LONG_AGO_MS + random.integer(0, 1_000_000) * 60_000;
        const folder = join(root, 'abcdefghij'[index]!);
        mkdirSync(folder);
        writeSparse(join(folder, 'file'), size);
        setModified(join(folder, 'file'), mtimeMs);
        const target = `/${'abcdefghij'[index]}/`;
        expectTrue((await listed(world, server, target)).html, { size, mtimeMs }, `GET ${target}`);
        // A request for a link gets what the link leads to.
        mkdirSync(`${folder}-link`);
        symlinkSync(`${folder}/file`, join(`${folder}-link`, 'link'));
        expectTrue((await listed(world, server, `${target.slice(0, -1)}-link/`)).html, { size, mtimeMs }, `GET ${target.slice(0, -1)}-link/, in which there is a link to the file`);
      }
      for (const size of [3 * 2 ** 40, 7e15]) {
        const page = await world.call('listingPage', ['sub'], [{ name: random.word(), isDirectory: false, size, mtimeMs: LONG_AGO_MS }]);
        check('accepted' in page && typeof page.accepted === 'string', { sent: 'listingPage of a file', received: showOutcome(page), expected: 'a page' });
        expectTrue(page.accepted, { size, mtimeMs: LONG_AGO_MS }, `listingPage(['sub'], …) of a file of ${count(size, 'byte')}`);
      }
    },
  );

  rule(
    'lists-what-it-may-read',
    'lists no directory that it may not read, and lists the rest if there is one thing in it that it may not look at',
    {
      rule: 'what the server may not read is refused (RFC 9110 §15.5.4): it is neither empty nor a failure of the server',
      likely: 'an error of `readdir` becomes an empty page or a 500, or one bad entry spoils the whole listing',
      skip: NEEDS_LINKS,
    },
    async (world) => {
      const word = world.random.word();
      const root = site({ 'a.txt': 'a', 'closed/b.txt': 'b', [`unlisted/${word}.txt`]: word });
      symlinkSync('closed/b.txt', join(root, 'link'));
      chmodSync(dirname(root), 0o755);
      // This one may be entered, but only by those who know the name that they want.
      chmodSync(join(root, 'unlisted'), 0o311);
      chmodSync(join(root, 'closed'), 0o000);
      try {
        await world.call('dropRights');
        const server = await world.call('serve', { root, options: { listing: true } });
        const { paths } = await listed(world, server, '/');
        check(paths.includes('/a.txt') && !paths.includes('/link'), { sent: 'GET /, where `link` leads to a file in a directory that may not be entered', received: paths.join(' '), expected: 'a link to /a.txt and none to /link' });
        for (const target of ['/unlisted/', '/closed/']) expectStatus(await once(world, server, 'GET', target), [403, 404], `GET ${target}, which the server may not read`);
        await expectFile(world, server, `/unlisted/${word}.txt`, word);
      } finally {
        for (const name of ['unlisted', 'closed']) chmodSync(join(root, name), 0o755);
      }
    },
  );

  rule(
    'lists-at-once',
    'lists a directory of a thousand files, and goes on answering others',
    {
      rule: 'a directory may be of any size',
      likely: 'a thousand files are opened to look at them, or are never closed',
      skip: NEEDS_PROC,
    },
    async (world) => {
      const word = world.random.word();
      const root = site(Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`many/${word}-${index}.txt`, ''])));
      writeFiles(root, { 'a.txt': 'a' });
      const server = await world.call('serve', { root, options: { listing: true } });
      const [listings] = await Promise.all([
        Promise.all(Array.from({ length: 3 }, async () => await listed(world, server, '/many/'))),
        expectFile(world, server, '/a.txt', 'a'),
      ]);
      for (const { paths } of listings) {
        const found = paths.filter((path) => path.startsWith(`/many/${word}-`)).length;
        check(new Set(paths).size >= 1000 && found === 1000, { sent: 'GET /many/, where there are 1,000 files', received: `${found} links`, expected: '1,000' });
      }
      await expectFilesClosed(world, root, 'GET /many/, three times');
    },
  );
});

function decodedOrSame(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
