import { exercise } from '#support/exercise.ts';
import type { World } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { expectBody, once } from '#support/http-exchange.ts';
import type { Address } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import { expectOutcomes, expectReports, firstOf, noted } from './notes.ts';
import { answer, body, SECRET, start } from './script.ts';
import type { LooseEvent, Step } from './script.ts';
import type { ServeSetup } from './stage.ts';

type Life = readonly Step[];

const must = (event: LooseEvent): Step => ({ do: 'must send', event });
const send = (as: string, event: LooseEvent): Step => ({ do: 'send', as, event });
const startup = (answered: 'complete' | 'failed', message?: string): LooseEvent => ({ type: `lifespan.startup.${answered}`, ...(message !== undefined && { message }) });
const shutdown = (answered: 'complete' | 'failed', message?: string): LooseEvent => ({ type: `lifespan.shutdown.${answered}`, ...(message !== undefined && { message }) });

/** As long as no test lasts, in milliseconds. */
const LONG_MS = 30_000;
const SHORT_MS = 40;

/** The first of two events, and that it is ready. */
const BEGINS: Life = [{ do: 'receive', as: 'first' }, must(startup('complete'))];
const ENDS: Life = [{ do: 'receive', as: 'second' }, must(shutdown('complete'))];
const PATHS = { '/hello': answer('hello') };

