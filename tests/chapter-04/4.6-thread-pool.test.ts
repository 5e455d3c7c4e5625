import { count } from '#support/bytes.ts';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import type driver from './driver.ts';
import type { PoolSetup, TaskOutcome } from './driver.ts';
import type { PoolTask } from './task-thread.ts';
import {
  answer,
  ask,
  expectAnswers,
  expectClosed,
  expectFinishes,
  expectRefused,
  expectStatus,
  expectTogether,
  FAR_MS,
  isHello,
  PATIENT_MS,
  serve,
  slowOnes,
  until,
  untilDeserted,
  untilStats,
  visitor,
} from './wire.ts';
import type { TestWorld } from './wire.ts';

const NAME = 'thread-pool';

async function startPool(world: TestWorld, setup: Partial<PoolSetup>): Promise<void> {
  await world.callPatiently({ patienceMs: PATIENT_MS }, 'startPool', { size: 1, queueMax: 10, taskTimeoutMs: FAR_MS, ...setup });
}

function showOutcome(outcome: TaskOutcome): string {
  if (outcome.state === 'waits') return 'its promise is still pending';
  if (outcome.state === 'result') return `the result ${JSON.stringify(outcome.result)}`;
  return outcome.code === undefined ? `an error: ${outcome.message}` : `a PoolError '${outcome.code}': ${outcome.message}`;
}

const showTask = (task: PoolTask): string => ('gate' in task ? 'a task that waits' : task.do === 'add' ? `a task ${task.a} + ${task.b}` : `a task that is to ${task.do}`);

/** Waits until a task has ended, with a result or an error. */
async function outcomeOf(world: TestWorld, number: number, sent: string, expected: string): Promise<TaskOutcome> {
  return await until(world, () => world.call('outcome', number), ({ state }) => state !== 'waits', { sent, show: showOutcome, expected });
}

async function expectResult(world: TestWorld, number: number, result: unknown, sent: string): Promise<void> {
  const outcome = await outcomeOf(world, number, sent, `the result ${JSON.stringify(result)}`);
  check(outcome.state === 'result' && outcome.result === result, { sent, received: showOutcome(outcome), expected: `the result ${JSON.stringify(result)}` });
}

async function expectFailure(world: TestWorld, number: number, code: string, sent: string): Promise<void> {
  const outcome = await outcomeOf(world, number, sent, `a PoolError '${code}'`);
  check(outcome.state === 'failed' && outcome.code === code, { sent, received: showOutcome(outcome), expected: `a PoolError '${code}'` });
}

/** A sum that the pool must still be able to compute. */
async function expectSum(world: TestWorld, when: string): Promise<void> {
  const [a, b] = [world.random.integer(1, 999), world.random.integer(1, 999)];
  await expectResult(world, await world.call('run', { do: 'add', a, b }), a + b, `a task ${a} + ${b} ${when}`);
}

/** Gives a pool of 2 two tasks that end when `gate` opens: each thread must take one. Afterwards both threads are idle. */
async function expectBothWork(world: TestWorld, gate: number, after: string): Promise<void> {
  const { call } = world;
  const marks = [2 * gate, 2 * gate + 1];
  const both: number[] = [];
  for (const mark of marks) both.push(await call('run', { do: 'wait', gate, mark }));
  await until(world, async () => (await Promise.all(marks.map((mark) => call('begun', mark)))).join(), (begun) => begun === '1,1', {
    sent: `two tasks for a pool of 2, after ${after}`,
    show: (begun) => `begun ${begun.replace(',', ' and ')} times`,
    expected: 'both are begun: every thread that survived is in use, and so is every replacement',
  });
  await call('openGate', gate);
  for (const task of both) await expectResult(world, task, `after gate ${gate}`, 'one of two tasks for a pool of 2');
}

type PoolStats = Awaited<ReturnType<typeof poolStats>>;
const poolStats = async (world: TestWorld) => await world.call('poolStats');
const showPool = ({ queued, running, refused, done, threads }: PoolStats): string => `queued ${queued}, running ${running}, refused ${refused}, done ${done}, threads ${threads.map(({ id }) => id).join(', ') || 'none'}`;
const idsOf = ({ threads }: PoolStats): string => threads.map(({ id }) => id).sort((a, b) => a - b).join();

