import { exercise } from '#support/exercise.ts';
import type { World } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { eventually, expectBody, over } from '#support/http-exchange.ts';
import { fieldValue } from '#support/http-response.ts';
import type { Address } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import { expectCut, show, target } from './wire.ts';

type V = World<typeof driver>;

/** Breaches as `G57, application`, sorted by rule. */
function shown(breaches: readonly { rule: string; side: string }[]): string {
  return breaches.map(({ rule, side }) => `${rule}, ${side}`).toSorted().join('; ') || 'nothing';
}

/** Asks an application that breaks a rule. The report must name that rule, with `application` as its side, and no other rule. */
async function expectBreach(world: V, server: Address, path: string, expected: readonly string[], method = 'GET', body?: string): Promise<void> {
  const before = (await world.call('breaches')).length;
  const http = await world.http(server);
  http.send(method, path, { fields: [['Connection', 'close']], ...(body === undefined ? {} : { body }) });
  await over(http.tcp);
  const sent = `${method} ${path}`;
  const said = async (): Promise<string> => shown((await world.call('breaches')).slice(before));
  const wanted = expected.map((rule) => `${rule}, application`).toSorted().join('; ');
  const report = { sent, received: 'nothing was reported', expected: wanted };
  await eventually(world, async () => (await said()) !== 'nothing', report);
  check((await said()) === wanted, { ...report, received: await said() });
  const told = (await world.call('breaches')).slice(before);
  check(told.every(({ message }) => typeof message === 'string' && message.length > 10), { ...report, received: show(told), expected: 'a sentence with each breach' });
}

/** Runs one of the tests' own servers, which breaks the rule that its name begins with. That rule, and nothing else, must be reported. */
async function expectServer(world: V, name: string): Promise<void> {
  const before = (await world.call('breaches')).length;
  await world.call('watchServer', name);
  const rule = name.slice(0, name.indexOf(':'));
  const all = async (): Promise<{ rule: string; side: string }[]> => (await world.call('breaches')).slice(before);
  const report = { sent: `a server that does this: ${name.slice(name.indexOf(':') + 2)}`, expected: rule === 'none' ? 'no report: it breaks no rule' : `${rule}, server` };
  if (rule === 'none') {
    await world.settle();
    check((await all()).length === 0, { ...report, received: shown(await all()) });
    return;
  }
  await eventually(world, async () => (await all()).length > 0, { ...report, received: 'nothing was reported' });
  const seen = await all();
  // If a server takes what it must refuse, the application has also broken that rule by saying it.
  const others = seen.filter((breach) => breach.rule !== rule);
  check(seen.some((breach) => breach.rule === rule && breach.side === 'server') && others.length === 0, { ...report, received: shown(seen) });
}

