/** What both designs with a worker for each connection promise. */
import { count } from '#support/bytes.ts';
import { check } from '#support/failure.ts';
import type { HttpClient } from '#support/http-client.ts';
import type { Address } from '#support/tcp-client.ts';
import type { DesignName, Stats } from './driver.ts';
import {
  answer,
  begin,
  beginClose,
  expectClosed,
  expectFinishes,
  expectHello,
  expectNothing,
  expectSentAway,
  gone,
  isHello,
  serve,
  settled,
  showStats,
  statsOf,
  until,
  untilDeserted,
  untilStats,
  visitor,
} from './wire.ts';
import type { TestWorld } from './wire.ts';

export interface PerConnection {
  name: DesignName;
  kind: 'process' | 'thread';
}

function showWorkers({ workers }: Stats): string {
  return workers.length === 0 ? 'no workers' : workers.map(({ kind, id, served }) => `${kind} ${id} (served ${served})`).join(', ');
}

/** How many workers of the design's kind are running, whatever the statistics say. */
async function howManyRun(world: TestWorld, kind: PerConnection['kind']): Promise<number> {
  const { processes, threads } = await world.call('started');
  return kind === 'process' ? processes.length : threads;
}

/** Each connection has a worker of its own that ends with it. */
export async function expectOneEach(world: TestWorld, { name, kind }: PerConnection): Promise<void> {
  const server = await serve(world, name, { workers: 4 });
  check((await howManyRun(world, kind)) === 0, { sent: `${name} without clients`, received: `${count(await howManyRun(world, kind), kind)} already running`, expected: 'none: each is started for its connection' });
  const clients = [await settled(world, server, 'first client'), await settled(world, server, 'second client'), await settled(world, server, 'third client')];
  clients[2]!.send('GET', '/');
  isHello(await answer(clients[2]!, 'the connection goes on'), 'GET / once more');
  const stats = await untilStats(world, ({ served }) => served === 4, 'four requests on three connections', 'served 4', "nothing listens to a worker's reports");
  const ids = new Set(stats.workers.map(({ id }) => id));
  const sent = 'three connections that stay open';
  check(stats.open === 3 && ids.size === 3 && stats.workers.every((worker) => worker.kind === kind), { sent, received: `open ${stats.open}; ${showWorkers(stats)}`, expected: `open 3, and three workers of kind ${kind} with ids of their own` });
  const each = stats.workers.map(({ served }) => served).sort();
  check(each.join() === '1,1,2', { sent: 'one request each, and two on the third connection', received: showWorkers(stats), expected: 'served 1, 1 and 2' });
  const run = await howManyRun(world, kind);
  check(run === 3, { sent, received: `${count(run, kind)} running`, expected: 'three' });
  if (kind === 'process') {
    const running = await world.call('running', [...ids]);
    const own = await world.call('pid');
    check(running.length === 3 && !ids.has(own), { sent: `${sent}; stats()`, received: `${showWorkers(stats)}; running: ${running.join(', ')}`, expected: 'the id of a process is its pid' });
  }
  clients[0]!.tcp.end();
  await gone(clients[0]!, 'the connection is closed');
  await untilStats(world, ({ open, workers }) => open === 2 && workers.length === 2, 'three connections, one of which ends', 'open 2 and 2 workers', 'the worker is not removed from the context');
  for (const http of clients.slice(1)) {
    http.tcp.end();
    await gone(http, 'the connection is closed');
  }
  const after = await untilStats(world, ({ open, workers }) => open === 0 && workers.length === 0, 'all three connections have ended', 'open 0 and no workers');
  check(after.served === 4, { sent: 'four requests on three connections that have ended', received: showStats(after), expected: 'served 4: what a worker that is gone has served still counts' });
  await until(world, () => howManyRun(world, kind), (left) => left === 0, { sent: 'all connections have ended', show: (left) => `${count(left, kind)} still running`, expected: 'none' });
}

/** At most `workers` clients are served at a time, at most `queueMax` wait, and the rest are sent away. */
export async function expectBounded(world: TestWorld, { name, kind }: PerConnection): Promise<void> {
  const workers = 2;
  const server = await serve(world, name, { workers, queueMax: 1 });
  const first = await settled(world, server, 'first client');
  const second = await settled(world, server, 'second client');
  const third = await visitor(world, server, 'third client');
  third.send('GET', '/');
  await untilStats(world, ({ open, queued }) => open === 3 && queued === 1, `three connections with workers ${workers}`, 'open 3, queued 1');
  await expectSentAway(await visitor(world, server, 'fourth client'), `four connections with workers ${workers} and queueMax 1`);
  await expectNothing(world, third, 'nothing: two clients are being served, and this one waits');
  check((await howManyRun(world, kind)) === workers, { sent: `four connections with workers ${workers}`, received: `${count(await howManyRun(world, kind), kind)} running`, expected: `${workers}` });
  (world.random.boolean() ? first : second).tcp.resetNow();
  isHello(await answer(third, 'its turn: another client has gone'), 'GET / from the client that waited');
  for (const { tcp } of [first, second, third]) tcp.end();
  const { refused } = await untilDeserted(world, 'three clients were served, one was sent away');
  check(refused === 1, { sent: 'one client too many', received: `refused ${refused}`, expected: 'refused 1' });
}

