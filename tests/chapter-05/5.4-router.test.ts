import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type { Random } from '#support/random.ts';
import type { Address } from '#support/tcp-client.ts';
import { allowOf, ask, askAll, checkSame, expectStatus, fieldValues, showAnswer, showAsked, untilSo } from './ask.ts';
import type { Asked, TestWorld } from './ask.ts';
import type driver from './driver.ts';
import type { RouteSpec, Told } from './router-calls.ts';

/** A request, the name of the route that must answer it (or a status), and the parameters that it must get. */
type Case = readonly [asked: string | Asked, answer: string | number, params?: Record<string, string>];

async function expectAll(world: TestWorld, server: Address, cases: readonly Case[], likely?: string): Promise<void> {
  const asked = cases.map(([one]) => (typeof one === 'string' ? { target: one } : one));
  const responses = await askAll(world, server, asked);
  for (const [i, [, answer, params]] of cases.entries()) {
    const [sent, response] = [showAsked(asked[i]!), responses[i]!];
    const why = likely === undefined ? {} : { likely };
    if (typeof answer === 'number') {
      check(response.status === answer, { sent, received: showAnswer(response), expected: `status ${answer}`, ...why });
      continue;
    }
    const told = toldBy(response);
    check(told?.name === answer, { sent, received: told ? `'${told.name}' answered` : showAnswer(response), expected: `'${answer}' answers`, ...why });
    if (params !== undefined) checkSame(sorted(told.params), sorted(params), sent, likely);
  }
}

function toldBy({ status, body }: { status: number; body: Buffer }): Told | undefined {
  if (status !== 200) return undefined;
  try {
    return JSON.parse(body.toString()) as Told;
  } catch {
    return undefined;
  }
}

function sorted(params: Record<string, unknown>): [string, unknown][] {
  return Object.entries(params).sort(([a], [b]) => (a < b ? -1 : 1));
}

const get = (path: string, name = path): RouteSpec => ({ method: 'GET', path, name });

/** The route that a path leads to, found by comparing all of them, which a tree must find without that. */
function bestOf(routes: readonly RouteSpec[], path: string): { name: string; params: Record<string, string> } | undefined {
  const parts = path.slice(1).split('/');
  const rank = (text: string | undefined): string => (text === undefined ? 'c' : text.startsWith(':') ? 'b' : text.startsWith('*') ? 'c' : 'a');
  const fitting = routes.flatMap(({ path: pattern, name = '' }) => {
    const segments = pattern.slice(1).split('/');
    const params: Record<string, string> = {};
    for (const [i, segment] of segments.entries()) {
      if (segment.startsWith('*')) {
        if (i > parts.length - 1) return [];
        params[segment.slice(1)] = parts.slice(i).join('/');
        return [{ name, params, order: segments.map(rank).join('') }];
      }
      const part = parts[i];
      if (part === undefined || (segment.startsWith(':') ? part === '' : part !== segment)) return [];
      if (segment.startsWith(':')) params[segment.slice(1)] = part;
    }
    return parts.length === segments.length ? [{ name, params, order: segments.map(rank).join('') }] : [];
  });
  return fitting.sort((a, b) => (a.order < b.order ? -1 : 1))[0];
}

/** Routes over few words, so that they overlap; no two are for exactly the same paths. */
function crossing(random: Random, most: number): RouteSpec[] {
  const routes = new Map<string, RouteSpec>();
  for (let i = 0; i < most; i++) {
    const length = random.integer(1, 4);
    const segments = Array.from({ length }, (_, at) => {
      const drawn = random.integer(0, 9);
      if (drawn === 0 && at === length - 1) return '*rest';
      return drawn < 4 ? `:p${at}` : random.pick(['a', 'b', 'c']);
    });
    const path = `/${segments.join('/')}`;
    routes.set(path, get(path));
  }
  return [...routes.values()];
}

