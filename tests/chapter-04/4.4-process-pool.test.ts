import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exercise } from '#support/exercise.ts';
import { check, CheckFailure } from '#support/failure.ts';
import type { HttpClient } from '#support/http-client.ts';
import { staysOpen } from '#support/http-exchange.ts';
import { CallError } from '#support/subject.ts';
import type { Address } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import type { Stats } from './driver.ts';
import {
  answer,
  begin,
  beginClose,
  expectAnswers,
  expectClosed,
  expectFinishes,
  expectHello,
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

const NAME = 'process-pool';

const idsOf = ({ workers }: Stats): number[] => workers.map(({ id }) => id).sort((a, b) => a - b);
const showIds = (stats: Stats): string => `processes ${idsOf(stats).join(', ')}`;

/** A client that has been answered, and the process that answered it. */
async function served(world: TestWorld, server: Address, label: string): Promise<{ http: HttpClient; by: number }> {
  const before = await statsOf(world);
  const http = await settled(world, server, label);
  const after = await untilStats(world, (stats) => stats.served === before.served + 1, `one more request than ${before.served}`, `served ${before.served + 1}`);
  const by = after.workers.find(({ id, served: now }) => now > (before.workers.find((worker) => worker.id === id)?.served ?? 0))?.id;
  check(by !== undefined, { sent: `${label}: GET /; stats()`, received: showStats(after), expected: 'one of the workers has counted the request' });
  return { http, by };
}

/** Sends that number of slow requests, each when the previous one is likely to have begun. Returns the time until the last is answered. */
async function slowInTurns(world: TestWorld, server: Address, howMany: number): Promise<number> {
  const clients: HttpClient[] = [];
  const startedMs = performance.now();
  for (let index = 0; index < howMany; index++) {
    const http = await visitor(world, server, `slow client ${index + 1} of ${howMany}`);
    clients.push(http);
    await begin(http, '/slow', 40);
  }
  for (const http of clients) isHello(await answer(http), 'GET /slow');
  const tookMs = performance.now() - startedMs;
  for (const { tcp } of clients) tcp.destroy();
  return tookMs;
}

/** Waits until every place is filled again, by processes that run and answer. */
async function untilReplaced(world: TestWorld, server: Address, size: number, without: number, sent: string): Promise<Stats> {
  const replaced = await untilStats(world, (stats) => stats.workers.length === size && !idsOf(stats).includes(without), sent, `${size} workers again, process ${without} not among them`, 'no other process takes the place of one that is gone');
  await until(world, () => world.call('running', [without]), (running) => running.length === 0, { sent, show: () => `process ${without} still runs`, expected: 'it is gone' });
  await expectHello(world, server, `after that: ${sent}`);
  return replaced;
}

/** Whether a request is answered while the primary's loop, which carries no connections, is blocked for that time. */
async function answeredMeanwhile(world: TestWorld, server: Address, ms: number): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'ten-servers-'));
  try {
    const answered = join(folder, 'answered');
    await world.call('standStill', answered, ms);
    const http = await visitor(world, server, 'client while the primary is blocked');
    http.send('GET', '/');
    isHello(await answer(http), 'GET / while the primary is blocked');
    writeFileSync(answered, '');
    return (await until(world, () => world.call('wasTold'), (told) => told !== undefined, { sent: 'GET /', show: () => 'the primary is still blocked', expected: 'it goes on' })) === true;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The errors that onError was given about a process. */
async function errorsOf(world: TestWorld, pid: number): Promise<string[]> {
  return (await world.call('errors')).filter((message) => new RegExp(`\\b${pid}\\b`).test(message));
}

exercise<typeof driver>('4.4', import.meta.url, (rule) => {
  rule(
    'gives-the-answers',
    'answers every request to the application',
    {
      rule: 'a design is a way to serve an application, not another application: the answers are the same under every design',
      likely: 'the process is not told to start, or nothing listens to what it reports',
    },
    async (world) => {
      await expectAnswers(world, NAME, { workers: 2 });
    },
  );

  rule(
    'fixed-set',
    'starts its processes before they are needed, and none later',
    {
      rule: 'a pool: `workers` processes are running by the time the server accepts, and they serve all connections',
      likely: 'a process is started for a connection, or is not described with its pid',
    },
    async (world) => {
      const size = world.random.integer(2, 3);
      const server = await serve(world, NAME, { workers: size });
      const first = await statsOf(world);
      const running = await world.call('running', idsOf(first));
      const own = await world.call('pid');
      check(new Set(running).size === size && first.workers.length === size && first.workers.every(({ kind }) => kind === 'process') && !running.includes(own), {
        sent: `${NAME} with workers ${size}; stats()`,
        received: `${showIds(first)}; running: ${running.join(', ') || 'none'}`,
        expected: `${size} workers of kind process, each with its pid`,
      });
      for (let visit = 1; visit <= 8; visit++) await expectHello(world, server, `(${visit} of 8)`);
      const { all } = await world.call('started');
      check(all === size, { sent: `${NAME} with workers ${size}; 8 connections`, received: `${all} processes have been started`, expected: `${size}, before the first connection` });
      const stats = await untilStats(world, ({ served: now }) => now === 8, '8 requests', 'served 8');
      check(idsOf(stats).join() === idsOf(first).join(), { sent: '8 connections', received: showIds(stats), expected: showIds(first) });
    },
  );

  rule(
    'accepts-for-itself',
    'lets each process accept for itself: the primary has no part in it',
    {
      rule: 'the processes share the listening socket (SCHED_NONE), and the kernel distributes the connections: handing them over would cost more than answering them',
      likely: '`cluster.schedulingPolicy` is not set before the fork: the default is round robin, in which the primary accepts every connection',
    },
    async (world) => {
      const server = await serve(world, NAME, { workers: 2 });
      await expectHello(world, server, 'while everything runs');
      for (const ms of [1_500, 3_500]) {
        if (await answeredMeanwhile(world, server, ms)) return;
        check(ms < 3_500, { sent: "GET / while the primary's loop is blocked", received: 'an answer only when the loop went on: the connection came through the primary', expected: 'an answer in the meantime: the processes are not blocked', timed: true });
      }
    },
  );

  rule(
    'waits-together',
    'answers several slow requests at the same time',
    {
      rule: 'while one process is blocked, another takes the next connection',
      likely: 'one process listens for all, or connections are dealt out to processes that are busy',
    },
    async (world) => {
      // The kernel distributes connections as it likes: one overlap shows that they can overlap.
      for (const waitMs of [400, 600, 800, 1000, 1500, 1500]) {
        const server = await serve(world, NAME, { workers: 4, waitMs });
        const oneMs = await slowInTurns(world, server, 1);
        const allMs = await slowInTurns(world, server, 3);
        if (allMs <= 0.6 * 3 * oneMs) return;
        check(waitMs < 1500, {
          sent: 'GET /slow, then two more, each when the previous one has begun, with 4 workers; all of it repeated',
          received: `one took ${Math.round(oneMs)} ms, three ${Math.round(allMs)} ms`,
          expected: `three take at most ${Math.round(0.6 * 3 * oneMs)} ms`,
          timed: true,
        });
      }
    },
  );

  rule(
    'forgets-leavers',
    'keeps its counts right whenever clients leave',
    {
      rule: "the server's counts are the sum of those of its processes",
      likely: 'what a process reports is added to what it reported before',
    },
    async (world) => {
      const server = await serve(world, NAME, { workers: 2, waitMs: 200 });
      const { http: stays } = await served(world, server, 'client that stays');
      const middle = await visitor(world, server, 'client that leaves in the middle of its request');
      middle.send('GET', '/slow').tcp.resetNow();
      (await visitor(world, server, 'client that resets at once')).tcp.resetNow();
      const silent = await visitor(world, server, 'client that sends nothing and closes');
      silent.tcp.end();
      await untilStats(world, ({ open }) => open === 1, 'four clients, three of which have left', 'open 1');
      stays.send('GET', '/');
      isHello(await answer(stays), 'GET / from the client that stayed');
      stays.tcp.end();
      await untilDeserted(world, 'four clients');
    },
  );

  rule(
    'crash-is-replaced',
    'replaces a process that crashes',
    {
      rule: "a process that dies takes its own connections with it and no others; another process takes its place",
      likely: '`gone` never resolves, so the crash goes unnoticed',
    },
    async (world) => {
      const size = 3;
      const server = await serve(world, NAME, { workers: size, faults: true });
      const clients = [];
      for (let index = 0; index < 4; index++) clients.push(await served(world, server, `client ${index + 1}`));
      const crashes = world.random.pick(clients);
      const before = await statsOf(world);
      crashes.http.send('GET', '/crash');
      await gone(crashes.http, 'the connection ends with its process');
      for (const { http, by } of clients) {
        if (by === crashes.by) {
          await gone(http, 'the other connections of the process end with it');
        } else {
          http.send('GET', '/');
          isHello(await answer(http, 'an answer: another process has died, not this one'), 'GET / on a connection of another process');
        }
      }
      const after = await untilReplaced(world, server, size, crashes.by, `GET /crash, answered by process ${crashes.by}`);
      const others = clients.filter(({ by }) => by !== crashes.by).length;
      check(after.served === before.served + others, { sent: `GET /crash after ${before.served} requests, then ${others} more`, received: `served ${after.served}`, expected: `served ${before.served + others}: what a dead process has served still counts` });
      check((await world.call('errors')).length > 0, { sent: 'GET /crash', received: 'onError was told nothing', expected: 'onError is told that a process has died' });
    },
  );

  rule(
    'hang-is-replaced',
    'kills a process that is silent for too long, and replaces it',
    {
      rule: 'a process that has been silent for taskTimeoutMs hangs: it is killed and replaced',
      likely: 'the process is never pinged, or a blocked process is asked to end instead of being killed',
    },
    async (world) => {
      const server = await serve(world, NAME, { workers: 2, faults: true, taskTimeoutMs: 1_500 });
      const { http, by } = await served(world, server, 'client whose process hangs');
      http.send('GET', '/hang');
      await gone(http, 'the connection ends with its process');
      check(http.leftOver.length === 0, { sent: 'GET /hang', received: http.tcp.describe(), expected: 'no answer: nothing is left to give one' });
      await untilReplaced(world, server, 2, by, `GET /hang, answered by process ${by}`);
      const told = await errorsOf(world, by);
      check(told.length >= 2, {
        sent: `GET /hang, answered by process ${by}`,
        received: told.length === 0 ? `onError was told nothing about process ${by}` : `onError was told only this about process ${by}: ${told.join('; ')}`,
        expected: 'onError is told twice, both times with the id: your code says that it hangs, and the crew says that it is gone',
        likely: 'the process is killed without a report to onError, or the report lacks its id',
      });
    },
  );

  rule(
    'stopped-is-replaced',
    'kills a process that is stopped, and replaces it',
    {
      rule: 'a stopped process (kill -STOP) reads no messages and handles no signals: only SIGKILL ends it',
      likely: 'the process is sent SIGTERM, or asked to disconnect: neither takes effect until it runs again',
      skip: process.platform === 'win32' ? 'processes cannot be stopped on Windows' : undefined,
    },
    async (world) => {
      const server = await serve(world, NAME, { workers: 2, taskTimeoutMs: 1_500 });
      const { http, by } = await served(world, server, 'client whose process is stopped');
      await world.call('signal', by, 'SIGSTOP');
      await gone(http, `the connection ends with process ${by}, which was stopped; taskTimeoutMs 1500`);
      await untilReplaced(world, server, 2, by, `kill -STOP ${by}`);
    },
  );

  rule(
    'survives-failed-starts',
    'survives processes that cannot be started: at its own start it reports the error, later it tries again',
    {
      rule: 'a server that cannot start says so, once; a running one goes on with the processes it has until others can be started',
      likely: '`gone` never resolves, or rejects, for a process that could not be started: it emits `error` and `close`, and no `exit`',
    },
    async (world) => {
      await world.call('breakStarts', 'no program');
      let failure: unknown;
      try {
        await serve(world, NAME, { workers: 2 });
      } catch (error) {
        if (!(error instanceof CallError) || error.report.kind === 'not started') {
          const pending = error instanceof CheckFailure && error.report.kind === 'did not start';
          throw pending ? new CheckFailure({ ...error.report, sent: `${NAME}, whose processes cannot be started`, expected: 'its promise rejects', likely: '`gone` never resolves: a process that could not be started emits no `exit`' }) : error;
        }
        failure = error;
      }
      check(failure !== undefined, { sent: `${NAME}, whose processes cannot be started`, received: 'a server', expected: 'its promise rejects' });
      await world.call('breakStarts', 'not at all');
      const server = await serve(world, NAME, { workers: 2, faults: true });
      const { http, by } = await served(world, server, 'client whose process crashes');
      await world.call('breakStarts', 'no program');
      const before = await world.call('errors');
      http.send('GET', '/crash');
      await gone(http, 'the connection ends with its process');
      const sent = 'GET /crash, while no process can be started';
      await until(world, () => world.call('errors'), ({ length }) => length >= before.length + 3, { sent, show: (errors) => `onError was told: ${errors.slice(before.length).join('; ') || 'nothing'}`, expected: 'the crash, why no other process can be started, and that the server tries again' });
      await expectHello(world, server, 'while one process is left');
      await world.call('breakStarts', 'not at all');
      await untilReplaced(world, server, 2, by, `${sent}; then processes can be started again`);
    },
  );

  rule(
    'spares-the-others',
    'does not kill a process that is idle, or slow within the limit',
    {
      rule: 'a process that answers a ping does not hang, whether it is busy or idle',
      likely: 'idle processes are never pinged, or their answers are not recorded',
    },
    async (world) => {
      // On a busy machine even a healthy process may answer late.
      for (const taskTimeoutMs of [1_200, 2_500, 5_000]) {
        const server = await serve(world, NAME, { workers: 2, waitMs: taskTimeoutMs / 6, taskTimeoutMs });
        const before = await statsOf(world);
        await world.subject.pass(1.5 * taskTimeoutMs);
        const slow = await visitor(world, server, 'slow client');
        slow.send('GET', '/slow');
        await slow.tcp.until(() => slow.tcp.receivedBytes > 0 || slow.tcp.closed || slow.tcp.ended, { patienceMs: 2 * taskTimeoutMs, expected: 'an answer' });
        const after = await statsOf(world);
        if (idsOf(after).join() === idsOf(before).join()) {
          isHello(await answer(slow), 'GET /slow');
          return;
        }
        check(taskTimeoutMs < 5_000, { sent: `taskTimeoutMs ${taskTimeoutMs}; silence for longer than that, and a GET /slow that takes a sixth of it`, received: `first ${showIds(before)}, then ${showIds(after)}`, expected: 'the same processes', timed: true });
      }
    },
  );

  rule(
    'minds-the-limit',
    'gives a process taskTimeoutMs, and not much more',
    {
      rule: 'a process that has been silent for taskTimeoutMs hangs; until then it may just be busy',
      likely: 'the limit is not compared with the time since the process was last heard from',
    },
    async (world) => {
      // On a busy machine everything is late: then a longer limit decides.
      for (const taskTimeoutMs of [2_000, 4_000]) {
        const server = await serve(world, NAME, { workers: 1, faults: true, taskTimeoutMs });
        const http = await settled(world, server, 'client whose process hangs');
        const startedMs = performance.now();
        // A process that has reported its counts has been heard from.
        await statsOf(world);
        http.send('GET', '/hang');
        const late = await staysOpen(http.tcp, 2.5 * taskTimeoutMs);
        const tookMs = performance.now() - startedMs;
        const sent = `GET /hang with taskTimeoutMs ${taskTimeoutMs}`;
        check(tookMs >= 0.9 * taskTimeoutMs, { sent, received: `the process was killed ${Math.round(tookMs)} ms after it was last heard from`, expected: `not before ${taskTimeoutMs} ms` });
        if (!late) return;
        check(taskTimeoutMs < 4_000, { sent, received: `nothing: after ${Math.round(tookMs)} ms the process still hangs`, expected: `it is killed soon after ${taskTimeoutMs} ms`, timed: true });
      }
    },
  );

  rule(
    'closes',
    'finishes what is in progress when it closes, and leaves no process behind',
    {
      rule: 'close stops accepting, answers what is in progress, and resolves when every process is gone',
      likely: '`finish` does not ask the process to end, or kills it',
    },
    async (world) => {
      await expectFinishes(world, NAME, { workers: 2 }, async () => async () => {});
    },
  );

  rule(
    'deadline-ends-the-rest',
    'ends a process that hangs at the deadline',
    {
      rule: 'nothing may keep a server from closing: after deadlineMs whatever is left is killed',
      likely: 'a blocked process reads no messages: it can only be killed',
    },
    async (world) => {
      const server = await serve(world, NAME, { workers: 2, faults: true });
      const { http } = await served(world, server, 'client whose process hangs');
      await begin(http, '/hang', 250);
      await beginClose(world, 300);
      await gone(http, 'the connection ends at the deadline');
      await expectClosed(world, 'close() with a deadline of 300 ms, while a process hangs', server);
    },
  );
});
