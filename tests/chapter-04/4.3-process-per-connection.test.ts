import { exercise } from '#support/exercise.ts';
import type driver from './driver.ts';
import { expectBounded, expectCloses, expectCrashContained, expectDeadline, expectLeaversForgotten, expectOneEach } from './per-connection.ts';
import { expectAnswers, expectTogether } from './wire.ts';

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
    'finishes what is in progress when it closes, and leaves no process behind',
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
