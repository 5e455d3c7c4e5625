import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type { Address, TcpClient } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import {
  answer,
  beginClose,
  expectAnswers,
  expectClosed,
  expectHello,
  expectNothing,
  expectSentAway,
  FAR_MS,
  gone,
  isHello,
  PATIENT_MS,
  serve,
  showStats,
  slowOnes,
  statsOf,
  until,
  untilDeserted,
  untilStats,
  visitor,
} from './wire.ts';
import type { TestWorld } from './wire.ts';

const GREETING = 'your turn\n';

/** A client in a bare WaitingLine. Resolves when the line has counted it. */
async function inLine(world: TestWorld, line: Address, label: string): Promise<TcpClient> {
  const before = await world.call('lineState');
  const client = await world.connect(line, { label });
  await until(
    world,
    () => world.call('lineState'),
    ({ active, waiting, refused }) => active + waiting + refused > before.active + before.waiting + before.refused,
    { sent: `${label} enters the line`, show: ({ active, waiting, refused }) => `active ${active}, waiting ${waiting}, refused ${refused}`, expected: 'one more than before' },
  );
  return client;
}

async function isServed(client: TcpClient): Promise<void> {
  await client.expectBytes(GREETING, { expected: 'its turn' });
}

exercise<typeof driver>('4.1', import.meta.url, (rule) => {
  rule(
    'gives-the-answers',
    'answers every request to the application',
    {
      rule: 'a design is a way to serve an application, not another application: the answers are the same under every design',
      likely: 'a connection enters the line and is never served',
    },
    async (world) => {
      await expectAnswers(world, 'sequential');
    },
  );

  rule(
    'one-at-a-time',
    'serves nobody else while one connection is open',
    {
      rule: 'sequential: accept one, answer it, accept the next',
      likely: 'every client is served as soon as it connects: that is not this design',
    },
    async (world) => {
      const server = await serve(world, 'sequential');
      const first = await visitor(world, server, 'first client');
      await untilStats(world, ({ open }) => open === 1, 'a connection that sends nothing', 'open 1');
      const second = await visitor(world, server, 'second client');
      second.send('GET', '/');
      await untilStats(world, ({ open, queued }) => open === 2 && queued === 1, 'two connections; the first sends nothing', 'open 2, queued 1');
      await expectNothing(world, second, 'nothing, until the first client has been answered');
      first.send('GET', '/');
      isHello(await answer(first), 'GET /');
      await gone(first, 'one response, then the connection is closed');
      isHello(await answer(second, 'its turn: the first client has gone'), 'GET /');
    },
  );

  rule(
    'waits-add-up',
    'takes as long over several slow requests as it would over each in turn',
    {
      rule: 'a server that blocks while it waits takes k waits for k slow requests',
      likely: 'several requests are served at the same time',
    },
    async (world) => {
      const waitMs = world.random.integer(150, 250);
      const server = await serve(world, 'sequential', { waitMs });
      const tookMs = await slowOnes(world, server, 3);
      check(tookMs >= 0.9 * 3 * waitMs, { sent: `3 times GET /slow at once, each with a wait of ${waitMs} ms`, received: `the last was answered after ${Math.round(tookMs)} ms`, expected: `not before ${3 * waitMs} ms` });
    },
  );

  rule(
    'first-come-first-served',
    'serves waiting clients in the order in which they arrived',
    {
      rule: 'a line is served from its front',
      likely: '`pop` takes the newest client; `shift` takes the oldest',
    },
    async (world) => {
      const line = await world.call('startLine', { activeMax: 1, queueMax: 10 });
      const clients: TcpClient[] = [];
      for (const label of ['first', 'second', 'third', 'fourth']) clients.push(await inLine(world, line, `${label} client`));
      for (const [index, client] of clients.entries()) {
        await isServed(client);
        for (const later of clients.slice(index + 1)) await later.expectNoMoreThan(0, { expected: 'nothing: other clients came first' });
        await world.call('endTurn');
        await client.readToEnd();
      }
    },
  );

  rule(
    'up-to-the-limit',
    'serves `activeMax` clients at a time, and never more',
    {
      rule: 'while there is room, the next waiting client is served: `activeMax` at a time',
      likely: 'only one client is called when there is room for more, or a place that becomes free is not filled',
    },
    async (world) => {
      const activeMax = world.random.integer(2, 4);
      const line = await world.call('startLine', { activeMax, queueMax: 10 });
      const labels = Array.from({ length: activeMax + 3 }, (_, index) => `client ${index + 1}`);
      const clients: TcpClient[] = [];
      for (const label of labels) clients.push(await inLine(world, line, label));
      for (let left = clients.length; left > 0; left--) {
        const wanted = Math.min(activeMax, left);
        await until(world, () => world.call('lineState'), ({ served, active, waiting }) => served.length === wanted && active === wanted && waiting === left - wanted, {
          sent: `a line with activeMax ${activeMax} and ${left} connections`,
          show: ({ served, active, waiting }) => `${served.length} are served; active ${active}, waiting ${waiting}`,
          expected: `${wanted} are served; active ${wanted}, waiting ${left - wanted}`,
        });
        await world.settle();
        const { served } = await world.call('lineState');
        check(served.length === wanted, { sent: `a line with activeMax ${activeMax}`, received: `${served.length} are served at the same time`, expected: `${wanted}` });
        await world.call('endTurn', world.random.integer(0, served.length - 1));
      }
      for (const client of clients) await client.readToEnd({ expected: 'every client has had its turn' });
    },
  );

  rule(
    'refuses-when-full',
    'sends away with 503 a client that finds the line full, and says when to come back',
    {
      rule: 'every queue needs a limit: beyond queueMax a client is refused at once, with 503 and Retry-After (RFC 9110 §15.6.4, §10.2.3)',
      likely: 'the queue has no limit, or its limit counts the clients that are being served',
    },
    async (world) => {
      const queueMax = world.random.integer(1, 3);
      const server = await serve(world, 'sequential', { queueMax });
      const inside = [];
      for (let index = 0; index <= queueMax; index++) {
        inside.push(await visitor(world, server, `client ${index + 1} of ${queueMax + 1}`));
        await untilStats(world, ({ open }) => open === index + 1, `${index + 1} connections with queueMax ${queueMax}`, `open ${index + 1}: one is served, ${queueMax} may wait`);
      }
      await expectSentAway(await visitor(world, server, 'client beyond the line'), `one connection more than ${queueMax + 1}, with queueMax ${queueMax}`);
      const { refused, queued, open } = await untilStats(world, ({ refused: so }) => so === 1, 'one connection too many', 'refused 1');
      check(queued === queueMax && open === queueMax + 1, { sent: 'one connection too many', received: `refused ${refused}, queued ${queued}, open ${open}`, expected: `queued ${queueMax}, open ${queueMax + 1}: the refused client is not in the line` });
      for (const http of inside) {
        http.send('GET', '/');
        isHello(await answer(http, 'waiting clients are served in turn'), 'GET /');
      }
      await untilDeserted(world, 'every client in the line has been served');
      await expectHello(world, server, 'when there is room again');
      // With queueMax 0 nobody waits, but a client that need not wait is still served.
      const without = await serve(world, 'sequential', { queueMax: 0 });
      const only = await visitor(world, without, 'client that is being served, with queueMax 0');
      await untilStats(world, ({ open }) => open === 1, 'a connection with queueMax 0, and no other client', 'open 1: it is served');
      await expectSentAway(await visitor(world, without, 'second client, with queueMax 0'), 'a connection with queueMax 0, while another is served');
      only.send('GET', '/');
      isHello(await answer(only, 'a client that is being served need not wait'), 'GET /');
    },
  );

  rule(
    'survives-leavers',
    'goes on with the next when a client leaves, whether it was served or waited',
    {
      rule: 'a connection that ends without a request has had its turn: `active` goes down',
      likely: 'only an answer ends a turn, although the end of the connection must end it too',
    },
    async (world) => {
      const server = await serve(world, 'sequential', { waitMs: 100 });
      const clients = [];
      for (const label of ['client that resets', 'client that leaves the line', 'client that resets in the line', 'client that stays']) {
        clients.push(await visitor(world, server, label));
        await untilStats(world, ({ open }) => open === clients.length, `${clients.length} connections`, `open ${clients.length}`);
      }
      const [resets, leaves, resetsInLine, stays] = clients as [(typeof clients)[0], (typeof clients)[0], (typeof clients)[0], (typeof clients)[0]];
      leaves.tcp.end();
      resetsInLine.tcp.resetNow();
      stays.send('GET', '/');
      await expectNothing(world, stays, 'nothing: the first client is still there');
      resets.tcp.resetNow();
      isHello(await answer(stays, 'its turn: every client ahead of it has left'), 'GET /');
      await untilDeserted(world, 'three of four clients left without a request');
      const aborted = await visitor(world, server, 'client that leaves in the middle of its request');
      aborted.send('GET', '/slow').tcp.resetNow();
      await expectHello(world, server, 'after a client left while it was being served');
      const stats = await untilDeserted(world, 'one client left while it was being served');
      check(stats.refused === 0, { sent: 'clients that leave', received: showStats(stats), expected: 'refused 0' });
    },
  );

  rule(
    'tells-when-empty',
    'says when nobody is being served and nobody waits',
    {
      rule: '`empty` resolves when the last client is done, or at once if there was none',
      likely: 'it resolves when the queue is empty although a client is still being served, or nothing ever resolves it',
    },
    async (world) => {
      const { call, settle } = world;
      const isStill = async (what: string): Promise<void> => {
        await settle();
        const { emptied } = await call('lineState');
        check(emptied === 'pending', { sent: `empty(); ${what}`, received: 'it has resolved', expected: 'it waits' });
      };
      const resolves = async (what: string): Promise<void> =>
        void (await until(world, () => call('lineState'), ({ emptied }) => emptied === 'resolved', { sent: `empty(); ${what}`, show: () => 'it is still pending', expected: 'it resolves' }));
      const line = await call('startLine', { activeMax: 2, queueMax: 5 });
      await call('askEmpty');
      await resolves('nobody has come');
      const clients: TcpClient[] = [];
      for (const label of ['first client', 'second client', 'third client']) clients.push(await inLine(world, line, label));
      await call('askEmpty');
      await isStill('two clients are being served and one waits');
      await call('endTurn');
      await isStill('one client has gone, and the one that waited is being served');
      await call('endTurn');
      await isStill('one client is still being served');
      await call('endTurn');
      await resolves('every client has been served');
      for (const client of clients) await client.readToEnd();
      // Once more, and this time the waiting clients are sent away.
      const [served, waits] = [await inLine(world, line, 'client that is being served'), await inLine(world, line, 'another')];
      const last = await inLine(world, line, 'client that waits');
      await call('askEmpty');
      await call('clearLine');
      await last.readToEnd({ expected: 'clear() sends away the clients that wait' });
      await isStill('the waiting clients have been sent away, and two are being served');
      await call('endTurn');
      await call('endTurn');
      await resolves('the clients that were being served are done');
      for (const client of [served, waits]) await client.readToEnd();
    },
  );

  rule(
    'closes',
    'sends away the waiting clients when it closes, and answers the request in progress',
    {
      rule: 'close stops accepting, finishes what is in progress, and resolves when the last connection is done',
      likely: 'it resolves at once, or waits for something that never happens',
    },
    async (world) => {
      const server = await serve(world, 'sequential');
      const first = await visitor(world, server, 'client in progress');
      first.tcp.write('GET / HTTP/1.1\r\nHost: ');
      await untilStats(world, ({ open }) => open === 1, 'a connection', 'open 1');
      const second = await visitor(world, server, 'client that waits');
      await untilStats(world, ({ open }) => open === 2, 'another connection', 'open 2');
      await world.settle();
      await beginClose(world, FAR_MS);
      await expectSentAway(second, 'close() while a client waits');
      const state = await world.call('closeState');
      check(state === 'pending', { sent: 'close() while a request is in progress', received: `the promise is ${state}`, expected: 'it waits for the answer' });
      first.sendBytes('localhost\r\n\r\n');
      isHello(await first.response({ patienceMs: PATIENT_MS, expected: 'the request in progress is answered' }), 'the rest of GET / after close()');
      await expectClosed(world, 'close() with a client in progress', server);
      const stats = await statsOf(world);
      check(stats.open === 0 && stats.queued === 0, { sent: 'close()', received: showStats(stats), expected: 'open 0, queued 0' });
    },
  );
});
