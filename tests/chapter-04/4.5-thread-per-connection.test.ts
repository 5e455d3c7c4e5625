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
    'answers every request to the application',
    {
      rule: 'a design is a way to serve an application, not another application: the answers are the same under every design',
      likely: 'one of the messages from the thread is ignored',
    },
    async (world) => {
      await expectAnswers(world, DESIGN.name);
    },
  );

  rule(
    'one-thread-each',
    'gives each connection a thread that ends with it',
    {
      rule: 'one connection, one thread: started when the connection comes, gone when it ends',
      likely: 'the end of the connection does not reach the thread',
    },
    async (world) => {
      await expectOneEach(world, DESIGN);
    },
  );

  rule(
    'waits-together',
    'takes hardly longer over several slow requests than over one',
    {
      rule: 'while one thread is blocked, the others go on: k requests that wait take about one wait, not k',
      likely: 'the loop waits for one thread before it turns to the next',
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
      likely: 'the thread is not told about `end`, or `destroy` cuts off what was written last',
    },
    async (world) => {
      const server = await serve(world, DESIGN.name, { waitMs: 200 });
      const http = await visitor(world, server, 'client that closes its side');
      http.send('GET', '/slow').send('GET', '/').tcp.end();
      for (const target of ['/slow', '/']) isHello(await answer(http), `GET ${target}, then FIN`);
      await gone(http, 'the connection is closed when everything is answered');
      const silent = await visitor(world, server, 'client that sends nothing and closes its side');
      silent.tcp.end();
      await gone(silent, 'the connection is closed');
      await untilDeserted(world, 'clients that close their sending side');
    },
  );

  rule(
    'ends-our-side',
    'sends FIN after its last answer, and lets the client finish sending',
    {
      rule: 'a server that has answered for the last time ends its side first, and reads on for a while: if the socket is closed while the client still sends, the kernel sends RST, which may destroy the answer (RFC 9112 §9.6)',
      likely: '`end` from the thread is ignored, or is mistaken for the end of the connection',
    },
    async (world) => {
      const server = await serve(world, DESIGN.name);
      const sent = 'bytes that are not a request; after the answer and the FIN, more of them';
      // The server reads on for two seconds, which a busy machine may use up.
      for (let attempt = 1; ; attempt++) {
        const http = await visitor(world, server, `client that goes on sending (${attempt})`);
        http.sendBytes(`${world.random.words(3)}\r\n\r\n`);
        expectStatus(await answer(http), 400, 'bytes that are not a request');
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
      rule: 'one chunk is under way in each direction: while the thread is blocked, the kernel holds back what the client sends, and our memory does not fill',
      likely: 'the socket is read while the thread is busy: everything piles up in messages',
    },
    async (world) => {
      await expectHeldBack(world, DESIGN.name, { what: 'bytes that are not a request', bytes: Buffer.alloc(1 << 20, 'x') });
    },
  );

  rule(
    'waits-for-slow-readers',
    'writes no faster than the client reads, and goes on when the client does',
    {
      rule: 'the thread is told `written` every time the kernel has taken what was written, and not before',
      likely: '`written` is sent at once, or never',
    },
    async (world) => {
      await expectWaitsForReader(world, DESIGN.name);
    },
  );

  rule(
    'bounded',
    'runs at most `workers` threads at a time, and makes other clients wait',
    {
      rule: 'at most `workers` threads run at a time, at most queueMax connections wait, and the rest get 503 with Retry-After (RFC 9110 §15.6.4)',
      likely: 'a thread that is gone still counts, or one that still runs does not',
    },
    async (world) => {
      await expectBounded(world, DESIGN);
    },
  );

  rule(
    'crash-ends-one',
    'survives a thread that crashes: its connection ends, and no other client notices',
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
    'keeps its counts right whenever clients leave',
    {
      rule: 'a client that has left no longer needs a thread',
      likely: 'the `error` event of the socket has no listener, or does not end the connection',
    },
    async (world) => {
      await expectLeaversForgotten(world, DESIGN);
    },
  );

  rule(
    'closes',
    'finishes what is in progress when it closes, and leaves no thread behind',
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
      rule: 'nothing may keep a server from closing: after deadlineMs whatever is left is terminated',
      likely: 'a blocked thread reads no messages: it can only be terminated',
    },
    async (world) => {
      await expectDeadline(world, DESIGN);
    },
  );
});
