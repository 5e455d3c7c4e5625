/** What the tests of chapter 04 share. */
import { count } from '#support/bytes.ts';
import type { World } from '#support/exercise.ts';
import { check, CheckFailure } from '#support/failure.ts';
import { requestBytes } from '#support/http-client.ts';
import type { HttpClient } from '#support/http-client.ts';
import { closing, expectBody, expectStatus, showResponse, staysOpen, theOnly } from '#support/http-exchange.ts';
import { fieldTokens, fieldValue, saysClose } from '#support/http-response.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Address, TcpClient } from '#support/tcp-client.ts';
import type driver from './driver.ts';
import type { DesignName, ServeOptions, Stats } from './driver.ts';

export { expectBody, expectStatus, over, showResponse, staysOpen } from '#support/http-exchange.ts';

export type TestWorld = World<typeof driver>;

/** Starting a worker takes its time, and on a busy machine a multiple of that. */
export const PATIENT_MS = 12_000;
/** How long a server may be silent, in tests where nothing but the test should end a connection. */
export const FAR_MS = 100_000;

export const HELLO = 'Hello, world!';

/** Starts a design, which may have to start processes. */
export async function serve(world: TestWorld, name: DesignName, options: ServeOptions = {}): Promise<Address> {
  return await world.callPatiently({ patienceMs: PATIENT_MS }, 'serve', name, { idleMs: FAR_MS, ...options });
}

export async function statsOf(world: TestWorld): Promise<Stats> {
  return await world.callPatiently({ patienceMs: PATIENT_MS }, 'stats');
}

export function showStats({ open, served, refused, queued, workers }: Stats): string {
  return `open ${open}, served ${served}, refused ${refused}, queued ${queued}, ${count(workers.length, 'worker')}`;
}

/** A client that is connected and has sent nothing yet. */
export async function visitor(world: TestWorld, server: Address, label: string): Promise<HttpClient> {
  return await world.http(server, { label });
}

/** Waits for the next response, for which a worker may have to be started. */
export async function answer(http: HttpClient, expected = 'a response'): Promise<HttpTestResponse> {
  return await http.response({ patienceMs: PATIENT_MS, expected });
}

/** One request on a connection of its own, and its response. */
export async function ask(world: TestWorld, server: Address, target: string, method = 'GET'): Promise<HttpTestResponse> {
  const http = await world.http(server);
  http.send(method, target, closing());
  return theOnly(await http.responsesToEnd({ patienceMs: PATIENT_MS }), http.tcp);
}

/** Asks for the greeting on a connection of its own, and gets it. */
export async function expectHello(world: TestWorld, server: Address, when: string): Promise<void> {
  isHello(await ask(world, server, '/'), `GET / ${when}`);
}

export function isHello(response: HttpTestResponse, sent: string): void {
  expectStatus(response, 200, sent);
  expectBody(response, HELLO, sent);
}

/** Waits for the server to end a connection, in whatever way, and ends our side too. */
export async function gone({ tcp }: HttpClient, expected: string): Promise<void> {
  await tcp.until(() => tcp.ended || tcp.closed, { expected, patienceMs: PATIENT_MS });
  tcp.end();
}

/** Fails if anything has arrived. */
export async function expectNothing(world: TestWorld, { tcp }: HttpClient, expected: string): Promise<void> {
  await world.settle();
  check(tcp.receivedBytes === 0 && !tcp.ended && !tcp.closed, { sent: tcp.describeSent(), received: tcp.describe(), expected });
}

/** Time for whatever is under way to go on. */
export async function breath(world: TestWorld): Promise<void> {
  await world.subject.until(() => false, { patienceMs: 25 });
}

/** Asks again and again until the condition holds. Counts may lag by a moment, but they must get there. */
export async function until<Value>(
  world: TestWorld,
  look: () => Promise<Value>,
  holds: (value: Value) => boolean,
  report: { sent: string; show: (value: Value) => string; expected: string; likely?: string },
): Promise<Value> {
  const { show, ...rest } = report;
  const startedMs = world.subject.ownMs();
  for (;;) {
    const value = await look();
    if (holds(value)) return value;
    check(world.subject.ownMs() - startedMs < PATIENT_MS, { ...rest, received: show(value), timed: true });
    await breath(world);
  }
}

