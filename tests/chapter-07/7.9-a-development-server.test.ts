/**
 * Exercise 7.9: a development server. It notices what is saved, and shows what is wrong: to the person who writes the
 * application, and to nobody else.
 */
import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { closing } from '#support/http-exchange.ts';
import { fieldValue } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import { oddErrors } from './develop-calls.ts';
import type driver from './driver.ts';
import { shown } from './eyes.ts';
import { answer, onWindows, staged, until } from './stage.ts';
import type { Master, Stage } from './stage.ts';

/** Text in a page: without its markup, and with `&lt;` as `<`. */
function textOf(html: string): string {
  const named: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'", nbsp: ' ' };
  return html.replace(/<style[^]*?<\/style>/g, '').replace(/<(?:p|li|tr|h\d|div|pre)\b[^>]*>/g, '\n').replace(/<\/?[a-z!][^>]*>/gi, '')
    .replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex?: string, decimal?: string, name?: string) =>
      name === undefined ? String.fromCodePoint(parseInt(hex ?? decimal!, hex === undefined ? 10 : 16)) : (named[name] ?? whole));
}

function expectShown(html: string, expected: readonly string[], sent: string): void {
  const text = textOf(html);
  for (const part of expected) check(text.includes(part), { sent, received: `a page without that: ${shown(text.trim().slice(0, 600))}`, expected: shown(part) });
}

function expectHidden(html: string, hidden: readonly string[], sent: string): void {
  const text = `${html}\n${textOf(html)}`;
  for (const part of hidden) check(!text.includes(part), { sent, received: `it shows ${shown(part)}`, expected: 'nothing of that', likely: '' });
}

/** What came with the error must not be markup of the page. */
function expectEscaped(html: string, attacks: readonly string[], sent: string): void {
  for (const attack of attacks) check(!html.includes(attack), { sent, received: `as it came: ${shown(attack)}`, expected: '`<` as `&lt;`: text' });
}

async function get(stage: Stage, master: Master, target = '/', method = 'GET'): Promise<HttpTestResponse> {
  const http = await stage.world.http(master.address);
  http.send(method, target, closing());
  return await answer(http);
}

/** Asks until the response is like that. */
async function untilServed(stage: Stage, master: Master, holds: (response: HttpTestResponse) => boolean, sent: string, expected: string): Promise<HttpTestResponse> {
  const show = (response: HttpTestResponse): string => `${response.status}: ${shown(textOf(response.body.toString()).trim().slice(0, 200))}`;
  return await until(stage.world, () => get(stage, master), holds, { sent, expected, show, likely: 'the change was not noticed, or the workers were not replaced' });
}

const says = (mark: string) => (response: HttpTestResponse): boolean => response.status === 200 && response.body.toString() === mark;

/** A module whose application answers with a text. */
function appText(mark: string, first = ''): string {
  return `${first}
export const app = async (scope, receive, send) => {
  if (scope.type === 'websocket') return await send({ type: 'websocket.close' });
  if (scope.type !== 'http') throw Object.assign(new Error('unknown scope'), { name: 'UnknownScopeError' });
  if (scope.path === '/throws') throw new TypeError('wrong <script>alert(1)</script> here');
  await send({ type: 'http.response.start', status: 200, headers: [['content-type', 'text/plain']] });
  await send({ type: 'http.response.body', body: Buffer.from(${JSON.stringify(mark)}) });
};
`;
}

const DEVELOP = { workers: 1, reload: true, gracefulTimeoutMs: 5000 };
const SKIP = onWindows === undefined ? {} : { skip: onWindows };