async function untilPool(world: TestWorld, holds: (stats: PoolStats) => boolean, sent: string, expected: string): Promise<PoolStats> {
  return await until(world, () => poolStats(world), holds, { sent, show: showPool, expected });
}

exercise<typeof driver>('4.6', import.meta.url, (rule) => {
  rule(
    'does-tasks',
    'runs tasks on its threads, and passes on the outcome of each',
    {
      rule: 'run gives a task to a thread, and resolves to its result or rejects with the error that it threw',
      likely: "the promise is not tied to its task: it never settles, or settles with another task's result",
    },
    async (world) => {
      await startPool(world, { size: 2 });
      const numbers = Array.from({ length: 6 }, () => [world.random.integer(1, 999), world.random.integer(1, 999)] as const);
      // All in one go, so that four of them have to wait.
      const tasks = await world.call('runAll', numbers.map(([a, b]) => ({ do: 'add' as const, a, b })));
      for (const [index, [a, b]] of numbers.entries()) await expectResult(world, tasks[index]!, a + b, `a task ${a} + ${b}, one of six`);
      const message = world.random.words(3);
      const throws = await outcomeOf(world, await world.call('run', { do: 'throw', message }), 'a task that throws', `an error with the message ${message}`);
      check(throws.state === 'failed' && throws.code === undefined && throws.message === message, { sent: 'a task that throws', received: showOutcome(throws), expected: `its error: ${message}` });
      await expectSum(world, 'after a task that threw');
      const { left, result } = await world.call('runWithBuffer', 5_000);
      check(left === 0 && result === 5_000, { sent: 'a task with a buffer of 5,000 bytes in `transfer`', received: `${String(result)} bytes reached the thread, ${left} stayed here`, expected: 'all of them go to the thread, and none stays', likely: "the task's `transfer` does not reach `postMessage`: without it, everything is copied" });
    },
  );

  rule(
    'keeps-its-threads',
    'runs every task on the threads that it has',
    {
      rule: 'a pool: threads are started before they are needed, and used again',
      likely: 'a thread is started for each task, or does not become idle when its task is done',
    },
    async (world) => {
      const size = world.random.integer(2, 3);
      await startPool(world, { size, queueMax: 100 });
      const before = await poolStats(world);
      check(before.threads.length === size && before.running === 0, { sent: `a pool of ${size}`, received: showPool(before), expected: `${size} threads, and nothing running` });
      const tasks: number[] = [];
      for (let task = 0; task < 20; task++) tasks.push(await world.call('run', task % 5 === 4 ? { do: 'throw', message: 'no' } : { do: 'add', a: task, b: 1 }));
      for (const task of tasks) await outcomeOf(world, task, 'one of 20 tasks, some of which throw', 'a result or an error');
      const after = await poolStats(world);
      const { all } = await world.call('started');
      check(idsOf(after) === idsOf(before) && all === size, { sent: `20 tasks for a pool of ${size}`, received: `${showPool(after)}; ${count(all, 'thread')} started`, expected: `the same threads: ${idsOf(before)}` });
      check(after.running === 0 && after.queued === 0, { sent: '20 tasks, all of them done', received: showPool(after), expected: 'queued 0, running 0' });
    },
  );

  rule(
    'as-many-as-threads',
    'works on as many tasks at a time as it has threads, in the order in which they came',
    {
      rule: 'a free thread gets a task at once; otherwise the task waits, and the one that has waited longest is next',
      likely: 'a thread gets a second task before the first is done, or a thread that has become free gets none',
    },
    async (world) => {
      const { call } = world;
      await startPool(world, { size: 2 });
      const tasks: number[] = [];
      for (let gate = 0; gate < 5; gate++) tasks.push(await call('run', { do: gate % 2 === 0 ? 'wait' : 'await', gate, mark: gate }));
      const begunSoFar = async (): Promise<number[]> => await Promise.all(tasks.map((_, mark) => call('begun', mark)));
      for (let open = 0; open < 5; open++) {
        const wanted = tasks.map((_, mark) => (mark < open + 2 ? 1 : 0));
        const sent = `five tasks that wait, for two threads; ${open === 0 ? 'none' : open} of them may go on`;
        const begun = await until(world, begunSoFar, (times) => times.reduce((sum, one) => sum + one) >= Math.min(open + 2, 5), { sent, show: (times) => `begun: ${times.join(', ')}`, expected: `begun: ${wanted.join(', ')}` });
        check(begun.join() === wanted.join(), { sent, received: `begun: ${begun.join(', ')} times`, expected: `${wanted.join(', ')}: two at a time, first come, first served` });
        const stats = await poolStats(world);
        const running = Math.min(2, 5 - open);
        check(stats.running === running && stats.queued === 5 - open - running, { sent, received: showPool(stats), expected: `running ${running}, queued ${5 - open - running}` });
        await call('openGate', open);
        await expectResult(world, tasks[open]!, `after gate ${open}`, sent);
      }
      const { done, threads } = await poolStats(world);
      const ofThreads = threads.reduce((sum, thread) => sum + thread.done, 0);
      check(done === 5 && ofThreads === 5, { sent: 'five tasks', received: `done ${done}, and of the threads ${threads.map((thread) => thread.done).join(' and ')}`, expected: 'done 5, and the same sum over the threads' });
    },
  );

  rule(
    'queue-ends',
    'refuses a task at once while the queue is full, and takes tasks again when there is room',
    {
      rule: 'every queue needs a limit: a task that finds it full is refused at once, and counted; nothing waits for ever',
      likely: 'the queue has no limit, or refused tasks are put in it all the same',
    },
    async (world) => {
      const { call } = world;
      // With queueMax 0 no task may wait; one that finds an idle thread need not.
      for (const [gate, queueMax] of [world.random.integer(1, 3), 0].entries()) {
        await startPool(world, { size: 1, queueMax });
        const tasks = [await call('run', { do: 'wait', gate })];
        for (let waiting = 0; waiting < queueMax; waiting++) tasks.push(await call('run', { do: 'add', a: waiting, b: 1, mark: 1 }));
        for (let refused = 1; refused <= 2; refused++) {
          const sent = `task ${tasks.length + refused} for one thread, with queueMax ${queueMax}, while the first is not done`;
          await expectFailure(world, await call('run', { do: 'add', a: 1, b: 1, mark: 2 }), 'full', sent);
          const stats = await poolStats(world);
          check(stats.refused === refused && stats.queued === queueMax && stats.running === 1, { sent, received: showPool(stats), expected: `refused ${refused}, queued ${queueMax}, running 1` });
        }
        await call('openGate', gate);
        await expectResult(world, tasks[0]!, `after gate ${gate}`, `the first task for one thread, with queueMax ${queueMax}`);
        for (const task of tasks) await outcomeOf(world, task, 'a task that was not refused', 'a result');
        // A thread may need a moment to be idle again.
        await until(world, async () => await outcomeOf(world, await call('run', { do: 'add', a: 1, b: 1 }), 'a task when there is room again', 'a result'), (outcome) => outcome.state === 'result' && outcome.result === 2, { sent: 'tasks 1 + 1 when there is room again', show: showOutcome, expected: 'the result 2' });
      }
      check((await call('begun', 2)) === 0, { sent: 'tasks that were refused', received: 'they were begun all the same', expected: 'a refused task is not run' });
    },
  );

  rule(
    'crash-is-answered',
    'rejects the task of a thread that dies, and starts another thread in its place',
    {
      rule: 'no task is lost without an answer: when its thread dies, the task fails with `died`, once; waiting tasks go to other threads',
      likely: 'a thread that is gone still has its task, or is still listed as idle',
    },
    async (world) => {
      const { call, random } = world;
      await startPool(world, { size: 2 });
      const before = await poolStats(world);
      const crashes = [await call('run', { do: 'crash', mark: 0 }), await call('run', { do: 'fail outside', mark: 1 })];
      const waiting: number[] = [];
      for (let task = 0; task < 4; task++) waiting.push(await call('run', { do: 'add', a: task, b: 100, mark: 2 + task }));
      for (const [index, task] of crashes.entries()) await expectFailure(world, task, 'died', index === 0 ? 'a task that ends its thread' : 'a task whose thread dies of an error that nobody catches');
      for (const [index, task] of waiting.entries()) await expectResult(world, task, index + 100, 'a task that waited while two threads died');
      const after = await untilPool(world, ({ threads, running, queued }) => threads.length === 2 && running === 0 && queued === 0, 'two tasks whose threads died', 'two threads again, running 0, queued 0');
      // One of the two may have survived both, if the first dead thread was replaced before the second task came.
      check(idsOf(after) !== idsOf(before), { sent: 'two tasks whose threads died', received: `${showPool(after)}; before: ${idsOf(before)}`, expected: 'new threads in place of those that died' });
      const begun = await Promise.all([0, 1, 2, 3, 4, 5].map((mark) => call('begun', mark)));
      check(begun.every((times) => times === 1), { sent: 'two tasks whose threads died, and four more', received: `begun ${begun.join(', ')} times`, expected: 'once each: nobody knows how far a task had got, so it is never retried' });
      // When both are idle and one of them dies, the other is still idle.
      for (let gate = 4; gate <= 6; gate++) {
        await expectBothWork(world, gate, gate === 4 ? 'two tasks whose threads died' : 'a death while the other thread was idle');
        await expectFailure(world, await call('run', { do: random.pick(['crash', 'fail outside'] as const) }), 'died', 'one more');
      }
      await expectBothWork(world, 7, 'several deaths while the other thread was idle');
    },
  );

  rule(
    'idle-death-is-noticed',
    'gives no task to a thread that has died while idle',
    {
      rule: 'a thread can die at any time, for example because of a timer that outlives its task: a thread that is gone is no longer idle',
      likely: 'a thread that is gone is still listed as idle: a task that is given to it never runs',
    },
    async (world) => {
      const { call } = world;
      await startPool(world, { size: 1 });
      const before = await poolStats(world);
      await expectResult(world, await call('run', { do: 'die later' }), 'done', 'a task whose thread dies a moment after its result');
      await untilPool(world, (stats) => stats.threads.length === 1 && idsOf(stats) !== idsOf(before), 'a thread that dies while it is idle', 'another thread in its place');
      const first = await call('run', { do: 'wait', gate: 0, mark: 1 });
      const second = await call('run', { do: 'add', a: 1, b: 2, mark: 2 });
      await until(world, () => call('begun', 1), (times) => times === 1, { sent: 'a task after the death of an idle thread, for a pool of 1', show: () => 'it is not begun', expected: 'the new thread begins it' });
      const { running, queued } = await poolStats(world);
      check(running === 1 && queued === 1, { sent: 'two tasks for a pool of 1', received: `running ${running}, queued ${queued}`, expected: 'running 1, queued 1' });
      await call('openGate', 0);
      await expectResult(world, first, 'after gate 0', 'the first task after the death of an idle thread');
      await expectResult(world, second, 3, 'the second task after the death of an idle thread');
    },
  );

  rule(
    'hang-is-ended',
    'rejects a task that takes too long, and replaces its thread',
    {
      rule: 'a thread may take taskTimeoutMs over one task, counted from when it gets the task: then the task fails with `timeout` and the thread is replaced',
      likely: 'the task fails, but its thread goes on hanging: soon all of them hang',
    },
    async (world) => {
      const { call } = world;
      await startPool(world, { size: 1, taskTimeoutMs: 1_000 });
      const before = await poolStats(world);
      const hangs = [await call('run', { do: 'hang', mark: 1 }), await call('run', { do: 'hang', mark: 2 })];
      const waits = await call('run', { do: 'add', a: 20, b: 22, mark: 3 });
      await expectFailure(world, hangs[0]!, 'timeout', 'a task that never ends, with taskTimeoutMs 1000');
      await until(world, () => poolStats(world), (stats) => idsOf(stats) !== idsOf(before), {
        sent: 'a task that never ends, for a pool of 1; it has failed with `timeout`',
        show: (stats) => `${showPool(stats)}: its thread still hangs`,
        expected: `another thread in place of ${idsOf(before)}`,
        likely: 'the task has failed, but its thread was not terminated',
      });
      await expectFailure(world, hangs[1]!, 'timeout', 'a second task that never ends, begun by the new thread');
      await expectResult(world, waits, 42, 'a task that waited for two that never end: its own time has only just begun');
      const after = await untilPool(world, ({ threads, running }) => threads.length === 1 && running === 0, 'two tasks that never end', 'one thread, running 0');
      check(idsOf(after) !== idsOf(before), { sent: 'a task that never ends', received: `the same thread: ${idsOf(after)}`, expected: 'another' });
      const { threads } = await call('started');
      check(threads === 1, { sent: 'two tasks that never end, for a pool of 1', received: `${count(threads, 'thread')} running`, expected: '1: those that hang are ended' });
      const begun = await Promise.all([1, 2, 3].map((mark) => call('begun', mark)));
      check(begun.join() === '1,1,1', { sent: 'three tasks, two of which never end', received: `begun ${begun.join(', ')} times`, expected: 'each is begun once' });
    },
  );

  rule(
    'infinity-is-no-limit',
    'gives a task all the time it needs when there is no limit',
    {
      rule: 'taskTimeoutMs may be Infinity, or longer than the 2³¹ ms (25 days) that a Node timer can wait: the task is not ended',
      likely: '`setTimeout` turns a delay that is too long into 1 ms; `startDeadline` does not',
    },
    async (world) => {
      for (const [gate, taskTimeoutMs] of [2 ** 31, Infinity].entries()) {
        await startPool(world, { size: 1, taskTimeoutMs });
        const task = await world.call('run', { do: 'wait', gate, mark: gate });
        await until(world, () => world.call('begun', gate), (begun) => begun === 1, { sent: 'a task for an idle pool of 1', show: (begun) => `begun ${begun} times`, expected: 'it is begun' });
        // A 1 ms timer that was set earlier has fired by then.
        await world.call('passMs', 2);
        const outcome = await world.call('outcome', task);
        check(outcome.state === 'waits', { sent: `a task that waits, with taskTimeoutMs ${taskTimeoutMs === Infinity ? 'Infinity' : '2³¹'}`, received: showOutcome(outcome), expected: 'it goes on waiting' });
        await world.call('openGate', gate);
        await expectResult(world, task, `after gate ${gate}`, 'a task that has waited, and goes on now');
      }
    },
  );

  rule(
    'time-is-per-task',
    'leaves alone a thread that is idle for longer than a task may take',
    {
      rule: 'the limit belongs to a task: it ends with the task',
      likely: 'the timer of a finished task is not cleared, and ends the thread or the next task',
    },
    async (world) => {
      // A busy machine may use up the task's time: then longer limits decide.
      for (const [gate, taskTimeoutMs] of [1_000, 3_000, 9_000].entries()) {
        await startPool(world, { size: 1, taskTimeoutMs });
        const before = await poolStats(world);
        await expectSum(world, 'within the time');
        await world.subject.pass(0.6 * taskTimeoutMs);
        // This task begins within the time of the previous one, and goes on beyond it.
        const startedMs = performance.now();
        const task = await world.call('run', { do: 'wait', gate });
        await world.subject.pass(0.6 * taskTimeoutMs);
        const early = await world.call('outcome', task);
        const tookMs = performance.now() - startedMs;
        await world.call('openGate', gate);
        if (tookMs > 0.9 * taskTimeoutMs) continue;
        check(early.state === 'waits', { sent: `a task that takes ${Math.round(tookMs)} ms, soon after another that was done at once; taskTimeoutMs ${taskTimeoutMs}`, received: showOutcome(early), expected: `it has ${taskTimeoutMs} ms of its own` });
        await world.subject.pass(1.2 * taskTimeoutMs);
        const after = await poolStats(world);
        check(idsOf(after) === idsOf(before), { sent: 'a task that is done, then nothing for longer than taskTimeoutMs', received: `thread ${idsOf(before)} was replaced by ${idsOf(after)}`, expected: 'the same thread' });
        await expectSum(world, 'after that');
        return;
      }
    },
  );

  rule(
    'unwanted-is-dropped',
    'takes a task out of the queue when it is no longer wanted',
    {
      rule: 'a task whose signal aborts while it waits is dropped: its place in the queue is free, and it never runs',
      likely: 'the signal does not reach the queue',
    },
    async (world) => {
      const { call } = world;
      await startPool(world, { size: 1, queueMax: 4 });
      const first = await call('run', { do: 'wait', gate: 0 });
      const waiting: number[] = [];
      for (let a = 0; a < 4; a++) waiting.push(await call('run', a === 2 ? { do: 'await', gate: 3, mark: 3 } : { do: 'add', a, b: a, mark: a < 2 ? 1 : 2 }));
      // The second of them before the first: the task that leaves need not be the next one.
      for (const unwanted of [waiting[1]!, waiting[0]!]) {
        await call('abortTask', unwanted);
        await expectFailure(world, unwanted, 'aborted', 'a task that waits, and whose signal aborts');
      }
      const last = await call('run', { do: 'add', a: 4, b: 4 });
      await call('openGate', 0);
      await expectResult(world, first, 'after gate 0', 'the task before it');
      // A task that has waited and is begun: whatever happens to it must not affect the tasks that wait.
      await until(world, () => call('begun', 3), (times) => times === 1, { sent: 'a task that waited in the queue after two that were dropped', show: () => 'it is not begun', expected: 'it is begun' });
      await call('abortTask', waiting[2]!);
      await call('openGate', 3);
      await expectResult(world, waiting[3]!, 6, 'a task after one that had already begun when its signal aborted');
      await expectResult(world, last, 8, 'a task that took the place of one that was dropped');
      check((await call('begun', 1)) === 0, { sent: 'a task whose signal aborted while it waited', received: 'it was begun all the same', expected: 'it is not run' });
    },
  );

  rule(
    'unwanted-from-the-start',
    'does not begin a task whose signal has already aborted',
    {
      rule: 'the result is not wanted: the task fails with `aborted`, whether a thread is idle or not',
      likely: 'a signal that has already aborted emits no more `abort` event: look at `aborted`',
    },
    async (world) => {
      const { call } = world;
      await startPool(world, { size: 1 });
      await expectFailure(world, await call('runUnwanted', { do: 'add', a: 1, b: 1, mark: 1 }), 'aborted', 'a task whose signal has already aborted, while a thread is idle');
      const first = await call('run', { do: 'wait', gate: 0 });
      await expectFailure(world, await call('runUnwanted', { do: 'add', a: 1, b: 1, mark: 1 }), 'aborted', 'a task whose signal has already aborted, while the thread is busy');
      await call('openGate', 0);
      await expectResult(world, first, 'after gate 0', 'the task before it');
      await expectSum(world, 'after two unwanted tasks');
      check((await call('begun', 1)) === 0, { sent: 'two tasks whose signal had already aborted', received: 'they were begun all the same', expected: 'they are not run' });
    },
  );

  rule(
    'unsendable-is-answered',
    'rejects a task that cannot be sent to a thread, and goes on using the thread',
    {
      rule: "a task that no message can carry (a function, for example) is the caller's fault: the caller gets the error, and the thread has seen nothing",
      likely: '`postMessage` throws after the task was counted as running, and is never taken off that count again',
    },
    async (world) => {
      const { call } = world;
      await startPool(world, { size: 1 });
      const before = await poolStats(world);
      const failed = async (task: number, when: string): Promise<void> => {
        const sent = `a task with a function in its input ${when}`;
        const outcome = await outcomeOf(world, task, sent, 'an error');
        check(outcome.state === 'failed' && outcome.code === undefined, { sent, received: showOutcome(outcome), expected: 'what `postMessage` throws: a DataCloneError' });
      };
      await failed(await call('runUnsendable'), 'while a thread is idle');
      await expectSum(world, 'after a task that could not be sent');
      const first = await call('run', { do: 'wait', gate: 0 });
      const waits = await call('runUnsendable');
      const last = await call('run', { do: 'add', a: 40, b: 2 });
      await call('openGate', 0);
      await expectResult(world, first, 'after gate 0', 'the task before it');
      await failed(waits, 'that has waited');
      await expectResult(world, last, 42, 'a task that waited in the queue after a task that could not be sent');
      const after = await poolStats(world);
      check(after.running === 0 && after.queued === 0 && idsOf(after) === idsOf(before), { sent: 'five tasks, two of which could not be sent', received: showPool(after), expected: `queued 0, running 0, and the same thread: ${idsOf(before)}` });
    },
  );

  rule(
    'pool-closes',
    'finishes the tasks that it has when it closes, takes no more, and leaves no thread behind',
    {
      rule: 'close finishes the running and the waiting tasks; then, or at the deadline, all threads are gone',
      likely: 'close never learns that nothing runs any more, or learns it while something still waits',
    },
    async (world) => {
      const { call } = world;
      await startPool(world, { size: 2 });
      await call('beginPoolClose');
      await expectClosed(world, 'close() of a pool that has nothing to do');
      await startPool(world, { size: 1 });
      const only = await call('run', { do: 'await', gate: 8 });
      await call('beginPoolClose');
      await world.settle();
      check((await call('closeState')) === 'pending', { sent: 'close() while a task runs and none waits', received: `the promise is ${await call('closeState')}`, expected: 'it waits' });
      await call('openGate', 8);
      await expectResult(world, only, 'after gate 8', 'close() while it runs');
      await expectClosed(world, 'close() while a task runs and none waits');
      await startPool(world, { size: 2 });
      const both = [await call('run', { do: 'await', gate: 10 }), await call('run', { do: 'await', gate: 11 })];
      await call('beginPoolClose');
      for (const [index, task] of both.entries()) {
        await call('openGate', 10 + index);
        await expectResult(world, task, `after gate ${10 + index}`, 'close() while two tasks run');
      }
      await expectClosed(world, 'close() while two tasks run');
      await startPool(world, { size: 1 });
      const tasks: number[] = [];
      for (let gate = 0; gate < 4; gate++) tasks.push(await call('run', { do: 'wait', gate }));
      await call('beginPoolClose');
      await expectFailure(world, await call('run', { do: 'add', a: 1, b: 1 }), 'closed', 'a task after close()');
      for (const [gate, task] of tasks.entries()) {
        await world.settle();
        const state = await call('closeState');
        check(state === 'pending', { sent: `close() while a task runs${gate < 3 ? ` and ${3 - gate} wait` : ''}`, received: `the promise is ${state}`, expected: 'it waits' });
        await call('openGate', gate);
        await expectResult(world, task, `after gate ${gate}`, `close() while a task ${gate === 0 ? 'runs' : 'waits'}, one of four for one thread`);
      }
      await expectClosed(world, 'close()');
      // Another, with a task that never ends.
      await startPool(world, { size: 2 });
      const cut: PoolTask[] = [{ do: 'hang' }, { do: 'wait', gate: 9 }, { do: 'add', a: 1, b: 1 }];
      const numbers: number[] = [];
      for (const task of cut) numbers.push(await call('run', task));
      await call('beginPoolClose', 300);
      await expectClosed(world, 'close() with a deadline of 300 ms, while a task never ends');
      for (const [index, number] of numbers.entries()) {
        const sent = `${showTask(cut[index]!)}, cut off by close()`;
        const outcome = await outcomeOf(world, number, sent, 'an error');
        const waited = index === 2;
        check(outcome.state === 'failed' && (!waited || outcome.code === 'closed'), { sent, received: showOutcome(outcome), expected: waited ? "a PoolError 'closed': it was never begun" : 'an error: no task is left without an answer' });
      }
    },
  );

  rule(
    'gives-the-answers',
    'answers every request to the application',
    {
      rule: 'a design is a way to serve an application, not another application: the answers are the same under every design',
      likely: 'an error from the application is not handled like an error from the pool',
    },
    async (world) => {
      await expectAnswers(world, NAME, { workers: 2 });
    },
  );

  rule(
    'waits-together',
    'works on one slow request per thread at the same time, and no more',
    {
      rule: 'k requests that wait take about one wait with k threads, and k / n waits with n threads',
      likely: 'tasks run one after the other, or more than `workers` threads are started',
    },
    async (world) => {
      await expectTogether(world, NAME, { workers: 4 });
      const waitMs = 200;
      const server = await serve(world, NAME, { workers: 2, waitMs });
      const tookMs = await slowOnes(world, server, 4);
      check(tookMs >= 0.9 * 2 * waitMs, { sent: `4 times GET /slow at once, each with a wait of ${waitMs} ms, with 2 workers`, received: `the last was answered after ${Math.round(tookMs)} ms`, expected: `not before ${2 * waitMs} ms` });
    },
  );

  rule(
    'tells-what-went-wrong',
    'answers 503, 504 or 500 when a task has no result, and goes on',
    {
      rule: "full: 503 with Retry-After; too late: 504; died: 500 (RFC 9110 §15.6); the connection belongs to the loop and stays open",
      likely: 'every failure is a 500, or the answer to a full queue does not say when to come again',
    },
    async (world) => {
      const busy = await serve(world, NAME, { workers: 1, queueMax: 1, faults: true });
      const hangs = await visitor(world, busy, 'client whose thread hangs');
      hangs.send('GET', '/hang');
      await untilStats(world, ({ open }) => open === 1, 'one connection', 'open 1');
      await world.settle();
      const waits = await visitor(world, busy, 'client that waits');
      waits.send('GET', '/');
      await untilStats(world, ({ queued }) => queued === 1, 'GET /hang and GET / on two connections, with 1 worker', 'queued 1');
      expectRefused(await ask(world, busy, '/'), 'GET / with 1 busy worker, and a queue of 1 that is full');
      await untilStats(world, ({ refused }) => refused === 1, 'one request too many', 'refused 1');
      const faulty = await serve(world, NAME, { workers: 1, faults: true, taskTimeoutMs: 1_000 });
      const http = await visitor(world, faulty, 'client of a server with faults');
      for (const [target, status] of world.random.shuffle([['/crash', 500], ['/hang', 504]] as const)) {
        http.send('GET', target);
        expectStatus(await answer(http), status, `GET ${target}`);
        http.send('GET', '/');
        isHello(await answer(http, 'another thread has taken its place'), `GET / after ${target}, on the same connection`);
      }
    },
  );

  rule(
    'loop-goes-on',
    'keeps its loop turning while all threads are busy, and its counts right when clients leave',
    {
      rule: 'threads wait, the loop does not: it accepts connections and answers /stats, whatever the threads do',
      likely: 'the loop waits for a thread, or a client that has left is still counted',
    },
    async (world) => {
      const server = await serve(world, NAME, { workers: 1, faults: true });
      const busy = await visitor(world, server, 'client whose thread hangs');
      busy.send('GET', '/hang');
      await untilStats(world, ({ open }) => open === 1, 'one connection', 'open 1');
      await world.settle();
      const leaves = await visitor(world, server, 'client that leaves while its task waits');
      leaves.send('GET', '/slow');
      await untilStats(world, ({ queued }) => queued === 1, 'GET /hang and GET /slow, with 1 worker', 'queued 1');
      expectStatus(await ask(world, server, '/stats'), 200, 'GET /stats while the only thread hangs');
      leaves.tcp.resetNow();
      await untilStats(world, ({ open, queued }) => open === 1 && queued === 0, 'one of two clients has left; its task was waiting', 'open 1, queued 0');
      busy.tcp.resetNow();
      await untilDeserted(world, 'both clients have left');
    },
  );

  rule(
    'closes',
    'finishes what is in progress when the server closes, and leaves no thread behind',
    {
      rule: 'close stops accepting, answers what is in progress, and resolves when every thread is gone',
      likely: 'threads are terminated before their last answers are sent',
    },
    async (world) => {
      await expectFinishes(world, NAME, { workers: 2 }, async () => async () => {});
    },
  );
});