/** Waits until the statistics say so. */
export async function untilStats(world: TestWorld, holds: (stats: Stats) => boolean, sent: string, expected: string, likely?: string): Promise<Stats> {
  return await until(world, () => statsOf(world), holds, { sent, show: showStats, expected, ...(likely === undefined ? {} : { likely }) });
}

/** Nobody is connected and nobody waits. */
export async function untilDeserted(world: TestWorld, sent: string): Promise<Stats> {
  return await untilStats(world, ({ open, queued }) => open === 0 && queued === 0, `${sent}; then everybody has gone`, 'open 0, queued 0', 'a connection that ended with an error, or without a request, is still counted');
}

const QUESTIONS: readonly { method: string; target: string; status: number }[] = [
  { method: 'GET', target: '/', status: 200 },
  { method: 'GET', target: '/cpu?ms=1', status: 200 },
  { method: 'GET', target: '/slow', status: 200 },
  { method: 'HEAD', target: '/', status: 200 },
  { method: 'GET', target: '/nowhere', status: 404 },
  { method: 'POST', target: '/', status: 405 },
  { method: 'GET', target: '/cpu?ms=soon', status: 400 },
];

/** Every answer that the application knows, in a random order, under any design. */
export async function expectAnswers(world: TestWorld, name: DesignName, options: ServeOptions = {}): Promise<void> {
  const server = await serve(world, name, { waitMs: 20, ...options });
  let http: HttpClient | undefined;
  const exchange = async (method: string, target: string): Promise<HttpTestResponse> => {
    http ??= await world.http(server);
    http.send(method, target);
    const response = await answer(http);
    if (saysClose(response) || http.tcp.ended || http.tcp.closed) {
      await gone(http, 'the connection is closed after the response that says so');
      http = undefined;
    }
    return response;
  };
  const questions = [QUESTIONS[0]!, ...world.random.shuffle(QUESTIONS.slice(1))];
  for (const { method, target, status } of questions) {
    const sent = `${method} ${target}`;
    const response = await exchange(method, target);
    check(response.status === status, {
      sent,
      received: showResponse(response),
      expected: `status ${status}`,
      ...(response.status === 200 ? { likely: "the application was asked, but not with this request's method, path and query" } : {}),
    });
    if (status === 200) expectBody(response, method === 'HEAD' ? '' : HELLO, sent);
    if (status === 405) {
      const allowed = fieldTokens(response, 'allow');
      check(allowed.includes('get') && allowed.includes('head'), { sent, received: `405 with Allow: ${fieldValue(response, 'allow') ?? '(none)'}`, expected: 'Allow: GET, HEAD' });
    }
  }
  await expectStatsPage(await exchange('GET', '/stats'), questions.length);
  const after = await untilStats(world, ({ served }) => served === questions.length, `${questions.length} requests and GET /stats, one after the other`, `served ${questions.length}: /stats is not counted`);
  check(after.refused === 0, { sent: `${questions.length} requests, one after the other`, received: showStats(after), expected: 'refused 0' });
}

async function expectStatsPage(response: HttpTestResponse, served: number): Promise<void> {
  expectStatus(response, 200, 'GET /stats');
  let stats: Stats;
  try {
    stats = JSON.parse(response.body.toString()) as Stats;
  } catch {
    throw new CheckFailure({ kind: 'wrong behaviour', sent: 'GET /stats', received: response.body.toString().slice(0, 200), expected: 'JSON' });
  }
  check(stats.served === served && stats.open >= 1 && Array.isArray(stats.workers), {
    sent: `GET /stats after ${served} other requests`,
    received: showStats({ ...stats, workers: stats.workers ?? [] }),
    expected: `served ${served}, and at least the connection that asks is open`,
  });
}

/**
 * Sends that number of requests for /slow at once, each on a connection of its own. Returns the milliseconds until the
 * last is answered.
 */
export async function slowOnes(world: TestWorld, server: Address, howMany: number): Promise<number> {
  const clients = await Promise.all(Array.from({ length: howMany }, (_, index) => visitor(world, server, `slow client ${index + 1} of ${howMany}`)));
  const startedMs = performance.now();
  const responses = await Promise.all(
    clients.map(async (http) => {
      http.send('GET', '/slow', closing());
      return await answer(http);
    }),
  );
  const tookMs = performance.now() - startedMs;
  for (const response of responses) isHello(response, 'GET /slow');
  await Promise.all(clients.map((http) => gone(http, 'the connection is closed')));
  return tookMs;
}