exercise<typeof driver>('7.9', import.meta.url, (rule) => {
  rule(
    'shows-the-source',
    'shows an error with its stack and the source around its frames',
    { rule: 'the page has the message, the frames, and of the files of the project the lines around each frame', likely: 'a frame may name its file as file:///…, or as a path' },
    staged(async ({ world }) => {
      const { call, random } = world;
      for (let round = 0; round < 3; round++) {
        const [word, deep, file] = [random.word(6, 9), random.word(6, 9), `${random.word()}${round}.mjs`];
        const before = Array.from({ length: random.integer(3, 30) }, (_, line) => `// line ${line}`);
        const text = [...before, `function inner() {`, `  const ${word} = '${deep}';`, `  throw new RangeError('it is ' + ${word});`, '}', `export function run() { // calls it`, '  return inner();', '}', ''].join('\n');
        const path = await call('writeFile', file, text);
        const page = await call('errorPageOf', path, { production: false });
        const number = before.length + 3;
        const sent = `an error that is thrown in line ${number} of ${file}`;
        expectShown(page, [`it is ${deep}`, 'RangeError', file, String(number), `throw new RangeError('it is ' + ${word});`, `const ${word} = '${deep}'`, 'return inner();', 'calls it'], sent);
        check(/<html/i.test(page), { sent, received: shown(page.slice(0, 100)), expected: 'HTML' });
      }
    }),
  );

  rule(
    'escapes-everything',
    'shows markup in an error as text',
    { rule: 'a message may hold what a client has sent, and the source holds markup: as text in HTML it runs nothing (CWE-79)', likely: 'the message is escaped, but not the stack, the title, or the source' },
    staged(async ({ world }) => {
      const { call, random } = world;
      const word = random.word();
      const attack = `<script>alert('${word}')</script><img src=x onerror="${word}"></pre></title><b>`;
      const text = `export function run() {\n  const html = \`${attack}\`; // ${attack}\n  throw new Error(\`bad: \${html}\`);\n}\n`;
      const path = await call('writeFile', `${word}.mjs`, text);
      const page = await call('errorPageOf', path, { production: false });
      const parts = [`<script>alert`, `<img src=x`, `</pre></title>`];
      expectEscaped(page, parts, `an error with the message ${shown(attack)}, and the same in the source`);
      expectShown(page, [`bad: ${attack}`, `const html = \`${attack}\``], 'the same');
      const several = await call('errorPageOfMessage', `one\n${attack}\n</style>two`, { production: false });
      expectEscaped(several, [...parts, '</style>two'], 'a message of three lines');
      expectShown(several, ['one', 'two'], 'a message of three lines');
    }),
  );

  rule(
    'nothing-in-production',
    'says nothing but Internal Server Error in production',
    { rule: 'a stack tells strangers which code runs where; a message may hold a password (CWE-209)' },
    staged(async ({ world }) => {
      const { call, random } = world;
      const [word, file] = [random.word(8, 12), `${random.word(6, 9)}.mjs`];
      const path = await call('writeFile', file, `export function run() {\n  throw new TypeError('${word} is secret');\n}\n`);
      const page = await call('errorPageOf', path, { production: true });
      const sent = `errorPage(error, { production: true }) of an error with the message '${word} is secret'`;
      expectHidden(page, [word, file, 'TypeError', '.mjs', 'at run', path], sent);
      expectShown(page, ['Internal Server Error'], sent);
      for (const name of oddErrors) expectHidden(await call('errorPageOfOdd', name, { production: true }), ['only a text', 'round and round', '/no/such'], `the page of: ${name}`);
    }),
  );

  rule(
    'any-error',
    'makes a page of whatever was thrown',
    { rule: 'anything can be thrown: the page about an error must not throw another one', likely: '`error.stack` is read of undefined, a file that is gone is read, or a cause that is its own cause is followed for ever' },
    async ({ call }) => {
      for (const name of oddErrors) {
        const page = await call('errorPageOfOdd', name, { production: false });
        check(typeof page === 'string' && /<html/i.test(page), { sent: `the page of: ${name}`, received: shown(String(page).slice(0, 100)), expected: 'a page' });
        expectEscaped(page, ['text <b>'], `the page of: ${name}`);
      }
      expectShown(await call('errorPageOfOdd', 'string', { production: false }), ['only a text <b>'], 'a text that was thrown');
      expectShown(await call('errorPageOfOdd', 'error without a stack', { production: false }), ['no stack'], 'an error without a stack');
    },
  );

  rule(
    'only-source',
    'shows the source of frames, and no other file that a message names',
    { rule: 'a message may look like a stack, and come from a client: it must not choose which file is shown (CWE-200)', likely: 'frames are looked for in the whole text of the stack, whose beginning is the message' },
    staged(async ({ world }) => {
      const { call, random } = world;
      const secret = random.word(12, 16);
      const [key, hidden] = [await call('writeFile', 'key.pem', `${secret}\n${secret}\n`), await call('writeFile', '.env', `PASSWORD=${secret}\n`)];
      for (const path of [key, hidden]) {
        const message = `no such page\n    at secret (${path}:1:1)\n    at secret (file://${path}:1:1)\n    at ${path}:1:1`;
        expectHidden(await call('errorPageOfMessage', message, { production: false }), [secret], `an error with the message ${shown(message)}`);
      }
    }),
  );

  rule(
    'serves-what-is-saved',
    'serves an edit after it is saved, however the editor saves',
    { rule: 'an editor may write into the file, or write another one and rename it over the old one: both are changes, each time', likely: 'fs.watch watches the file that was there at first: after a rename that is another one. Watch folders', ...SKIP },
    staged(async (stage) => {
      const { world } = stage;
      const path = await world.call('writeFile', 'app.mjs', appText('version 0'));
      const master = await stage.start({ ...DEVELOP, app: `${path}:app` });
      check(says('version 0')(await get(stage, master)), { sent: 'GET /', received: 'something else', expected: 'version 0' });
      const saves: Record<string, (text: string) => void> = {
        'is written anew': (text) => writeFileSync(path, text),
        'is replaced by rename': (text) => {
          writeFileSync(join(path, '..', '.app.mjs.swp'), text);
          renameSync(join(path, '..', '.app.mjs.swp'), path);
        },
        'is moved away and written again': (text) => {
          renameSync(path, `${path}~`);
          writeFileSync(path, text);
          rmSync(`${path}~`);
        },
      };
      let version = 0;
      for (const how of ['is replaced by rename', 'is replaced by rename', 'is written anew', 'is moved away and written again']) {
        const mark = `version ${++version}`;
        saves[how]!(appText(mark));
        await untilServed(stage, master, says(mark), `the application’s file ${how}`, mark);
      }
    }),
  );

  rule(
    'notices-what-it-imports',
    'notices changes in folders below, in new ones too',
    { rule: 'an application is more than one file: everything below its folder counts', likely: 'only the folder of the application itself is watched, or only the folders that there were at the start', ...SKIP },
    staged(async (stage) => {
      const { world } = stage;
      const folder = await world.call('folder');
      const module = (name: string, mark: string): void => writeFileSync(join(folder, name), `export const mark = ${JSON.stringify(mark)};\n`);
      const importing = (name: string): string => `import { mark } from './${name}';\n${appText('MARK').replace('"MARK"', 'mark')}`;
      mkdirSync(join(folder, 'lib', 'v1.2'), { recursive: true });
      module('lib/v1.2/mark.mjs', 'one');
      const path = await world.call('writeFile', 'app.mjs', importing('lib/v1.2/mark.mjs'));
      const master = await stage.start({ ...DEVELOP, app: `${path}:app` });
      module('lib/v1.2/mark.mjs', 'two');
      await untilServed(stage, master, says('two'), 'a file two folders below is written', 'two');
      mkdirSync(join(folder, 'fresh'));
      module('fresh/mark.mjs', 'three');
      writeFileSync(path, importing('fresh/mark.mjs'));
      await untilServed(stage, master, says('three'), 'the application imports a file of a new folder', 'three');
      for (const mark of ['four', 'five']) {
        module('fresh/mark.mjs', mark);
        await untilServed(stage, master, says(mark), 'the file in the new folder is written', mark);
      }
    }),
  );

  rule(
    'ignores-what-is-not-source',
    'does not reload for what is not the application',
    { rule: 'packages, dot folders and the logs of the service itself change without a change of the application; a server that reloads at each line of its own log never comes to rest', likely: 'the access log is in the folder that is watched', ...SKIP },
    staged(async (stage) => {
      const { world } = stage;
      const folder = await world.call('folder');
      for (const name of ['node_modules/pack', '.git/refs']) mkdirSync(join(folder, name), { recursive: true });
      const boots = join(folder, '.boots');
      const path = await world.call('writeFile', 'app.mjs', appText('version 0', `import { appendFileSync } from 'node:fs';\nappendFileSync(${JSON.stringify(boots)}, process.pid + '\\n');`));
      const master = await stage.start({ ...DEVELOP, app: `${path}:app`, accessLog: join(folder, 'access.log'), errorLog: join(folder, 'errors') });
      const [pid] = await master.children();
      for (let turn = 0; turn < 5; turn++) {
        await get(stage, master);
        for (const name of ['node_modules/pack/index.js', '.git/refs/head.js', '.app.mjs.swp']) appendFileSync(join(folder, name), '// changed\n');
        // Long enough in the server's own time for a reload to begin.
        await world.subject.until(() => false, { patienceMs: 300 });
      }
      const now = await master.children();
      check(now.length === 1 && now[0] === pid, { sent: 'requests, which are logged, and changes in node_modules, .git and .app.mjs.swp', received: `workers ${now.join(', ')} in the place of ${pid}`, expected: 'the same worker' });
      writeFileSync(path, appText('version 1'));
      await untilServed(stage, master, says('version 1'), 'then the application’s file is written', 'version 1');
    }),
  );

  rule(
    'shows-a-syntax-error',
    'shows a page where the application does not load, and recovers when it is mended',
    { rule: 'while you write, the file is broken most of the time: the page names file and line and shows the source, escaped; the server stays', likely: 'the worker exits, or the old workers go on serving what is no longer in the file', ...SKIP },
    staged(async (stage) => {
      const { world } = stage;
      const broken = (word: string): string => `const ${word}: string = '<b>${word}</b>';\nconst fine = 1;\nexport const app = (${word} + ;\n`;
      const path = await world.call('writeFile', 'notes.ts', broken('first'));
      // It is broken already when the server starts.
      const master = await stage.start({ ...DEVELOP, app: `${path}:app` });
      const expectPage = (response: HttpTestResponse, word: string): void => {
        const sent = `GET / where line 3 of notes.ts is \`export const app = (${word} + ;\``;
        const html = response.body.toString();
        check(response.status === 500, { sent, received: `${response.status}: ${shown(html.slice(0, 100))}`, expected: '500' });
        check((fieldValue(response, 'Content-Type') ?? '').startsWith('text/html'), { sent, received: `Content-Type: ${fieldValue(response, 'Content-Type') ?? 'none'}`, expected: 'text/html' });
        expectShown(html, ['SyntaxError', 'notes.ts:3', `export const app = (${word} + ;`, `<b>${word}</b>`], sent);
        expectEscaped(html, [`<b>${word}`], sent);
      };
      expectPage(await get(stage, master), 'first');
      expectPage(await get(stage, master, '/any/path', 'POST'), 'first');
      const head = await get(stage, master, '/', 'HEAD');
      check(head.status === 500 && head.body.length === 0, { sent: 'HEAD /', received: `${head.status} with ${head.body.length} bytes`, expected: '500 without a body' });
      const http = await world.http(master.address);
      http.send('GET', '/', { fields: [['Connection', 'Upgrade'], ['Upgrade', 'websocket'], ['Sec-WebSocket-Version', '13'], ['Sec-WebSocket-Key', 'AAAAAAAAAAAAAAAAAAAAAA==']] });
      const { status } = await answer(http);
      check(status === 403 || status === 500 || status === 503 || status === 101, { sent: 'a WebSocket’s handshake', received: String(status), expected: '403' });
      if (status === 101) await http.tcp.until(() => http.tcp.ended || http.tcp.closed, { expected: 'the WebSocket is closed' });
      writeFileSync(path, appText('mended').replace('(scope, receive, send)', '(scope: any, receive: any, send: any)'));
      await untilServed(stage, master, says('mended'), 'the file is mended', 'mended');
      writeFileSync(path, broken('second'));
      expectPage(await untilServed(stage, master, ({ status: now }) => now === 500, 'the file is broken again', 'the page'), 'second');
      rmSync(path);
      await untilServed(stage, master, (response) => response.status === 500 && textOf(response.body.toString()).includes('notes.ts') && !textOf(response.body.toString()).includes('second +'), 'the file is removed', 'a page that says that there is no such file');
      writeFileSync(path, appText('back').replace('(scope, receive, send)', '(scope: any, receive: any, send: any)'));
      await untilServed(stage, master, says('back'), 'the file is there again', 'back');
    }),
  );

  rule(
    'shows-an-error-of-a-request',
    'shows the page for an error of a request while you develop, and never in production',
    { rule: 'with reload, what an application throws is answered with its page and 500; without, nobody learns what it was (CWE-209)', ...SKIP },
    staged(async (stage) => {
      const { world } = stage;
      const path = await world.call('writeFile', 'app.mjs', appText('version 0'));
      const develop = await stage.start({ ...DEVELOP, app: `${path}:app` });
      const shownPage = await get(stage, develop, '/throws');
      const sent = 'GET /throws, which throws a TypeError';
      check(shownPage.status === 500, { sent, received: String(shownPage.status), expected: '500' });
      expectShown(shownPage.body.toString(), ['TypeError', 'wrong <script>alert(1)</script> here', 'app.mjs', "if (scope.path === '/throws')"], `${sent}, with reload`);
      expectEscaped(shownPage.body.toString(), ['<script>alert(1)'], `${sent}, with reload`);
      const production = await stage.start({ workers: 1, app: `${path}:app` });
      for (const target of ['/throws', '/throws?production=false']) {
        const response = await get(stage, production, target);
        check(response.status === 500, { sent: `GET ${target}`, received: String(response.status), expected: '500' });
        expectHidden(response.body.toString(), ['TypeError', 'wrong', 'alert(1)', 'app.mjs', '    at '], `GET ${target}, without reload`);
      }
    }),
  );
});
