import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { showBytes } from '#support/bytes.ts';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type { Fields } from '#support/http-client.ts';
import type { Random } from '#support/random.ts';
import type { Address, TcpClient } from '#support/tcp-client.ts';
import { ask, askAll, checkSame, expectBody, expectStatus, fieldValue, showAnswer, untilSo } from './ask.ts';
import type { TestWorld } from './ask.ts';
import type { CgiParsed, ScgiParsed, ScgiTold } from './cgi-calls.ts';
import type driver from './driver.ts';

const WINDOWS = process.platform === 'win32';
/** A process has to be started for each request, which takes its time on a busy machine. */
const PATIENT = { patienceMs: 15_000 };

const NGINX = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'].map((folder) => join(folder, 'nginx')).find((file) => existsSync(file));

/** The string values of an environ. */
function strings(random: Random): Record<string, string> {
  return {
    REQUEST_METHOD: random.pick(['GET', 'POST', 'PUT']), SCRIPT_NAME: `/${random.word()}`, PATH_INFO: `/${random.word()}/ü`, QUERY_STRING: `a=${random.word()}%20b`,
    SERVER_NAME: `${random.word()}.example`, SERVER_PORT: String(random.integer(1, 65535)), SERVER_PROTOCOL: 'HTTP/1.1', REMOTE_ADDR: '192.0.2.7', REMOTE_PORT: '4711',
    HTTP_HOST: `${random.word()}.example`, HTTP_X_SOMETHING: random.words(3), HTTP_COOKIE: `a=${random.word()}; b=2`, HTTP_PROXY_HINT: random.word(),
  };
}

interface ScgiAnswer {
  status: number;
  fields: Map<string, string>;
  body: Buffer;
}

const netstring = (text: Uint8Array): Buffer => Buffer.concat([Buffer.from(`${text.length}:`), text, Buffer.from(',')]);
const variablesText = (variables: Fields): Buffer => Buffer.from(variables.map(([name, value]) => `${name}\0${value}\0`).join(''), 'latin1');

/** An SCGI request. Given variables replace the default ones. */
function scgiBytes(path: string, body: Uint8Array, more: Fields = [], declared = body.length): Buffer {
  const variables: Fields = [['CONTENT_LENGTH', String(declared)], ['SCGI', '1'], ['REQUEST_METHOD', 'POST'], ['REQUEST_URI', path], ['QUERY_STRING', path.split('?')[1] ?? ''], ['SERVER_PROTOCOL', 'HTTP/1.1'], ['SERVER_NAME', 'a.example'], ['SERVER_PORT', '80'], ...more];
  return Buffer.concat([netstring(variablesText(variables)), body]);
}