/**
 * How long each waits, and which part of the time that they would take one after the other they may take together. On a
 * busy machine a short wait looks long, since starting a process takes time: then longer waits decide.
 */
const TRIES = [{ waitMs: 400, share: 0.6 }, { waitMs: 700, share: 0.6 }, { waitMs: 1000, share: 0.75 }];

/** Several slow requests at once take hardly longer than one. They are measured against one request to the same server. */
export async function expectTogether(world: TestWorld, name: DesignName, options: ServeOptions = {}, howMany = 4): Promise<void> {
  for (const [index, { waitMs, share }] of TRIES.entries()) {
    const server = await serve(world, name, { ...options, waitMs });
    const oneMs = await slowOnes(world, server, 1);
    const allMs = await slowOnes(world, server, howMany);
    const mostMs = share * howMany * oneMs;
    if (allMs <= mostMs) return;
    check(index < TRIES.length - 1, {
      sent: `${name}: GET /slow once, then ${howMany} at the same time`,
      received: `one took ${Math.round(oneMs)} ms, ${howMany} together ${Math.round(allMs)} ms`,
      expected: `at most ${Math.round(mostMs)} ms: they wait at the same time`,
      timed: true,
    });
  }
}

/** Begins to close the last server. */
export async function beginClose(world: TestWorld, deadlineMs?: number): Promise<void> {
  await (deadlineMs === undefined ? world.call('beginClose') : world.call('beginClose', deadlineMs));
}

/** Waits until the server has closed, and looks for anything that it has left running. */
export async function expectClosed(world: TestWorld, sent: string, server?: Address): Promise<void> {
  try {
    await world.callPatiently({ patienceMs: PATIENT_MS }, 'awaitClose');
  } catch (error) {
    if (!(error instanceof CheckFailure) || error.report.kind !== 'did not start') throw error;
    const { likely: _, ...report } = error.report;
    throw new CheckFailure({ ...report, kind: 'silent', sent, received: 'the promise of close is still pending', expected: 'it resolves' });
  }
  const { processes, threads } = await world.call('started');
  check(processes.length === 0 && threads === 0, {
    sent: `${sent}; close has resolved`,
    received: [processes.length > 0 ? `still running: ${processes.length === 1 ? 'process' : 'processes'} ${processes.join(', ')}` : '', threads > 0 ? `${count(threads, 'thread')} still running` : ''].filter((text) => text !== '').join('; '),
    expected: 'no process and no thread is left',
    likely: 'a process or a thread was not told to end, or was not waited for',
  });
  if (server === undefined) return;
  const late: TcpClient = world.client(server, { label: 'client that comes too late' });
  await late.until(() => late.closed, { expected: 'the connection is refused', received: 'the connection was accepted', sent });
  check(late.reset, { sent, received: 'the connection was accepted', expected: 'the connection is refused' });
}

/** The answer to a client for which there is no room: 503, when to come back, and the end of the connection. */
export function expectRefused(response: HttpTestResponse, sent: string): void {
  expectStatus(response, 503, sent);
  const when = fieldValue(response, 'retry-after');
  check(when !== undefined && (/^\d+$/.test(when) || !Number.isNaN(Date.parse(when))), {
    sent,
    received: `503 with Retry-After: ${when ?? '(none)'}`,
    expected: 'Retry-After: seconds, or a date',
    likely: 'without it, refused clients come back at once and make it worse',
  });
}

/** A client that sends nothing is still told that there is no room. */
export async function expectSentAway(http: HttpClient, sent: string): Promise<void> {
  http.announce('GET');
  expectRefused(await answer(http, '503 with Retry-After'), sent);
  await gone(http, 'the connection is closed after the 503');
}

/** How long a worker gets to begin, in milliseconds, since that cannot be seen from outside. If it was too short, the next one is tried. */
export const BEGIN_MS = [80, 400, 1500];

/** Sends a request to a worker that has nothing else to do, and gives it time to begin. */
export async function begin(http: HttpClient, target: string, beginMs: number): Promise<void> {
  http.send('GET', target);
  await staysOpen(http.tcp, beginMs);
}