exercise<typeof driver>('6.2', import.meta.url, (rule) => {
  rule(
    'starts-before-it-serves',
    'tells the application to start before anybody is served',
    {
      rule: 'before it serves anybody, a server calls the application with the lifespan scope; the first receive gives lifespan.startup (A90), and no connection is accepted before lifespan.startup.complete (A91)',
      likely: 'the first call already waits for the shutdown',
    },
    async (world) => {
      await world.call('beginServing', [{ do: 'receive', as: 'first' }, { do: 'note', text: 'starts' }, { do: 'gate', name: 'ready' }, must(startup('complete')), ...ENDS], PATHS);
      await noted(world, 'starts', { sent: 'a server that is started', expected: 'the application is called with a lifespan, and told to start' });
      await expectOutcomes(world, { first: 'lifespan.startup' }, 'the first receive');
      await world.settle();
      const events = await world.call('events');
      check(!events.includes('listens') && !events.includes('serving'), { sent: 'an application that is not ready yet', received: events.join(', '), expected: 'the server does not listen yet' });
      await world.call('openGate', 'ready');
      const server = await served(world);
      expectBody(await once(world, server, 'GET', '/hello'), 'hello', 'GET /hello');
      await expectReports(world, [], 'a good start');
    },
  );

  rule(
    'shares-its-state',
    'gives every scope a copy of what the lifespan has put into its state',
    {
      rule: 'each scope has its own copy of the state, one level deep, made when the call is made (A21)',
      likely: 'the lifespan\'s state is not the object that is copied',
    },
    async (world) => {
      const word = world.random.word();
      const server = await serve(world, [{ do: 'receive', as: 'first' }, { do: 'put', path: ['pool'], value: { word } }, must(startup('complete')), ...ENDS], {
        '/changes': [{ do: 'state', as: 'before' }, { do: 'put', path: ['own'], value: 1 }, { do: 'put', path: ['pool', 'shared'], value: 2 }, ...answer('ok')],
        '/sees': [{ do: 'state', as: 'after' }, ...answer('ok')],
      });
      await once(world, server, 'GET', '/changes');
      await once(world, server, 'GET', '/sees');
      await expectOutcomes(world, { before: JSON.stringify({ pool: { word } }), after: JSON.stringify({ pool: { word, shared: 2 } }) }, 'two requests, the first of which puts something into its state, and into what is in it');
    },
  );

  rule(
    'ends-with-its-reason',
    'does not serve an application that says that it could not start',
    {
      rule: 'after lifespan.startup.failed the server does not serve: it ends, with the message as its reason, for the person who runs it (A92)',
      likely: 'it is served all the same, or nobody hears of the reason',
    },
    async (world) => {
      const reason = world.random.words(3);
      await world.call('beginServing', [{ do: 'receive', as: 'first' }, must(startup('failed', reason)), ...ENDS], PATHS);
      await expectNotServing(world, reason, 'lifespan.startup.failed with a message');
      const events = await world.call('events');
      check(!events.includes('second: lifespan.shutdown'), { sent: 'lifespan.startup.failed', received: events.join(', '), expected: 'no lifespan.shutdown: nothing has started' });
    },
  );

  rule(
    'needs-no-message',
    'does not serve an application that does not say why it could not start',
    { rule: 'after lifespan.startup.failed the server does not serve (A92), with a message or without' },
    async (world) => {
      await world.call('beginServing', [{ do: 'receive', as: 'first' }, must(startup('failed'))], PATHS);
      await expectNotServing(world, '', 'lifespan.startup.failed without a message');
    },
  );

  const strangers: Record<string, [what: string, life: Life]> = {
    'throws-on-the-scope': ['throws for a scope that it does not know', [{ do: 'note', text: 'what is this?' }, { do: 'throw', what: 'plain' }]],
    'throws-at-once': ['throws before it has given a promise', [{ do: 'throw', what: 'plain' }]],
    'returns-at-once': ['returns at once', []],
    'takes-it-for-a-request': ['answers it as a request', [must(start(200)), must(body('hello'))]],
    'takes-it-for-a-request-and-reads': ['reads a body of it, and then answers it as a request', [{ do: 'receive', as: 'first' }, must(start(200)), must(body('hello'))]],
    'takes-it-for-a-request-and-awaits-nothing': ['answers it as a request, and awaits nothing', [{ do: 'receive', as: 'first' }, { do: 'forget', event: start(200) }]],
  };
  for (const [name, [what, life]] of Object.entries(strangers)) {
    rule(
      name,
      `serves an application that ${what}`,
      {
        rule: 'an application that throws or returns before it has called receive, or that ends before lifespan.startup.complete and has sent an event that lifespan does not have, does not speak lifespan: it is served all the same, this is not reported, and it is not called with the lifespan scope again (A93)',
        likely: '`#joined` or `#mistaken` is not looked at when the application ends before it is ready',
      },
      async (world) => {
        const server = await serve(world, life, PATHS);
        expectBody(await once(world, server, 'GET', '/hello'), 'hello', `an application that ${what}`);
        await world.call('beginStop', LONG_MS);
        await noted(world, 'stopped', { sent: 'the server is told to stop', expected: 'it stops' });
        await expectReports(world, [], `an application that ${what}`);
        const calls = (await world.call('events')).filter((event) => event === 'call lifespan').length;
        check(calls === 1, { sent: 'a server that starts, serves and stops', received: `${calls} calls with a lifespan`, expected: 'one' });
      },
    );
  }

  const failures: Record<string, [what: string, life: Life, reason: string]> = {
    'threw-when-it-started': ['throws when it has been told to start', [{ do: 'receive', as: 'first' }, { do: 'throw', what: 'plain' }], SECRET],
    'threw-a-text-when-it-started': ['throws a string then', [{ do: 'receive', as: 'first' }, { do: 'throw', what: 'text' }], SECRET],
    'returned-when-it-started': ['returns when it has been told to start', [{ do: 'receive', as: 'first' }], ''],
    'refused-when-it-started': ['throws because an answer of its was refused', [{ do: 'receive', as: 'first' }, must(shutdown('complete'))], 'lifespan.shutdown.complete'],
  };
  for (const [name, [what, life, reason]] of Object.entries(failures)) {
    rule(
      name,
      `does not serve an application that ${what}`,
      {
        rule: 'an application that throws or returns after it has received lifespan.startup, and before it has answered, could not start: the server ends, with what it threw as the reason (A94)',
        likely: 'every error is taken to mean that the application does not speak lifespan, so one without its database is served',
      },
      async (world) => {
        await world.call('beginServing', life, PATHS);
        await expectNotServing(world, reason, `an application that ${what}`);
      },
    );
  }

  rule(
    'serves-on-without-its-life',
    'serves on when the lifespan ends after its start',
    {
      rule: 'an application that throws after lifespan.startup.complete is reported, and served all the same; it gets no lifespan.shutdown. One that returns then has nothing to put away (A95)',
      likely: 'returning is mistaken for a failure, or what is thrown is lost',
    },
    async (world) => {
      for (const [end, reports] of [[[{ do: 'throw', what: 'plain' }], ['Error']], [[], ['Error']]] as [Life, string[]][]) {
        const server = await serve(world, [...BEGINS, ...end], PATHS);
        const what = end.length === 0 ? 'returns when it has started' : 'throws when it has started';
        await expectReports(world, reports, `an application that throws when it has started${end.length === 0 ? ', and one that returns then' : ''}`);
        expectBody(await once(world, server, 'GET', '/hello'), 'hello', `an application that ${what}`);
        await world.call('beginStop', LONG_MS);
        await noted(world, 'stopped', { sent: 'the server is told to stop', expected: 'it stops, and waits for nobody' }, end.length === 0 ? 2 : 1);
      }
      await expectReports(world, ['Error'], 'both have stopped');
    },
  );

  rule(
    'shuts-down-after-the-last',
    'tells the application to shut down when the last connection has ended, and every call has returned',
    {
      rule: 'a server that is told to stop aborts `stopping`, lets responses end (A100), and gives lifespan.shutdown, once, when the last connection has ended and every other call has returned (A96)',
      likely: 'lifespan.shutdown comes with the signal, and the database is closed under those who still use it',
    },
    async (world) => {
      const server = await serve(world, [...BEGINS, ...ENDS], {
        '/slow': [must(start(200)), must(body('one,', true)), { do: 'note', text: 'begun' }, { do: 'stopping' }, { do: 'note', text: 'stopping' }, { do: 'gate', name: 'end' }, must(body('two')), { do: 'note', text: 'answered' }, { do: 'gate', name: 'return' }, { do: 'note', text: 'returns' }],
      });
      const http = (await world.http(server)).send('GET', '/slow');
      await noted(world, 'begun', { sent: 'GET /slow', expected: 'the response begins' });
      const before = await world.call('events');
      check(!before.includes('stopping'), { sent: 'GET /slow', received: 'stopping has aborted', expected: 'not before the server stops' });
      await world.call('beginStop', LONG_MS);
      await noted(world, 'stopping', { sent: 'the server is told to stop', expected: '`stopping` aborts' });
      await expectNotYet(world, 'while a response is being sent');
      await world.call('openGate', 'end');
      expectBody(await http.response(), 'one,two', 'a response that had begun');
      await noted(world, 'answered', { sent: 'GET /slow', expected: 'the application goes on after its response' });
      http.tcp.end();
      await expectNotYet(world, 'while a call has not returned');
      await world.call('openGate', 'return');
      await noted(world, 'stopped', { sent: 'the server is told to stop, and all is over', expected: 'it stops' });
      const events = await world.call('events');
      const order = ['returns', 'second: lifespan.shutdown', 'end lifespan', 'stopped'].map((event) => events.indexOf(event));
      check(order.every((at, index) => at >= 0 && (index === 0 || at > order[index - 1]!)), { sent: 'the server is told to stop', received: events.join(', '), expected: 'the call returns, then lifespan.shutdown, then the server has stopped' });
      await expectReports(world, [], 'a good end');
    },
  );

  rule(
    'waits-for-the-shutdown',
    'waits until the application has put its things away',
    {
      rule: 'the server waits for lifespan.shutdown.complete, or .failed, or the end of the application (A97)',
      likely: '`stop` gives the event and does not wait for the answer',
    },
    async (world) => {
      const ends: [what: string, end: Life, reason: string][] = [
        ['lifespan.shutdown.complete', [must(shutdown('complete'))], ''],
        ['the end of the application', [], ''],
        ['lifespan.shutdown.failed', [must(shutdown('failed', 'the disk is full'))], 'the disk is full'],
        ['an application that throws', [{ do: 'throw', what: 'plain' }], SECRET],
      ];
      let reports = 0;
      for (const [index, [what, end, reason]] of ends.entries()) {
        const gate = `put away ${index}`;
        const server = await serve(world, [...BEGINS, { do: 'receive', as: 'second' }, { do: 'note', text: `told ${index}` }, { do: 'gate', name: gate }, ...end], PATHS);
        expectBody(await once(world, server, 'GET', '/hello'), 'hello', 'GET /hello');
        await world.call('beginStop', LONG_MS);
        await noted(world, `told ${index}`, { sent: 'the server is told to stop', expected: 'lifespan.shutdown' });
        await world.settle();
        check((await world.call('count', 'stopped')) === index, { sent: 'lifespan.shutdown, not answered yet', received: 'the server has stopped', expected: 'it waits' });
        await world.call('openGate', gate);
        await noted(world, 'stopped', { sent: what, received: 'the server has not stopped', expected: 'it stops' }, index + 1);
        if (reason !== '') reports++;
        const seen = await world.call('reports');
        check(seen.length === reports && (reason === '' || seen.at(-1)!.message.includes(reason)), {
          sent: what, received: seen.map(({ message }) => message).join('; ') || 'nothing was reported', expected: reason === '' ? 'no further report' : `one more report, with ${JSON.stringify(reason)}`,
        });
      }
    },
  );

  rule(
    'tells-when-asked-late',
    'gives lifespan.shutdown to an application that asks for it later',
    {
      rule: 'lifespan.shutdown is given once (A96), whether the call is waiting or comes later; the server waits for the answer (A97)',
      likely: 'an application that is busy when the server stops is not told any more',
    },
    async (world) => {
      await serve(world, [...BEGINS, { do: 'note', text: 'busy' }, { do: 'gate', name: 'busy' }, ...ENDS], PATHS);
      await noted(world, 'busy', { sent: 'an application that has started', expected: 'it does something else' });
      await world.call('beginStop', LONG_MS);
      await world.settle();
      await world.call('openGate', 'busy');
      await noted(world, 'stopped', { sent: 'a receive when the server is stopping already', expected: 'lifespan.shutdown, and the server stops' });
      await expectOutcomes(world, { second: 'lifespan.shutdown' }, 'a receive when the server is stopping already');
      await expectReports(world, [], 'an application that asks late');
    },
  );

  rule(
    'tells-it-once',
    'gives each event once, and to one call at a time',
    {
      rule: 'lifespan.shutdown is given once (A96); a call of receive before the previous one has settled is rejected (A31)',
      likely: 'a second call of receive is given the last event again',
    },
    async (world) => {
      await serve(world, [...BEGINS, { do: 'receive beside', as: 'second' }, { do: 'receive', as: 'beside' }, { do: 'note', text: 'asked' }, { do: 'gate', name: 'told' }, { do: 'receive beside', as: 'third' }, { do: 'gate', name: 'end' }, must(shutdown('complete'))], PATHS);
      await noted(world, 'asked', { sent: 'a receive while another one waits', expected: 'it is rejected' });
      await expectOutcomes(world, { beside: 'error A31' }, 'a receive while another one waits');
      await world.call('beginStop', LONG_MS);
      await expectOutcomes(world, { second: 'lifespan.shutdown' }, 'the receive that waits, when the server stops');
      await world.call('openGate', 'told');
      await world.settle();
      const events = await world.call('events');
      check(!events.some((event) => event.startsWith('third: ')), { sent: 'a receive after lifespan.shutdown', received: events.at(-1) ?? '', expected: 'it waits: nothing more will come' });
      await world.call('openGate', 'end');
      await noted(world, 'stopped', { sent: 'lifespan.shutdown.complete', expected: 'the server stops' });
    },
  );

  rule(
    'has-limits-of-time',
    'does not wait for ever for the start, nor for the end',
    {
      rule: 'startup and shutdown have time limits; beyond them they have failed, and a shutdown that has failed is reported (A97)',
      likely: '`within` is not used',
    },
    async (world) => {
      await world.call('beginServing', [{ do: 'receive', as: 'first' }, { do: 'gate', name: 'never' }], PATHS, { startupMs: SHORT_MS });
      await noted(world, 'not serving: ', { sent: `an application that is not ready, with startupMs ${SHORT_MS}`, expected: 'the server ends with a reason' });
      await serve(world, [...BEGINS, { do: 'receive', as: 'second' }, { do: 'gate', name: 'never' }], PATHS, { shutdownMs: SHORT_MS });
      await world.call('beginStop', LONG_MS);
      await noted(world, 'stopped', { sent: `an application that does not put its things away, with shutdownMs ${SHORT_MS}`, expected: 'the server stops all the same' });
      const reports = await world.call('reports');
      check(reports.length === 1, { sent: 'a shutdown that takes too long', received: `${reports.length} reports`, expected: 'one' });
    },
  );

  rule(
    'cuts-and-shuts-down',
    'cuts what is not over in time, and then shuts down',
    {
      rule: 'lifespan.shutdown is given even when the time for responses is over (A96): what is not over in time is cut (A100)',
      likely: 'a response without an end keeps the application from putting its things away',
    },
    async (world) => {
      const server = await serve(world, [...BEGINS, ...ENDS], { '/endless': [must(start(200)), must(body('half', true)), { do: 'note', text: 'begun' }, { do: 'gate', name: 'never' }] });
      const http = (await world.http(server)).send('GET', '/endless');
      await noted(world, 'begun', { sent: 'GET /endless', expected: 'the response begins' });
      await world.call('beginStop', SHORT_MS);
      await noted(world, 'second: lifespan.shutdown', { sent: `the server is told to stop within ${SHORT_MS} ms`, expected: 'lifespan.shutdown' });
      await noted(world, 'stopped', { sent: 'lifespan.shutdown.complete', expected: 'the server stops' });
      await http.tcp.until(() => http.tcp.ended || http.tcp.closed, { expected: 'the connection is cut' });
    },
  );

  rule(
    'puts-away-what-nobody-used',
    'shuts down even if the server could not listen',
    {
      rule: 'lifespan.shutdown is given once, even if the server could not listen after all (A96)',
      likely: 'what startup has opened is never put away',
    },
    async (world) => {
      const { port } = await serve(world, [...BEGINS, ...ENDS], PATHS);
      await world.call('beginServing', [{ do: 'receive', as: 'other first' }, must(startup('complete')), { do: 'receive', as: 'other second' }, must(shutdown('complete'))], PATHS, { port });
      const reason = await noted(world, 'not serving: ', { sent: 'a port that is taken', expected: 'the server says so' });
      check(reason.startsWith('EADDRINUSE'), { sent: 'a port that is taken', received: reason, expected: 'EADDRINUSE' });
      await expectOutcomes(world, { 'other first': 'lifespan.startup', 'other second': 'lifespan.shutdown' }, 'a port that is taken');
    },
  );

  rule(
    'refuses-what-was-not-asked',
    'refuses answers that nobody asked for',
    {
      rule: 'an answer that is not asked for is refused (A98), and so is an event that lifespan does not have (A33); both as if they had not been sent (A32)',
      likely: 'the state changes all the same',
    },
    async (world) => {
      const server = await serve(
        world,
        [
          { do: 'receive', as: 'first' }, send('too early', shutdown('complete')), send('none', { type: 'lifespan' }), must(startup('complete')), send('twice', startup('complete')), send('too late', startup('failed', 'too late')), send('foreign', start(200)),
          send('not asked', shutdown('failed', 'not asked')), { do: 'receive', as: 'second' }, send('again', startup('complete')), must(shutdown('complete')), send('after', shutdown('complete')),
        ],
        PATHS,
      );
      expectBody(await once(world, server, 'GET', '/hello'), 'hello', 'GET /hello');
      await world.call('beginStop', LONG_MS);
      await noted(world, 'stopped', { sent: 'the server is told to stop', expected: 'it stops' });
      await expectOutcomes(world, { 'too early': 'A98', none: 'A33', twice: 'A98', 'too late': 'A98', foreign: 'A33', 'not asked': 'A98', second: 'lifespan.shutdown', again: 'A98', after: 'A98' }, 'answers out of their turn');
    },
  );

  rule(
    'is-not-asked-when-it-is-off',
    'does not call the application with the lifespan scope if it was told not to',
    { rule: 'a server calls the application with the lifespan scope, unless the person who runs it has said not to (A90)' },
    async (world) => {
      const server = await serve(world, [...BEGINS, ...ENDS], PATHS, { lifespan: 'off' });
      expectBody(await once(world, server, 'GET', '/hello'), 'hello', 'GET /hello');
      await world.call('beginStop', LONG_MS);
      await noted(world, 'stopped', { sent: 'the server is told to stop', expected: 'it stops' });
      const events = await world.call('events');
      check(!events.includes('call lifespan'), { sent: "lifespan: 'off'", received: 'a call with a lifespan', expected: 'none' });
    },
  );

  rule(
    'tells-it-once-when-asked-late',
    'gives lifespan.shutdown once, even to an application that asks when the stop has begun',
    {
      rule: 'lifespan.shutdown is given once (A96), whether the application was waiting for it or asks for it later; a second receive waits',
      likely: 'only a call that was already waiting is remembered as answered',
    },
    async (world) => {
      const begin: Life = [...BEGINS, { do: 'note', text: 'busy' }, { do: 'gate', name: 'late' }];
      await serve(world, [...begin, { do: 'receive', as: 'second' }, { do: 'receive beside', as: 'third' }, { do: 'gate', name: 'end' }, must(shutdown('complete'))], PATHS);
      await noted(world, 'busy', { sent: 'lifespan.startup.complete', expected: 'the application goes on' });
      await world.call('beginStop', LONG_MS);
      await world.settle();
      await world.call('openGate', 'late');
      await expectOutcomes(world, { second: 'lifespan.shutdown' }, 'a receive when the stop has begun');
      await world.settle();
      const events = await world.call('events');
      check(!events.some((event) => event.startsWith('third: ')), { sent: 'a receive after lifespan.shutdown', received: events.at(-1) ?? '', expected: 'it waits: nothing more will come' });
      await world.call('openGate', 'end');
      await noted(world, 'stopped', { sent: 'lifespan.shutdown.complete', expected: 'the server stops' });
    },
  );

  rule(
    'throws-after-its-last',
    'reports what an application throws after lifespan.shutdown.complete',
    {
      rule: 'what an application throws when its shutdown is complete is reported (A97); the server has stopped all the same',
      likely: 'when the application ends, nobody looks at an error after its last answer',
    },
    async (world) => {
      await serve(world, [...BEGINS, ...ENDS, { do: 'throw', what: 'plain' }], PATHS);
      await world.call('beginStop', LONG_MS);
      await noted(world, 'stopped', { sent: 'lifespan.shutdown.complete, and then an error', expected: 'the server stops' });
      await expectReports(world, ['Error'], 'lifespan.shutdown.complete, and then an error');
    },
  );
});