exercise<typeof driver>('5.4', import.meta.url, (rule) => {
  rule(
    'static',
    'finds the application of a path without parameters',
    { rule: 'paths are compared as they are written: case counts, and /a is not /a/ (RFC 3986 §6.2.2.1)', likely: 'a path that is the beginning of another is mistaken for it, or a trailing slash is dropped' },
    async (world) => {
      const [a, b, c] = [world.random.word(4), world.random.word(4), world.random.word(10, 12)];
      const server = await world.call('serveRouter', { routes: [get('/'), get(`/${a}`), get(`/${a}/${c}`), get(`/${a}/${b}/`), get(`/${c}`), get(`/${a}/${c}/${b}`)] });
      await expectAll(world, server, [
        ['/', '/'], [`/${a}`, `/${a}`], [`/${a}?x=/${c}`, `/${a}`], [`/${a}/${c}`, `/${a}/${c}`], [`/${a}/${c}/${b}`, `/${a}/${c}/${b}`], [`/${c}`, `/${c}`],
        [`/${a}/${b}/`, `/${a}/${b}/`], [`/${a}/${b}`, 404], [`/${a}/`, 404], [`/${a.toUpperCase()}`, 404], [`/${c}/${a}`, 404], [`/${c.slice(0, -1)}`, 404], [`/${c}x`, 404], [`//${a}`, 404],
      ]);
    },
  );

  rule(
    'not-found',
    'answers 404 if no route has the path, or lets an application do so',
    { rule: '404 says that there is nothing at this path, whatever the method (RFC 9110 §15.5.5)' },
    async (world) => {
      const word = world.random.word();
      const bare = await world.call('serveRouter', { routes: [get(`/${word}`)] });
      for (const method of ['GET', 'POST', 'OPTIONS', 'DELETE']) await expectAll(world, bare, [[{ method, target: `/${word}/${word}` }, 404]]);
      const own = await world.call('serveRouter', { routes: [get(`/${word}`)], notFound: 'nothing here' });
      await expectAll(world, own, [[`/${word}`, `/${word}`], [`/${word}x`, 'nothing here']]);
    },
  );

  rule(
    'params',
    'passes on the segment that a parameter matches',
    { rule: 'a parameter matches one whole segment that is not empty; it is in `environ[\'router.params\']` under its name', likely: 'a parameter matches a slash, or an empty segment' },
    async (world) => {
      const [id, note] = [world.random.word(), String(world.random.integer(1, 9999))];
      const server = await world.call('serveRouter', { routes: [get('/users/:id'), get('/users/:id/notes/:note'), get('/:any/only')] });
      await expectAll(world, server, [
        [`/users/${id}`, '/users/:id', { id }],
        [`/users/${id}/notes/${note}`, '/users/:id/notes/:note', { id, note }],
        [`/${id}/only`, '/:any/only', { any: id }],
        ['/users/', 404], [`/users/${id}/`, 404], ['/users', 404], [`/users//notes/${note}`, 404], [`/users/${id}/notes/`, 404], [`/users/${id}/other/${note}`, 404],
      ]);
    },
  );

  rule(
    'params-are-decoded',
    'decodes a parameter once, and does not split it at an encoded slash',
    { rule: 'a path is split into its segments before it is decoded (RFC 3986 §2.4)', likely: 'PATH_INFO was split, in which %2F is already a slash, or a value was decoded twice, or + became a space' },
    async (world) => {
      const text = `${world.random.word()}/${world.random.word()} + 100%25 ü€`;
      const server = await world.call('serveRouter', { routes: [get('/n/:name'), get('/n/:name/raw'), get('/a/b', 'two segments'), get('/caf%C3%A9')] });
      const encoded = encodeURIComponent(text);
      await expectAll(world, server, [
        [`/n/${encoded}`, '/n/:name', { name: text }],
        [`/n/${encoded}/raw`, '/n/:name/raw', { name: text }],
        ['/n/a+b', '/n/:name', { name: 'a+b' }],
        ['/n/%252F', '/n/:name', { name: '%2F' }],
        ['/n/a%2Fraw', '/n/:name', { name: 'a/raw' }],
        ['/a%2Fb', 404], ['/n%2Fx', 404],
        ['/%61/b', 'two segments'], ['/caf%C3%A9', '/caf%C3%A9'], ['/caf%c3%a9', '/caf%C3%A9'],
      ]);
    },
  );

  rule(
    'wildcard',
    'gives the whole rest of a path to a wildcard',
    { rule: '`*rest` matches what follows its slash: several segments, or nothing', likely: 'the wildcard matches one segment only, or does not match nothing' },
    async (world) => {
      const [a, b] = [world.random.word(), world.random.word()];
      const server = await world.call('serveRouter', { routes: [get('/files/*path'), get('/u/:id/*tail')] });
      await expectAll(world, server, [
        [`/files/${a}`, '/files/*path', { path: a }],
        [`/files/${a}/${b}//x/`, '/files/*path', { path: `${a}/${b}//x/` }],
        ['/files/', '/files/*path', { path: '' }],
        ['/files/x%2Fy/%C3%BC%2520/z', '/files/*path', { path: 'x/y/ü%20/z' }],
        [`/u/${a}/${b}/c`, '/u/:id/*tail', { id: a, tail: `${b}/c` }],
        [`/u//${b}`, 404], [`/filesx/${a}`, 404], [`/u/${a}`, 404],
      ]);
    },
  );

  rule(
    'precedence',
    'prefers literal text to a parameter, and a parameter to a wildcard',
    { rule: 'the better route answers, whatever the order in which they were added', likely: 'the first route that matches is taken' },
    async (world) => {
      const routes = [get('/:kind'), get('/*all'), get('/new'), get('/:kind/*more'), get('/new/:x'), get('/new/old'), get('/:kind/old')];
      for (const order of [routes, routes.toReversed(), world.random.shuffle(routes)]) {
        const server = await world.call('serveRouter', { routes: order });
        await expectAll(world, server, [
          ['/new', '/new', {}], ['/old', '/:kind', { kind: 'old' }], ['/new/old', '/new/old', {}], ['/new/x', '/new/:x', { x: 'x' }],
          ['/x/old', '/:kind/old', { kind: 'x' }], ['/x/y', '/:kind/*more', { kind: 'x', more: 'y' }], ['/', '/*all', { all: '' }],
        ]);
      }
    },
  );

  rule(
    'goes-back',
    'goes back when the better branch leads nowhere',
    { rule: 'a path has a route if any route matches it; parameters from abandoned branches are forgotten', likely: 'the search stops where a literal segment matches, or a value from an abandoned branch stays among the parameters' },
    async (world) => {
      const id = world.random.word();
      const server = await world.call('serveRouter', {
        routes: [get('/users/new/form'), get('/users/:id/edit'), get('/a/b/c/d'), get('/a/:x/c/e'), get('/:v/b/:w/f'), get('/a/*rest'), get('/p/:one/:two/end'), get('/p/:only/*rest'), { method: 'POST', path: '/m/:id', name: 'posted' }, get('/m/it')],
      });
      await expectAll(world, server, [
        ['/users/new/edit', '/users/:id/edit', { id: 'new' }],
        ['/a/b/c/e', '/a/:x/c/e', { x: 'b' }],
        [`/a/b/${id}/g`, '/a/*rest', { rest: `b/${id}/g` }],
        [`/a/b/${id}`, '/a/*rest', { rest: `b/${id}` }],
        [`/z/b/${id}/f`, '/:v/b/:w/f', { v: 'z', w: id }],
        [`/p/${id}/2/3`, '/p/:only/*rest', { only: id, rest: '2/3' }],
        [{ method: 'POST', target: '/m/it' }, 'posted', { id: 'it' }],
        ['/m/it', '/m/it', {}],
      ]);
    },
  );

  rule(
    'any-table',
    'finds the best route of any table',
    { rule: 'segment by segment: a literal before a parameter, a parameter before a wildcard, and the next best when the better one leads nowhere' },
    async (world) => {
      for (let round = 0; round < 4; round++) {
        const routes = crossing(world.random, 14);
        const server = await world.call('serveRouter', { routes });
        const cases = Array.from({ length: 32 }, (): Case => {
          const target = `/${Array.from({ length: world.random.integer(1, 5) }, () => world.random.pick(['a', 'b', 'c', 'd', 'd', ''])).join('/')}`;
          const best = bestOf(routes, target);
          return best === undefined ? [target, 404] : [target, best.name, best.params];
        });
        await expectAll(world, server, cases, `the routes: ${routes.map(({ path }) => path).join(' ')}`);
      }
    },
  );

  rule(
    'method-not-allowed',
    'answers 405 and names the methods if the path has a route but the method has none',
    { rule: 'a 405 has an Allow field with the methods of this path (RFC 9110 §15.5.6, §10.2.1)', likely: '404 for a path that exists, or no Allow, or methods of other paths in it' },
    async (world) => {
      const word = world.random.word();
      const server = await world.call('serveRouter', {
        routes: [get(`/${word}`), { method: 'POST', path: `/${word}`, name: 'post' }, { method: 'PUT', path: '/p/:id', name: 'put' }, { method: 'DELETE', path: '/p/one', name: 'delete' }, { method: 'PATCH', path: '/w/*rest', name: 'patch' }],
      });
      const cases = [
        [`/${word}`, ['GET', 'HEAD', 'POST'], 'DELETE'], ['/p/two', ['PUT'], 'GET'], ['/w/x/y', ['PATCH'], 'HEAD'], [`/${word}`, ['GET', 'HEAD', 'POST'], 'BREW'], ['/p/one', ['DELETE', 'PUT'], 'GET'],
      ] as const;
      for (const [target, allowed, method] of cases) {
        const response = await ask(world, server, target, { method });
        const sent = `${method} ${target}`;
        expectStatus(response, 405, sent);
        checkSame(allowOf(response).filter((name) => name !== 'OPTIONS'), allowed, `${sent}; its Allow, without OPTIONS`);
      }
      await expectAll(world, server, [[{ method: 'POST', target: `/${word}` }, 'post'], [{ method: 'PUT', target: '/p/one' }, 'put'], [{ method: 'POST', target: `/${word}x` }, 404]]);
    },
  );

  rule(
    'head',
    'answers HEAD if there is a GET',
    { rule: 'HEAD is GET without the content; a server supports both (RFC 9110 §9.1, §9.3.2)', likely: 'HEAD is answered with 405, or its answer has a body' },
    async (world) => {
      const word = world.random.word();
      const server = await world.call('serveRouter', { routes: [get('/x/:id'), { method: 'HEAD', path: `/${word}`, name: 'own head' }, get(`/${word}`), { method: 'POST', path: '/only', name: 'post' }] });
      const [whole, head, own, no] = await askAll(world, server, [{ target: '/x/1' }, { method: 'HEAD', target: '/x/1' }, { method: 'HEAD', target: `/${word}` }, { method: 'HEAD', target: '/only' }]);
      expectStatus(head!, 200, 'HEAD /x/1');
      const nameOf = (response: typeof head): string => response!.fields.filter(({ name }) => name.toLowerCase() === 'x-name').map(({ value }) => value).join();
      checkSame(nameOf(head), nameOf(whole), 'HEAD /x/1; which application answered');
      checkSame(nameOf(own), 'own head', `HEAD /${word}, which has an application of its own; which application answered`);
      expectStatus(no!, 405, 'HEAD /only, which has only a POST');
    },
  );

  rule(
    'options',
    'answers OPTIONS itself, unless a route does',
    { rule: 'OPTIONS asks what is possible at a path, and Allow answers it (RFC 9110 §9.3.7)', likely: 'OPTIONS is answered with 405, or reaches the application of another method' },
    async (world) => {
      const server = await world.call('serveRouter', { routes: [get('/a/:b'), { method: 'PUT', path: '/a/:b', name: 'put' }, { method: 'OPTIONS', path: '/own', name: 'own' }, get('/own'), { method: 'any', path: '/any', name: 'any' }] });
      const response = await ask(world, server, '/a/1', { method: 'OPTIONS' });
      expectStatus(response, [200, 204], 'OPTIONS /a/1');
      checkSame(allowOf(response).filter((name) => name !== 'OPTIONS'), ['GET', 'HEAD', 'PUT'], 'OPTIONS /a/1; its Allow, without OPTIONS');
      const star = await ask(world, server, '*', { method: 'OPTIONS' });
      expectStatus(star, [200, 204], 'OPTIONS *');
      await expectAll(world, server, [
        [{ method: 'OPTIONS', target: '/own' }, 'own'], [{ method: 'OPTIONS', target: '/any' }, 'any'], [{ method: 'BREW', target: '/any' }, 'any'], [{ method: 'OPTIONS', target: '/none' }, 404],
      ]);
    },
  );

  rule(
    'no-prototype',
    'knows only the routes and parameters that it was given',
    { rule: 'a path such as /constructor or /__proto__ is a path like any other', likely: 'names are looked up in an object that inherits: use a Map, or Object.create(null)' },
    async (world) => {
      const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'prototype'];
      const server = await world.call('serveRouter', { routes: [get('/a'), get('/a/:id'), get('/b/:constructor'), get('/c/valueOf')] });
      for (const name of names) {
        await expectAll(world, server, [[`/${name}`, 404], [`/a/${name}`, '/a/:id', { id: name }], [`/a/${name}/x`, 404], [`/c/${name}`, 404], [`/b/${name}`, '/b/:constructor', { constructor: name }]]);
      }
      const told = toldBy(await ask(world, server, '/a'));
      checkSame(told?.inherited, 'undefined', 'GET /a; params.constructor');
      checkSame(toldBy(await ask(world, server, '/a/1'))?.inherited, 'undefined', 'GET /a/1; params.constructor');
      await expectAll(world, server, [['/c/valueOf', '/c/valueOf']]);
    },
  );

  rule(
    'broken-paths',
    'refuses what is not a path, and goes on with the next request',
    { rule: 'a malformed escape is answered with 400 (G14), an over-long path with 414 (RFC 9110 §15.5.15)', likely: 'decodeURIComponent throws' },
    async (world) => {
      const server = await world.call('serveRouter', { routes: [get('/:x'), get('/:x/*rest')] });
      for (const target of ['/%', '/%zz/x', '/%ff', '/a/%c3%28', `/${'a'.repeat(6_000)}`, '/a'.repeat(2_500)]) {
        const http = await world.http(server);
        const response = await http.send('GET', target).response();
        check(response.status >= 400 && response.status < 500, { sent: `GET ${target.slice(0, 40)}`, received: showAnswer(response), expected: 'a status from 400 to 499' });
      }
      await expectAll(world, server, [['/x', '/:x', { x: 'x' }]]);
      checkSame(await world.call('reported'), [], 'all these requests; the errors that were reported to the server');
    },
  );

  rule(
    'mount-moves-the-path',
    'lets a mounted application believe that its path begins at the mount',
    { rule: 'the prefix of the mount moves from PATH_INFO to SCRIPT_NAME, and rawPathInfo loses it too (G15, RFC 3875 §4.1.5, §4.1.13)', likely: 'one of the three keys is not changed, or the mount also takes /apix' },
    async (world) => {
      const [word, other] = [world.random.word(), world.random.word()];
      const server = await world.call('serveRouter', {
        routes: [
          { path: '/api', name: 'api' }, get('/api/own'), { path: '/caf%C3%A9/:town', name: 'café' },
          { path: '/outer', below: [{ path: '/inner/:b', name: 'inner' }, get('/here'), get('/', 'root')] },
        ],
      });
      const cases: [target: string, name: string, scriptName: string, pathInfo: string, rawPathInfo: string][] = [
        [`/api/${word}/${other}`, 'api', '/api', `/${word}/${other}`, `/${word}/${other}`],
        ['/api', 'api', '/api', '', ''],
        ['/api/', 'api', '/api', '/', '/'],
        ['/%61pi/a%2Fb%20c', 'api', '/api', '/a/b c', '/a%2Fb%20c'],
        ['/api/own', '/api/own', '', '/api/own', '/api/own'],
        [`/caf%c3%a9/a%2Fb/${word}%25`, 'café', '/café/a/b', `/${word}%`, `/${word}%25`],
        [`/outer/inner/${word}/x/y`, 'inner', `/outer/inner/${word}`, '/x/y', '/x/y'],
        ['/outer/here', '/here', '/outer', '/here', '/here'],
        ['/outer', 'root', '/outer', '', ''],
      ];
      for (const [target, ...expected] of cases) {
        const response = await ask(world, server, target);
        expectStatus(response, 200, `GET ${target}`);
        const { name, scriptName, pathInfo, rawPathInfo } = toldBy(response)!;
        checkSame([name, scriptName, pathInfo, rawPathInfo], expected, `GET ${target}: which application answers, with SCRIPT_NAME, PATH_INFO and rawPathInfo`);
      }
      await expectAll(world, server, [['/apix', 404], [`/outer/${word}`, 404], [{ method: 'DELETE', target: '/api/x' }, 'api'], [`/outer/inner/${word}`, 'inner', { b: word }]]);
    },
  );

  rule(
    'mount-gives-back',
    'restores the path when the mounted application is done, and not before',
    { rule: 'whatever changes the path restores it when the call is over (G15)', likely: 'the path is restored when the application returns, although its generator has not begun, or never after an error' },
    async (world) => {
      const word = world.random.word();
      for (const as of ['list', 'parts', 'generator', 'throws', 'throws later'] as const) {
        const server = await world.call('serveRouter', { routes: [{ path: '/outer', below: [{ path: '/m', name: 'm', as }] }] });
        const before = (await world.call('routerStory')).length;
        const http = await world.http(server);
        http.send('GET', `/outer/m/${word}`, { fields: [['Connection', 'close']] });
        await http.tcp.readToEnd();
        const sent = `GET /outer/m/${word}, where an application ${as === 'list' || as === 'parts' || as === 'generator' ? `answers with a ${as}` : as} below two mounts`;
        const story = await untilSo(world, async () => (await world.call('routerStory')).slice(before), (seen) => seen.some(({ at }) => at === 'after'), {
          sent, show: (seen) => seen.map(({ at }) => at).join(', '), expected: 'the response comes to its end, and its body is closed', likely: 'close() is not passed on',
        });
        const outside = { scriptName: '', pathInfo: `/outer/m/${word}`, rawPathInfo: `/outer/m/${word}` };
        const inside = { scriptName: '/outer/m', pathInfo: `/${word}`, rawPathInfo: `/${word}` };
        for (const { at, place } of story) {
          if (at !== 'closed') checkSame(place, at === 'before' || at === 'after' ? outside : inside, `${sent}; ${at === 'called' || at === 'later' ? 'within' : at}`);
        }
      }
    },
  );

  rule(
    'mount-closes',
    'closes the body of a mounted application once, however its response ends',
    { rule: 'whatever is between a server and an application passes `close()` on, once (G4, G53)' },
    async (world) => {
      let expected = 0;
      for (const as of ['parts', 'generator', 'throws later'] as const) {
        const server = await world.call('serveRouter', { routes: [{ path: '/m', below: [{ path: '/n', name: 'n', as }] }] });
        const http = await world.http(server);
        http.send('GET', '/m/n/x', { fields: [['Connection', 'close']] });
        await http.tcp.readToEnd();
        expected++;
        await untilSo(world, () => world.call('routerCloses'), (closes) => closes >= expected, { sent: `GET /m/n/x (${as})`, show: (closes) => `${closes} of ${expected} bodies closed so far`, expected: 'its body is closed' });
      }
      await world.settle();
      checkSame(await world.call('routerCloses'), expected, 'three responses; how often close() was called');
    },
  );

  rule(
    'conflicts',
    'refuses routes that could never be told apart, when they are added',
    { rule: 'two routes for the same method and paths are a mistake in the program, and so is a malformed path' },
    async (world) => {
      const told = await world.call('addRoutes', [
        get('/a/:id'), get('/a/:name'), { method: 'POST', path: '/a/:name' }, get('/a/b'), get('/a/b'), { path: '/m' }, { path: '/m' }, get('no-slash'), get('/x/:id/:id'), get('/x/*rest/more'), get('/x/*'), get('/x/%zz'),
      ]);
      checkSame(told.map((outcome) => outcome === 'added'), [true, false, true, true, false, true, false, false, false, false, false, false], 'twelve routes, four of which may be added; which of them were');
    },
  );

  rule(
    'many-routes',
    'finds a route among 10,000 nearly as fast as among 10',
    { rule: 'a search takes a step for each segment of the path, not for each route', likely: 'the routes are tried one after another' },
    async (world) => {
      const words = Array.from({ length: 25 }, (_, i) => `${world.random.word()}${i}`);
      const table = (most: number): RouteSpec[] => {
        const routes: RouteSpec[] = [];
        for (const a of words) for (const b of words) for (let c = 0; c < 16; c++) routes.push(get(c % 4 === 0 ? `/${a}/${b}/${c}/:id` : `/${a}/${b}/${words[c]}/${c}`));
        return world.random.shuffle(routes).slice(0, most);
      };
      const [small, large] = [table(10), table(10_000)];
      const paths = (routes: readonly RouteSpec[]): string[] => world.random.shuffle(routes).slice(0, 200).map(({ path }) => path.replace(':id', '7'));
      const cases = [
        { method: 'GET', ask: paths, status: '200', what: 'paths that have a route' },
        { method: 'GET', ask: (routes: readonly RouteSpec[]): string[] => paths(routes).map((path) => `${path}/no`), status: '404', what: 'paths that have no route' },
        { method: 'PUT', ask: paths, status: '405', what: 'paths with another method' },
      ];
      for (const { method, ask: pathsOf, status, what } of cases) {
        const { ratio, statuses } = await world.callPatiently({ patienceMs: 30_000 }, 'compareTables', small, large, { method, small: pathsOf(small), large: pathsOf(large) });
        const sent = `${what}, looked up among 10 routes and among 10,000`;
        checkSame(statuses, [status], sent);
        check(ratio < 12, { sent, received: `${ratio.toFixed(1)} times as long among 10,000`, expected: 'about as long; at most 12 times', timed: true });
      }
    },
  );

  rule(
    'methods-by-name',
    'adds routes by the name of their method',
    { rule: '`get`, `post`, `put`, `patch` and `delete` do what `on` does with that method' },
    async (world) => {
      const names = ['get', 'post', 'put', 'patch', 'delete'] as const;
      const server = await world.call('serveRouter', { routes: names.map((by): RouteSpec => ({ by, path: '/a/:b', name: by })) });
      const word = world.random.word();
      await expectAll(world, server, [...names.map((name): Case => [{ method: name.toUpperCase(), target: `/a/${word}` }, name, { b: word }]), [{ method: 'BREW', target: `/a/${word}` }, 405]]);
    },
  );

  rule(
    'limits',
    'answers 414 to a path beyond its limits, and to no other',
    { rule: "a path of more characters or segments than the router\'s limits is answered with 414 (RFC 9110 §15.5.15)", likely: 'a path exactly at a limit is refused, or only one of the two limits is checked' },
    async (world) => {
      const routes = [get('/*rest', 'all')];
      const [characters, segments] = [world.random.integer(20, 60), world.random.integer(3, 8)];
      const told = await world.call('serveRouter', { routes, limits: { pathCharactersMax: characters, segmentsMax: segments } });
      await expectAll(world, told, [[`/${'x'.repeat(characters - 1)}`, 'all'], [`/${'x'.repeat(characters)}`, 414], ['/a'.repeat(segments), 'all'], ['/a'.repeat(segments + 1), 414], ['/'.repeat(segments), 'all'], ['/'.repeat(segments + 1), 414]]);
    },
  );

  rule(
    'mount-everything',
    'mounts an application that takes every path',
    { rule: 'the prefix of a mount has no trailing slash, since that belongs to the path below it; the empty prefix matches everything' },
    async (world) => {
      const [a, b] = [world.random.word(), world.random.word()];
      const server = await world.call('serveRouter', { routes: [{ path: '', name: 'everything' }, get(`/${a}`, 'own')] });
      for (const path of ['/', `/${a}/${b}`, `/${b}`, `/${a}/`]) {
        const told = toldBy(await ask(world, server, path));
        checkSame([told?.name, told?.scriptName, told?.pathInfo, told?.rawPathInfo], ['everything', '', path, path], `GET ${path}, where an application is mounted at ''; which application answers, with SCRIPT_NAME, PATH_INFO and rawPathInfo`);
      }
      await expectAll(world, server, [[`/${a}`, 'own']]);
    },
  );

  rule(
    'mount-params',
    'keeps the parameters of a mount for the routes below it',
    { rule: 'an application that is mounted below a parameter gets it among its own', likely: 'the inner router starts with an empty set of parameters' },
    async (world) => {
      const [id, note] = [world.random.word(), world.random.word()];
      const server = await world.call('serveRouter', { routes: [{ path: '/users/:id', below: [get('/notes/:note', 'note'), get('/plain', 'plain'), { path: '/deep/:more', below: [get('/:last', 'last')] }] }] });
      await expectAll(world, server, [
        [`/users/${id}/notes/${note}`, 'note', { id, note }], [`/users/${id}/plain`, 'plain', { id }], [`/users/${id}/deep/${note}/x`, 'last', { id, more: note, last: 'x' }],
      ]);
    },
  );

  rule(
    'options-of-the-server',
    'answers OPTIONS * by itself, and asks no application',
    { rule: 'OPTIONS * is about the server as a whole, and * is not a path (RFC 9110 §9.3.7); a list has no empty members (§5.6.1.1)', likely: '* is looked for among the paths' },
    async (world) => {
      const server = await world.call('serveRouter', { routes: [{ method: 'any', path: '/', name: 'root' }, { method: 'any', path: '/*all', name: 'all' }, get('/a'), { method: 'POST', path: '/b/:c', name: 'post' }] });
      const star = await ask(world, server, '*', { method: 'OPTIONS' });
      expectStatus(star, [200, 204], 'OPTIONS *');
      checkSame(fieldValues(star, 'X-Name'), [], 'OPTIONS *, where routes take every path; which application answered');
      const plain = await world.call('serveRouter', { routes: [get('/a'), { method: 'POST', path: '/b/:c', name: 'post' }] });
      const asked: Asked[] = [{ method: 'OPTIONS', target: '*' }, { method: 'OPTIONS', target: '/a' }, { method: 'POST', target: '/a' }, { method: 'GET', target: '/b/1' }];
      for (const [i, response] of (await askAll(world, plain, asked)).entries()) {
        const allow = fieldValues(response, 'Allow').join(', ');
        // The server may say what OPTIONS * allows, or not say it.
        if (i === 0 && allow === '') continue;
        check(allow.split(',').every((member) => /^[!#$%&'*+.^_`|~\w-]+$/.test(member.trim())), { sent: showAsked(asked[i]!), received: `Allow: ${allow}`, expected: 'a list of methods, none of them empty' });
      }
    },
  );
});