/** A worker that dies ends its own connection and no other. */
export async function expectCrashContained(world: TestWorld, { name }: PerConnection): Promise<void> {
  const server = await serve(world, name, { workers: 3, faults: true, waitMs: 300 });
  const others = [await settled(world, server, 'client on another connection'), await settled(world, server, 'client with a request in progress')];
  const crashes = await settled(world, server, 'client whose worker crashes');
  others[1]!.send('GET', '/slow');
  crashes.send('GET', '/crash');
  await gone(crashes, 'the connection ends with its worker');
  check(crashes.leftOver.length === 0, { sent: 'GET /crash', received: crashes.tcp.describe(), expected: 'no answer: nothing is left to give one' });
  others[0]!.send('GET', '/');
  for (const http of others) isHello(await answer(http, 'an answer: another worker has died, not this one'), 'a request on another connection');
  await untilStats(world, ({ open, workers }) => open === 2 && workers.length === 2, 'three connections; the worker of one has crashed', 'open 2 and 2 workers', 'a worker that has died is still counted');
  await expectHello(world, server, 'after a crash');
  for (let times = 0; times < 3; times++) {
    const http = await visitor(world, server, `crash ${times + 2}`);
    http.send('GET', '/crash');
    await gone(http, 'the connection ends with its worker');
  }
  await expectHello(world, server, 'when `workers` workers have crashed');
  for (const { tcp } of others) tcp.end();
  await untilDeserted(world, 'four workers have crashed');
}

/** Clients leave at any time: before their worker runs, while it waits, while they wait in the line. */
export async function expectLeaversForgotten(world: TestWorld, { name, kind }: PerConnection): Promise<void> {
  const server = await serve(world, name, { workers: 2, waitMs: 200 });
  const stays = await settled(world, server, 'client that stays');
  const early = await visitor(world, server, 'client that resets at once');
  early.tcp.resetNow();
  const middle = await visitor(world, server, 'client that leaves in the middle of its request');
  middle.send('GET', '/slow').tcp.resetNow();
  const waits = await visitor(world, server, 'client that waits and leaves');
  waits.tcp.end();
  await expectHello(world, server, 'after three clients have left');
  stays.send('GET', '/');
  isHello(await answer(stays), 'GET / from the client that stayed');
  await untilStats(world, ({ open, queued, workers }) => open === 1 && queued === 0 && workers.length === 1, 'five clients, one of which is still there', 'open 1, queued 0, 1 worker', 'a client that has left is still counted');
  stays.tcp.end();
  await untilDeserted(world, 'five clients');
  await until(world, () => howManyRun(world, kind), (left) => left === 0, { sent: 'all clients have left', show: (left) => `${count(left, kind)} still running`, expected: 'none' });
}

/** What is in progress is finished, and nothing is left running. */
export async function expectCloses(world: TestWorld, { name }: PerConnection): Promise<void> {
  await expectFinishes(world, name, { workers: 2 }, async (server) => {
    const waits = await visitor(world, server, 'client that waits');
    await untilStats(world, ({ queued }) => queued === 1, 'three connections with workers 2', 'queued 1');
    return async () => await expectSentAway(waits, 'close() while a client waits');
  });
  const stats = await statsOf(world);
  check(stats.open === 0 && stats.workers.length === 0, { sent: 'close()', received: `open ${stats.open}; ${showWorkers(stats)}`, expected: 'open 0 and no workers' });
}

/** A worker that hangs is ended at the deadline. */
export async function expectDeadline(world: TestWorld, { name }: PerConnection): Promise<void> {
  const server = await serve(world, name, { workers: 2, faults: true });
  const hangs = await settled(world, server, 'client whose worker hangs');
  await begin(hangs, '/hang', 250);
  await beginClose(world, 300);
  await gone(hangs, 'the connection ends at the deadline');
  await expectClosed(world, 'close() with a deadline of 300 ms, while a worker hangs', server);
}