type LifespanWorld = World<typeof driver>;

/** Starts a server and waits until it serves. */
async function serve(world: LifespanWorld, life: Life, paths: Record<string, Life>, setup: ServeSetup = {}): Promise<Address> {
  const before = (await world.call('events')).length;
  await world.call('beginServing', life, paths, setup);
  return await served(world, before);
}

/** @param before how many events are older */
async function served(world: LifespanWorld, before = 0): Promise<Address> {
  const report = { sent: 'a server that is started', received: 'it does not serve', expected: 'it serves' };
  const came = await firstOf(world, ['serving', 'not serving: '], report, 1, before);
  check(came === 'serving', { ...report, received: came });
  return await world.call('address');
}

async function expectNotServing(world: LifespanWorld, reason: string, sent: string): Promise<void> {
  const report = { sent, expected: 'the server ends, with its reason' };
  await firstOf(world, ['serving', 'not serving: '], { ...report, received: 'the server neither serves nor ends' });
  const events = await world.call('events');
  check(!events.includes('serving') && !events.includes('listens'), { ...report, received: 'it serves' });
  const said = await noted(world, 'not serving: ', report);
  check(said.includes(reason), { ...report, received: said, expected: `the server ends, with the reason ${JSON.stringify(reason)}` });
}

async function expectNotYet(world: LifespanWorld, when: string): Promise<void> {
  await world.settle();
  const events = await world.call('events');
  check(!events.some((event) => event.startsWith('second: ') || event === 'stopped'), { sent: `the server is told to stop, ${when}`, received: events.at(-1) ?? '', expected: 'no lifespan.shutdown yet' });
}