exercise<typeof driver>('5.3', import.meta.url, (rule) => {
  rule(
    'obedient-applications-pass',
    'reports nothing about applications that obey, and changes nothing',
    {
      rule: 'the validator changes nothing that passes through it, and reports at most once for each request (docs/gateway-spec.md, The validator)',
      likely: 'a breach is seen that is not one: an empty part, which does not count; the end of a response to HEAD; a second request; a timer that goes on after close()',
    },
    async (world) => {
      const server = await world.call('serve', { validated: true });
      const parts = ['', world.random.word(), world.random.word(), ''];
      const text = parts.join('');
      const http = await world.http(server);
      const paths = [
        ...['list', 'sync', 'async'].flatMap((kind) => [target('/parts', { kind }, parts), target('/parts', { kind, length: text.length }, parts)]),
        target('/generator', {}, parts), target('/async-generator', { length: text.length }, parts),
      ];
      for (const path of paths) {
        http.send('GET', path).send('HEAD', path).send('POST', '/reads-mixed', { body: `a\n${text}` });
        expectBody(await http.response(), text, `GET ${path}`);
        await http.response();
        expectBody(await http.response(), `a\n|${text.slice(0, 5)}|${text.slice(5)}`, 'POST /reads-mixed');
      }
      http.send('GET', target('/parts', { kind: 'async', status: '304 Not Modified', length: 99 })).send('GET', '/nothing').send('GET', '/no-such');
      // An answer to HEAD may state the length of a body that it does not give.
      http.send('HEAD', target('/parts', { kind: 'list', length: 99 }));
      // An empty part does not count: it may come before the start, it may come with 204, and it does not send the
      // head.
      http.send('GET', target('/starts-late', {}, parts)).send('GET', target('/starts-late', { status: '204 No Content' }, ['']));
      http.send('GET', '/changes-its-mind');
      await world.call('openGate', 'change');
      for (let response = 0; response < 7; response++) await http.response();
      await world.settle();
      await world.call('passCloseMs');
      const breaches = await world.call('breaches');
      const report = { sent: 'requests to applications that obey', received: [...new Set(shown(breaches).split('; '))].join('; '), expected: 'no report' };
      const isLate = breaches.some(({ rule: broken }) => broken === 'G53');
      check(breaches.length === 0, isLate ? { ...report, likely: 'every body was closed, but the timer that waits for that (`#timer`) went on' } : report);
    },
  );

  rule(
    'parts-are-bytes',
    'reports a part that is not a Uint8Array',
    {
      rule: 'the parts of a body are Uint8Array (G50), which is up to the application',
      likely: 'the part is counted as if it were bytes',
    },
    async (world) => {
      const server = await world.call('serve', { validated: true });
      for (const path of ['/breaks/G50', '/breaks/G50-later', '/breaks/G50-string']) await expectBreach(world, server, path, ['G50']);
      const before = (await world.call('breaches')).length;
      const said = shown((await world.call('watchServer', 'application: gives a string, then a part')).breaches.slice(before));
      check(said === 'G50, application', { sent: 'a body of a string and a part, to a server that goes on asking', received: said, expected: 'G50, application, and nothing else: a part has come, although it is a string, so the server may ask for the next one' });
    },
  );

  rule(
    'started-in-time',
    'reports a response that was never started',
    {
      rule: 'startResponse must be called before the first part that is not empty, and before the end (G47)',
      likely: 'only the first part is checked, but a body may end without one',
    },
    async (world) => {
      const server = await world.call('serve', { validated: true });
      for (const path of ['/breaks/G47', '/breaks/G47-later', '/breaks/G47-end']) await expectBreach(world, server, path, ['G47']);
    },
  );

  rule(
    'length-is-kept',
    'reports a body that is longer or shorter than its Content-Length',
    {
      rule: 'no more bytes than Content-Length says (G55), and no fewer (G56)',
      likely: 'each part is compared with the length, instead of all of them together',
    },
    async (world) => {
      const server = await world.call('serve', { validated: true });
      for (const path of ['/breaks/G55', '/breaks/G55-later']) await expectBreach(world, server, path, ['G55']);
      for (const path of ['/breaks/G56', '/breaks/G56-later']) await expectBreach(world, server, path, ['G56']);
      const nothing = target('/parts', { kind: 'async', length: 5 }, ['']);
      await expectBreach(world, server, nothing, ['G56']);
    },
  );

  rule(
    'no-body-where-none-may-be',
    'reports a body with a status that allows none',
    {
      rule: 'with 204, 205 and 304 an application gives no body (G57)',
      likely: 'one of the three is forgotten',
    },
    async (world) => {
      const server = await world.call('serve', { validated: true });
      for (const path of ['/breaks/G57', '/breaks/G57-later']) await expectBreach(world, server, path, ['G57']);
      await expectBreach(world, server, target('/parts', { kind: 'list', status: '205 Reset Content' }, [world.random.word()]), ['G57']);
    },
  );

  rule(
    'what-else-an-application-breaks',
    "reports what else an application breaks, by the rules' ids",
    {
      rule: 'each broken rule is reported with its id and the side that broke it, at the end of the request',
      likely: '`#onOver` is not called, or is called before the body was closed',
    },
    async (world) => {
      const server = await world.call('serve', { validated: true });
      const rules = ['G1', 'G31', 'G36', 'G37', 'G38', 'G40', 'G41', 'G42', 'G43', 'G44', 'G49'];
      for (const id of rules) await expectBreach(world, server, `/breaks/${id}`, [id], 'POST', world.random.word());
    },
  );

  rule(
    'one-report',
    'reports once for each request, with everything that was broken in it',
    {
      rule: "when the body is closed, the validator reports the request\'s breaches, all in one list",
      likely: 'every breach becomes a report of its own',
    },
    async (world) => {
      const server = await world.call('serve', { validated: true });
      for (let request = 0; request < 3; request++) await expectBreach(world, server, '/breaks/two', ['G38', 'G56']);
      await expectBreach(world, server, '/breaks/two-by-close', ['G38', 'G56']);
      const reports = await world.call('reports');
      check(reports.slice(0, 3).join() === '2,2,2', { sent: 'three requests that break two rules each', received: `reports of ${reports.join(', ')} breaches`, expected: 'three reports of two' });
      check(reports.slice(3).join() === '2', {
        sent: 'a body that is too short, and whose close() writes a number to gateway.errors',
        received: `reports of ${reports.slice(3).join(', ')} breaches`,
        expected: 'one report of two: what close() does is part of the response',
        likely: '`#onOver` is called before the body\'s own close()',
      });
    },
  );

  rule(
    'body-is-closed',
    'closes the body that it watches, and lets its errors through',
    {
      rule: 'middleware passes on close() to the inner body, and what that throws (G4); the validator changes nothing',
      likely: 'the body\'s own close() is not called, or what it returns is not returned',
    },
    async (world) => {
      const server = await world.call('serve', { validated: true });
      let before = 0;
      for (const kind of ['list', 'sync', 'async']) {
        for (const path of [target('/parts', { kind }, [world.random.word(), 'b']), target('/parts', { kind })]) {
          const http = await world.http(server);
          http.send('GET', path);
          await http.response();
          const report = { sent: `GET ${path}`, received: 'close() was not called', expected: 'once' };
          await eventually(world, async () => (await world.call('count', 'close')) > before, report);
          check((await world.call('count', 'close')) === ++before, { ...report, received: 'close() was called several times' });
        }
      }
      const http = await world.http(server);
      http.send('GET', target('/body-throws', { kind: 'async' }, ['first']));
      await expectCut(http, 'first', 'an error in the body passes through the validator');
      await world.settle();
      const breaches = await world.call('breaches');
      check(breaches.length === 0, { sent: 'a body that throws', received: shown(breaches), expected: 'no report: throwing breaks none of these rules' });
      const { seen } = await world.call('watchServer', 'application: close() takes its time');
      check(seen.join() === 'the body is closed,the server goes on', { sent: 'a body whose close() returns a promise, to a server that awaits it', received: seen.join(', then '), expected: 'the promise is passed on, so that the body is closed before the server goes on' });
    },
  );

  rule(
    'close-that-throws',
    'reports even if close() throws',
    {
      rule: 'the response is over when the body is closed, even if close() throws; reporting that error is up to the server (G63)',
      likely: 'what comes after close() is skipped: use `finally`',
    },
    async (world) => {
      await world.call('serve', { validated: true });
      const { reports } = await world.call('watchServer', 'application: close() throws');
      check(reports.join() === '1', { sent: 'a body that is too short, and whose close() throws', received: `${reports.length} reports`, expected: 'one, when the body was closed' });
    },
  );

  rule(
    'obedient-servers',
    'reports nothing about servers that obey',
    {
      rule: 'a body may be given up, and may be closed before any part was asked for (G53)',
      likely: 'giving up is mistaken for the end: a body that was given up is not too short',
    },
    async (world) => {
      await world.call('serve', { validated: true });
      for (const name of (await world.call('serversThatBreakRules')).filter((found) => found.startsWith('none:'))) await expectServer(world, name);
    },
  );

  rule(
    'asked-at-the-wrong-time',
    'reports a server that asks for parts when it may not',
    {
      rule: 'a body is iterated once; no part is asked for before the previous one has come, nor after the end, nor after close() (G51)',
      likely: 'one of the four cases is forgotten, or `#asked` stays true when a part has come',
    },
    async (world) => {
      for (const name of (await world.call('serversThatBreakRules')).filter((found) => found.startsWith('G51:'))) await expectServer(world, name);
    },
  );

  rule(
    'closed-once',
    'reports a server that closes a body twice, or never',
    {
      rule: "close() is called exactly once (G53); a body that is not closed within `closeMs` of its end, or of the client\'s leaving, is reported at that time, and not at garbage collection",
      likely: 'the end of the body does not start the wait for close() (`expectClose`), or a body that has thrown does not count as ended',
    },
    async (world) => {
      for (const name of (await world.call('serversThatBreakRules')).filter((found) => found.startsWith('G53:'))) await expectServer(world, name);
      const { seen } = await world.call('watchServer', 'application: close() is called twice');
      check(seen.join() === 'close', { sent: 'a server that closes a body twice', received: `the body's own close() was called ${seen.length} times`, expected: 'once: the second call is reported and not passed on' });
    },
  );

  rule(
    'what-else-a-server-breaks',
    "reports what else a server breaks, by the rules' ids",
    {
      rule: 'each broken rule is reported with its id and the side that broke it: environ (G10 to G26), input (G30 to G32), startResponse (G40 to G46)',
      likely: '`headLeft` is not set with the first part, or `#onOver` is not called; a wrongly reported G53 means that close() has not stopped the `#timer`',
    },
    async (world) => {
      for (const name of (await world.call('serversThatBreakRules')).filter((found) => !/^(none|G51|G53|application):/.test(found))) await expectServer(world, name);
    },
  );

  rule(
    'a-list-stays-a-list',
    'keeps a list a list, so that its length is known',
    { rule: 'the validator changes nothing that passes through it; for a list of at most one part, middleware returns a list of at most one part (G4), so the server knows its length (G54)', likely: 'every body becomes a plain iteration, and is sent in chunks' },
    async (world) => {
      const server = await world.call('serve', { validated: true });
      const text = world.random.words(3);
      const http = await world.http(server);
      http.send('GET', target('/hello', { text }));
      const response = await http.response();
      expectBody(response, text, 'GET /hello');
      const length = fieldValue(response, 'Content-Length');
      check(length === String(Buffer.byteLength(text)), { sent: 'GET /hello, a list of one part, through the validator', received: `Content-Length: ${length ?? 'none'}`, expected: String(Buffer.byteLength(text)) });
    },
  );

  rule(
    'given-up-is-passed-on',
    'passes it on when an iteration is given up, and does not report it',
    { rule: 'the iterator\'s return() ends an iteration that is given up (G53), also through middleware (G4); a body that was given up or has thrown is not too short (G56)', likely: 'return() ends the validator\'s own iteration, but not the application\'s; or return() is called on an iterator that has none' },
    async (world) => {
      await world.call('serve', { validated: true });
      const { seen } = await world.call('watchServer', 'application: iterations that are given up');
      check(seen.join() === 'ended,ended', { sent: 'a server that gives up four bodies, two of which are generators', received: `${seen.length} of the generators were ended`, expected: 'both of them' });
      for (const name of ['application: parts that throw before their length is reached', 'application: its client leaves, and the server closes its body']) {
        await world.call('watchServer', name);
        const breaches = await world.call('breaches');
        check(breaches.length === 0, { sent: name.slice(name.indexOf(':') + 2), received: shown(breaches), expected: 'no report' });
      }
    },
  );

  rule(
    'whatever-kind-of-body',
    'watches asynchronous bodies as it does synchronous ones',
    { rule: 'a body of either kind is iterated at most once (G51), and closed when it has thrown (G53)' },
    async (world) => {
      await world.call('serve', { validated: true });
      for (const [name, wanted] of [['application: an asynchronous body is iterated twice', 'G51, server'], ['application: parts that throw at once, and are never closed', 'G53, server']] as const) {
        const before = (await world.call('breaches')).length;
        await world.call('watchServer', name);
        const said = async (): Promise<string> => shown((await world.call('breaches')).slice(before));
        const report = { sent: name.slice(name.indexOf(':') + 2), received: 'nothing was reported', expected: wanted };
        await eventually(world, async () => (await said()) !== 'nothing', report);
        check((await said()) === wanted, { ...report, received: await said() });
      }
    },
  );
});
