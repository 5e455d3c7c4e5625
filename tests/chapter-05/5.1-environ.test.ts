import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type { Fields, RequestOptions } from '#support/http-client.ts';
import { expectStatus, once, over, showResponse } from '#support/http-exchange.ts';
import type { HttpWorld } from '#support/http-exchange.ts';
import type { Address } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import type { TellsEnviron } from './driver.ts';
import { environFor, expectKeys, show, tellsOf } from './wire.ts';

/** Every key that must be there, and the type of its value. */
const REQUIRED: Record<string, string> = {
  REQUEST_METHOD: 'string',
  SCRIPT_NAME: 'string',
  PATH_INFO: 'string',
  QUERY_STRING: 'string',
  SERVER_NAME: 'string',
  SERVER_PORT: 'string',
  SERVER_PROTOCOL: 'string',
  'gateway.version': 'list',
  'gateway.urlScheme': 'string',
  'gateway.input': 'an object',
  'gateway.errors': 'an object',
  'gateway.multithread': 'boolean',
  'gateway.multiprocess': 'boolean',
  'gateway.runOnce': 'boolean',
  'gateway.rawPathInfo': 'string',
  'gateway.signal': 'an AbortSignal',
};

/** What reading an input gave, step by step. */
async function read(world: HttpWorld, server: Address, steps: readonly string[], options: RequestOptions): Promise<string[]> {
  const fields: Fields = [['X-Read', JSON.stringify(steps)], ...(options.fields ?? [])];
  return (await environFor(world, server, 'POST', '/', { ...options, fields })).readings;
}

/** A long text is cut to its beginning and its length. */
function brief(value: unknown): string {
  return typeof value === 'string' && value.length > 100 ? `${show(value.slice(0, 40))} and so on, ${value.length} bytes` : show(value);
}

function expectReadings(readings: readonly string[], steps: readonly string[], expected: readonly string[], body: string): void {
  for (const [index, wanted] of expected.entries()) {
    check(readings[index] === wanted, {
      sent: `a body of ${brief(body)}, and then ${steps.slice(0, index + 1).join(', ')}`,
      received: `${String(steps[index] ?? 'and more')} gave ${brief(readings[index])}`,
      expected: brief(wanted),
    });
  }
  check(readings.length === expected.length, { sent: steps.join(', '), received: `${readings.length} readings: ${readings.map(brief).join(', ')}`, expected: `${expected.length}` });
}

