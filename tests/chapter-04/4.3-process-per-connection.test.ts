import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type driver from './driver.ts';
import { expectBounded, expectCloses, expectCrashContained, expectDeadline, expectLeaversForgotten, expectOneEach } from './per-connection.ts';
import { answer, expectAnswers, expectHello, expectTogether, gone, isHello, serve, settled, until, untilStats, visitor } from './wire.ts';

const DESIGN = { name: 'process-per-connection', kind: 'process' } as const;

exercise<typeof driver>('4.3', import.meta.url, (rule) => {
  rule(
    'gives-the-answers',
    'answers every request to the application',
    {
      rule: 'a design is a way to serve an application, not another application: the answers are the same under every design',
      likely: 'the socket is not sent with the message, or a question from the process is not answered',
    },
    async (world) => {
      await expectAnswers(world, DESIGN.name);
    },
  );

  rule(
    'one-process-each',
    'gives each connection a process that ends with it',
    {
      rule: 'one connection, one process: started when the connection comes, gone when it ends',
      likely: 'the process is not added to the context, or is not removed from it when it is gone',
    },
    async (world) => {
      await expectOneEach(world, DESIGN);
    },
  );

  rule(
    'waits-together',
    'takes hardly longer over several slow requests than over one',
    {
      rule: 'while one process is blocked, the others go on: k requests that wait take about one wait, not k',
      likely: 'the next process is started only when the previous one has gone',
    },
    async (world) => {
      await expectTogether(world, DESIGN.name, { workers: 4 });
    },
  );

  rule(
    'bounded',
    'runs at most `workers` processes at a time, and makes other clients wait',
    {
      rule: 'a process costs tens of megabytes: at most `workers` run at a time, at most queueMax clients wait, and the rest get 503 with Retry-After (RFC 9110 §15.6.4)',
      likely: 'the promise resolves before the process is gone, or never',
    },
    async (world) => {
      await expectBounded(world, DESIGN);
    },
  );

  rule(
    'crash-ends-one',
    'survives a process that crashes: its connection ends, and no other client notices',
    {
      rule: 'a process that dies takes its own connection with it and nothing else',
      likely: 'this process keeps a copy of the socket, or a dead process still counts as one at work',
    },
    async (world) => {
      await expectCrashContained(world, DESIGN);
    },
  );

  rule(
    'failed-start-ends-one',
    'ends the connection when its process cannot be started, or dies before it has the socket',
    {
      rule: 'a client must not wait for an answer that nobody will give: its connection ends when its process does, and when that process cannot be started',
      likely: 'Node lets go of a socket that was sent only when the child has confirmed: keep your copy (`keepOpen`), and destroy it when the child is gone',
    },
    async (world) => {
      const server = await serve(world, DESIGN.name, { workers: 2 });
      const other = await settled(world, server, 'client on another connection');
      for (const how of world.random.shuffle(['no program', 'dies at once'] as const)) {
        const what = how === 'no program' ? 'its process cannot be started' : 'its process dies at once';
        await world.call('breakStarts', how);
        const http = await visitor(world, server, `client, and ${what}`);
        http.send('GET', '/');
        await gone(http, 'the connection ends: nothing will ever answer');
        check(http.leftOver.length === 0, { sent: `GET /; ${what}`, received: http.tcp.describe(), expected: 'no answer: nothing is left to give one' });
        if (how === 'no program') {
          await until(world, () => world.call('errors'), (errors) => errors.length > 0, { sent: `GET /; ${what}`, show: () => 'onError was told nothing', expected: 'onError is told why', likely: 'the `error` event of the child has no listener, or the error is not passed on' });
        }
        await untilStats(world, ({ open, workers }) => open === 1 && workers.length === 1, `two connections; ${what}, for the second`, 'open 1 and 1 worker', 'a process that could not be started emits `close` and never `exit`');
        other.send('GET', '/');
        isHello(await answer(other), 'GET / on another connection');
      }
      await world.call('breakStarts', 'not at all');
      await expectHello(world, server, 'when processes can be started again');
    },
  );

  rule(
    'forgets-leavers',
    'keeps its counts right whenever clients leave',
    {
      rule: 'a client that has left no longer needs a process',
      likely: 'a socket that is already gone is handed over, and the process waits for it for ever',
    },
    async (world) => {
      await expectLeaversForgotten(world, DESIGN);
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
      await expectCloses(world, DESIGN);
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
      await expectDeadline(world, DESIGN);
    },
  );
});
