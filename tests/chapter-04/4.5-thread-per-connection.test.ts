import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { requestBytes } from '#support/http-client.ts';
import { expectStatus } from '#support/http-exchange.ts';
import type driver from './driver.ts';
import { expectBounded, expectCloses, expectCrashContained, expectDeadline, expectLeaversForgotten, expectOneEach } from './per-connection.ts';
import { answer, expectAnswers, expectHeldBack, expectTogether, expectWaitsForReader, gone, isHello, PATIENT_MS, serve, untilDeserted, visitor } from './wire.ts';

const DESIGN = { name: 'thread-per-connection', kind: 'thread' } as const;

exercise<typeof driver>('4.5', import.meta.url, (rule) => {
  rule(
    'gives-the-answers',
    'answers every request of the application',
    {
      rule: 'a design is a way to serve an application, not another application: its answers are the same under each',
      likely: 'one of the messages of the thread has nobody who acts on it',
    },
    async (world) => {
      await expectAnswers(world, DESIGN.name);
    },
  );

  rule(
    'one-thread-each',
    'gives each connection a thread, which ends with it',
    {
      rule: 'one connection, one thread: started when it comes, gone when it goes',
      likely: 'the end of the connection does not reach the thread',
    },
    async (world) => {
      await expectOneEach(world, DESIGN);
    },
  );

  rule(
    'waits-together',
    'takes hardly longer for several slow requests than for one',
    {
      rule: 'while one thread stands still, the others do not: k requests that wait take about one wait, not k',
      likely: 'the loop waits for a thread before it turns to the next',
    },
    async (world) => {
      await expectTogether(world, DESIGN.name, { workers: 4 });
    },
  );

  rule(
    'relays-every-byte',
    'carries every byte, in whatever pieces it comes',
    {
      rule: 'what the client sends goes to the thread chunk by chunk, in order and once',
      likely: 'the socket is not resumed when the thread asks for more, or a chunk is lost while it is paused',
    },
    async (world) => {
      const server = await serve(world, DESIGN.name);
      const http = await visitor(world, server, 'client that sends in pieces');
      const requests = Array.from({ length: 30 }, () => (world.random.boolean() ? requestBytes('GET', '/') : requestBytes('POST', '/', { body: world.random.bytes(world.random.integer(1_000, 9_000)) })));
      const bytes = Buffer.concat([requestBytes('GET', '/'), ...requests]);
      http.announce('GET', ...requests.map(() => 'GET'));
      await http.tcp.writePieces([...Array.from({ length: 6 }, (_, index) => bytes.subarray(index, index + 1)), ...world.random.pieces(bytes.subarray(6), 40_000)]);
      const sent = `${requests.length} requests, some with a body, ${bytes.length} bytes in pieces`;
      isHello(await answer(http), sent);
      for (const request of requests) expectStatus(await answer(http, 'every request is answered'), request[0] === 'G'.charCodeAt(0) ? 200 : 405, sent);
    },
  );

  rule(
    'answers-after-fin',
    'answers a client that has closed its sending side, and then closes',
    {
      rule: 'a FIN says that no more requests come; those that have come are answered (RFC 9112 §9.6)',
      likely: '`end` is not told to the thread, or what was written last is cut off by `destroy`',
    },
    async (world) => {
      const server = await serve(world, DESIGN.name, { waitMs: 200 });
      const http = await visitor(world, server, 'client that closes its side');
      http.send('GET', '/slow').send('GET', '/').tcp.end();
      for (const target of ['/slow', '/']) isHello(await answer(http), `GET ${target}, then FIN`);
      await gone(http, 'the connection is closed when everything is answered');
      const silent = await visitor(world, server, 'client that says nothing and closes its side');
      silent.tcp.end();
      await gone(silent, 'the connection is closed');
      await untilDeserted(world, 'clients that close their sending side');
    },
  );

  rule(
    'ends-our-side',
    'says FIN after its last answer, and lets the client finish what it says',
    {
      rule: 'a server that has answered for the last time ends its side first, and reads on for a while: a socket that is closed while the client still sends answers by RST, which may destroy the answer (RFC 9112 §9.6)',
      likely: '`end` of the thread has nobody who acts on it, or is taken for the end of the connection',
    },
    async (world) => {
      const server = await serve(world, DESIGN.name);
      const sent = 'what is no request; after the answer and the FIN, more of it';
      // It reads on for two seconds: a busy machine may take them away.
      for (let attempt = 1; ; attempt++) {
        const http = await visitor(world, server, `client that goes on sending (${attempt})`);
        http.sendBytes(`${world.random.words(3)}\r\n\r\n`);
        expectStatus(await answer(http), 400, 'what is no request');
        await http.tcp.readToEnd({ sent, patienceMs: PATIENT_MS, expected: 'the server ends its side of the connection (FIN)' });
        for (let more = 0; more < 3; more++) {
          http.tcp.write(`${world.random.words(3)}\r\n`);
          await world.settle();
        }
        const { reset } = http.tcp;
        http.tcp.end();
        if (!reset) return;
        check(attempt < 4, { sent, received: http.tcp.describe(), expected: 'no reset: the server has ended its side, not the connection' });
      }
    },
  );

  rule(
    'one-chunk-under-way',
    'takes no more from a client than its thread has asked for',
    {
      rule: 'one chunk is under way in each direction: while the thread stands still, the kernel holds back the client, and not our memory',
      likely: 'the socket goes on reading while the thread is busy: everything piles up in messages',
    },
    async (world) => {
      await expectHeldBack(world, DESIGN.name, { what: 'what is no request', bytes: Buffer.alloc(1 << 20, 'x') });
    },
  );

  rule(
    'waits-for-slow-readers',
    'writes no more than the client reads, and goes on when it does',
    {
      rule: 'the thread is told `written` when the kernel has taken what was written: not before, and always',
      likely: '`written` is told at once, or never',
    },
    async (world) => {
      await expectWaitsForReader(world, DESIGN.name);
    },
  );

  rule(
    'bounded',
    'has no more threads at a time than it may, and lets others wait',
    {
      rule: 'at most `workers` threads at a time, at most queueMax connections wait, the rest gets 503 with Retry-After (RFC 9110 §15.6.4)',
      likely: 'a thread that is gone still counts, or one that is not gone does not',
    },
    async (world) => {
      await expectBounded(world, DESIGN);
    },
  );

  rule(
    'crash-ends-one',
    'survives a thread that crashes: its connection ends, and nobody else notices',
    {
      rule: 'a thread that dies takes its own connection with it and nothing else',
      likely: 'the socket belongs to the loop and stays open when its thread is gone',
    },
    async (world) => {
      await expectCrashContained(world, DESIGN);
    },
  );

  rule(
    'forgets-leavers',
    'counts right when clients leave at any time',
    {
      rule: 'a client that leaves needs no thread any more',
      likely: 'an error of the socket has no listener, or does not end it',
    },
    async (world) => {
      await expectLeaversForgotten(world, DESIGN);
    },
  );

  rule(
    'closes',
    'finishes what is in progress when it closes, and leaves no thread after',
    {
      rule: 'close stops accepting, answers what is in progress, and resolves when every thread is gone',
      likely: 'the connection is destroyed before its last bytes have left',
    },
    async (world) => {
      await expectCloses(world, DESIGN);
    },
  );

  rule(
    'deadline-ends-the-rest',
    'ends a thread that hangs at the deadline',
    {
      rule: 'nobody can keep a server from closing: after deadlineMs what is left is ended',
      likely: 'a thread that stands still reads no message: it can only be terminated',
    },
    async (world) => {
      await expectDeadline(world, DESIGN);
    },
  );
});
