import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { requestBytes } from '#support/http-client.ts';
import { expectStatus } from '#support/http-exchange.ts';
import type driver from './driver.ts';
import {
  answer,
  expectAnswers,
  expectFinishes,
  expectHeldBack,
  expectHello,
  expectTogether,
  expectWaitsForReader,
  gone,
  isHello,
  serve,
  showStats,
  statsOf,
  untilDeserted,
  untilStats,
  visitor,
} from './wire.ts';

/** Both designs are one loop and make the same promises. */
const LOOPS = ['callbacks', 'async'] as const;

exercise<typeof driver>('4.2', import.meta.url, (rule) => {
  rule(
    'callbacks-answers',
    'answers every request of the application, with callbacks',
    {
      rule: 'a design is a way to serve an application, not another application: the answers are the same under every design',
      likely: 'an event of the machine is ignored, or `#answered` is never called back, or the application is not given what the request says',
    },
    async (world) => {
      await expectAnswers(world, 'callbacks');
    },
  );

  rule(
    'async-answers',
    'answers every request of the application, with async/await',
    {
      rule: 'a design is a way to serve an application, not another application: the answers are the same under every design',
      likely: 'an event is not awaited, or a chunk is not given to the machine, or the application is not given what the request says',
    },
    async (world) => {
      await expectAnswers(world, 'async');
    },
  );

  rule(
    'waits-together',
    'takes hardly longer over several slow requests than over one',
    {
      rule: 'a request that waits lets the loop turn: k of them take about one wait, not k',
      likely: 'the next client is served only when the answer before has been sent',
    },
    async (world) => {
      for (const name of LOOPS) await expectTogether(world, name);
    },
  );

  rule(
    'keeps-the-order',
    'answers requests that are sent together on one connection in their order',
    {
      rule: 'responses leave in the order of the requests (RFC 9112 §9.3.2), however long one of them takes',
      likely: 'the next request is begun before the previous one is answered, or what came in the meantime is forgotten',
    },
    async (world) => {
      for (const name of LOOPS) {
        const server = await serve(world, name, { waitMs: 100 });
        const wanted = [
          { target: '/slow', status: 200 },
          ...world.random.shuffle([{ target: '/nowhere', status: 404 }, { target: '/', status: 200 }, { target: '/cpu?ms=none', status: 400 }, { target: '/slow', status: 200 }]),
          { target: '/nowhere', status: 404 },
        ];
        const http = await visitor(world, server, `${name}: client that sends ${wanted.length} requests at once`);
        http.sendBytes(Buffer.concat(wanted.map(({ target }) => requestBytes('GET', target))), wanted.map(() => 'GET'));
        for (const { target, status } of wanted) expectStatus(await answer(http), status, `${name}: ${wanted.map((one) => one.target).join(', ')} in one write; the answer to ${target}`);
        http.send('GET', '/');
        isHello(await answer(http, 'the connection goes on'), `${name}: GET / after them`);
      }
    },
  );

  rule(
    'reads-in-any-pieces',
    'reads a request in whatever pieces it comes, and whatever follows its body',
    {
      rule: 'a stream has no messages: a request may come byte by byte, and the next one may follow its body directly',
      likely: 'each chunk is mistaken for a request, or a body is mistaken for the next request',
    },
    async (world) => {
      for (const name of LOOPS) {
        const server = await serve(world, name);
        const http = await visitor(world, server, `${name}: client that sends in pieces`);
        const body = world.random.bytes(world.random.integer(3_000, 9_000));
        const bytes = Buffer.concat([requestBytes('GET', '/'), requestBytes('POST', '/', { body }), requestBytes('POST', '/', { chunks: [body.subarray(0, 70), body.subarray(70)] }), requestBytes('GET', '/')]);
        http.announce('GET', 'POST', 'POST', 'GET');
        await http.tcp.writePieces([...Array.from({ length: 8 }, (_, index) => bytes.subarray(index, index + 1)), ...world.random.pieces(bytes.subarray(8), 4_000)]);
        const sent = `${name}: GET /, POST / with ${body.length} bytes, the same in chunks, and GET /, in pieces`;
        isHello(await answer(http), sent);
        for (let posts = 0; posts < 2; posts++) expectStatus(await answer(http), 405, sent);
        isHello(await answer(http), sent);
      }
    },
  );

  rule(
    'refuses-what-is-not-http',
    'answers bytes that are not a request with 400 and ends that connection, and no other',
    {
      rule: 'bytes that cannot be read are answered with 400, and the connection ends: what follows could be anything (RFC 9112 §2.2)',
      likely: 'nothing catches what the machine throws, or it ends the whole process',
    },
    async (world) => {
      for (const name of LOOPS) {
        const server = await serve(world, name);
        const other = await visitor(world, server, `${name}: another client`);
        const http = await visitor(world, server, `${name}: client that does not speak HTTP`);
        http.sendBytes(`${requestBytes('GET', '/').toString()}${world.random.words(3)}\r\n\r\n`, ['GET', 'GET']);
        isHello(await answer(http), `${name}: GET /, then bytes that are not a request`);
        expectStatus(await answer(http), 400, `${name}: bytes that are not a request`);
        await gone(http, 'the connection is closed after the 400');
        other.send('GET', '/');
        isHello(await answer(other), `${name}: GET / on another connection`);
      }
    },
  );

  rule(
    'answers-after-fin',
    'answers a client that has closed its sending side, and then closes',
    {
      rule: 'a FIN says that no more requests come; those that have come are answered (RFC 9112 §9.6)',
      likely: 'the end of the input is mistaken for the end of the connection, or our side is never ended',
    },
    async (world) => {
      for (const name of LOOPS) {
        const server = await serve(world, name, { waitMs: 100 });
        const http = await visitor(world, server, `${name}: client that closes its side`);
        http.send('GET', '/slow').send('GET', '/').tcp.end();
        for (const target of ['/slow', '/']) isHello(await answer(http), `${name}: GET ${target}, then FIN`);
        await gone(http, 'the connection is closed when everything is answered');
        const silent = await visitor(world, server, `${name}: client that sends nothing and closes its side`);
        silent.tcp.end();
        await gone(silent, 'the connection is closed');
        await untilDeserted(world, `${name}: clients that close their sending side`);
      }
    },
  );

  rule(
    'refuses-half-a-body',
    'does not answer a request whose body breaks off as though it were complete',
    {
      rule: 'a message whose body is shorter than its Content-Length is incomplete (RFC 9112 §8): 400, or the end of the connection',
      likely: 'the end of the input is mistaken for the end of the request: only the machine knows whether something is missing; ask it with `receiveEof`',
    },
    async (world) => {
      for (const name of LOOPS) {
        const server = await serve(world, name);
        const length = world.random.integer(2_000, 9_000);
        const whole = requestBytes('GET', '/', { body: world.random.bytes(length) });
        const missing = world.random.integer(1, length - 1);
        const http = await visitor(world, server, `${name}: client that breaks off`);
        http.sendBytes(whole.subarray(0, whole.length - missing)).tcp.end();
        await gone(http, 'the connection is closed');
        const sent = `${name}: GET / with a body that lacks the last ${missing} of its ${length} bytes, then FIN`;
        if (http.leftOver.length > 0) expectStatus(await answer(http), 400, sent);
        await expectHello(world, server, `(${name}) after a request that broke off`);
      }
    },
  );

  rule(
    'holds-back-early-senders',
    'takes in only a little of what a client sends before its answers have come',
    {
      rule: 'what cannot be answered yet must not pile up in the server: it stops reading, and the kernel holds the client back',
      likely: 'a socket that was paused because too much had come is resumed although the machine still holds too much',
    },
    async (world) => {
      const request = requestBytes('GET', '/slow');
      const bytes = Buffer.concat(Array.from({ length: Math.ceil((1 << 20) / request.length) }, () => request));
      for (const name of LOOPS) await expectHeldBack(world, name, { what: 'more requests', bytes });
    },
  );

  rule(
    'waits-for-slow-readers',
    'answers no faster than a client reads, and goes on when the client does',
    {
      rule: 'a client that does not read gets no more answers, since they would pile up in the server; when it reads, every request is answered',
      likely: 'nothing checks whether the client takes what is written, or nothing goes on at `drain`',
    },
    async (world) => {
      for (const name of LOOPS) await expectWaitsForReader(world, name);
    },
  );

  rule(
    'survives-leavers',
    'goes on when clients leave in the middle, and keeps its counts right',
    {
      rule: 'a client may leave at any time: no other client notices, and the counts are right afterwards',
      likely: 'an answer is sent to a socket that is gone, or an `error` event has no listener',
    },
    async (world) => {
      for (const name of LOOPS) {
        const server = await serve(world, name, { waitMs: 200 });
        const others = await visitor(world, server, `${name}: client that stays`);
        others.send('GET', '/slow');
        const leavers = await Promise.all(['resets', 'closes', 'sends half a request', 'sends nothing'].map((how) => visitor(world, server, `${name}: client that leaves (${how})`)));
        await untilStats(world, ({ open }) => open === 5, `${name}: five connections`, 'open 5');
        for (const http of leavers.slice(0, 2)) http.sendBytes(Buffer.concat([requestBytes('GET', '/slow'), requestBytes('GET', '/')]), ['GET', 'GET']);
        leavers[2]!.tcp.write('GET / HT');
        await world.settle();
        for (const [index, { tcp }] of leavers.entries()) index === 1 ? tcp.end() : tcp.resetNow();
        isHello(await answer(others), `${name}: GET /slow, while others leave`);
        await gone(leavers[1]!, 'the connection is closed when its requests are answered');
        const { open, workers } = await untilStats(world, (stats) => stats.open === 1, `${name}: four of five clients have left in the middle`, 'open 1');
        check(open === 1 && workers.length === 1 && workers[0]?.kind === 'loop', { sent: `${name}: stats()`, received: showStats(await statsOf(world)), expected: 'a single worker, the loop' });
        await expectHello(world, server, `${name}: after the clients that left`);
      }
    },
  );

  rule(
    'closes',
    'finishes what is in progress when it closes, and then closes the connection',
    {
      rule: 'close stops accepting, answers what is in progress, and closes idle connections',
      likely: 'connections are destroyed at once, or idle ones are waited for',
    },
    async (world) => {
      for (const name of LOOPS) {
        await expectFinishes(world, name, {}, async () => async () => {});
      }
    },
  );
});
