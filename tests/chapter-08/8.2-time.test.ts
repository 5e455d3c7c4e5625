/** 8.2 Time: heads, bodies, responses and whole requests that do not come to an end, and clients that are slow and honest. */
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { requestBytes } from '#support/http-client.ts';
import type { HttpClient } from '#support/http-client.ts';
import { closing, eventually, expectBody, expectStatus, over, showResponse, staysOpen, theOnly } from '#support/http-exchange.ts';
import { saysClose } from '#support/http-response.ts';
import type { Address, TcpClient } from '#support/tcp-client.ts';
import type { Settings } from './door.ts';
import type driver from './driver.ts';
import { staged, toldBy } from './stage.ts';
import type { Stage } from './stage.ts';

/** A limit that a rule waits for. */
const LIMIT_MS = 400;
/** A limit that is long enough for buffers on the way to be emptied in between. */
const SLOW_MS = 1_000;
/** A limit that a client must not pass, also on a busy machine. */
const WIDE_MS = 1_500;
/** Between two bytes of a slow client. */
const GAP_MS = 20;
const CUT_MS = 6_000;
/** More than any client of these rules is able to send or take. */
const RATE_MAX = 1_000_000_000;

exercise<typeof driver>('8.2', import.meta.url, (rule) => {
  rule(
    'slow-head',
    'answers 408 to a head that does not end in time, though a byte comes now and then',
    {
      rule: 'the head as a whole has a time limit (`headerMs`); a server that has waited long enough says 408 and closes (RFC 9110 §15.5.9)',
      likely: 'the setting does not reach the server, or a timer begins anew with each byte',
      attack: { name: 'a head that never ends', year: 2018, cve: 'CVE-2018-12122', fell: 'Node.js, which had a limit for silence alone' },
    },
    staged(async (stage) => {
      for (const place of await bothWays(stage, { headerMs: LIMIT_MS })) {
        const beginnings = ['G', 'GET /slow', 'GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: '];
        await Promise.all(beginnings.map(async (beginning) => {
          const http = await enter(stage, place, `a head that goes on ${place.how}`);
          http.sendBytes(beginning);
          await trickle(stage, http.tcp, 'x');
          await expectRefused(http, 408);
        }));
        toldBy(await quick(stage, place), `a request ${place.how}, after slow heads`);
      }
    }),
  );

  rule(
    'idle-connections',
    'ends a connection on which nothing is asked for, and none that waits for an answer',
    {
      rule: 'between two requests, and before the first, a connection is kept for `idleMs`; it is closed without a word, since nothing was asked',
      likely: 'the time goes on while the application works, or counts only after a first request',
      attack: { name: 'idle connections', year: 2019, cve: 'CVE-2019-5739', fell: 'Node.js 6, which kept them for two minutes' },
    },
    staged(async (stage) => {
      for (const place of await bothWays(stage, { idleMs: LIMIT_MS })) {
        const waits = (await enter(stage, place, `a client that waits for an answer ${place.how}`)).send('GET', '/waits');
        const fresh = await enter(stage, place, `a client that asks for nothing ${place.how}`);
        const served = (await enter(stage, place, `a client that asks for nothing more ${place.how}`)).send('GET', '/');
        toldBy(await served.response(), 'a request');
        for (const { tcp } of [fresh, served]) await over(tcp, `the connection is closed after ${LIMIT_MS} ms`, CUT_MS);
        for (const { leftOver, tcp } of [fresh, served]) check(leftOver.length === 0, { sent: tcp.describeSent(), received: tcp.describe(), expected: 'the connection is closed without a word' });
        await stage.world.subject.pass(LIMIT_MS);
        await stage.world.call('release');
        expectBody(await waits.response(), 'waited', 'GET /waits');
      }
    }),
  );

  rule(
    'silent-body',
    'answers 408 to a body of which nothing more comes',
    {
      rule: 'a client that is silent in the middle of a body for `bodyMs` gets 408 and `Connection: close`, whether there is a rate or not',
      likely: 'the application waits for ever for the next part',
    },
    staged(async (stage) => {
      for (const bodyBytesPerSecondMin of [0, 1000]) {
        for (const place of await bothWays(stage, { bodyMs: LIMIT_MS, bodyBytesPerSecondMin })) {
          await Promise.all(BODIES.map(async ([what, framing, beginning]) => {
            const http = await enter(stage, place, `${what}, and then nothing, ${place.how}`);
            http.sendBytes(`POST / HTTP/1.1\r\nHost: localhost\r\n${framing}\r\n\r\n${beginning}`, ['POST']);
            await over(http.tcp, `408 after ${LIMIT_MS} ms`, CUT_MS);
            await expectRefused(http, 408);
          }));
        }
      }
    }),
  );

  rule(
    'patience',
    'knows how long to wait, from what was waited for and what came',
    {
      rule: 'waiting costs its time, each byte gives back what it may take at the rate, and nobody is ever ahead: what is left is at most the slack',
      likely: 'a byte gives back all of the slack, or credit is saved without end',
    },
    async ({ call, random }) => {
      const bytesPerSecondMin = random.integer(20, 2_000);
      const slackMs = random.integer(1_000, 20_000);
      const back = (bytes: number): number => (bytes * 1000) / bytesPerSecondMin;
      const expectLeft = async (what: string, waits: readonly (readonly [number, number])[], left: readonly number[]): Promise<void> => {
        const got = await call('patience', { bytesPerSecondMin, slackMs, waits });
        const isRight = got.length === left.length && got.every((ms, index) => Math.abs(ms - left[index]!) < 0.001);
        check(isRight, { sent: `${what}; at least ${bytesPerSecondMin} bytes a second, and a slack of ${slackMs} ms`, received: `${got.join(', ')} ms are left`, expected: `${left.join(', ')} ms` });
      };
      const half = slackMs / 2;
      const few = Math.floor((bytesPerSecondMin * slackMs) / 4000);
      await expectLeft('nothing comes', [[half, 0], [half, 0], [100, 0]], [slackMs, half, 0, -100]);
      await expectLeft('a few bytes come', [[half, few]], [slackMs, half + back(few)]);
      await expectLeft('one byte at a time', [[half, 1], [half, 1], [half, 1]], [slackMs, half + back(1), back(2), back(3) - half]);
      await expectLeft('much comes at once', [[half, 1_000_000_000], [half, 0]], [slackMs, slackMs, half]);
      await expectLeft('much comes at the last moment', [[2 * slackMs, 1_000_000_000]], [slackMs, slackMs]);
      await expectLeft('everything comes in time', Array.from({ length: 20 }, () => [back(50), 50] as const), Array.from({ length: 21 }, () => slackMs));
      const none = await call('patience', { bytesPerSecondMin: 0, slackMs, waits: [[1e9, 0], [1e9, 5]] });
      check(none.every((ms) => ms === Infinity), { sent: 'a rate of 0, and long waits', received: `${none.join(', ')} ms are left`, expected: 'Infinity: there is no rate' });
    },
  );

  rule(
    'slow-body',
    'answers 408 to a body that comes more slowly than its rate',
    {
      rule: 'a client that is further behind the rate than `bodyMs` gets 408 and `Connection: close`, though it is never silent',
      likely: 'the time for a body begins anew with each part of it',
      attack: { name: 'R.U.D.Y. (R-U-Dead-Yet)', year: 2010, fell: 'Apache httpd and IIS, on every page that has a form' },
    },
    staged(async (stage) => {
      for (const place of await bothWays(stage, { bodyMs: LIMIT_MS, bodyBytesPerSecondMin: 1_000_000 })) {
        await Promise.all(BODIES.map(async ([what, framing, beginning, more]) => {
          const http = await enter(stage, place, `${what}, a byte now and then, ${place.how}`);
          http.sendBytes(`POST / HTTP/1.1\r\nHost: localhost\r\n${framing}\r\n\r\n${beginning}`, ['POST']);
          await trickle(stage, http.tcp, more);
          await expectRefused(http, 408);
        }));
        toldBy(await quick(stage, place), `a request ${place.how}, after slow bodies`);
      }
    }),
  );

  rule(
    'steady-body',
    'takes a long body from a slow client that keeps up the rate',
    {
      rule: 'a body may take as long as it must: the limit is for its rate, and not for all of it',
      likely: 'the slack is a limit for the whole body',
    },
    staged(async (stage) => {
      const rate = 200;
      for (const place of await bothWays(stage, { bodyMs: WIDE_MS, bodyBytesPerSecondMin: rate })) {
        const { random, subject } = stage.world;
        const http = await enter(stage, place, `a slow client that keeps up the rate ${place.how}`);
        http.sendBytes('POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n', ['POST']);
        let sent = '';
        for (const startedMs = performance.now(); performance.now() - startedMs < 1.5 * WIDE_MS && !http.tcp.ended;) {
          const part = random.bytes(50).toString('hex');
          sent += part;
          http.tcp.write(`${part.length.toString(16)}\r\n${part}\r\n`);
          await subject.pass(GAP_MS);
        }
        http.tcp.write('0\r\n\r\n');
        const response = await http.response();
        check(response.status === 200, { timed: true, sent: `${sent.length} bytes in ${1.5 * WIDE_MS} ms, with a rate of ${rate} a second`, received: showResponse(response), expected: 'status 200: the client was fast enough' });
        check(toldBy(response, 'a slow body').body === sent, { sent: `${sent.length} bytes`, received: 'another body', expected: 'the same bytes' });
      }
    }),
  );

  rule(
    'busy-application',
    'does not make the client pay for an application that takes its time',
    {
      rule: 'time counts only while somebody waits for the client: a body that is not asked for cannot be late',
      likely: 'the clock starts with the request, and runs on while the application does something else',
    },
    staged(async (stage) => {
      for (const place of await bothWays(stage, { bodyMs: 2 * LIMIT_MS, bodyBytesPerSecondMin: 1_000_000 })) {
        const body = stage.world.random.bytes(150_000).toString('hex');
        const http = await enter(stage, place, `a body that the application reads late, ${place.how}`);
        http.send('POST', '/read-late', { body });
        await stage.world.subject.pass(4 * LIMIT_MS);
        await stage.world.call('release');
        const response = await http.response();
        check(response.status === 200, { timed: true, sent: `${body.length} bytes at once`, received: showResponse(response), expected: 'status 200: they were here before anybody asked for them' });
        const told = toldBy(response, 'a body that the application reads late');
        check(told.body === body, { sent: `${body.length} bytes`, received: `${told.body.length} bytes`, expected: 'the same bytes' });
      }
    }),
  );

  rule(
    'unread-body',
    'does not wait long for a body that the application does not read, or no longer',
    {
      rule: 'the rest of a body that nobody reads is dropped for a while, in all and not for each byte; then the connection is closed (RFC 9112 §9.3)',
      likely: 'only what the application reads has a time limit',
    },
    staged(async (stage) => {
      for (const place of await bothWays(stage, { bodyMs: LIMIT_MS, bodyBytesPerSecondMin: 1_000_000 })) {
        await Promise.all(BODIES.flatMap(([what, framing, beginning, more]) => ['/unread', '/stubborn'].map(async (target) => {
          const http = await enter(stage, place, `${what}, a byte now and then, to ${target}, ${place.how}`);
          http.sendBytes(`POST ${target} HTTP/1.1\r\nHost: localhost\r\n${framing}\r\n\r\n${beginning}`, ['POST']);
          await trickle(stage, http.tcp, more, 2);
        })));
        toldBy(await quick(stage, place), `a request ${place.how}, after bodies that nobody reads`);
      }
    }),
  );

  rule(
    'slow-reader',
    'cuts a client that takes a response more slowly than its rate, and says so in its log',
    {
      rule: 'a client that is further behind the rate than `sendMs` is cut, though it always takes something; a line of the log says who it was',
      likely: 'a limit for silence begins anew with each byte that is taken, or it is not the secured socket that is watched',
      attack: { name: 'slow read', year: 2012, fell: 'Apache httpd, whose limits were for requests alone' },
    },
    staged(async (stage) => {
      for (const place of await bothWays(stage, { sendMs: SLOW_MS, sendBytesPerSecondMin: RATE_MAX })) {
        for (const [target, how] of [['/endless', 'slowly'], ['/large', 'slowly'], ['/endless', 'not at all']] as const) {
          const before = (await stage.world.call('lines')).length;
          const http = await enter(stage, place, `a client that takes GET ${target} ${how} ${place.how}`);
          http.send('GET', target);
          if (how === 'slowly') await sip(stage, http.tcp, CUT_MS, true);
          else await expectCut(stage, http.tcp);
          const lines = (await stage.world.call('lines')).slice(before);
          check(lines.some((line) => line.includes('127.0.0.1')), { sent: http.tcp.describeSent(), received: lines.length === 0 ? 'no line in the log' : lines.join(' '), expected: 'a line with the address of the client' });
          check(http.completeResponses().length === 0, { sent: http.tcp.describeSent(), received: 'a complete response', expected: 'a response that breaks off' });
        }
        await eventually(stage.world, async () => (await stage.world.call('clocked')).streaming === 0, { sent: 'a client that was cut', received: 'the application goes on sending', expected: 'its `send` rejects' });
        toldBy(await quick(stage, place), `a request ${place.how}, after slow readers`);
      }
    }),
  );

  rule(
    'deaf-and-talking',
    'cuts a client that takes nothing of its responses and goes on sending',
    {
      rule: 'what a client sends does not make up for what it does not take',
      likely: 'whatever happens on the connection starts its timer anew',
    },
    staged(async (stage) => {
      for (const place of await bothWays(stage, { sendMs: LIMIT_MS, sendBytesPerSecondMin: 1_000 })) {
        const http = await enter(stage, place, `100 requests, and not a byte of a response taken, ${place.how}`);
        http.tcp.pause();
        http.sendBytes(Buffer.concat(Array.from({ length: 100 }, () => requestBytes('GET', '/medium'))));
        http.sendBytes('GET /more HTTP/1.1\r\nX-More: ');
        await trickle(stage, http.tcp, 'x');
      }
    }),
  );

  rule(
    'slow-and-honest',
    'sends a long response to a client that is slow, and a slow response to any client',
    {
      rule: 'the limit is for the rate, and not for the whole response; and a client to which nothing is sent is not slow',
      likely: 'the slack is a limit for all of the response, or the time in which the application sends nothing counts',
    },
    staged(async (stage) => {
      for (const place of await bothWays(stage, { sendMs: WIDE_MS, sendBytesPerSecondMin: 1_000 })) {
        const paused = (await enter(stage, place, `a client of a slow application ${place.how}`)).send('GET', '/pauses');
        const slow = (await enter(stage, place, `a slow client that keeps up the rate ${place.how}`)).send('GET', '/endless');
        await sip(stage, slow.tcp, 1.5 * WIDE_MS, false);
        await stage.world.call('release');
        expectBody(await paused.response(), 'first,last', 'GET /pauses');
        slow.tcp.destroy();
      }
    }),
  );

  rule(
    'whole-request',
    'ends a request that takes too long: with 408 if the client is late, with 503 if we are',
    {
      rule: 'a request has a limit for all of it (`requestMs`); if the response has begun, it breaks off, so that nobody takes it for complete; the application is told by its signal',
      likely: 'the time runs only until the response begins, or the client is blamed for everything',
    },
    staged(async (stage) => {
      for (const place of await bothWays(stage, { requestMs: LIMIT_MS })) {
        const never = (await enter(stage, place, `a request that is not answered ${place.how}`)).send('GET', '/never');
        const begun = (await enter(stage, place, `a response that does not end ${place.how}`)).send('GET', '/begun');
        const late = (await enter(stage, place, `a body that takes too long ${place.how}`)).sendBytes('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n', ['POST']);
        await trickle(stage, late.tcp, 'x');
        await expectRefused(late, 408);
        expectStatus(await never.response({ patienceMs: CUT_MS }), [500, 503, 504], 'a request that is not answered in time');
        await over(begun.tcp, 'the connection is cut', CUT_MS);
        check(begun.tcp.received.includes('begun') && begun.completeResponses().length === 0, { sent: begun.tcp.describeSent(), received: begun.tcp.describe(), expected: 'the beginning of a response that breaks off' });
        const twice = await enter(stage, place, `two requests, with time between them ${place.how}`);
        for (const target of ['/first', '/second']) {
          twice.send('GET', target);
          toldBy(await twice.response(), `GET ${target}`);
          await stage.world.subject.pass(1.2 * LIMIT_MS);
        }
      }
      await eventually(stage.world, async () => (await stage.world.call('clocked')).aborted === 4, { sent: 'four requests that took too long', received: 'applications that were not told', expected: '`scope.signal` is aborted' });
      const { address } = await stage.serve({});
      const patient = (await stage.world.http(address)).send('GET', '/waits');
      await stage.world.subject.pass(2 * LIMIT_MS);
      await stage.world.call('release');
      expectBody(await patient.response(), 'waited', 'a long request, to a server without such a limit');
    }),
  );

  rule(
    'slowloris',
    'serves everybody while a thousand clients have sent half a head',
    {
      rule: 'a connection that waits costs memory, and neither a thread nor anybody\'s place; each gets its 408 in the end',
      likely: 'there is a limit for connections that slow clients use up, or one of them keeps the loop busy',
      attack: { name: 'slowloris', year: 2009, cve: 'CVE-2007-6750', fell: 'Apache httpd, with one laptop and a few hundred connections' },
    },
    staged(async (stage) => {
      const { address } = await stage.serve({});
      const slow = await half(stage, address, 1_000);
      for (let round = 0; round < 5; round++) {
        for (const client of slow) client.write(`X-Round-${round}: ${round}\r\n`);
        for (let index = 0; index < 10; index++) toldBy(await quick(stage, { how: '', address, secure: false }), 'a request, while 1,000 clients have sent half a head');
      }
      const gone = slow.filter(({ ended, closed }) => ended || closed).length;
      check(gone === 0, { sent: '1,000 times half a head, long before their time is up', received: `${gone} connections are closed`, expected: 'none: they may be slow and honest' });
      const limited = await stage.serve({ headerMs: LIMIT_MS });
      for (const client of await half(stage, limited.address, 100)) {
        await over(client, `408 after ${LIMIT_MS} ms`, CUT_MS);
        check(client.received.includes('HTTP/1.1 408 '), { sent: client.describeSent(), received: client.describe(), expected: '408' });
      }
    }),
  );
});