/** A request that is in progress when the server begins to close is answered, and the connection is closed after it. */
export async function expectFinishes(world: TestWorld, name: DesignName, options: ServeOptions, besides: (server: Address) => Promise<() => Promise<void>>): Promise<void> {
  for (const beginMs of BEGIN_MS) {
    const server = await serve(world, name, { ...options, waitMs: 400 + 2 * beginMs });
    const silent = await settled(world, server, 'client that sends nothing more');
    const busy = await settled(world, server, 'client in progress');
    await begin(busy, '/slow', beginMs);
    const whenClosing = await besides(server);
    await world.call('beginClose');
    const state = await world.call('closeState');
    await world.settle();
    check(state === 'pending' || busy.leftOver.length > 0 || busy.tcp.ended || busy.tcp.closed, { sent: `${name}: GET /slow, then close()`, received: `the promise is ${state}, and the request is not answered yet`, expected: 'it waits' });
    await whenClosing();
    await gone(silent, 'an idle connection is closed');
    await gone(busy, 'the connection is closed after the last answer');
    // The worker may not even have read it.
    const answered = busy.leftOver.length > 0 || beginMs === BEGIN_MS.at(-1);
    if (answered) isHello(await answer(busy, 'the request in progress is answered'), `${name}: GET /slow, then close()`);
    await expectClosed(world, `${name}: close() with a request in progress`, server);
    if (answered) return;
  }
}

/** A client that has been answered once and stays: the worker that serves it is running. */
export async function settled(world: TestWorld, server: Address, label: string): Promise<HttpClient> {
  const http = await visitor(world, server, label);
  http.send('GET', '/');
  isHello(await answer(http), `${label}: GET /`);
  return http;
}

/** More than the buffers of both kernels hold, as answers. */
const MANY = 100_000;
const MIB = 1 << 20;

/** While one request waits, what the client sends after it stays with the client. @param after more than a few MiB */
export async function expectHeldBack(world: TestWorld, name: DesignName, after: { what: string; bytes: Buffer }): Promise<void> {
  const server = await serve(world, name, { waitMs: 20_000 });
  const http = await visitor(world, server, `${name}: client that sends without end`);
  http.send('GET', '/slow');
  const pieces = 64;
  for (let piece = 0; piece < pieces; piece++) http.tcp.write(after.bytes);
  for (let before = -1; ; ) {
    await staysOpen(http.tcp, 250);
    const takenBytes = await world.call('takenBytes');
    check(takenBytes < 4 * MIB, {
      sent: `${name}: GET /slow, and, while that waits, ${Math.round((pieces * after.bytes.length) / MIB)} MiB of ${after.what}`,
      received: `${Math.round(takenBytes / MIB)} MiB have been read from the socket`,
      expected: 'a chunk or two: the rest stays with the kernel and the client',
    });
    if (takenBytes === before) break;
    before = takenBytes;
  }
  await expectHello(world, server, 'while another client sends without end');
}

/** A client that asks and does not read holds up only itself; when it reads, it gets everything. */
export async function expectWaitsForReader(world: TestWorld, name: DesignName): Promise<void> {
  const server = await serve(world, name);
  const http = await world.http(server, { label: `${name}: client that reads late`, paused: true });
  const sent = `${name}: GET /nowhere ${MANY} times, and the answers are not read`;
  // The requests are longer than they need be, so that a server that reads a few MiB in one turn of its loop finds
  // fewer of them to answer.
  const one = requestBytes('GET', '/nowhere', { fields: [['X-Padding', 'x'.repeat(200)]] });
  const all = Buffer.concat(Array.from({ length: MANY }, () => one));
  for (let at = 0; at < all.length; at += MIB) http.tcp.write(all.subarray(at, at + MIB));
  // The server has stopped when no more answers appear.
  for (let before = -1, still = 0; still < 2; ) {
    await staysOpen(http.tcp, 150);
    const { served } = await statsOf(world);
    const heldBytes = await world.call('heldBytes');
    check(heldBytes < MIB, { sent, received: `${heldBytes} bytes of answers are held in the server's memory`, expected: 'no more is answered than the client takes' });
    still = served === before ? still + 1 : 0;
    before = served;
  }
  await expectHello(world, server, 'while another client does not read');
  http.announce('GET').tcp.resume();
  const first = await answer(http);
  expectStatus(first, 404, sent);
  const length = first.end - first.start;
  await http.tcp.until(() => http.tcp.receivedBytes >= length * MANY, {
    sent: `${name}: GET /nowhere ${MANY} times; the answers are read late`,
    get received() {
      return `${Math.floor(http.tcp.receivedBytes / length)} answers, then nothing more`;
    },
    expected: `${MANY} answers`,
    patienceMs: PATIENT_MS,
  });
}
