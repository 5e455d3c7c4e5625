import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { requestBytes } from '#support/http-client.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Random } from '#support/random.ts';
import type { Address } from '#support/tcp-client.ts';
import { ask, askAll, checkSame, expectStatus, fieldTokens, fieldValue, fieldValues, showAnswer, showAsked, untilSo } from './ask.ts';
import type { Asked, TestWorld } from './ask.ts';
import type driver from './driver.ts';
import type { Given, Layer } from './middleware-calls.ts';

type Pair = [name: string, value: string];

function givenIn(response: HttpTestResponse, sent: string): Given {
  expectStatus(response, 200, sent);
  return JSON.parse(response.body.toString()) as Given;
}

async function expectCalls(world: TestWorld, expected: number, sent: string): Promise<void> {
  checkSame(await world.call('appCalls'), expected, `${sent}; how often the application was called`);
}

/** The fields of a log line in the Combined format. */
const COMBINED = /^(\S+) (\S+) (\S+) \[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"$/;
const COMMON = /^(\S+) (\S+) (\S+) \[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)$/;

/** Waits for that number of lines, and returns the fields of the last one. */
async function logLine(world: TestWorld, lines: number, sent: string, format = COMBINED): Promise<string[]> {
  const text = async (): Promise<string> => (await world.call('logged')).join('');
  const show = (log: string): string => (log === '' ? 'an empty log' : JSON.stringify(log.slice(-300)));
  const log = await untilSo(world, text, (seen) => seen.split('\n').length > lines, { sent, show, expected: `${lines} lines in all, each with its LF`, likely: 'a line is written only when a response ends well' });
  const written = log.split('\n');
  check(written.length === lines + 1, { sent, received: show(log), expected: `${lines} lines in all` });
  const found = format.exec(written[lines - 1]!);
  check(found !== null, { sent, received: written[lines - 1]!, expected: format === COMBINED ? 'host - user [date] "request" status bytes "referer" "user agent"' : 'host - user [date] "request" status bytes' });
  return [...found].slice(1);
}

async function post(world: TestWorld, server: Address, body: Uint8Array | string, fields: Pair[] = [['Content-Type', 'application/json']]): Promise<HttpTestResponse> {
  return await ask(world, server, '/', { method: 'POST', fields, body });
}

function randomJson(random: Random, depth: number): unknown {
  const drawn = random.integer(0, depth > 0 ? 7 : 5);
  if (drawn === 0) return random.pick([true, false, null]);
  if (drawn < 3) return random.integer(-1e6, 1e6) / random.pick([1, 8, 1000]);
  if (drawn < 6) return random.pick([random.words(3), `"${random.word()}\\`, 'ü€😀', '{"a":[', '', '__proto__', `${random.word()}\n\t`]);
  const length = random.integer(0, 4);
  if (drawn === 6) return Array.from({ length }, () => randomJson(random, depth - 1));
  return Object.fromEntries(Array.from({ length }, (_, i) => [`${random.word()}${i}${random.pick(['', '"', ':', '\\', 'é'])}`, randomJson(random, depth - 1)]));
}

/** The parameters of a Bearer challenge; undefined for anything else (RFC 9110 §11.6.1). */
function paramsOfChallenge(challenge: string): Map<string, string> | undefined {
  const param = /[ \t]*([!#$%&'*+.^_`|~\w-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~\w-]+))[ \t]*(?:,|$)/y;
  const begin = /^bearer +(?=\S)/i.exec(challenge);
  if (begin === null) return undefined;
  const params = new Map<string, string>();
  for (param.lastIndex = begin[0].length; param.lastIndex < challenge.length;) {
    const found = param.exec(challenge);
    if (found === null) return undefined;
    params.set(found[1]!.toLowerCase(), found[2] ?? found[3]!);
  }
  return params;
}

const ORIGIN = 'Origin';
const PREFLIGHT = 'Access-Control-Request-Method';
const MAY_READ = 'Access-Control-Allow-Origin';
const WITH_CREDENTIALS = 'Access-Control-Allow-Credentials';

exercise<typeof driver>('5.5', import.meta.url, (rule) => {
  rule(
    'order',
    'puts the first middleware outermost',
    { rule: 'a request passes inwards from the first to the last, its response outwards from the last to the first (G4)' },
    async (world) => {
      const names = Array.from({ length: 4 }, (_, i) => `${world.random.word()}${i}`);
      const server = await world.call('serveBehind', names.map((name) => ({ use: 'probe', name })));
      const response = await ask(world, server, '/');
      checkSame(await world.call('middlewareStory'), [...names.map((name) => `${name} in`), ...names.toReversed().map((name) => `${name} out`)], `GET / through ${names.join(', ')}`);
      checkSame(fieldValues(response, 'X-Probe'), names.toReversed(), `GET / through ${names.join(', ')}, each adding a field X-Probe`);
      const bare = await world.call('serveBehind', []);
      expectStatus(await ask(world, bare, '/'), 200, 'GET / through no middleware at all');
    },
  );

  rule(
    'bearer-lets-in',
    'lets in a known token and says whose it is',
    { rule: '`Authorization: Bearer` and the token (RFC 6750 §2.1); the scheme in upper or lower case (RFC 9110 §11.1)', likely: 'the case of the scheme counts, or only one space is allowed' },
    async (world) => {
      const tokens = [world.random.word(12, 16), `${world.random.word(9)}-._~+/${world.random.word(5)}==`];
      const users = [world.random.word(), world.random.word()];
      const server = await world.call('serveBehind', [{ use: 'bearer', credentials: tokens.map((token, i) => ({ token, user: users[i]! })) }]);
      for (const [i, token] of tokens.entries()) {
        for (const value of [`Bearer ${token}`, `bearer ${token}`, `BEARER ${token}`, `Bearer   ${token}`]) {
          const sent = `Authorization: ${value}`;
          const { user, auth } = givenIn(await ask(world, server, '/', { fields: [['Authorization', value]] }), sent);
          checkSame([user, auth], [users[i], 'Bearer'], `${sent}; REMOTE_USER and AUTH_TYPE`);
        }
      }
    },
  );

  rule(
    'bearer-asks',
    'asks for a token if there is none, and says nothing more',
    { rule: 'a 401 has a WWW-Authenticate field (RFC 9110 §15.5.2), without an error code if the client sent no token (RFC 6750 §3.1)', likely: 'no WWW-Authenticate, or the application is called' },
    async (world) => {
      const realm = world.random.word();
      const server = await world.call('serveBehind', [{ use: 'bearer', realm, credentials: [{ token: 'secret', user: 'ann' }] }]);
      for (const fields of [[], [['Authorization', 'Basic c2VjcmV0']], [['Authorization', 'Bearersecret']], [['X-Authorization', 'Bearer secret']]] as Pair[][]) {
        const sent = showAsked({ target: '/', fields });
        const response = await ask(world, server, '/', { fields });
        expectStatus(response, 401, sent);
        const challenge = fieldValue(response, 'WWW-Authenticate') ?? 'none';
        check(/^bearer\b/i.test(challenge) && challenge.includes(`realm="${realm}"`) && !challenge.includes('error'), {
          sent, received: `WWW-Authenticate: ${challenge}`, expected: `a challenge of the scheme Bearer with realm="${realm}" and no error`,
        });
      }
      await expectCalls(world, 0, 'four requests without a token');
    },
  );

  rule(
    'bearer-wrong-token',
    'lets in no other token, however similar',
    { rule: '401 with error="invalid_token" (RFC 6750 §3.1)', likely: 'the beginning of a token is enough, or the case is ignored' },
    async (world) => {
      const token = `${world.random.word(12, 16)}A9`;
      const at = world.random.integer(0, token.length - 3);
      const server = await world.call('serveBehind', [{ use: 'bearer', credentials: [{ token, user: 'ann' }, { token: `${token}xyz9`, user: 'bob' }] }]);
      const near = [token.slice(0, -1), token.slice(1), `${token}x`, `${token}=`, token.toUpperCase(), token.toLowerCase(), `x${token}`, `${token.slice(0, at)}-${token.slice(at + 1)}`, token.slice(0, 1), 'undefined', 'null', 'constructor'];
      for (const wrong of near) {
        const sent = `Authorization: Bearer ${wrong}, where ${token} is the token`;
        const response = await ask(world, server, '/', { fields: [['Authorization', `Bearer ${wrong}`]] });
        expectStatus(response, 401, sent);
        const challenge = fieldValue(response, 'WWW-Authenticate') ?? 'none';
        check(/^bearer\b/i.test(challenge) && challenge.includes('error="invalid_token"'), { sent, received: `WWW-Authenticate: ${challenge}`, expected: 'a challenge with error="invalid_token"' });
      }
      await expectCalls(world, 0, `${near.length} requests with wrong tokens`);
      checkSame(givenIn(await ask(world, server, '/', { fields: [['Authorization', `Bearer ${token}xyz9`]] }), 'the second token').user, 'bob', 'the second token; whose it is');
    },
  );

  rule(
    'bearer-odd',
    'refuses what is not a token, without an error of its own',
    { rule: 'a Bearer field whose value cannot be a token is answered with 400 invalid_request; 401 invalid_token is right too (RFC 6750 §3.1)', likely: 'timingSafeEqual throws when the lengths differ' },
    async (world) => {
      const server = await world.call('serveBehind', [{ use: 'bearer', credentials: [{ token: 'secret', user: 'ann' }] }]);
      const values = ['Bearer', 'Bearer secret secret', 'Bearer secret,', 'Bearer "secret"', 'Bearer secret, Bearer secret', 'Bearer s\xe9cret', 'Bearer secret=x', 'Bearer token=secret', `Bearer ${'x'.repeat(2_000)}!`, 'Bearer \tsecret', 'Bearer =', 'Bearer secret; x'];
      for (const value of values) {
        const sent = `Authorization: ${value.slice(0, 40)}`;
        const response = await ask(world, server, '/', { fields: [['Authorization', value]] });
        expectStatus(response, [400, 401], sent);
        check(/^bearer\b/i.test(fieldValue(response, 'WWW-Authenticate') ?? ''), { sent, received: `${response.status} without WWW-Authenticate`, expected: 'a challenge of the scheme Bearer' });
      }
      await expectCalls(world, 0, 'requests with odd fields');
      checkSame(await world.call('reported'), [], 'odd fields; the errors that were reported to the server');
    },
  );

  rule(
    'bearer-scope',
    'answers 403 to a token that lacks the scope',
    { rule: '403 with error="insufficient_scope" (RFC 6750 §3.1)', likely: 'the answer is 401, which asks for the token again' },
    async (world) => {
      const [scope, other] = [`${world.random.word()}:write`, world.random.word()];
      const server = await world.call('serveBehind', [{ use: 'bearer', scope, credentials: [{ token: 'all', user: 'ann', scopes: [other, scope] }, { token: 'less', user: 'bob', scopes: [other, `${scope}x`] }, { token: 'none', user: 'cid' }] }]);
      checkSame(givenIn(await ask(world, server, '/', { fields: [['Authorization', 'Bearer all']] }), 'a token with the scope').user, 'ann', 'a token with the scope; whose it is');
      for (const token of ['less', 'none']) {
        const response = await ask(world, server, '/', { fields: [['Authorization', `Bearer ${token}`]] });
        expectStatus(response, 403, 'a token without the scope');
        const challenge = fieldValue(response, 'WWW-Authenticate') ?? 'none';
        check(challenge.includes('error="insufficient_scope"'), { sent: 'a token without the scope', received: `WWW-Authenticate: ${challenge}`, expected: 'a challenge with error="insufficient_scope"' });
      }
      await expectCalls(world, 1, 'one token with the scope, two without');
    },
  );

  rule(
    'bearer-user-only-when-let-in',
    'names the user only when the client is let in',
    { rule: "REMOTE_USER and AUTH_TYPE are set when everything has been checked, the scope too: middleware outside takes it that the environ\'s user was let in", likely: 'they are set as soon as the token is recognized' },
    async (world) => {
      const scope = `${world.random.word()}:write`;
      const credentials = [{ token: 'all', user: 'ann', scopes: [scope] }, { token: 'less', user: 'bob', scopes: [] }];
      const server = await world.call('serveBehind', [{ use: 'log', format: 'common' }, { use: 'bearer', scope, credentials }]);
      for (const token of ['less', 'all']) expectStatus(await ask(world, server, '/', { fields: [['Authorization', `Bearer ${token}`]] }), token === 'all' ? 200 : 403, `Bearer ${token}`);
      await untilSo(world, () => world.call('logged'), (lines) => lines.length === 2, { sent: 'two requests', show: (lines) => `${lines.length} lines in the log`, expected: '2' });
      const users = (await world.call('logged')).map((line) => / - (\S+) \[/.exec(line)?.[1]);
      checkSame(users, ['-', 'ann'], 'a token without the scope, and one with it, through the access log; the users that it has logged');
    },
  );

  rule(
    'cors-origins',
    'lets pages of the listed origins read, and no others',
    { rule: 'Access-Control-Allow-Origin names the one origin that asked (Fetch §3.2.3)', likely: 'the whole list is sent, or an origin is let in that only begins or ends like a listed one' },
    async (world) => {
      const host = `${world.random.word()}.example`;
      const allowed = [`https://${host}`, `http://${host}:8080`];
      const byList = await world.call('serveBehind', [{ use: 'cors', origins: allowed }]);
      const cases: [origin: string, isAllowed: boolean][] = [
        ...allowed.map((origin): [string, boolean] => [origin, true]),
        [`http://${host}`, false], [`https://${host}:8080`, false], [`https://${host}.evil.example`, false], [`https://evil${host}`, false], ['null', false], ['*', false], [`https://${host}/`, false], ['https://other.example', false],
      ];
      for (const [origin, isAllowed] of cases) {
        const sent = `Origin: ${origin}`;
        const response = await ask(world, byList, '/', { fields: [[ORIGIN, origin]] });
        expectStatus(response, 200, sent);
        checkSame(fieldValues(response, MAY_READ), isAllowed ? [origin] : [], `${sent}; ${MAY_READ}`);
      }
      const byFunction = await world.call('serveBehind', [{ use: 'cors', origins: { endsWith: `.${host}` } }]);
      checkSame(fieldValues(await ask(world, byFunction, '/', { fields: [[ORIGIN, `https://a.${host}`]] }), MAY_READ), [`https://a.${host}`], `an origin that a function says yes to; ${MAY_READ}`);
      checkSame(fieldValues(await ask(world, byFunction, '/', { fields: [[ORIGIN, 'https://b.example']] }), MAY_READ), [], `an origin that a function says no to; ${MAY_READ}`);
      const star = await world.call('serveBehind', [{ use: 'cors', origins: '*' }]);
      const any = await ask(world, star, '/', { fields: [[ORIGIN, 'https://any.example']] });
      check(['*', 'https://any.example'].includes(fieldValue(any, MAY_READ) ?? ''), { sent: 'an origin, where all are allowed', received: `${MAY_READ}: ${fieldValue(any, MAY_READ) ?? 'none'}`, expected: '*' });
      checkSame(fieldValues(any, WITH_CREDENTIALS), [], `an origin, where all are allowed; ${WITH_CREDENTIALS}`);
    },
  );

  rule(
    'cors-vary',
    'says that its answer depends on the origin, even for an origin that is refused',
    { rule: 'a cache must not give one origin\'s answer to another: `Vary: Origin` (Fetch §3.2.5, RFC 9110 §12.5.5)', likely: 'no Vary if the origin is absent or not allowed, or the application\'s own Vary is lost' },
    async (world) => {
      const origin = `https://${world.random.word()}.example`;
      const server = await world.call('serveBehind', [{ use: 'cors', origins: [origin] }], { headers: [['Vary', 'Accept-Encoding'], ['X-Own', 'kept']] });
      for (const fields of [[[ORIGIN, origin]], [[ORIGIN, 'https://other.example']], []] as Pair[][]) {
        const sent = showAsked({ target: '/', fields });
        const response = await ask(world, server, '/', { fields });
        const vary = fieldTokens(response, 'Vary');
        check(vary.includes('*') || (vary.includes('origin') && vary.includes('accept-encoding')), { sent, received: `Vary: ${vary.join(', ') || 'none'}`, expected: 'Origin, and the application\'s own Accept-Encoding' });
        checkSame(fieldValue(response, 'X-Own'), 'kept', `${sent}; the application's own field X-Own`);
      }
      for (const asked of [origin, 'https://other.example']) {
        const response = await ask(world, server, '/', { method: 'OPTIONS', fields: [[ORIGIN, asked], [PREFLIGHT, 'PUT']] });
        check(fieldTokens(response, 'Vary').some((name) => name === 'origin' || name === '*'), { sent: `a preflight from ${asked}`, received: `Vary: ${fieldValue(response, 'Vary') ?? 'none'}`, expected: 'Origin' });
      }
    },
  );

  rule(
    'cors-credentials',
    'never lets every page act as the user who is logged in',
    { rule: 'with credentials, the origin is named: browsers refuse `*` (Fetch §3.2.5), and repeating every origin is worse', likely: '`*` is sent together with Access-Control-Allow-Credentials, or every origin is sent back' },
    async (world) => {
      const origin = `https://${world.random.word()}.example`;
      const server = await world.call('serveBehind', [{ use: 'cors', origins: [origin], credentials: true }]);
      const yes = await ask(world, server, '/', { fields: [[ORIGIN, origin]] });
      checkSame([fieldValues(yes, MAY_READ), fieldValues(yes, WITH_CREDENTIALS)], [[origin], ['true']], `Origin: ${origin}; ${MAY_READ}, ${WITH_CREDENTIALS}`);
      const no = await ask(world, server, '/', { fields: [[ORIGIN, 'https://other.example']] });
      checkSame([fieldValues(no, MAY_READ), fieldValues(no, WITH_CREDENTIALS)], [[], []], `another origin; ${MAY_READ}, ${WITH_CREDENTIALS}`);
      checkSame(await world.call('make', { use: 'cors', origins: '*', credentials: true }), 'TypeError', '`cors({ origins: \'*\', credentials: true })`; what is thrown');
    },
  );

  rule(
    'cors-preflight',
    'answers a preflight itself',
    { rule: 'an OPTIONS with Origin and Access-Control-Request-Method asks what pages may do (Fetch §3.2.2)', likely: 'a preflight reaches the application, or every OPTIONS is mistaken for one' },
    async (world) => {
      const [origin, name, maxAgeSeconds] = [`https://${world.random.word()}.example`, `X-${world.random.word()}`, world.random.integer(5, 5_000)];
      const server = await world.call('serveBehind', [{ use: 'cors', origins: [origin], methods: ['PUT', 'DELETE'], headers: [name, 'Content-Type'], maxAgeSeconds, credentials: true }]);
      const preflight: Asked = { method: 'OPTIONS', target: '/x', fields: [[ORIGIN, origin], [PREFLIGHT, 'PUT'], ['Access-Control-Request-Headers', name.toLowerCase()]] };
      const [yes] = await askAll(world, server, [preflight]);
      expectStatus(yes!, [200, 204], showAsked(preflight));
      await expectCalls(world, 0, 'a preflight');
      // Each method has a preflight of its own: an answer may name everything that is allowed, or only what it was
      // asked for.
      for (const [method, isAllowed] of [['PUT', true], ['DELETE', true], ['PATCH', false]] as const) {
        const asked: Asked = { ...preflight, fields: [[ORIGIN, origin], [PREFLIGHT, method]] };
        const methods = fieldTokens((await askAll(world, server, [asked]))[0]!, 'Access-Control-Allow-Methods');
        check(methods.includes(method.toLowerCase()) === isAllowed, { sent: showAsked(asked), received: `Access-Control-Allow-Methods: ${methods.join(', ') || 'none'}`, expected: isAllowed ? `${method} among them` : `no ${method}` });
      }
      const headers = fieldTokens(yes!, 'Access-Control-Allow-Headers');
      check(headers.includes(name.toLowerCase()), { sent: showAsked(preflight), received: `Access-Control-Allow-Headers: ${headers.join(', ') || 'none'}`, expected: `${name} among them` });
      checkSame([fieldValue(yes!, MAY_READ), fieldValue(yes!, WITH_CREDENTIALS), fieldValue(yes!, 'Access-Control-Max-Age')], [origin, 'true', String(maxAgeSeconds)], `${showAsked(preflight)}; ${MAY_READ}, ${WITH_CREDENTIALS}, Access-Control-Max-Age`);
      const no = await ask(world, server, '/x', { method: 'OPTIONS', fields: [[ORIGIN, 'https://other.example'], [PREFLIGHT, 'PUT']] });
      checkSame(fieldValues(no, MAY_READ), [], `a preflight of another origin; ${MAY_READ}`);
      await expectCalls(world, 0, 'two preflights');
      for (const fields of [[[ORIGIN, origin]], [[PREFLIGHT, 'PUT']], []] as Pair[][]) await ask(world, server, '/x', { method: 'OPTIONS', fields });
      await ask(world, server, '/x', { method: 'PUT', fields: [[ORIGIN, origin], [PREFLIGHT, 'PUT']], body: 'x' });
      await expectCalls(world, 4, 'three OPTIONS that are not preflights, and a PUT');
    },
  );

  rule(
    'cors-every-status',
    'adds its fields to whatever the application answers, and is the only one to do so',
    { rule: 'two Access-Control-Allow-Origin fields count as none (Fetch §3.2.5); a page may read a 404 too' },
    async (world) => {
      const [origin, exposed] = [`https://${world.random.word()}.example`, `X-${world.random.word()}`];
      for (const [status, as] of [['200 OK', 'list'], ['404 Not Found', 'iterable'], ['503 Service Unavailable', 'async']] as const) {
        const server = await world.call('serveBehind', [{ use: 'cors', origins: [origin], exposed: [exposed] }], { status, as, headers: [[MAY_READ, '*'], [WITH_CREDENTIALS, 'true']] });
        const response = await ask(world, server, '/', { fields: [[ORIGIN, origin]] });
        const sent = `Origin: ${origin}, to an application that says ${status} and ${MAY_READ}: *`;
        expectStatus(response, Number(status.slice(0, 3)), sent);
        checkSame([fieldValues(response, MAY_READ), fieldValues(response, WITH_CREDENTIALS)], [[origin], []], `${sent}; ${MAY_READ}, ${WITH_CREDENTIALS}`);
        checkSame(fieldTokens(response, 'Access-Control-Expose-Headers'), [exposed.toLowerCase()], `${sent}; Access-Control-Expose-Headers`);
        const no = await ask(world, server, '/', { fields: [[ORIGIN, 'https://other.example']] });
        checkSame(fieldValues(no, MAY_READ).filter((value) => value !== '*'), [], `another origin; ${MAY_READ}`);
      }
    },
  );

  rule(
    'cors-errors',
    'lets an error replace a response that was begun, and a page read that error',
    { rule: 'a `startResponse` that wraps another passes on all three arguments; without the error, a second call is refused (G44, G45)', likely: '`error` is not passed on to the outer startResponse' },
    async (world) => {
      const [origin, message] = [`https://${world.random.word()}.example`, world.random.word(10, 14)];
      for (const as of ['iterable', 'async'] as const) {
        const server = await world.call('serveBehind', [{ use: 'cors', origins: [origin] }, { use: 'errors' }], { as, throwsAt: 0, errorStatus: 409, message, parts: [5, 5] });
        const response = await ask(world, server, '/', { fields: [[ORIGIN, origin]] });
        const sent = `Origin: ${origin}, to an application that says 200 OK and then throws an HttpError 409, which \`errors\` answers within \`cors\``;
        expectStatus(response, 409, sent);
        checkSame([fieldValues(response, MAY_READ), response.body.includes(message)], [[origin], true], `${sent}; ${MAY_READ}, and whether the page has the error's message`);
      }
      checkSame(await world.call('reported'), [], 'errors that `errors` has answered within `cors`; those that were reported to the server');
    },
  );

  rule(
    'json-parses',
    'passes on the value of a JSON body',
    { rule: 'JSON is UTF-8; its type is application/json or ends in +json (RFC 8259 §8.1, RFC 6839 §3.1)', likely: 'a body in several pieces is parsed piece by piece, or a charset makes it another type' },
    async (world) => {
      const server = await world.call('serveBehind', [{ use: 'json' }]);
      const types = ['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset=UTF-8', 'application/problem+json'];
      for (let round = 0; round < 12; round++) {
        const value = round === 0 ? null : randomJson(world.random, 4);
        const bytes = Buffer.from(JSON.stringify(value, null, world.random.pick([0, 2])));
        const fields: Pair[] = [['Content-Type', world.random.pick(types)]];
        const chunks = world.random.boolean() ? world.random.pieces(bytes, 9) : undefined;
        const response = await ask(world, server, '/', { method: world.random.pick(['POST', 'PUT', 'PATCH']), fields, ...(chunks ? { chunks } : { body: bytes }) });
        checkSame(givenIn(response, bytes.toString()).json, JSON.stringify(value), `${fields[0]![1]}${chunks ? ', in chunks' : ''}: ${bytes.toString()}`);
      }
      const http = await world.http(server);
      const bytes = Buffer.from('{"ü":"€"}');
      await http.announce('POST').tcp.writePieces(world.random.pieces(requestBytes('POST', '/', { fields: [['Content-Type', types[0]!]], body: bytes }), 40));
      checkSame(givenIn(await http.response(), 'in pieces').json, '{"ü":"€"}', '{"ü":"€"} in pieces');
    },
  );

  rule(
    'json-no-body',
    'leaves alone a request without a body',
    { rule: 'if nothing was sent, nothing is parsed: there is no `json.body`', likely: 'an empty string is given to JSON.parse' },
    async (world) => {
      const server = await world.call('serveBehind', [{ use: 'json' }]);
      const asked: Asked[] = [{ target: '/' }, { method: 'HEAD', target: '/' }, { method: 'DELETE', target: '/' }, { method: 'POST', target: '/', body: '' }, { method: 'POST', target: '/', chunks: [] }];
      for (const [i, response] of (await askAll(world, server, asked)).entries()) {
        expectStatus(response, 200, showAsked(asked[i]!));
        if (asked[i]!.method !== 'HEAD') checkSame(givenIn(response, showAsked(asked[i]!)).hasJson, false, `${showAsked(asked[i]!)} without content; whether there is a json.body`);
      }
      await expectCalls(world, asked.length, `${asked.length} requests without content`);
    },
  );

  rule(
    'json-type',
    'answers 415 to a body that does not say that it is JSON',
    { rule: 'another type, another charset, a content coding, or no type at all: 415 (RFC 9110 §15.5.16)', likely: 'whatever can be parsed is accepted, so a form on another site can send it' },
    async (world) => {
      const server = await world.call('serveBehind', [{ use: 'json' }]);
      const types = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonp', 'text/json-x', 'application/json; charset=latin1', 'xapplication/json', 'text/plain, application/json', ''];
      for (const type of types) {
        const fields: Pair[] = type === '' ? [] : [['Content-Type', type]];
        expectStatus(await post(world, server, '{"a":1}', fields), 415, type === '' ? 'a body without Content-Type' : `Content-Type: ${type}`);
      }
      expectStatus(await post(world, server, '{"a":1}', [['Content-Type', 'application/json'], ['Content-Encoding', 'gzip']]), 415, 'Content-Encoding: gzip');
      await expectCalls(world, 0, 'bodies whose type is not JSON');
    },
  );

  rule(
    'json-limit',
    'answers 413 to a body that is too large, as soon as it knows',
    { rule: 'a body has a limit, whether its length was announced or not (RFC 9110 §15.5.14)', likely: 'only Content-Length is checked, or the whole body is read first' },
    async (world) => {
      const bytesMax = world.random.integer(40, 90);
      const server = await world.call('serveBehind', [{ use: 'json', bytesMax }]);
      const of = (size: number): Buffer => Buffer.from(`"${'x'.repeat(size - 2)}"`);
      expectStatus(await post(world, server, of(bytesMax)), 200, `${bytesMax} bytes, where ${bytesMax} are allowed`);
      expectStatus(await post(world, server, of(bytesMax + 1)), 413, `${bytesMax + 1} bytes, where ${bytesMax} are allowed`);
      const chunked = (size: number): Promise<HttpTestResponse> => ask(world, server, '/', { method: 'POST', fields: [['Content-Type', 'application/json']], chunks: world.random.pieces(of(size), 9) });
      expectStatus(await chunked(bytesMax), 200, `${bytesMax} bytes in chunks, where ${bytesMax} are allowed`);
      expectStatus(await chunked(bytesMax + 1), 413, `${bytesMax + 1} bytes in chunks, where ${bytesMax} are allowed`);
      const [announced, endless] = [await world.http(server), await world.http(server)];
      announced.sendBytes('POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"x', ['POST']);
      expectStatus(await announced.response({ expected: '413 at once, though the body has not come' }), 413, 'Content-Length: 5000, but only two bytes yet');
      endless.sendBytes(`POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n200\r\n"${'x'.repeat(511)}\r\n`, ['POST']);
      expectStatus(await endless.response({ expected: '413 at once, though the body has not ended' }), 413, 'a chunk of 512 bytes, and no end yet');
      await expectCalls(world, 2, 'two bodies of the right size, four that are larger');
    },
  );

  rule(
    'json-malformed',
    'answers 400 to a body that is not JSON',
    { rule: '400, and the application is not called (RFC 8259 §2, §8.1)', likely: 'what JSON.parse throws becomes a 500, or broken UTF-8 is repaired on the way' },
    async (world) => {
      const server = await world.call('serveBehind', [{ use: 'json' }]);
      const bodies = ['{', '{"a":1,}', 'nul', '\'a\'', '{"a":1} x', 'NaN', '{"a":"\n"}', '[1 2]', '"abc', '{a:1}', '""""', '\\', '{"\\x":1}', '"\\"', Buffer.from('22ff22', 'hex'), Buffer.from('22c328c222', 'hex'), Buffer.from('220061', 'hex'), Buffer.from('{"a":1}', 'utf16le')];
      for (const body of bodies) expectStatus(await post(world, server, body), 400, typeof body === 'string' ? body : `the bytes ${body.toString('hex')}`);
      await expectCalls(world, 0, 'bodies that are not JSON');
      checkSame(await world.call('reported'), [], 'bodies that are not JSON; the errors that were reported to the server');
    },
  );

  rule(
    'json-depth',
    'answers 400 to JSON that is nested too deeply',
    { rule: 'every input has a limit; brackets within a string do not count', likely: 'all brackets are counted, instead of how deeply they are nested' },
    async (world) => {
      const depthMax = world.random.integer(3, 9);
      const server = await world.call('serveBehind', [{ use: 'json', depthMax }]);
      const nested = (depth: number): string => Array.from({ length: depth }, (_, i) => (i % 2 === 0 ? '[' : '{"a":')).join('') + '1' + Array.from({ length: depth }, (_, i) => ((depth - i) % 2 === 1 ? ']' : '}')).join('');
      const flat = `[${Array.from({ length: 40 }, () => '{"a":[]}').join()}]`;
      for (const body of [nested(depthMax), flat, JSON.stringify('[{"'.repeat(20)), JSON.stringify({ [`\\"${'['.repeat(20)}`]: 1 })]) expectStatus(await post(world, server, body), 200, `${body.slice(0, 60)}, where ${depthMax} levels are allowed`);
      for (const depth of [depthMax + 1, depthMax + 5]) expectStatus(await post(world, server, nested(depth)), 400, `${nested(depth)}, where ${depthMax} levels are allowed`);
      const bare = await world.call('serveBehind', [{ use: 'json' }]);
      expectStatus(await post(world, bare, '['.repeat(50_000)), 400, '50,000 times [');
    },
  );

  rule(
    'json-names',
    'answers 400 to __proto__ and to a name that comes twice',
    { rule: 'two programs may read such a text differently (RFC 8259 §4), and __proto__ has a meaning for objects', likely: 'names are compared as they are written: "\\u0061" is "a"' },
    async (world) => {
      const server = await world.call('serveBehind', [{ use: 'json' }]);
      const good = ['{"a":{"a":1},"b":{"a":1}}', '["__proto__","__proto__"]', '{"k":"__proto__"}', '{"a:":1,"a":2}', '[{"a":1},{"a":1}]', '{"A":1,"a":2}', '{"a":"b","b":"a"}', '{"a\\"":1,"a":2}'];
      for (const body of good) checkSame(givenIn(await post(world, server, body), body).json, JSON.stringify(JSON.parse(body)), body);
      const bad = ['{"__proto__":{"polluted":1}}', '{"a":[{"__proto__":1}]}', '{"\\u005f_proto__":{"polluted":1}}', '{"__proto__" \n :1}', '{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '{"x":{"b":1,"c":{"b":2},"b":3}}', '{"a":[1,{}],"b":"a","a":2}', '{"":1,"":2}'];
      for (const body of bad) expectStatus(await post(world, server, body), 400, body);
      await expectCalls(world, good.length, `${good.length} valid bodies`);
    },
  );

  rule(
    'errors-production',
    'answers an error with 500, and reveals nothing of it',
    { rule: 'nothing of an error of ours reaches the client; it is reported once (G60, G64)', likely: 'the message or the stack is in the page, or a field that the application had set before is in the answer' },
    async (world) => {
      const secret = world.random.word(12, 16);
      let reports = 0;
      for (const [as, throwsAt] of [['list', -1], ['iterable', 0], ['async', 0]] as const) {
        for (const accept of ['text/html', '*/*']) {
          const server = await world.call('serveBehind', [{ use: 'errors' }], { as, throwsAt, message: secret, parts: [9, 9], headers: [['X-Draft', 'of the response'], ['Content-Length', '18']] });
          const response = await ask(world, server, '/', { fields: [['Accept', accept]] });
          const sent = `GET /, Accept: ${accept}, to an application that throws ${throwsAt === -1 ? 'at once' : 'before its first part'}`;
          expectStatus(response, 500, sent);
          const all = JSON.stringify(response.fields) + response.body.toString();
          check(!all.includes(secret) && !/\.ts\b|\n\s+at /.test(all), { sent, received: showAnswer(response), expected: 'a page without the message and the stack' });
          checkSame(fieldValue(response, 'X-Draft'), undefined, `${sent}; a field that the application had given before`);
          reports++;
          checkSame(await world.call('told'), Array.from({ length: reports }, () => secret), `${sent}; what was reported so far`);
        }
      }
      const server = await world.call('serveBehind', [{ use: 'errors', silent: true }], { throwsAt: -1, message: secret });
      expectStatus(await ask(world, server, '/'), 500, 'GET /');
      check((await world.call('gatewayErrors')).includes(secret), { sent: 'GET /, where errors are reported nowhere else', received: 'nothing of it in gateway.errors', expected: 'the error in gateway.errors' });
    },
  );

  rule(
    'errors-development',
    'shows the error to the application\'s developer, as text and not as markup',
    { rule: 'what is shown is escaped: a message may contain what a client has sent', likely: 'the message is in the page unescaped' },
    async (world) => {
      const word = world.random.word(12, 16);
      const server = await world.call('serveBehind', [{ use: 'errors', development: true }], { throwsAt: -1, message: `<script>alert("${word}")</script> & more` });
      const page = await ask(world, server, '/', { fields: [['Accept', 'text/html']] });
      expectStatus(page, 500, 'GET /, Accept: text/html');
      const text = page.body.toString();
      check(text.includes(word) && text.includes('middleware-calls.ts'), { sent: 'GET /, Accept: text/html', received: showAnswer(page), expected: 'the message and the stack' });
      check(!text.includes('<script') && (fieldValue(page, 'Content-Type') ?? '').startsWith('text/html'), { sent: 'GET /, Accept: text/html', received: `${fieldValue(page, 'Content-Type') ?? 'no type'}: ${text.slice(Math.max(0, text.indexOf('<script') - 10)).slice(0, 80)}`, expected: '&lt;script&gt; in a page of HTML' });
      const plain = await ask(world, server, '/', { fields: [['Accept', 'application/json']] });
      check(plain.body.includes(word) && !(fieldValue(plain, 'Content-Type') ?? '').startsWith('text/html'), { sent: 'GET /, Accept: application/json', received: `${fieldValue(plain, 'Content-Type') ?? 'no type'}: ${showAnswer(plain)}`, expected: 'the message, and no HTML' });
    },
  );

  rule(
    'errors-with-a-status',
    'answers an HttpError with its status, and leaves a good answer alone',
    { rule: 'an application that throws an HttpError has decided what the client may know' },
    async (world) => {
      const message = world.random.word(10, 14);
      for (const status of [400, 404, 409, 503]) {
        const server = await world.call('serveBehind', [{ use: 'errors' }], { as: 'async', throwsAt: 0, errorStatus: status, message, parts: [1, 2] });
        const response = await ask(world, server, '/');
        expectStatus(response, status, `GET /, where an HttpError ${status} is thrown`);
        check(response.body.includes(message), { sent: `GET /, where an HttpError ${status} is thrown`, received: showAnswer(response), expected: `its message, '${message}', which is meant for the client` });
      }
      const server = await world.call('serveBehind', [{ use: 'errors' }], { parts: [5, 5], as: 'async' });
      checkSame((await ask(world, server, '/')).body.toString(), 'aaaaabbbbb', 'GET /, where nothing is thrown');
    },
  );

  rule(
    'errors-too-late',
    'lets the connection break off if the head has already been sent',
    { rule: 'a response that cannot be completed must not look complete (G46, G61)', likely: 'an error page is added to the body, or the body is ended as if it were complete' },
    async (world) => {
      const message = world.random.word(12, 16);
      for (const as of ['iterable', 'async'] as const) {
        const before = [...(await world.call('told')), ...(await world.call('reported'))].length;
        const server = await world.call('serveBehind', [{ use: 'errors' }], { as, throwsAt: 1, message, parts: [100, 100] });
        const http = await world.http(server);
        http.send('GET', '/');
        await http.tcp.until(() => http.tcp.ended || http.tcp.closed, { expected: 'the connection is closed' });
        const received = http.tcp.received.toString('latin1');
        const sent = 'GET /, to an application that throws after its first part';
        check(!/\r\n0\r\n(\r\n)?$/.test(received) && !received.includes(message) && !/500/.test(received.slice(12)), { sent, received: http.tcp.describe(), expected: 'the first part, then the end of the connection without the last chunk' });
        const reports = [...(await world.call('told')), ...(await world.call('reported'))];
        checkSame(reports.slice(before), [message], `${sent}; what was reported, by any part`);
      }
    },
  );

  rule(
    'request-id',
    'gives every request an id of its own, or keeps the one that it came with',
    { rule: 'an id that came with the request is kept only if it is safe in a log; otherwise a new one is made', likely: 'any id is accepted, quotes and all' },
    async (world) => {
      const server = await world.call('serveBehind', [{ use: 'id' }]);
      const seen = new Set<string>();
      const idOf = async (fields: Pair[], to = server): Promise<string> => {
        const response = await ask(world, to, '/', { fields });
        const id = fieldValue(response, 'X-Request-Id') ?? '';
        checkSame([id], [givenIn(response, 'GET /').id], `${showAsked({ target: '/', fields })}; X-Request-Id, which must equal environ['request.id']`);
        check(/^[\w.-]{8,128}$/.test(id), { sent: showAsked({ target: '/', fields }), received: `X-Request-Id: ${id}`, expected: '8 to 128 letters, digits, dots, hyphens or underscores' });
        return id;
      };
      for (let i = 0; i < 8; i++) seen.add(await idOf([]));
      checkSame(seen.size, 8, 'eight requests; how many ids they had');
      const sane = `${world.random.word(6)}-${world.random.integer(1000, 9999)}`;
      checkSame(await idOf([['X-Request-Id', sane]]), sane, `X-Request-Id: ${sane}; the id`);
      for (const odd of [`"${sane}"`, `${sane} x`, 'short', 'x'.repeat(300), `${sane}<b>`, `${sane}\xe9`, `${sane}\\n`, `${sane}, ${sane}`]) check((await idOf([['X-Request-Id', odd]])) !== odd, { sent: `X-Request-Id: ${odd.slice(0, 60)}`, received: 'it was kept', expected: 'a new id' });
      const wary = await world.call('serveBehind', [{ use: 'id', trust: false }]);
      check((await idOf([['X-Request-Id', sane]], wary)) !== sane, { sent: `X-Request-Id: ${sane}, where no client is trusted with it`, received: 'it was kept', expected: 'a new id' });
    },
  );

  rule(
    'log-line',
    'writes a line for each response, in the usual format',
    { rule: 'Combined: host, -, user, [day/Mon/year:time zone], "request", status, bytes, "referer", "user agent"' },
    async (world) => {
      const [path, agent, token] = [`/${world.random.word()}?q=${world.random.word()}`, world.random.words(2), world.random.word(8)];
      const size = world.random.integer(10, 5_000);
      const server = await world.call('serveBehind', [{ use: 'log' }, { use: 'bearer', credentials: [{ token, user: 'ann' }] }], { status: '201 Created', parts: [size] });
      await ask(world, server, path, { fields: [['Authorization', `Bearer ${token}`], ['User-Agent', agent], ['Referer', 'http://a.example/']] });
      const [host, ident, user, date, request, status, bytes, referer, userAgent] = await logLine(world, 1, `GET ${path}`);
      checkSame([host, ident, user, request, status, bytes, referer, userAgent], ['127.0.0.1', '-', 'ann', `GET ${path} HTTP/1.1`, '201', String(size), 'http://a.example/', agent], `GET ${path}; what the line says`);
      const time = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})$/.exec(date!);
      const ms = time === null ? NaN : Date.parse(`${time[1]} ${time[2]} ${time[3]} ${time[4]} ${time[5]}`);
      check(Math.abs(ms - Date.now()) < 60_000, { sent: `GET ${path}`, received: `[${date}]`, expected: 'the current time, written like [06/Nov/1994:08:49:37 +0000]' });
      await ask(world, server, '/no');
      const second = await logLine(world, 2, 'GET /no without a token, a referer and an agent');
      checkSame([second[2], second[5], second[7], second[8]], ['-', '401', '-', '-'], 'GET /no without a token, a referer and an agent; user, status, referer and agent');
      const common = await world.call('serveBehind', [{ use: 'log', format: 'common' }], { parts: [size] });
      await ask(world, common, path);
      checkSame((await logLine(world, 3, `GET ${path}, Common`, COMMON)).slice(4), [`GET ${path} HTTP/1.1`, '200', String(size)], `GET ${path}; what the line says in the Common format`);
    },
  );

  rule(
    'log-bytes',
    'counts the bytes of the body that were sent',
    { rule: 'the log counts what was sent, and not what Content-Length promised', likely: 'the log has Content-Length, or nothing if there is none' },
    async (world) => {
      const [a, b] = [world.random.integer(5, 500), world.random.integer(5, 500)];
      const cases = [
        { method: 'GET', setup: { parts: [a, b], as: 'async' }, bytes: String(a + b), what: 'two parts without a length' },
        { method: 'GET', setup: { parts: [a, b], as: 'iterable' }, bytes: String(a + b), what: 'two parts of a generator' },
        { method: 'GET', setup: { parts: [a, b], as: 'list' }, bytes: String(a + b), what: 'a list of two parts' },
        { method: 'HEAD', setup: { parts: [a], as: 'list', headers: [['Content-Length', String(a)]] }, bytes: '0', what: 'an answer to HEAD' },
        { method: 'GET', setup: { parts: [], as: 'list', status: '204 No Content' }, bytes: '0', what: '204' },
        { method: 'GET', setup: { parts: [a, b, 7], as: 'async', throwsAt: 2, headers: [['Content-Length', String(a + b + 7)]] }, bytes: String(a + b), what: 'a body that breaks off after two of three parts' },
      ] as const;
      for (const [i, { method, setup, bytes, what }] of cases.entries()) {
        const server = await world.call('serveBehind', [{ use: 'log' }], { ...setup, parts: [...setup.parts], headers: 'headers' in setup ? setup.headers.map(([name, value]): Pair => [name, value]) : [] });
        const http = await world.http(server);
        http.send(method, '/', { fields: [['Connection', 'close']] });
        await http.tcp.until(() => http.tcp.ended || http.tcp.closed, { expected: 'the connection is closed' });
        const line = await logLine(world, i + 1, what);
        checkSame(line[6] === '-' ? '0' : line[6], bytes, `${what}; the bytes in the log`);
      }
    },
  );

  rule(
    'log-escapes',
    'lets no client write lines of its own into the log',
    { rule: 'what a client has sent cannot end the quotes or the line, or speak to a terminal', likely: 'the decoded path is written, in which %0A is a line break' },
    async (world) => {
      const server = await world.call('serveBehind', [{ use: 'log' }], { parts: [1] });
      const word = world.random.word();
      const cases: [target: string, agent: string][] = [
        [`/${word}%0d%0a127.0.0.1%20-%20-%20forged`, 'a'], ['/x', `"${word}" 200 1 "-" "`], ['/x', `back\\slash "quote\\`], ['/%1b%5B31m', '\xe9\x9b31m'], ['/%22%20200%201', 'c\td'],
      ];
      for (const [i, [target, agent]] of cases.entries()) {
        await ask(world, server, target, { fields: [['User-Agent', agent]] });
        const line = await logLine(world, i + 1, `GET ${target}, User-Agent: ${agent}`);
        checkSame(line[5], '200', `GET ${target}, User-Agent: ${agent}; the status in the log`);
        check(/^[\x20-\x7e]*$/.test(line.join(' ')), { sent: `GET ${target}, User-Agent: ${agent}`, received: JSON.stringify(line.join(' ')), expected: 'only printable ASCII, the rest escaped' });
      }
    },
  );

  rule(
    'log-always',
    'writes one line for every response, even if it fails or its client has gone',
    { rule: 'a line when the response is over, whether it has arrived or not (G53)', likely: 'the line is written when the application returns, or when the last part has been sent' },
    async (world) => {
      const closing: { fields: Pair[] } = { fields: [['Connection', 'close']] };
      const thrown = await world.call('serveBehind', [{ use: 'log' }], { throwsAt: -1 });
      expectStatus(await ask(world, thrown, '/', closing), 500, 'GET /, to an application that throws');
      checkSame((await logLine(world, 1, 'an application that throws'))[5], '500', 'an application that throws; the status in the log');
      const later = await world.call('serveBehind', [{ use: 'log' }], { as: 'async', throwsAt: 0, parts: [1], errorStatus: 404 });
      expectStatus(await ask(world, later, '/', closing), 404, 'GET /, to an application whose body throws an HttpError 404');
      await logLine(world, 2, 'an application whose body throws');
      const gone = await world.call('serveBehind', [{ use: 'log' }], { as: 'async', parts: [100, 100], waitsAt: 1 });
      const http = await world.http(gone);
      http.send('GET', '/');
      await http.tcp.until(() => http.tcp.received.includes('a'.repeat(100)), { expected: 'the first part' });
      http.tcp.resetNow();
      const line = await logLine(world, 3, 'a client that leaves after the first of two parts');
      check(Number(line[6]) <= 100, { sent: 'a client that leaves after the first of two parts, of 100 bytes each', received: `${line[6]} bytes in the log`, expected: '100' });
      await world.call('openAppGate');
      await world.settle();
      await logLine(world, 3, 'a client that has gone');
    },
  );

  const everything: { layer: Layer; asked: Omit<Asked, 'target'> }[] = [
    { layer: { use: 'log' }, asked: {} },
    { layer: { use: 'bearer', credentials: [{ token: 'secret', user: 'ann' }] }, asked: { fields: [['Authorization', 'Bearer secret']] } },
    { layer: { use: 'cors', origins: '*' }, asked: { fields: [[ORIGIN, 'https://a.example']] } },
    { layer: { use: 'errors' }, asked: {} },
    { layer: { use: 'id' }, asked: {} },
    { layer: { use: 'json' }, asked: { method: 'POST', fields: [['Content-Type', 'application/json']], body: '{}' } },
  ];

  rule(
    'streams',
    'passes a body on part by part',
    { rule: 'middleware does not collect a body (G4, G51)', likely: 'all parts are joined before the first is sent' },
    async (world) => {
      const server = await world.call('serveBehind', everything.map(({ layer }) => layer), { as: 'async', parts: [1_000, 1_000], waitsAt: 1 });
      const http = await world.http(server);
      http.send('POST', '/', { fields: everything.flatMap(({ asked }) => asked.fields ?? []), body: '{}' });
      await http.tcp.until(() => http.tcp.received.includes('a'.repeat(1_000)), { expected: 'the first part, while the application waits before the second' });
      await world.call('openAppGate');
      const response = await http.response();
      checkSame([response.status, response.body.length], [200, 2_000], 'POST / through all of them; status and bytes');
    },
  );

  rule(
    'closes-once',
    'closes the application\'s body once, however the response ends',
    { rule: 'middleware passes an inner body\'s `close()` on, exactly once (G4, G53)', likely: 'a body that wraps a body has no close(), or both the error and the end call it' },
    async (world) => {
      let expected = 0;
      const closed = async (sent: string): Promise<void> => {
        expected++;
        await untilSo(world, () => world.call('appCloses'), (closes) => closes >= expected, { sent, show: (closes) => `close() was called ${closes} times after ${expected} responses`, expected: 'once for each' });
        await world.settle();
        checkSame(await world.call('appCloses'), expected, `${sent}; how often close() was called after ${expected} responses`);
      };
      for (const { layer, asked } of everything) {
        for (const as of ['list', 'iterable', 'async'] as const) {
          const server = await world.call('serveBehind', [layer], { as, parts: [10, 10] });
          await ask(world, server, '/', asked);
          await closed(`a body (${as}) after ${layer.use}`);
          if (as === 'list') continue;
          const broken = await world.call('serveBehind', [layer], { as, parts: [10, 10], throwsAt: world.random.integer(0, 2) });
          const http = await world.http(broken);
          http.send(asked.method ?? 'GET', '/', { ...asked, fields: [...(asked.fields ?? []), ['Connection', 'close']] });
          await http.tcp.until(() => http.tcp.ended || http.tcp.closed, { expected: 'the connection is closed' });
          await closed(`a body (${as}) that throws after ${layer.use}`);
        }
        const waiting = await world.call('serveBehind', [layer], { as: 'async', parts: [10, 10], waitsAt: 1 });
        const http = await world.http(waiting);
        http.send(asked.method ?? 'GET', '/', asked);
        await http.tcp.until(() => http.tcp.received.includes('a'.repeat(10)), { expected: 'the first part' });
        http.tcp.resetNow();
        await closed(`a body after ${layer.use}, whose client has gone`);
        await world.call('openAppGate');
      }
    },
  );

  rule(
    'bearer-challenge',
    'says in its challenge what is wrong, in a form that can be parsed',
    { rule: 'a challenge is a scheme and its parameters, name=value, separated by commas (RFC 9110 §11.6.1); `error` says what is wrong with the token, `scope` says which scope is needed (RFC 6750 §3)', likely: 'the scope is not named, or a client that uses another scheme is told of an error' },
    async (world) => {
      const [realm, scope] = [world.random.words(2), `${world.random.word()}:write`];
      const server = await world.call('serveBehind', [{ use: 'bearer', realm, scope, credentials: [{ token: 'less', user: 'bob' }] }]);
      const cases: [authorization: string | null, status: number[], error: Record<number, string | undefined>, scope?: string][] = [
        [null, [401], {}], ['Basic c2VjcmV0', [401], {}], ['Negotiate bearer less', [401], {}], ['Bearer other', [401], { 401: 'invalid_token' }],
        ['Bearer less or more', [400, 401], { 400: 'invalid_request', 401: 'invalid_token' }], ['Bearer less', [403], { 403: 'insufficient_scope' }, scope],
      ];
      for (const [authorization, statuses, errors, named] of cases) {
        const sent = authorization === null ? 'no Authorization' : `Authorization: ${authorization}`;
        const response = await ask(world, server, '/', { fields: authorization === null ? [] : [['Authorization', authorization]] });
        expectStatus(response, statuses, sent);
        const challenge = fieldValue(response, 'WWW-Authenticate') ?? 'none';
        const params = paramsOfChallenge(challenge);
        check(params !== undefined, { sent, received: `WWW-Authenticate: ${challenge}`, expected: 'Bearer, and parameters separated by commas' });
        checkSame(params.get('realm'), realm, `${sent}; the realm of the challenge`);
        // A client that sent no token should not be told of an error (§3.1): should, not must.
        if (Object.keys(errors).length > 0) checkSame(params.get('error'), errors[response.status], `${sent}; the error of the challenge`);
        if (named !== undefined) checkSame(params.get('scope'), named, `${sent}; the scope in the challenge`);
      }
    },
  );

  rule(
    'bearer-options',
    'refuses at once options that could never be sent in a challenge or by a client',
    { rule: 'a realm or scope is written between quotes, and a token is a b64token (RFC 6750 §2.1)', likely: 'a quote in a realm ends it, and what follows becomes another parameter' },
    async (world) => {
      const word = world.random.word();
      const credentials = [{ token: `${word}.-_~+/9==`, user: 'ann' }];
      for (const odd of [`${word}"`, `"${word}`, `${word}"${word}`, `${word}\\`, `${word}ü`, `${word}\r\nX-Own: 1`]) {
        for (const options of [{ realm: odd }, { scope: odd }]) checkSame(await world.call('make', { use: 'bearer', credentials, ...options }), 'TypeError', `bearerAuth with ${JSON.stringify(options)}; what is thrown`);
      }
      for (const token of ['', `${word} ${word}`, `${word}ü`, `${word}=${word}`, `"${word}"`]) {
        checkSame(await world.call('make', { use: 'bearer', credentials: [...credentials, { token, user: 'bob' }] }), 'TypeError', `bearerAuth with the token ${JSON.stringify(token)}; what is thrown`);
      }
      checkSame(await world.call('make', { use: 'bearer', credentials, realm: `${word}'s (own) realm`, scope: `${word}:read` }), 'nothing', 'bearerAuth with valid options; what is thrown');
    },
  );

  rule(
    'cors-defaults',
    'lets pages do the usual when it is not told otherwise',
    { rule: 'by default pages may use PUT, PATCH and DELETE, set Authorization and Content-Type, and read only the safelisted fields' },
    async (world) => {
      const origin = `https://${world.random.word()}.example`;
      for (const origins of [[origin], '*'] as const) {
        const server = await world.call('serveBehind', [{ use: 'cors', origins: origins === '*' ? '*' : [...origins] }]);
        for (const method of ['PUT', 'PATCH', 'DELETE']) {
          const preflight: Asked = { method: 'OPTIONS', target: '/x', fields: [[ORIGIN, origin], [PREFLIGHT, method], ['Access-Control-Request-Headers', 'authorization,content-type']] };
          const [yes] = await askAll(world, server, [preflight]);
          const sent = `${showAsked(preflight)}, where ${origins === '*' ? 'all origins are' : 'this one is'} allowed`;
          const [methods, headers] = [fieldTokens(yes!, 'Access-Control-Allow-Methods'), fieldTokens(yes!, 'Access-Control-Allow-Headers')];
          // Without credentials `*` means every method, and every field but Authorization (Fetch §4.10).
          check(methods.includes(method.toLowerCase()) || methods.includes('*'), { sent, received: `Access-Control-Allow-Methods: ${methods.join(', ') || 'none'}`, expected: `${method} among them` });
          check(headers.includes('authorization') && (headers.includes('content-type') || headers.includes('*')), { sent, received: `Access-Control-Allow-Headers: ${headers.join(', ') || 'none'}`, expected: 'Authorization and Content-Type among them' });
        }
        const response = await ask(world, server, '/', { fields: [[ORIGIN, origin]] });
        checkSame(fieldTokens(response, 'Access-Control-Expose-Headers'), [], `Origin: ${origin}; Access-Control-Expose-Headers`);
      }
    },
  );

  rule(
    'cors-own-fields',
    'leaves the application its other fields, and names every field that pages may read',
    { rule: 'the middleware sets the fields that decide who may read, and the application sets all others', likely: "the application\'s own fields are dropped together with the one that is replaced" },
    async (world) => {
      const [origin, own] = [`https://${world.random.word()}.example`, world.random.word()];
      const exposed = [`X-${world.random.word()}`, `X-${world.random.word()}b`];
      const server = await world.call('serveBehind', [{ use: 'cors', origins: [origin], exposed }], { headers: [['X-Own', own], [MAY_READ, '*'], ['X-Access-Control-Allow-Origin', own]] });
      const response = await ask(world, server, '/', { fields: [[ORIGIN, origin]] });
      const sent = `Origin: ${origin}, to an application that says ${MAY_READ}: * and X-Own: ${own}`;
      checkSame([fieldValues(response, MAY_READ), fieldValues(response, 'X-Own'), fieldValues(response, 'X-Access-Control-Allow-Origin')], [[origin], [own], [own]], `${sent}; ${MAY_READ}, X-Own, X-Access-Control-Allow-Origin`);
      checkSame(fieldTokens(response, 'Access-Control-Expose-Headers').toSorted(), exposed.map((name) => name.toLowerCase()).toSorted(), `${sent}; Access-Control-Expose-Headers`);
    },
  );

  rule(
    'cors-caches',
    'gives no cache an answer for one origin as if it were for all',
    { rule: 'if all origins are allowed, `*` says so; an answer that names one depends on it, and must say so with Vary (Fetch §3.2.5)', likely: 'the origin is repeated, as it is when there is a list' },
    async (world) => {
      const origin = `https://${world.random.word()}.example`;
      const star = await world.call('serveBehind', [{ use: 'cors', origins: '*' }]);
      const response = await ask(world, star, '/', { fields: [[ORIGIN, origin]] });
      const [allowed, vary] = [fieldValue(response, MAY_READ) ?? 'none', fieldTokens(response, 'Vary')];
      check(allowed === '*' || (allowed === origin && vary.some((name) => name === 'origin' || name === '*')), { sent: `Origin: ${origin}, where all are allowed`, received: `${MAY_READ}: ${allowed}, Vary: ${vary.join(', ') || 'none'}`, expected: '*' });
      const byFunction = await world.call('serveBehind', [{ use: 'cors', origins: { endsWith: '.example' } }]);
      const none = await ask(world, byFunction, '/');
      expectStatus(none, 200, 'a request without Origin, where a function says yes or no to origins');
      checkSame(fieldValues(none, MAY_READ), [], `a request without Origin, where a function says yes or no to origins; ${MAY_READ}`);
    },
  );

  rule(
    'json-type-and-content',
    'says what is wrong with a type without content, and with content without a type',
    { rule: 'empty content is not JSON: 400; content without a type: 415 (RFC 9110 §15.5.16), however it is sent', likely: 'only Content-Length decides whether there is content' },
    async (world) => {
      const server = await world.call('serveBehind', [{ use: 'json' }]);
      const type = (value: string): Pair[] => [['Content-Type', value]];
      expectStatus(await ask(world, server, '/', { method: 'POST', fields: [...type('application/json'), ['Content-Length', '0']] }), 400, 'POST with Content-Type: application/json, Content-Length: 0');
      expectStatus(await ask(world, server, '/', { method: 'POST', chunks: ['{"a":', '1}'] }), 415, 'POST with JSON in chunks, without a type');
      await expectCalls(world, 0, 'two requests that were refused');
      expectStatus(await post(world, server, '{"a":1}', type('application/json; charset=utf-8x')), 415, 'Content-Type: application/json; charset=utf-8x');
    },
  );
});