/** Bodies that go on: how they begin, and what keeps them going. */
const BODIES: readonly (readonly [what: string, framing: string, beginning: string, more: string])[] = [
  ['a body with a length', 'Content-Length: 100000', 'half', 'x'],
  ['a body in chunks', 'Transfer-Encoding: chunked', '4\r\nhalf\r\n', '1\r\nx\r\n'],
  ['a chunk with an extension', 'Transfer-Encoding: chunked', '4\r\nhalf\r\n4;name=', 'x'],
];

/** A server that is reached in one of two ways. */
interface Place {
  how: string;
  address: Address;
  secure: boolean;
}

/** The same settings for a server without TLS and for one with it. */
async function bothWays(stage: Stage, settings: Partial<Settings>): Promise<Place[]> {
  return [
    { how: 'without TLS', address: (await stage.serve(settings)).address, secure: false },
    { how: 'over TLS', address: (await stage.serveSecure(settings)).address, secure: true },
  ];
}

async function enter(stage: Stage, { address, secure }: Place, label: string): Promise<HttpClient> {
  return await stage.world.http(address, { label, ...(secure && { tls: {} }) });
}

async function quick(stage: Stage, place: Place): Promise<Awaited<ReturnType<HttpClient['response']>>> {
  return await (await enter(stage, place, 'somebody else')).send('GET', '/quick', closing()).response();
}

