import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type driver from './driver.ts';
import { expectBounded, expectCloses, expectCrashContained, expectDeadline, expectLeaversForgotten, expectOneEach } from './per-connection.ts';
import { answer, expectAnswers, expectHello, expectTogether, gone, isHello, serve, settled, until, untilStats, visitor } from './wire.ts';

const DESIGN = { name: 'process-per-connection', kind: 'process' } as const;

exercise<typeof driver>('4.3', import.meta.url, (rule) => {
  rule(
    'gives-the-answers',
    'answers every request of the application',
    {
      rule: 'a design is a way to serve an application, not another application: its answers are the same under each',
      likely: 'the socket does not go with the message, or a question of the process is not answered',
    },
    async (world) => {
      await expectAnswers(world, DESIGN.name);
    },
  );

  rule(
    'one-process-each',
    'gives each connection a process, which ends with it',
    {
      rule: 'one connection, one process: started when it comes, gone when it goes',
      likely: 'the process is not announced to the context, or not taken from it when it is gone',
    },
    async (world) => {
      await expectOneEach(world, DESIGN);
    },
  );

  rule(
    'waits-together',
    'takes hardly longer for several slow requests than for one',
    {
      rule: 'while one process stands still, the others do not: k requests that wait take about one wait, not k',
      likely: 'the next process is started when the one before has gone',
    },
    async (world) => {
      await expectTogether(world, DESIGN.name, { workers: 4 });
    },
  );

  rule(
    'bounded',
    'has no more processes at a time than it may, and lets others wait',
    {
      rule: 'a process costs tens of megabytes: at most `workers` at a time, at most queueMax wait, the rest gets 503 with Retry-After (RFC 9110 §15.6.4)',
      likely: 'the promise resolves before the process is gone, or never',
    },
    async (world) => {
      await expectBounded(world, DESIGN);
    },
  );

  rule(
    'crash-ends-one',
    'survives a process that crashes: its connection ends, and nobody else notices',
    {
      rule: 'a process that dies takes its own connection with it and nothing else',
      likely: 'this process keeps a copy of the socket, or a death counts as somebody who is still at work',
    },
    async (world) => {
      await expectCrashContained(world, DESIGN);
    },
  );

  rule(
    'failed-start-ends-one',
    'ends the connection whose process cannot be started, or dies before it has the socket',
    {
      rule: 'a client must not wait for an answer from nobody: its connection ends with its process, also with one that never was',
      likely: 'Node lets go of a socket that was sent only when the child has confirmed: keep your copy (`keepOpen`), and destroy it when the child is gone',
    },
    async (world) => {
      const server = await serve(world, DESIGN.name, { workers: 2 });
      const other = await settled(world, server, 'client beside it');
      for (const how of world.random.shuffle(['no program', 'dies at once'] as const)) {
        const what = how === 'no program' ? 'its process cannot be started' : 'its process dies at once';
        await world.call('breakStarts', how);
        const http = await visitor(world, server, `client, and ${what}`);
        http.send('GET', '/');
        await gone(http, 'the connection ends: nobody will ever answer');
        check(http.leftOver.length === 0, { sent: `GET /; ${what}`, received: http.tcp.describe(), expected: 'no answer: nobody is there to give one' });
        if (how === 'no program') {
          await until(world, () => world.call('errors'), (errors) => errors.length > 0, { sent: `GET /; ${what}`, show: () => 'onError was told nothing', expected: 'onError is told why', likely: 'the `error` of the child has no listener, or it goes nowhere' });
        }
        await untilStats(world, ({ open, workers }) => open === 1 && workers.length === 1, `two connections; ${what}, for the second`, 'open 1 and 1 worker', 'a process that could not be started has no `exit`, but a `close`');
        other.send('GET', '/');
        isHello(await answer(other), 'GET / on another connection');
      }
      await world.call('breakStarts', 'not at all');
      await expectHello(world, server, 'when processes can be started again');
    },
  );

  rule(
    'forgets-leavers',
    'counts right when clients leave at any time',
    {
      rule: 'a client that leaves needs no process any more',
      likely: 'the socket is handed over when it is no more, and the process waits for it for ever',
    },
    async (world) => {
      await expectLeaversForgotten(world, DESIGN);
    },
  );

  rule(
    'closes',
    'finishes what is in progress when it closes, and leaves no process after',
    {
      rule: 'close stops accepting, answers what is in progress, and resolves when every process is gone',
      likely: '`finish` does not tell the process, or kills it',
    },
    async (world) => {
      await expectCloses(world, DESIGN);
    },
  );

  rule(
    'deadline-ends-the-rest',
    'ends a process that hangs at the deadline',
    {
      rule: 'nobody can keep a server from closing: after deadlineMs what is left is killed',
      likely: 'a process that stands still reads no message: it can only be killed',
    },
    async (world) => {
      await expectDeadline(world, DESIGN);
    },
  );
});