async function scgiAnswer(client: TcpClient): Promise<ScgiAnswer> {
  const bytes = await client.readToEnd({ expected: "an answer like a CGI script's, and the end of the connection" });
  const text = bytes.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  const fields = new Map(text.slice(0, Math.max(0, end)).split('\r\n').map((line): [string, string] => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  check(end > 0 && /^\d{3}\b/.test(fields.get('status') ?? '200'), { sent: client.describeSent(), received: client.describe(), expected: 'lines with Status among them, an empty line, a body' });
  return { status: Number((fields.get('status') ?? '200').slice(0, 3)), fields, body: bytes.subarray(end + 4) };
}

async function parsed(world: TestWorld, text: string | Buffer): Promise<CgiParsed> {
  return await world.call('parseCgiHead', typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
}

function showHead(head: CgiParsed | ScgiParsed): string {
  if (head.outcome !== 'head') return head.outcome === 'more' ? 'null: more bytes must come' : `refused${head.status === undefined ? '' : ` with ${String(head.status)}`}`;
  return 'contentLength' in head ? `a head of ${head.variables.length} variables, CONTENT_LENGTH ${head.contentLength}` : `a head: ${head.status}`;
}

async function expectRefused(head: CgiParsed | ScgiParsed, sent: string, likely?: string): Promise<void> {
  check(head.outcome === 'refused', { sent, received: showHead(head), expected: 'a refusal: an error is thrown', ...(likely === undefined ? {} : { likely }) });
}

/** The pids that the scripts have written. */
async function pids(world: TestWorld): Promise<number[]> {
  return [...(await world.call('gatewayErrors')).matchAll(/pid (\d+);/g)].map(([, pid]) => Number(pid));
}

/** How long a script takes if it answers at once. */
async function startingMs(world: TestWorld): Promise<number> {
  const http = await world.http(await world.call('serveCgi', ['deaf']));
  const started = performance.now();
  await http.send('GET', '/').response(PATIENT);
  return Math.ceil(performance.now() - started);
}

async function untilGone(world: TestWorld, count: number, sent: string): Promise<void> {
  const running = async (): Promise<{ begun: number[]; left: number[] }> => {
    const begun = await pids(world);
    return { begun, left: await world.call('runningScripts', begun) };
  };
  const startedMs = world.subject.ownMs();
  for (;;) {
    const { begun, left } = await running();
    if (begun.length >= count && left.length === 0) return;
    check(world.subject.ownMs() - startedMs < 20_000, { timed: true, sent, received: `${begun.length} scripts were started, and ${left.length} are still running`, expected: 'none is still running', likely: 'a script that ignores SIGTERM is not killed, or it is not ended when the client has gone' });
    await world.settle();
  }
}

exercise<typeof driver>('5.7', import.meta.url, (rule) => {
  rule(
    'variables',
    'tells a script about its request in variables',
    { rule: 'RFC 3875 §4.1: the names that the environ takes from it, and HTTP_ names for the header fields', likely: 'a value that is not a string becomes one, such as [object Object]' },
    async (world) => {
      for (let round = 0; round < 4; round++) {
        const given = strings(world.random);
        const type = world.random.boolean() ? { CONTENT_TYPE: 'text/plain', REMOTE_USER: world.random.word(), AUTH_TYPE: 'Bearer' } : {};
        const variables = await world.call('cgiVariables', { ...given, ...type }, null);
        for (const [name, value] of Object.entries({ ...given, ...type, GATEWAY_INTERFACE: 'CGI/1.1' })) checkSame(variables[name], value, `${name} in the environ; the variable`);
        // RFC 3875 §4.1.18: a server may add variables of its own. A value that is not a string is not for a script.
        const others = Object.entries(variables).filter(([name, value]) => name.includes('.') || name === 'HTTP_X_ODD' || typeof value !== 'string' || value.includes('[object'));
        checkSame(others, [], 'an environ with router.params, gateway.input and others; the variables that are made from values that are not strings');
      }
      checkSame((await world.call('cgiVariables', { ...strings(world.random), 'gateway.urlScheme': 'https' }, null))['HTTPS'], 'on', 'https; the variable HTTPS');
    },
  );

  rule(
    'empty-is-there',
    'passes empty values to a script too',
    { rule: 'QUERY_STRING and SCRIPT_NAME are always there: "" if there is no query, and "" at the root (RFC 3875 §4.1.7, §4.1.13)', likely: 'an empty value is left out, as if it were not known: a script that reads the variable gets an error' },
    async (world) => {
      const variables = await world.call('cgiVariables', { ...strings(world.random), QUERY_STRING: '', SCRIPT_NAME: '' }, null);
      for (const name of ['QUERY_STRING', 'SCRIPT_NAME']) checkSame(variables[name], '', `${name} is empty in the environ; the variable`);
    },
  );

  rule(
    'content-length',
    'sets CONTENT_LENGTH if and only if there is a body',
    { rule: 'RFC 3875 §4.1.2: a script reads that number of bytes; the server has counted a chunked body for it', likely: 'the request\'s own value is passed on' },
    async (world) => {
      const given = strings(world.random);
      const length = world.random.integer(1, 9_999);
      checkSame((await world.call('cgiVariables', { ...given, CONTENT_LENGTH: '3' }, length))['CONTENT_LENGTH'], String(length), `a body of ${length} bytes; CONTENT_LENGTH`);
      checkSame((await world.call('cgiVariables', { ...given, CONTENT_LENGTH: '0' }, null))['CONTENT_LENGTH'], undefined, 'no body; CONTENT_LENGTH');
      checkSame((await world.call('cgiVariables', given, 0))['CONTENT_LENGTH'], '0', 'a body of 0 bytes; CONTENT_LENGTH');
    },
  );

  rule(
    'httpoxy',
    'does not let a request choose a proxy for the script',
    { rule: 'the field Proxy would be HTTP_PROXY, which programs read as a setting made by their user ("httpoxy", 2016)', likely: 'every HTTP_ variable is passed on' },
    async (world) => {
      const given = strings(world.random);
      checkSame((await world.call('cgiVariables', { ...given, HTTP_PROXY: 'http://evil.example' }, null))['HTTP_PROXY'], undefined, 'Proxy: http://evil.example; the variable HTTP_PROXY');
      const own = await world.call('cgiVariables', { ...given, HTTP_PROXY: 'http://evil.example' }, null, { HTTP_PROXY: 'http://ours.example', PATH: '/bin' });
      checkSame([own['HTTP_PROXY'], own['PATH']], ['http://ours.example', '/bin'], 'Proxy: http://evil.example, where the server has variables of its own; HTTP_PROXY and PATH');
    },
  );

  rule(
    'own-variables',
    'gives the server\'s own variables the last word',
    { rule: 'a request cannot change what the server sets for a script, whatever its name', likely: 'values from the request overwrite `own`' },
    async (world) => {
      const given: Record<string, string> = { ...strings(world.random), REMOTE_USER: 'ann' };
      const own = { PATH: '/bin', SERVER_NAME: `${world.random.word()}.own`, REMOTE_USER: world.random.word(), HTTP_X_SOMETHING: `own ${world.random.word()}` };
      const variables = await world.call('cgiVariables', given, null, own);
      for (const [name, value] of Object.entries(own)) checkSame(variables[name], value, `${name} among the server's own variables${name in given ? ', and in the environ' : ''}; the variable`);
      checkSame([variables['HTTP_HOST'], variables['REQUEST_METHOD']], [given['HTTP_HOST'], given['REQUEST_METHOD']], "HTTP_HOST and REQUEST_METHOD, which are not among the server's own; the variables");
    },
  );

  rule(
    'authorization',
    'does not pass passwords and tokens to the script',
    { rule: 'RFC 3875 §9.2: Authorization is for the server; the script learns REMOTE_USER' },
    async (world) => {
      const variables = await world.call('cgiVariables', { ...strings(world.random), HTTP_AUTHORIZATION: 'Bearer secret', HTTP_PROXY_AUTHORIZATION: 'Basic secret', REMOTE_USER: 'ann' }, null);
      checkSame([variables['HTTP_AUTHORIZATION'], variables['HTTP_PROXY_AUTHORIZATION'], variables['REMOTE_USER']], [undefined, undefined, 'ann'], 'Authorization and Proxy-Authorization; these and REMOTE_USER as variables');
    },
  );

  rule(
    'head',
    'parses what a script prints, with LF or with CRLF',
    { rule: 'RFC 3875 §6: fields, an empty line, a body of any bytes', likely: 'only CRLF is accepted, or the body is decoded along with the head, or the head is decoded as UTF-8, in which a character is not a byte and `index` counts characters' },
    async (world) => {
      // A script may print anything: here UTF-8, and a byte that is not UTF-8. Each byte becomes a character.
      const value = `${world.random.words(2)} ${Buffer.from('üñü').toString('latin1')}\xfc`;
      const name = `X-${world.random.word()}`;
      const body = Buffer.concat([world.random.bytes(40), Buffer.from('\n\n\r\n\r\nx: y\n'), world.random.bytes(20)]);
      for (const [a, b] of [['\n', '\n'], ['\r\n', '\r\n'], ['\r\n', '\n'], ['\n', '\r\n']] as const) {
        const text = `Content-Type: text/plain${a}${name}:  ${value} ${a}${b}`;
        const head = await parsed(world, Buffer.concat([Buffer.from(text, 'latin1'), body]));
        const sent = JSON.stringify(text);
        check(head.outcome === 'head', { sent, received: showHead(head), expected: 'a head' });
        checkSame([head.status.slice(0, 3), head.headers.map(([field, text]) => [field.toLowerCase(), text])], ['200', [['content-type', 'text/plain'], [name.toLowerCase(), value]]], `${sent}; status and fields`);
        check(Buffer.from(head.rest).equals(body), { sent: `${sent}, and ${body.length} bytes`, received: showBytes(head.rest), expected: showBytes(body) });
        for (let end = 0; end < text.length; end++) {
          const part = await parsed(world, text.slice(0, end));
          check(part.outcome === 'more', { sent: JSON.stringify(text.slice(0, end)), received: showHead(part), expected: 'null: more bytes must come' });
        }
      }
    },
  );

  rule(
    'status',
    'understands Status and Location',
    { rule: '200 without them, 302 with Location alone, otherwise what Status says (RFC 3875 §6.2, §6.3.3)', likely: 'Status is passed on as a field, and the answer is 200' },
    async (world) => {
      const path = `/${world.random.word()}`;
      const cases: [text: string, status: string, location?: string][] = [
        ['Content-Type: text/plain\n\n', '200'], ['Status: 404 Not Found\nContent-Type: text/plain\n\n', '404'], ['Content-Type: text/plain\nstatus: 503\n\n', '503'], ['Status: 204 No Content\n\n', '204'],
        [`Location: http://a.example${path}\n\n`, '302', `http://a.example${path}`], [`Location: http://a.example${path}\nStatus: 301 Moved\nContent-Type: text/plain\n\n`, '301', `http://a.example${path}`], [`STATUS: 201 ${path.slice(1)}\r\nLocation: ${path}\r\n\r\n`, '201', path],
      ];
      for (const [text, status, location] of cases) {
        const head = await parsed(world, text);
        check(head.outcome === 'head', { sent: JSON.stringify(text), received: showHead(head), expected: `a head with the status ${status}` });
        const valueOf = (name: string): string | undefined => head.headers.find(([field]) => field.toLowerCase() === name)?.[1];
        checkSame([head.status.slice(0, 3), valueOf('status'), valueOf('location')], [status, undefined, location], `${JSON.stringify(text)}; the status, and the fields Status and Location`);
        check(/^\d{3} \S/.test(head.status), { sent: JSON.stringify(text), received: JSON.stringify(head.status), expected: 'three digits, a space and a reason (G40)' });
      }
    },
  );

  rule(
    'not-a-head',
    'refuses what is not a head',
    { rule: 'RFC 3875 §6.2, §6.3: a head is fields, among them Content-Type, Location or Status, and none of these twice', likely: 'a stack trace that a script prints becomes a page' },
    async (world) => {
      const bad = ['\n', '\r\nbody', 'X-Only: this\n\n', 'Content-Type text/plain\n\n', 'Traceback (most recent call last):\n  File x\n\n', 'Status: fine\n\n', 'Status: 99 No\n\n', 'Status: 100 Continue\n\n', 'Status: 2000\n\n', 'Status: 200 OK\nStatus: 404 No\n\n', 'Content-Type: a/b\nContent-Type: c/d\n\n', 'Content Type: a/b\nStatus: 200 OK\n\n', ': x\nStatus: 200 OK\n\n', `Status: 200 OK\n${'X-A: b\n'.repeat(500)}\n`];
      for (const text of bad) await expectRefused(await parsed(world, text), JSON.stringify(text.slice(0, 60)));
    },
  );

  rule(
    'connection-is-ours',
    'does not let a script decide about the connection',
    { rule: 'hop-by-hop fields belong to the server (RFC 3875 §6.3.4, G43)', likely: 'Transfer-Encoding is passed on, although the body is not in chunks' },
    async (world) => {
      const head = await parsed(world, 'Content-Type: a/b\nConnection: close\nTransfer-Encoding: chunked\nKeep-Alive: 5\nUpgrade: x\nTrailer: y\nX-Kept: z\n\n');
      check(head.outcome === 'head', { sent: 'a head with Connection and others', received: showHead(head), expected: 'a head' });
      checkSame(head.headers.map(([name]) => name.toLowerCase()), ['content-type', 'x-kept'], 'Connection, Transfer-Encoding, Keep-Alive, Upgrade, Trailer and two others; which fields are left');
    },
  );

  rule(
    'runs-a-script',
    'runs a script for each request, and answers with what it prints',
    { rule: 'the request in its environment and on its stdin, the response on its stdout (RFC 3875 §4, §6)', likely: 'our own environment is passed on, or stdin is never closed' },
    async (world) => {
      const word = world.random.word();
      await world.call('setVariable', 'TEN_SECRET', word);
      const server = await world.call('serveCgi', ['tell']);
      const body = world.random.bytes(world.random.integer(1, 90_000));
      const chunks = world.random.pieces(body, 30_000);
      const cases = [{ method: 'GET', options: {}, body: Buffer.alloc(0) }, { method: 'POST', options: { body }, body }, { method: 'PUT', options: { chunks }, body }];
      for (const { method, options, body: wanted } of cases) {
        const http = await world.http(server);
        http.send(method, `/${word}/%C3%BC?q=${word}%20`, { ...options, fields: [['X-Word', word], ['Proxy', 'http://evil.example'], ['Authorization', 'Bearer secret']] });
        const response = await http.response(PATIENT);
        const sent = `${method} with ${wanted.length} bytes${'chunks' in options ? ' in chunks' : ''}`;
        expectStatus(response, 200, sent);
        const { variables, body: got } = JSON.parse(response.body.toString()) as { variables: Record<string, string>; body: string };
        checkSame([variables['REQUEST_METHOD'], variables['PATH_INFO'], variables['QUERY_STRING'], variables['HTTP_X_WORD'], variables['CONTENT_LENGTH']], [method, `/${word}/ü`, `q=${word}%20`, word, wanted.length === 0 ? undefined : String(wanted.length)], `${sent}; method, path, query, X-Word and CONTENT_LENGTH as variables`);
        checkSame([variables['HTTP_PROXY'], variables['HTTP_AUTHORIZATION'], variables['TEN_SECRET']], [undefined, undefined, undefined], `${sent}; HTTP_PROXY, HTTP_AUTHORIZATION and a variable of the server's own`);
        check(Buffer.from(got, 'base64').equals(wanted), { sent, received: `${Buffer.from(got, 'base64').length} bytes on its stdin`, expected: `these ${wanted.length}` });
      }
    },
  );

  rule(
    'hands-on',
    'passes on status, fields and body as the script has printed them',
    { rule: 'the response has what the head says, and the bytes after the head' },
    async (world) => {
      const body = Buffer.concat([world.random.bytes(300), Buffer.from('\n\n')]).toString('latin1').replaceAll('\0', '');
      const server = await world.call('serveCgi', ['print', `Status: 418 Tea\nContent-Type: text/tea\nX-Pot: brown\nConnection: close\n\n${body}`]);
      const http = await world.http(server);
      const response = await http.send('GET', '/').response(PATIENT);
      expectStatus(response, 418, 'a script that prints Status: 418 Tea');
      checkSame([fieldValue(response, 'Content-Type'), fieldValue(response, 'X-Pot'), fieldValue(response, 'Status')], ['text/tea', 'brown', undefined], 'the fields Content-Type, X-Pot and Status');
      expectBody(response, Buffer.from(body, 'latin1'), 'a script that prints that body');
      const deaf = await world.call('serveCgi', ['deaf']);
      const upload = await world.http(deaf);
      expectStatus(await upload.send('POST', '/', { body: Buffer.alloc(300_000) }).response(PATIENT), 200, '300,000 bytes, to a script that does not read them');
    },
  );

  rule(
    'script-dies',
    'survives a script that dies, and does not make an answer of it',
    { rule: 'output without a head is not an answer: 500 or 502, and nothing of its stderr (G60); an answer that was begun is cut off (G61)', likely: 'the end of stdout is mistaken for the end of a good answer: 200 and an empty body' },
    async (world) => {
      const secret = world.random.word(12, 14);
      const cases: [args: string[], what: string][] = [
        [['print', '', '0'], 'prints nothing'], [['print', '', '3'], 'ends with code 3'], [['print and die', 'Content-Type: text/plain\n'], 'dies in the middle of its head'], [['print', `${secret}: not a head\n\nat line 7`], 'prints no head'], [[`throw ${secret}`], 'throws before it prints anything'],
      ];
      for (const [args, what] of cases) {
        const http = await world.http(await world.call('serveCgi', args));
        const response = await http.send('GET', '/').response(PATIENT);
        expectStatus(response, [500, 502], `a script that ${what}`);
        check(!response.body.includes(secret), { sent: `a script that ${what}`, received: showAnswer(response), expected: 'nothing that it has printed' });
      }
      const http = await world.http(await world.call('serveCgi', ['print and die', 'Content-Type: text/plain\n\nhalf of it']));
      http.send('GET', '/');
      await http.tcp.until(() => http.tcp.ended || http.tcp.closed, { ...PATIENT, expected: 'the connection is closed' });
      check(!http.tcp.received.toString('latin1').endsWith('0\r\n\r\n'), { sent: 'a script that is killed after half of its body', received: http.tcp.describe(), expected: 'the half, without the last chunk, and the end of the connection' });
      const missing = await world.http(await world.call('serveCgi', [], { program: join(tmpdir(), `${secret}-is-no-program`) }));
      expectStatus(await missing.send('POST', '/', { body: 'x' }).response(PATIENT), [500, 502], 'a script that does not exist');
    },
  );

  rule(
    'stderr',
    "keeps what a script writes to stderr for the server\'s operator",
    { rule: 'stderr goes to gateway.errors and to no client (G38)' },
    async (world) => {
      const word = world.random.word(12, 14);
      const http = await world.http(await world.call('serveCgi', ['complain', `${word}\n`]));
      const response = await http.send('GET', '/').response(PATIENT);
      expectStatus(response, 200, 'a script that writes to stderr');
      checkSame(response.body.toString().trim(), 'fine', 'a script that writes to stderr; its answer');
      await untilSo(world, () => world.call('gatewayErrors'), (text) => text.includes(word), { sent: 'a script that writes to stderr', show: (text) => `in gateway.errors: ${text || 'nothing'}`, expected: word });
    },
  );

  rule(
    'script-hangs',
    'ends a script that has gone silent, and answers in its place',
    { rule: 'a script may be silent for `silenceMs`; then it is killed, and its client gets 504 (RFC 9110 §15.6.5)', likely: 'the request waits for ever, or the script goes on running', ...(WINDOWS ? { skip: 'signals do not ask a process to end on Windows' } : {}) },
    async (world) => {
      const silenceMs = 300 + 4 * (await startingMs(world));
      const silent = await world.call('serveCgi', ['hang'], { silenceMs });
      const http = await world.http(silent);
      expectStatus(await http.send('GET', '/').response(PATIENT), [500, 502, 503, 504], 'a script that prints nothing and does not end');
      const begun = await world.call('serveCgi', ['hang later'], { silenceMs });
      const second = await world.http(begun);
      second.send('GET', '/', { fields: [['Connection', 'close']] });
      await second.tcp.until(() => second.tcp.ended || second.tcp.closed, { ...PATIENT, expected: 'the connection is closed' });
      check(!second.tcp.received.toString('latin1').endsWith('0\r\n\r\n'), { sent: 'a script that falls silent in the middle of its body', received: second.tcp.describe(), expected: 'the end of the connection, without the last chunk' });
      await untilGone(world, 1, 'two scripts that do not end, and ignore SIGTERM');
    },
  );

  rule(
    'client-leaves',
    'ends a script whose client has gone',
    { rule: 'a process whose output nobody wants must not go on running (G53)', likely: 'close() does nothing', ...(WINDOWS ? { skip: 'signals do not ask a process to end on Windows' } : {}) },
    async (world) => {
      const server = await world.call('serveCgi', ['hang later'], { silenceMs: 60_000 });
      const http = await world.http(server);
      http.send('GET', '/');
      await http.tcp.until(() => http.tcp.received.includes('begun'), { ...PATIENT, expected: 'the first part' });
      http.tcp.resetNow();
      await untilGone(world, 1, 'a client that leaves a script in the middle of its answer');
    },
  );

  rule(
    'scgi-head',
    'reads the head of an SCGI request, however it comes',
    { rule: 'a netstring: a length, a colon, that number of bytes (names and values, each with a NUL after it), a comma', likely: 'what has come so far is mistaken for the whole head' },
    async (world) => {
      for (let round = 0; round < 4; round++) {
        const body = world.random.bytes(world.random.integer(0, 30));
        const [name, value] = [`HTTP_${world.random.word().toUpperCase()}`, `${world.random.words(2)} \xfc, :${world.random.word()}`];
        const bytes = scgiBytes(`/${world.random.word()}?x`, body, [[name, value], ['EMPTY', '']]);
        const head = await world.call('parseScgiHead', bytes, 10_000);
        const sent = showBytes(bytes);
        check(head.outcome === 'head', { sent, received: showHead(head), expected: 'a head' });
        const variables = new Map(head.variables);
        checkSame([head.contentLength, variables.get(name), variables.get('EMPTY'), variables.get('REQUEST_METHOD'), variables.size], [body.length, value, '', 'POST', 10], `${sent}; CONTENT_LENGTH, ${name}, EMPTY, REQUEST_METHOD, and how many variables there are`);
        check(Buffer.from(head.rest).equals(body), { sent, received: showBytes(head.rest), expected: `the rest: ${showBytes(body)}` });
        for (let end = 0; end < bytes.length - body.length; end++) {
          const part = await world.call('parseScgiHead', bytes.subarray(0, end), 10_000);
          check(part.outcome === 'more', { sent: `the first ${end} bytes of ${sent}`, received: showHead(part), expected: 'null: more bytes must come' });
        }
      }
    },
  );

  rule(
    'scgi-broken',
    'refuses what is not an SCGI request',
    { rule: 'the length, the comma and the NULs are checked; a name comes once; SCGI is 1, CONTENT_LENGTH is digits', likely: 'the length is not checked, or the last byte before the comma is cut off unchecked, or the first of two CONTENT_LENGTHs is used' },
    async (world) => {
      const good: Fields = [['CONTENT_LENGTH', '5'], ['SCGI', '1'], ['REQUEST_METHOD', 'GET']];
      const text = variablesText(good);
      const cases: [bytes: Buffer, what: string][] = [
        [Buffer.concat([Buffer.from(`${text.length}:`), text, Buffer.from(';')]), 'no comma after the netstring'],
        [Buffer.concat([Buffer.from(`${text.length - 1}:`), text, Buffer.from(',')]), 'a length that is one too small'],
        [Buffer.concat([Buffer.from(`${text.length + 1}:`), text, Buffer.from(',,')]), 'a length that is one too large'],
        [netstring(Buffer.concat([text.subarray(0, -1), Buffer.from('x')])), 'no NUL after the last value'], [netstring(text.subarray(0, -1)), 'no NUL after the last value, and nothing in its place'],
        [Buffer.concat([Buffer.from(`0${text.length}:`), text, Buffer.from(',')]), 'a length with a leading zero'],
        [Buffer.concat([Buffer.from(`+${text.length}:`), text, Buffer.from(',')]), 'a length with a sign'],
        [Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'HTTP'], [Buffer.from(':,'), 'no length'], [Buffer.from('0:,'), 'no variables'], [Buffer.from('x'), 'a first byte that is not a digit'], [Buffer.from('12345678901'), 'eleven digits'],
        [netstring(variablesText([['CONTENT_LENGTH', '5'], ['REQUEST_METHOD', 'GET']])), 'no SCGI'],
        [netstring(variablesText([['CONTENT_LENGTH', '5'], ['SCGI', '2']])), 'SCGI 2'],
        [netstring(variablesText([['SCGI', '1'], ['REQUEST_METHOD', 'GET']])), 'no CONTENT_LENGTH'],
        ...['', '-1', '5x', '0x5', '1e3', ' 5', '9'.repeat(30)].map((length): [Buffer, string] => [netstring(variablesText([['CONTENT_LENGTH', length], ['SCGI', '1']])), `CONTENT_LENGTH '${length}'`]),
        [netstring(variablesText([...good, ['CONTENT_LENGTH', '6']])), 'CONTENT_LENGTH twice'],
        [netstring(variablesText([...good, ['REQUEST_METHOD', 'PUT']])), 'a name that comes twice'],
        [netstring(Buffer.concat([text, Buffer.from('NAME\0')])), 'a name without a value'],
        [netstring(Buffer.concat([text, Buffer.from('\0value\0')])), 'an empty name'],
      ];
      for (const [bytes, what] of cases) await expectRefused(await world.call('parseScgiHead', bytes, 10_000), `${what}: ${showBytes(bytes)}`);
      // The protocol puts CONTENT_LENGTH first. A server may accept it elsewhere, but then with its value.
      const later = await world.call('parseScgiHead', Buffer.concat([netstring(variablesText([['SCGI', '1'], ['CONTENT_LENGTH', '5']])), Buffer.from('12345')]), 10_000);
      check(later.outcome === 'refused' || (later.outcome === 'head' && later.contentLength === 5), { sent: 'SCGI before CONTENT_LENGTH, which is 5', received: showHead(later), expected: 'CONTENT_LENGTH 5, or a refusal' });
    },
  );

  rule(
    'scgi-repeated-fields',
    'joins the values of a field that comes as several variables',
    { rule: 'nginx before 1.23 sends a variable for each line of a field: the values are joined in their order with a comma and a space, those of Cookie with a semicolon and a space (G18; RFC 9110 §5.3, RFC 6265 §5.4)', likely: 'every repeated name is refused, or the last value wins: `parseVariables` joins them' },
    async (world) => {
      const words = world.random.words(3).split(' ');
      const name = `HTTP_X_${world.random.word().toUpperCase()}`;
      const lines: Fields = [...words.map((word): [string, string] => [name, word]), ['HTTP_ACCEPT', 'text/html'], ['HTTP_COOKIE', 'a=1'], ['HTTP_ACCEPT', 'text/plain'], ['HTTP_COOKIE', 'b=2']];
      const bytes = scgiBytes('/', Buffer.alloc(0), lines);
      const head = await world.call('parseScgiHead', bytes, 10_000);
      check(head.outcome === 'head', { sent: showBytes(bytes), received: showHead(head), expected: 'a head' });
      const variables = new Map(head.variables);
      checkSame([variables.get(name), variables.get('HTTP_COOKIE'), variables.get('HTTP_ACCEPT')], [words.join(', '), 'a=1; b=2', 'text/html, text/plain'], `${showBytes(bytes)}; ${name}, HTTP_COOKIE and HTTP_ACCEPT`);
    },
  );

  rule(
    'scgi-limit',
    'refuses a head that is too long before it has come',
    { rule: 'the length says so at once: bytes that will be refused are not held (431)', likely: 'the limit is checked when the whole head has come: check it as soon as the colon has come' },
    async (world) => {
      const most = world.random.integer(100, 900);
      for (const [bytes, what] of [[Buffer.from(`${most + 1}:`), `${most + 1}:`], [Buffer.from('999999999:CONTENT'), '999999999:CONTENT'], [Buffer.from(`${most + 1}:CONTENT_LENGTH`), `${most + 1}:CONTENT_LENGTH`]] as const) {
        await expectRefused(await world.call('parseScgiHead', bytes, most), `${what}, where ${most} bytes are allowed`);
      }
      const padding = 'x'.repeat(most - variablesText([['CONTENT_LENGTH', '0'], ['SCGI', '1'], ['P', '']]).length);
      const exact = await world.call('parseScgiHead', netstring(variablesText([['CONTENT_LENGTH', '0'], ['SCGI', '1'], ['P', padding]])), most);
      check(exact.outcome === 'head', { sent: `a head of ${most} bytes, where ${most} are allowed`, received: showHead(exact), expected: 'a head' });
    },
  );

  rule(
    'scgi-serves',
    'serves an application over SCGI',
    { rule: 'the variables become the environ, and the response is written as a script would print it', likely: 'the body is read until the end of the connection, which does not come' },
    async (world) => {
      const server = await world.call('serveScgi');
      const word = world.random.word();
      for (const way of ['at once', 'in pieces', 'with its end'] as const) {
        const body = world.random.bytes(world.random.integer(0, 3_000));
        const bytes = scgiBytes(`/${word}/a%2Fb?q=1`, body, [['HTTP_X_WORD', word], ['SCRIPT_NAME', `/${word}`]]);
        const client = await world.connect(server);
        if (way === 'in pieces') await client.writePieces(world.random.pieces(bytes, 300));
        else client.write(bytes);
        if (way === 'with its end') client.end();
        const answer = await scgiAnswer(client);
        const sent = `a request with ${body.length} bytes, ${way}`;
        checkSame([answer.status, answer.fields.get('content-type'), answer.fields.get('x-told')], [200, 'application/json', 'yes'], `${sent}; status and fields`);
        const told = JSON.parse(answer.body.toString()) as ScgiTold;
        const sha256 = createHash('sha256').update(body).digest('hex');
        checkSame([told.method, told.scriptName, told.pathInfo, told.rawPathInfo, told.query, told.fields['HTTP_X_WORD'], told.bytes, told.sha256], ['POST', `/${word}`, '/a/b', '/a%2Fb', 'q=1', word, body.length, sha256], `${sent}; what the application was told`);
      }
    },
  );

  rule(
    'scgi-body',
    'reads the number of bytes that CONTENT_LENGTH says',
    { rule: 'not one byte more; and a body that breaks off has not ended (G30, G35)', likely: 'the bytes after the body are mistaken for a part of it' },
    async (world) => {
      const server = await world.call('serveScgi');
      const body = world.random.bytes(world.random.integer(10, 500));
      const longer = await world.connect(server);
      longer.write(scgiBytes('/x', Buffer.concat([body, Buffer.from('beyond')]), [], body.length));
      const told = JSON.parse((await scgiAnswer(longer)).body.toString()) as ScgiTold;
      checkSame([told.bytes, told.sha256], [body.length, createHash('sha256').update(body).digest('hex')], `${body.length} bytes and six more; how many the application read`);
      const shorter = await world.connect(server);
      shorter.write(scgiBytes('/x', body, [], body.length + 1)).end();
      await shorter.until(() => shorter.ended || shorter.closed, { expected: 'the connection is closed' });
      check(!/^(?:status: )?200/im.test(shorter.received.toString('latin1')), { sent: `CONTENT_LENGTH ${body.length + 1}, ${body.length} bytes and the end`, received: shorter.describe(), expected: 'a refusal, or the end of the connection' });
      checkSame((await world.call('scgiReadings')).at(-1), 'an error', `CONTENT_LENGTH ${body.length + 1}, ${body.length} bytes and the end; what reading gave`);
    },
  );

  rule(
    'scgi-fails',
    'answers requests that fail, and goes on',
    { rule: 'bytes that are not a request are refused without calling the application (G3); what the application throws is answered with 500 (G60)' },
    async (world) => {
      const server = await world.call('serveScgi', { headBytesMax: 2_000 });
      for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.from('5000:CONTENT_LENGTH'), netstring(variablesText([['SCGI', '1']])), scgiBytes('/%zz', Buffer.alloc(0))]) {
        const client = await world.connect(server);
        client.write(bytes);
        await client.until(() => client.ended || client.closed, { expected: 'it is refused, and the connection is closed' });
        check(!/^status: 2/im.test(client.received.toString('latin1')), { sent: showBytes(bytes), received: client.describe(), expected: 'a refusal' });
      }
      checkSame(await world.call('scgiCalls'), 0, 'four times bytes that are not a request; how often the application was called');
      const throwing = await world.connect(server);
      throwing.write(scgiBytes('/throws', Buffer.alloc(0)));
      const answer = await scgiAnswer(throwing);
      check(answer.status === 500 && !answer.body.includes('thrown by'), { sent: '/throws', received: `${answer.status}: ${answer.body.toString()}`, expected: '500, and nothing of the error' });
      const good = await world.connect(server);
      good.write(scgiBytes('/x', Buffer.alloc(0)));
      checkSame((await scgiAnswer(good)).status, 200, 'a valid request after these; the status');
    },
  );

  rule(
    'through-nginx',
    'is the same application behind a real nginx',
    { rule: 'scgi_pass gives the same answers as chapter 02\'s server', ...(NGINX === undefined || WINDOWS ? { skip: 'nginx is not installed' } : {}) },
    async (world) => {
      const folder = mkdtempSync(join(tmpdir(), 'ten-nginx-'));
      try {
        const nginx: Address = await world.callPatiently(PATIENT, 'startNginx', NGINX!, folder, await world.call('serveScgi'));
        const direct = await world.call('serveTelling');
        const body = world.random.bytes(world.random.integer(100_000, 300_000));
        const asked = [
          { method: 'GET', target: `/a%2Fb/%C3%BC?q=${world.random.word()}`, options: { fields: [['X-Word', world.random.word()], ['Cookie', 'a=1; b=2']] satisfies Fields } },
          { method: 'GET', target: '/twice', options: { fields: [['X-Word', world.random.word()], ['Cookie', 'a=1'], ['X-Word', world.random.word()], ['Cookie', 'b=2']] satisfies Fields } },
          { method: 'POST', target: '/x', options: { body } },
          { method: 'PUT', target: '/chunked', options: { chunks: world.random.pieces(body, 50_000) } },
          { method: 'DELETE', target: '/none', options: {} },
          { method: 'HEAD', target: '/x', options: {} },
        ];
        for (const { method, target, options } of asked) {
          const [through, plain] = [await ask(world, nginx, `/app${target}`, { method, ...options }), await ask(world, direct, target, { method, ...options })];
          const sent = `${method} /app${target}, through nginx`;
          checkSame([through.status, fieldValue(through, 'Content-Type'), fieldValue(through, 'X-Told')], [plain.status, fieldValue(plain, 'Content-Type'), fieldValue(plain, 'X-Told')], `${sent}; status, Content-Type and X-Told`);
          if (method === 'HEAD') continue;
          const [told, wanted] = [through, plain].map((response) => JSON.parse(response.body.toString()) as ScgiTold) as [ScgiTold, ScgiTold];
          const parts = ({ method: name, pathInfo, rawPathInfo, query, bytes, sha256, fields }: ScgiTold): unknown[] => [name, pathInfo, rawPathInfo, query, bytes, sha256, fields['HTTP_X_WORD'], fields['HTTP_COOKIE']];
          checkSame(parts(told), parts(wanted), `${sent}; what the application was told`);
          checkSame(told.scriptName, '/app', `${sent}; SCRIPT_NAME`);
        }
        const large = await ask(world, nginx, '/app/large', { method: 'POST', body });
        checkSame([large.status, large.body.length], [200, 40 * body.length], `a response of 40 parts of ${body.length} bytes, through nginx; status and length`);
        expectStatus(await ask(world, nginx, '/app/throws'), 500, 'GET /app/throws, through nginx');
        const [some] = await askAll(world, nginx, [{ method: 'POST', target: '/app/unread', body: body.subarray(0, 20_000) }]);
        expectStatus(some!, 200, '20,000 bytes to an application that does not read them, through nginx');
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );

  rule(
    'no-connection-of-its-own',
    'does not tell a script about the connection, which belongs to the server',
    { rule: 'fields about the connection are for the server (RFC 9110 §7.6.1); a script gets a body with its length, and at that point no client waits for 100 Continue', likely: 'NEVER is not used' },
    async (world) => {
      const given = strings(world.random);
      const fields = { HTTP_CONNECTION: 'keep-alive, upgrade', HTTP_KEEP_ALIVE: 'timeout=5', HTTP_TE: 'trailers', HTTP_TRANSFER_ENCODING: 'chunked', HTTP_UPGRADE: 'websocket', HTTP_EXPECT: '100-continue' };
      const variables = await world.call('cgiVariables', { ...given, ...fields }, 10);
      for (const name of Object.keys(fields)) checkSame(variables[name], undefined, `${name} in the environ; the variable`);
      checkSame(variables['HTTP_X_SOMETHING'], given['HTTP_X_SOMETHING'], 'HTTP_X_SOMETHING in the environ; the variable');
    },
  );
});
