import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type { HttpClient } from '#support/http-client.ts';
import type { Address } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import {
  answer,
  ask,
  begin,
  BEGIN_MS,
  beginClose,
  expectAnswers,
  expectClosed,
  expectHello,
  expectRefused,
  expectStatus,
  expectTogether,
  FAR_MS,
  gone,
  isHello,
  PATIENT_MS,
  serve,
  showStats,
  untilDeserted,
  untilStats,
  visitor,
} from './wire.ts';
import type { TestWorld } from './wire.ts';

const NAME = 'routed';

/** Longer than any test waits, and the most that may be asked for. */
const LONG = '/cpu?ms=10000';

/** A client whose request computes for longer than any test waits. */
async function computing(world: TestWorld, server: Address, label: string, open: number): Promise<HttpClient> {
  const http = await visitor(world, server, label);
  http.send('GET', LONG);
  await untilStats(world, (stats) => stats.open === open, `${open} connections`, `open ${open}`);
  await world.settle();
  return http;
}

exercise<typeof driver>('4.7', import.meta.url, (rule) => {
  rule(
    'gives-the-answers',
    'answers every request to the application',
    {
      rule: 'a design is a way to serve an application, not another application: the answers are the same under every design',
      likely: 'the promise of a task is not awaited, or never settles',
    },
    async (world) => {
      await expectAnswers(world, NAME, { workers: 2 });
    },
  );

  rule(
    'computes-elsewhere',
    'answers everybody else while a request computes',
    {
      rule: 'computing belongs on another thread, so that the loop keeps turning',
      likely: 'the work is done on this thread, inside a promise: that postpones it, but does not move it',
    },
    async (world) => {
      const server = await serve(world, NAME, { workers: 1, waitMs: 50, taskTimeoutMs: FAR_MS });
      const computes = await computing(world, server, 'client whose request computes', 1);
      await expectHello(world, server, 'while another request computes');
      isHello(await ask(world, server, '/slow'), 'GET /slow while another request computes');
      await world.settle();
      check(computes.tcp.receivedBytes === 0, { sent: `GET ${LONG}, then GET / and GET /slow on other connections`, received: `the answer to ${LONG} came first, or too early`, expected: 'the others are answered while it computes' });
    },
  );

  rule(
    'waits-for-the-result',
    'answers a request that computes when the computation is done, and not before',
    {
      rule: 'the answer is the result of the work: it is sent when the work is done',
      likely: 'the task is started and not awaited',
    },
    async (world) => {
      const server = await serve(world, NAME, { workers: 1 });
      const ms = world.random.integer(300, 400);
      const startedMs = performance.now();
      isHello(await ask(world, server, `/cpu?ms=${ms}`), `GET /cpu?ms=${ms}`);
      const tookMs = performance.now() - startedMs;
      check(tookMs >= 0.9 * ms, { sent: `GET /cpu?ms=${ms}`, received: `an answer after ${Math.round(tookMs)} ms`, expected: `not before ${ms} ms` });
    },
  );

  rule(
    'waits-together',
    'lets requests that only wait share the loop, however few threads there are',
    {
      rule: 'a pool is for work: a request that only waits needs no thread, and k of them take about one wait',
      likely: 'every request is given to the pool, as in 4.6',
    },
    async (world) => {
      await expectTogether(world, NAME, { workers: 1 });
    },
  );

  rule(
    'refuses-when-full',
    'refuses requests that compute when the queue is full, and no others',
    {
      rule: 'full: 503 with Retry-After (RFC 9110 §15.6.4), for a request that would have to wait; the rest are answered as usual',
      likely: 'an error from the pool is passed on as it is: 500',
    },
    async (world) => {
      const server = await serve(world, NAME, { workers: 1, queueMax: 1, taskTimeoutMs: FAR_MS });
      await computing(world, server, 'client whose request computes', 1);
      await computing(world, server, 'client that waits', 2);
      await untilStats(world, ({ queued }) => queued === 1, `GET ${LONG} twice, with 1 worker`, 'queued 1');
      expectRefused(await ask(world, server, '/cpu?ms=1'), 'GET /cpu?ms=1 with 1 busy worker, and a queue of 1 that is full');
      const { refused, workers } = await untilStats(world, (stats) => stats.refused > 0, 'one request too many', 'refused 1');
      check(refused === 1 && workers.length === 1 && workers[0]?.kind === 'thread', { sent: 'one request too many, with 1 worker', received: showStats({ open: 2, served: 0, refused, queued: 1, workers }), expected: 'refused 1, 1 worker of kind thread' });
      await expectHello(world, server, 'while the queue is full');
      expectStatus(await ask(world, server, '/cpu?ms=many'), 400, 'GET /cpu?ms=many while the queue is full');
    },
  );

  rule(
    'ends-what-takes-too-long',
    'answers 504 when computing takes too long, and computes the next',
    {
      rule: 'too late: 504 (RFC 9110 §15.6.5), and a replacement for the thread',
      likely: 'an error from the pool is passed on as it is: 500',
    },
    async (world) => {
      const server = await serve(world, NAME, { workers: 1, taskTimeoutMs: 1_000 });
      const http = await visitor(world, server, 'client that asks for too much');
      http.send('GET', LONG);
      expectStatus(await answer(http), 504, `GET ${LONG} with taskTimeoutMs 1000`);
      http.send('GET', '/cpu?ms=1');
      isHello(await answer(http, 'another thread has taken its place'), 'GET /cpu?ms=1 after that, on the same connection');
    },
  );

  rule(
    'forgets-leavers',
    'keeps its counts right when clients leave while the server computes for them',
    {
      rule: 'a client may leave at any time: the counts are right afterwards',
      likely: 'the request of a client that has left is still counted',
    },
    async (world) => {
      const server = await serve(world, NAME, { workers: 2, waitMs: 200 });
      const clients = await Promise.all(['/cpu?ms=200', '/slow', '/'].map(async (target) => (await visitor(world, server, `client that leaves behind GET ${target}`)).send('GET', target)));
      await world.settle();
      for (const { tcp } of clients) tcp.resetNow();
      await expectHello(world, server, 'after three clients have left');
      await untilDeserted(world, 'three clients that leave');
      isHello(await ask(world, server, '/cpu?ms=1'), 'GET /cpu?ms=1 after the clients that left');
    },
  );

  rule(
    'closes',
    'finishes what it is computing when it closes, and leaves no thread behind',
    {
      rule: 'close stops accepting, answers what is in progress, and resolves when every thread is gone',
      likely: 'the pool is closed before its last results have arrived',
    },
    async (world) => {
      const server = await serve(world, NAME, { workers: 1 });
      const clients = [await visitor(world, server, 'client whose request computes'), await visitor(world, server, 'client whose request waits for the thread')];
      for (const http of clients) await begin(http, '/cpu?ms=400', BEGIN_MS[0]!);
      await beginClose(world);
      for (const http of clients) {
        isHello(await http.response({ patienceMs: PATIENT_MS, expected: 'the request in progress is answered' }), 'GET /cpu?ms=400, then close()');
        await gone(http, 'the connection is closed after the last answer');
      }
      await expectClosed(world, 'close() while two requests compute', server);
    },
  );
});