exercise<typeof driver>('5.1', import.meta.url, (rule) => {
  rule(
    'required-keys',
    'has every key that an application may rely on',
    {
      rule: 'the keys that are always there have values of the right types (docs/gateway-spec.md, G11)',
      likely: 'a key is misspelt or missing: the interface Environ in gateway.ts has them all',
    },
    async (world) => {
      const path = `/${world.random.word()}`;
      const tells = await environFor(world, await world.call('serveEnviron'), 'GET', path);
      for (const [key, type] of Object.entries(REQUIRED)) {
        const value = tells.values[key];
        const right = type === 'list' ? Array.isArray(value) : type.startsWith('an ') ? value === type : typeof value === type;
        check(right, { sent: `GET ${path}`, received: `${key}: ${show(value)}`, expected: `${key}: ${type.startsWith('an ') || type === 'list' ? type : `a ${type}`}` });
      }
      expectKeys(tells, { REQUEST_METHOD: 'GET', SCRIPT_NAME: '', PATH_INFO: path, QUERY_STRING: '', SERVER_PROTOCOL: 'HTTP/1.1', 'gateway.version': [1, 0], 'gateway.urlScheme': 'http', 'gateway.rawPathInfo': path }, `GET ${path}`);
    },
  );

  rule(
    'path-is-decoded',
    'decodes the path once, as UTF-8, and also keeps it as it was sent',
    {
      rule: 'PATH_INFO is the path, percent-decoded once and read as UTF-8; dots, empty segments and trailing slashes stay (G14); gateway.rawPathInfo is the path as it was sent (G15)',
      likely: 'PATH_INFO is the path as it was sent, or rawPathInfo is the decoded path',
    },
    async (world) => {
      const server = await world.call('serveEnviron');
      const word = world.random.word();
      const cases: Record<string, string> = {
        [`/${word}%20here`]: `/${word} here`,
        '/%C3%A4%E2%82%AC%F0%9F%98%80': '/ä€😀',
        [`/a%2Fb/${word}`]: `/a/b/${word}`,
        '/%2525': '/%25',
        [`//${word}/./../`]: `//${word}/./../`,
        '/a+b': '/a+b',
        '/': '/',
      };
      for (const [raw, path] of Object.entries(cases)) {
        expectKeys(await environFor(world, server, 'GET', raw), { PATH_INFO: path, 'gateway.rawPathInfo': raw, SCRIPT_NAME: '' }, `GET ${raw}`);
      }
      expectKeys(await environFor(world, server, 'OPTIONS', '*'), { PATH_INFO: '*', 'gateway.rawPathInfo': '*' }, 'OPTIONS *');
    },
  );

  rule(
    'path-that-cannot-be-decoded',
    'answers 400 for a path that cannot be decoded',
    {
      rule: 'the server answers 400 to a malformed escape, to octets that are not UTF-8 and to %00 (G14)',
      likely: 'decodePathInfo is not called, or what it throws is caught',
    },
    async (world) => {
      const server = await world.call('serveEnviron');
      for (const path of ['/%zz', '/%', '/a%2', '/%ff', '/%C3%28', '/%ED%A0%80', '/a%00b']) {
        expectStatus(await once(world, server, 'GET', path), 400, `GET ${path}`);
      }
    },
  );

  rule(
    'query-as-sent',
    'gives the method and the query as they were sent',
    {
      rule: 'QUERY_STRING is what follows the first question mark, as sent (G16); REQUEST_METHOD is case-sensitive (G12); SERVER_PROTOCOL is the version of the request',
      likely: 'the query is decoded, or has its question mark',
    },
    async (world) => {
      const server = await world.call('serveEnviron');
      const word = world.random.word();
      const query = `${word}=%20+%zz?&a=1&a=2`;
      expectKeys(await environFor(world, server, 'GET', `/x?${query}`), { QUERY_STRING: query, PATH_INFO: '/x', 'gateway.rawPathInfo': '/x' }, `GET /x?${query}`);
      expectKeys(await environFor(world, server, 'GET', '/x?'), { QUERY_STRING: '' }, 'GET /x?');
      expectKeys(await environFor(world, server, `x-${word}`, '/'), { REQUEST_METHOD: `x-${word}` }, `x-${word} /`);
      expectKeys(await environFor(world, server, 'GET', '/', { version: 'HTTP/1.0' }), { SERVER_PROTOCOL: 'HTTP/1.0' }, 'GET / HTTP/1.0');
    },
  );

  rule(
    'fields-have-keys',
    'gives each header field a key',
    {
      rule: 'a field is a string, and its key is HTTP_ and the name in capitals, with _ for - (G18)',
      likely: 'the key is the name itself; fieldKey turns a name into a key',
    },
    async (world) => {
      const server = await world.call('serveEnviron');
      const [one, two] = [world.random.word(), world.random.words(3)];
      const fields: Fields = [['User-Agent', two], [`x-${one}-YES`, one], ['X-Empty', '']];
      const tells = await environFor(world, server, 'GET', '/', { fields, host: `${one}.example:81` });
      expectKeys(tells, { HTTP_USER_AGENT: two, [`HTTP_X_${one.toUpperCase()}_YES`]: one, HTTP_HOST: `${one}.example:81`, HTTP_X_EMPTY: '' }, fields.map((field) => field.join(': ')).join(', '));
    },
  );

  rule(
    'content-has-its-own',
    'gives the type and the length of the body keys of their own, when the request has them',
    {
      rule: 'Content-Type and Content-Length are CONTENT_TYPE and CONTENT_LENGTH, absent when the request has none, and never HTTP_CONTENT_TYPE (G17); Transfer-Encoding stays, for an application that wants to know whether there is a body (G18)',
      likely: 'they are an empty string, or undefined, when the request has none',
    },
    async (world) => {
      const server = await world.call('serveEnviron');
      const body = world.random.words(4);
      const fields: Fields = [['content-type', 'text/plain; charset=utf-8']];
      const none = { HTTP_CONTENT_TYPE: undefined, HTTP_CONTENT_LENGTH: undefined };
      expectKeys(await environFor(world, server, 'POST', '/', { fields, body }), { CONTENT_TYPE: 'text/plain; charset=utf-8', CONTENT_LENGTH: String(body.length), ...none }, `POST with ${body.length} bytes of text/plain`);
      expectKeys(await environFor(world, server, 'GET', '/'), { CONTENT_TYPE: undefined, CONTENT_LENGTH: undefined, ...none }, 'GET without a body');
      expectKeys(await environFor(world, server, 'POST', '/', { chunks: [body] }), { CONTENT_LENGTH: undefined, HTTP_TRANSFER_ENCODING: 'chunked', ...none }, 'POST in chunks');
    },
  );

  rule(
    'lines-are-joined',
    'joins several lines with the same name',
    {
      rule: 'several lines with the same name are joined in their order by a comma and a space (G18, RFC 9110 §5.3); Cookie lines by a semicolon and a space (RFC 6265 §5.4)',
      likely: 'the last line wins, or cookies are joined by commas',
    },
    async (world) => {
      const server = await world.call('serveEnviron');
      const words = Array.from({ length: 3 }, () => world.random.word());
      const fields: Fields = [['X-Tag', words[0]!], ['Cookie', `a=${words[0]}`], ['x-tag', words[1]!], ['X-TAG', words[2]!], ['cookie', `b=${words[1]}`]];
      const tells = await environFor(world, server, 'GET', '/', { fields });
      const sent = fields.map((field) => field.join(': ')).join(', ');
      expectKeys(tells, { HTTP_X_TAG: words.join(', '), HTTP_COOKIE: `a=${words[0]}; b=${words[1]}` }, sent);
      const empty: Fields = [['X-Tag', ''], ['X-Tag', words[0]!]];
      expectKeys(await environFor(world, server, 'GET', '/', { fields: empty }), { HTTP_X_TAG: `, ${words[0]}` }, 'X-Tag twice, the first time empty');
    },
  );

  rule(
    'every-line-counts',
    'joins several lines of any name, even of one that should come once',
    {
      rule: 'every other field is joined in the same way (G18): an application sees what was sent, and judges for itself',
      likely: 'only the first line of a field that should come once counts, as in node:http, so nothing sees the lines after it',
    },
    async (world) => {
      const server = await world.call('serveEnviron');
      const names = ['Referer', 'User-Agent', 'From', 'Max-Forwards', 'If-Modified-Since', 'Authorization', 'ETag', 'Age'];
      const pairs = names.map((name): [name: string, first: string, second: string] => [name, world.random.word(), world.random.word()]);
      const fields: Fields = [...pairs.map(([name, first]): [string, string] => [name, first]), ...pairs.map(([name, , second]): [string, string] => [name, second])];
      const expected = Object.fromEntries(pairs.map(([name, first, second]) => [`HTTP_${name.toUpperCase().replaceAll('-', '_')}`, `${first}, ${second}`]));
      expectKeys(await environFor(world, server, 'GET', '/', { fields }), expected, fields.map((field) => field.join(': ')).join(', '));
    },
  );

  rule(
    'underscores-are-dropped',
    'leaves out fields with an underscore in their name',
    {
      rule: 'X_User and X-User would both be HTTP_X_USER, and a proxy that strips one of them lets the other pass: the field with an underscore is left out (G19)',
      likely: 'fieldKey returns null for such a name: leave the field out',
    },
    async (world) => {
      const server = await world.call('serveEnviron');
      const [good, bad] = [world.random.word(), world.random.word()];
      const both: Fields = [['X-User', good], ['X_User', bad], ['X_Only', bad], ['Content_Length', '7']];
      const sent = both.map((field) => field.join(': ')).join(', ');
      const tells = await environFor(world, server, 'GET', '/', { fields: both });
      expectKeys(tells, { HTTP_X_USER: good, HTTP_X_ONLY: undefined, CONTENT_LENGTH: undefined, HTTP_CONTENT_LENGTH: undefined, null: undefined }, sent);
    },
  );

  rule(
    'absolute-form',
    'believes the target and not Host when the target is a whole URL',
    {
      rule: 'when the target is in absolute form, HTTP_HOST is its authority, whatever the Host field says (G20, RFC 9112 §3.2.2)',
      likely: 'the fields are added later and overwrite it, or Host is believed',
    },
    async (world) => {
      const server = await world.call('serveEnviron');
      const name = `${world.random.word()}.example:8080`;
      const path = `http://${name}/a%20b?c=d`;
      const tells = await environFor(world, server, 'GET', path, { host: 'other.example' });
      expectKeys(tells, { HTTP_HOST: name, PATH_INFO: '/a b', 'gateway.rawPathInfo': '/a%20b', QUERY_STRING: 'c=d' }, `GET ${path}, Host: other.example`);
      expectKeys(await environFor(world, server, 'GET', '/', { host: 'other.example' }), { HTTP_HOST: 'other.example' }, 'GET /, Host: other.example');
    },
  );

  rule(
    'both-ends-are-known',
    'takes both ends of the connection from the connection itself',
    {
      rule: 'SERVER_NAME and SERVER_PORT are strings and say where the request arrived (G20), unless the server was told otherwise; REMOTE_ADDR and REMOTE_PORT are the other end, whatever a header field says (G21), and absent when it is not known (G11)',
      likely: 'a port is a number; or what the server was told (`server.serverName`) is ignored; or a key is set to `undefined`, which is not the same as absent',
    },
    async (world) => {
      const server = await world.call('serveEnviron');
      const http = await world.http(server);
      http.send('GET', '/', { fields: [['X-Forwarded-For', '192.0.2.1'], ['Forwarded', 'for=192.0.2.1']] });
      const tells = tellsOf(await http.response());
      expectKeys(tells, { SERVER_NAME: '127.0.0.1', SERVER_PORT: String(server.port), REMOTE_ADDR: '127.0.0.1', REMOTE_PORT: String(http.tcp.localPort) }, 'GET / over 127.0.0.1');
      const name = `${world.random.word()}.example`;
      const told = await world.call('serveEnviron', { serverName: name, serverPort: 443, serverSoftware: '' });
      expectKeys(await environFor(world, told, 'GET', '/'), { SERVER_NAME: name, SERVER_PORT: '443', SERVER_SOFTWARE: undefined }, `a server that was told to be ${name}:443`);
      const ends = { REMOTE_ADDR: undefined, REMOTE_PORT: undefined };
      expectKeys(await world.call('environOf', {}), ends, 'a connection whose other end has no address, such as a Unix socket');
      expectKeys(await world.call('environOf', { remoteAddress: '192.0.2.1' }), { ...ends, REMOTE_ADDR: '192.0.2.1' }, 'a connection whose other end has an address but no port');
    },
  );

  rule(
    'server-is-true',
    'says about the server what the server says about itself',
    {
      rule: 'gateway.multithread, multiprocess and runOnce describe the server truthfully (G23); what is not known is absent (G11)',
      likely: 'the flags are always false, or two of them are swapped',
    },
    async (world) => {
      for (const flag of ['multithread', 'multiprocess', 'runOnce']) {
        const server = await world.call('serveEnviron', { [flag]: true, serverSoftware: `soft-${flag}` });
        const expected = Object.fromEntries(['multithread', 'multiprocess', 'runOnce'].map((name) => [`gateway.${name}`, name === flag]));
        expectKeys(await environFor(world, server, 'GET', '/'), { ...expected, SERVER_SOFTWARE: `soft-${flag}` }, `a server with ${flag}`);
      }
    },
  );

  rule(
    'ordinary-object',
    'makes an ordinary object for each request',
    {
      rule: 'the environ is an ordinary object, made for this request alone, and all its keys are its own and enumerable: `{ ...environ }` is an environ too, and an application may change it (G10)',
      likely: 'keys are getters, or on a prototype, or the object is frozen or reused',
    },
    async (world) => {
      const server = await world.call('serveEnviron');
      const http = await world.http(server);
      http.send('GET', '/a', { fields: [['X-First', 'yes']] }).send('GET', '/b');
      const [first, second] = [tellsOf(await http.response()), tellsOf(await http.response())];
      const said = (tells: TellsEnviron): string => `${tells.ordinary ? 'ordinary' : 'with keys that are hidden or cannot be changed'}, its prototype is ${tells.prototype}`;
      for (const tells of [first, second]) check(tells.ordinary && tells.prototype !== 'another', { sent: 'GET /a', received: said(tells), expected: 'an ordinary object' });
      expectKeys(second, { HTTP_X_FIRST: undefined, PATH_INFO: '/b' }, 'GET /a with X-First, then GET /b without');
      const undefinedKey = Object.entries(second.values).find(([, value]) => value === 'undefined' || value === null);
      check(undefinedKey === undefined, { sent: 'GET /b', received: `${undefinedKey?.[0] ?? ''} is ${String(undefinedKey?.[1])}`, expected: 'what is not known is absent' });
    },
  );

  rule(
    'reads-the-size-asked-for',
    'reads the number of bytes that it is asked for, or all that are left',
    {
      rule: 'read(size) resolves with exactly `size` bytes, fewer only if the body ends first; read() resolves with all that is left (G31)',
      likely: 'a part is returned as it came, whatever its size, or bytes that were not asked for are lost',
    },
    async (world) => {
      const server = await world.call('serveEnviron');
      const body = world.random.word(40, 60);
      const steps = ['read 0', 'read 7', 'read 1', 'read 20', 'read', 'read', 'read 5'];
      const expected = ['', body.slice(0, 7), body.slice(7, 8), body.slice(8, 28), body.slice(28), '', ''];
      expectReadings(await read(world, server, steps, { body }), steps, expected, body);
      const chunks = world.random.pieces(Buffer.from(body), 6);
      expectReadings(await read(world, server, steps, { chunks }), steps, expected, body);
      expectReadings(await read(world, server, ['read 99', 'read 1'], { body }), ['read 99', 'read 1'], [body, ''], body);
    },
  );

  rule(
    'waits-for-bytes',
    'waits for the bytes that it is asked for',
    {
      rule: 'read(size) waits for `size` bytes (G31), and readline() for the end of the line (G32)',
      likely: 'the first part that comes is mistaken for the whole',
    },
    async (world) => {
      const server = await world.call('serveEnviron');
      const body = `${world.random.word(9, 12)}\n${world.random.word(20, 30)}`;
      const steps = ['read 4', 'readline', 'read 9', 'read'];
      const expected = [body.slice(0, 4), body.slice(4, body.indexOf('\n') + 1), body.slice(body.indexOf('\n') + 1).slice(0, 9), body.slice(body.indexOf('\n') + 10)];
      const http = await world.http(server);
      const head = `POST / HTTP/1.1\r\nHost: a\r\nX-Read: ${JSON.stringify(steps)}\r\nContent-Length: ${body.length}\r\n\r\n`;
      http.sendBytes(head, ['POST']);
      await http.tcp.writeByteByByte(body);
      expectReadings(tellsOf(await http.response()).readings, steps, expected, body);
    },
  );

  rule(
    'reads-lines',
    'reads lines, mixed with other ways of reading',
    {
      rule: 'readline() gives the bytes up to and including the next LF, or all that are left; readline(size) gives at most `size` of them (G32); all ways of reading may be mixed (G33)',
      likely: 'the LF is cut off, or what comes after the line is lost',
    },
    async (world) => {
      const server = await world.call('serveEnviron');
      const [a, b, c] = [world.random.word(5, 9), world.random.word(5, 9), world.random.word(5, 9)] as const;
      const body = `${a}\r\n\n${b}\n${c}`;
      const plain = ['readline', 'readline', 'readline', 'readline', 'readline'];
      const cut = ['readline 2', 'readline 99', 'read 3', 'iterate'];
      for (const options of [{ body }, { chunks: world.random.pieces(Buffer.from(body), 4) }] satisfies RequestOptions[]) {
        expectReadings(await read(world, server, plain, options), plain, [`${a}\r\n`, '\n', `${b}\n`, c, ''], body);
        expectReadings(await read(world, server, ['lines'], options), ['lines', 'lines', 'lines', 'lines'], [`${a}\r\n`, '\n', `${b}\n`, c], body);
        expectReadings(await read(world, server, cut, options), cut, [a.slice(0, 2), `${a.slice(2)}\r\n`, `\n${b.slice(0, 2)}`, `${b.slice(2)}\n${c}`], body);
      }
    },
  );

  rule(
    'end-of-body-is-the-end',
    'never reads beyond the body',
    {
      rule: 'the input gives the bytes of this body and not one more; once it has ended it stays ended (G30)',
      likely: 'the input reads from the socket, or does not remember that it has ended',
    },
    async (world) => {
      const server = await world.call('serveEnviron');
      const steps = ['read', 'read 100', 'readline', 'iterate', 'read'];
      const [one, two] = [world.random.word(9, 20), world.random.word(9, 20)];
      const fields: Fields = [['X-Read', JSON.stringify(steps)]];
      const http = await world.http(server);
      http.send('POST', '/a', { body: one, fields }).send('GET', '/b', { fields }).send('POST', '/c', { chunks: [two], fields });
      for (const body of [one, '', two]) {
        expectReadings(tellsOf(await http.response()).readings, steps, [body, '', '', '', ''], body);
      }
    },
  );

  rule(
    'holds-up-to-a-limit',
    'refuses to hold more of a body than its limit',
    {
      rule: 'there is a limit on what one call holds; beyond it the call rejects with an error of status 413, and so does every later call (G35: some of the body is lost); iteration holds nothing and has no such limit (G34)',
      likely: 'the limit is not checked, or it counts all calls together; or the error is thrown directly instead of by `#fail`, which remembers it',
    },
    async (world) => {
      const limit = world.random.integer(2000, 4000);
      const server = await world.call('serveEnviron', { heldBytesMax: limit });
      const body = 'x'.repeat(limit + 1);
      expectReadings(await read(world, server, ['read'], { body }), ['read'], ['error 413'], `${limit + 1} bytes (the limit is ${limit})`);
      expectReadings(await read(world, server, ['readline'], { body }), ['readline'], ['error 413'], `${limit + 1} bytes (the limit is ${limit})`);
      expectReadings(await read(world, server, ['read'], { body: body.slice(1) }), ['read'], [body.slice(1)], `${limit} bytes, the limit itself`);
      const after = ['read', 'read', 'readline', 'iterate'];
      const [refused = '', ...later] = await read(world, server, after, { body: `${body}\nrest` });
      check(refused === 'error 413' && later.length === 3 && later.every((reading) => reading.startsWith('error')), {
        sent: `${limit + 6} bytes (the limit is ${limit}), and then ${after.join(', ')}`,
        received: [refused, ...later].map(brief).join(', '),
        expected: 'every call is refused: some of the body is lost',
      });
      const double = body + body;
      const halves = ['read 900', 'read 900', 'read 900', 'read 900', 'read 900'];
      const parts = halves.map((_, index) => double.slice(index * 900, (index + 1) * 900).slice(0, 900));
      expectReadings(await read(world, server, halves, { body: double }), halves, parts, 'twice the limit, in small pieces');
      expectReadings(await read(world, server, ['iterate'], { body: double }), ['iterate'], [double], 'twice the limit, iterated over');
    },
  );

  rule(
    'refuses-a-bad-size',
    'refuses a size that is not a whole number',
    {
      rule: 'a size that is not a whole number of at least 0 is refused with an error (G31)',
      likely: '`checkSize` is not called',
    },
    async (world) => {
      const server = await world.call('serveEnviron');
      const body = world.random.word(5, 9);
      const steps = ['read -1', 'read 1.5', 'read NaN', 'readline -1', 'read'];
      const readings = await read(world, server, steps, { body });
      for (const [index, step] of steps.slice(0, -1).entries()) {
        check(readings[index]?.startsWith('error') === true, { sent: step, received: show(readings[index]), expected: 'an error' });
      }
      check(readings.at(-1) === body, { sent: `${steps.slice(0, -1).join(', ')}, and then read`, received: show(readings.at(-1)), expected: show(body) });
    },
  );

  rule(
    'broken-off',
    'does not mistake a body that breaks off for one that has ended',
    {
      rule: 'when a body breaks off, the call rejects, and so does every later call: it must not look like the end (G35)',
      likely: 'an error is mistaken for the end of the body',
    },
    async (world) => {
      const server = await world.call('serveEnviron');
      const http = await world.http(server);
      const fields: Fields = [['X-Read', JSON.stringify(['read', 'read'])]];
      const bytes = `POST / HTTP/1.1\r\nHost: a\r\n${fields.map((field) => field.join(': ')).join('\r\n')}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nnonsense\r\n`;
      http.sendBytes(bytes, ['POST']);
      await over(http.tcp);
      // A process that has died closes its connections too.
      await world.call('errors');
      for (const response of http.completeResponses()) {
        const ok = response.status === 400 || (response.status === 200 && tellsOf(response).readings.every((reading) => reading.startsWith('error')));
        check(ok, { sent: 'a body whose second chunk is nonsense', received: response.status === 200 ? `reading gave ${show(tellsOf(response).readings)}` : showResponse(response), expected: 'every call is refused' });
      }
    },
  );

  rule(
    'unknown-addresses',
    'has a name and a port for every server, whatever is known about the connection',
    {
      rule: 'SERVER_NAME and SERVER_PORT are not empty, an IPv6 address is in brackets, a port is digits (G20); HTTP_HOST is there if Host was sent, or if the target is in absolute form (G18, G20)',
      likely: 'what is not known becomes the text `undefined`, or an empty string',
    },
    async (world) => {
      for (const scheme of ['http', 'https'] as const) {
        const { values } = await world.call('environOf', { scheme });
        const [name, port] = [values['SERVER_NAME'], values['SERVER_PORT']];
        check(typeof name === 'string' && name !== '' && typeof port === 'string' && /^\d+$/.test(port), {
          sent: `a request by ${scheme} on a connection without addresses, such as a Unix domain socket`, received: `SERVER_NAME: ${show(name)}, SERVER_PORT: ${show(port)}`, expected: 'a name and digits',
        });
        check(!('HTTP_HOST' in values), { sent: 'a request without a Host field', received: `HTTP_HOST: ${show(values['HTTP_HOST'])}`, expected: 'no such key' });
      }
      const localPort = world.random.integer(1024, 65535);
      expectKeys(await world.call('environOf', { localAddress: '::1', localPort }), { SERVER_NAME: '[::1]', SERVER_PORT: String(localPort) }, 'a request to ::1');
      expectKeys(await world.call('environOf', { localAddress: '192.0.2.7', localPort }), { SERVER_NAME: '192.0.2.7', SERVER_PORT: String(localPort) }, 'a request to 192.0.2.7');
    },
  );

  rule(
    'refuses-a-bad-size-without-a-body',
    'refuses a size that is not a whole number, even without a body',
    { rule: 'a size that is not a whole number of at least 0 is refused with an error (G31)' },
    async (world) => {
      const server = await world.call('serveEnviron');
      const steps = ['read -1', 'readline 1.5', 'read 5', 'read'];
      const readings = await read(world, server, steps, {});
      check(readings.slice(0, 2).every((reading) => reading.startsWith('error')) && readings.slice(2).join() === ',', { sent: `a request without a body, and then ${steps.join(', ')}`, received: readings.map(show).join(', '), expected: 'two errors, and twice nothing' });
    },
  );

  rule(
    'why-it-broke-off',
    'says why a body broke off, and goes on rejecting',
    {
      rule: 'when a body breaks off or comes too slowly, the call rejects with an error that carries the status to answer with, and every later call rejects too (G35)',
      likely: 'the error from the parts is replaced by another, or the next call asks the parts again, which have ended by then',
    },
    async (world) => {
      const status = world.random.pick([400, 408]);
      const given = world.random.word(6, 9);
      const steps = ['read 3', 'read', 'read', 'readline', 'iterate'];
      const [first, broken = '', ...later] = await world.call('readBroken', given, status, steps);
      check(first === given.slice(0, 3) && broken === `error ${status}` && later.every((reading) => reading.startsWith('error')), {
        sent: `a body that breaks off with an error of status ${status} after ${show(given)}, and then ${steps.join(', ')}`,
        received: [first, broken, ...later].map(show).join(', '),
        expected: `${show(given.slice(0, 3))}, error ${status}, and errors`,
      });
    },
  );
});