/** So many clients that have sent half a head. */
async function half(stage: Stage, address: Address, count: number): Promise<TcpClient[]> {
  const clients: TcpClient[] = [];
  while (clients.length < count) {
    const more = Array.from({ length: Math.min(100, count - clients.length) }, () => stage.world.client(address, { label: 'half a head' }));
    for (const client of await Promise.all(more.map(async (one) => await one.connected()))) clients.push(client.write('GET / HTTP/1.1\r\nHost: localhost\r\n'));
  }
  return clients;
}

/** Sends the same again and again until the server has ended the connection. */
async function trickle(stage: Stage, client: TcpClient, more: string, times = 1): Promise<void> {
  const { subject } = stage.world;
  for (const startedMs = subject.ownMs(); !client.ended && !client.closed;) {
    check(subject.ownMs() - startedMs < times * CUT_MS, { timed: true, sent: `${client.describeSent()}, ${JSON.stringify(more)} now and then`, received: 'the connection is still open', expected: `its end, when the time is up` });
    await staysOpen(client, GAP_MS);
    if (!client.ended && !client.closed) client.write(more);
  }
}

/** The least that an honest client takes at a time. The kernels on the way pass on nothing of what is less. */
const SIP_BYTES = 1024 * 1024;

/** Takes what comes a little at a time, until the connection is over or the time is up; which of the two it must be. */
async function sip(stage: Stage, client: TcpClient, ms: number, isCut: boolean): Promise<void> {
  const { subject } = stage.world;
  const isOver = (): boolean => client.ended || client.closed;
  client.pause();
  const startedMs = subject.ownMs();
  while (!isOver() && subject.ownMs() - startedMs < ms) {
    const before = client.receivedBytes;
    client.resume();
    await client.until(() => client.receivedBytes > before + (isCut ? 0 : SIP_BYTES) || isOver(), { expected: 'more of the response', patienceMs: CUT_MS });
    if (isOver()) break;
    client.pause();
    await subject.pass(GAP_MS / 4);
  }
  check(isOver() === isCut, { timed: true, sent: `${client.describeSent()}, and little of the response taken at a time`, received: isCut ? 'the connection is still open' : client.describe(), expected: isCut ? `the connection is cut after ${SLOW_MS} ms` : 'the response goes on' });
}

/** Takes nothing until the server has had the time to cut, and must then find the connection closed. */
async function expectCut(stage: Stage, client: TcpClient): Promise<void> {
  client.pause();
  const streaming = async (): Promise<number> => (await stage.world.call('clocked')).streaming;
  await eventually(stage.world, async () => (await streaming()) > 0, { sent: client.describeSent(), received: 'nothing of it in the application', expected: 'a call of the application' });
  await eventually(stage.world, async () => (await streaming()) === 0, { sent: client.describeSent(), received: 'the application goes on sending', expected: `the connection is cut after ${SLOW_MS} ms` }, CUT_MS);
  client.resume();
  await over(client, 'the connection is cut', CUT_MS);
}

/** The only response that came says that something is over, and so is the connection. */
async function expectRefused(http: HttpClient, status: number): Promise<void> {
  const response = theOnly(await http.responsesToEnd({ patienceMs: CUT_MS }), http.tcp);
  expectStatus(response, status, http.tcp.describeSent());
  check(saysClose(response), { sent: http.tcp.describeSent(), received: showResponse(response), expected: 'Connection: close' });
}
