/** Exercise 7.3: what a master does when it gets a signal. */
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { closing } from '#support/http-exchange.ts';
import { answer, answererOf, describeSettings, onWindows, showMaster, staged } from './stage.ts';
import type driver from './driver.ts';

/** Nothing that a rule waits for takes so long by itself: even what the application never answers is over before. */
const FAR_MS = 3_600_000;

exercise<typeof driver>('7.3', import.meta.url, (rule) => {
  rule(
    'term-finishes',
    'stops on TERM when the requests in progress are answered, and exits with 0',
    {
      rule: 'TERM is the signal of kill, systemd and Docker: stop, and lose nothing',
      likely: "without a listener for 'SIGTERM' Node ends the master at once; its workers then find themselves alone",
      skip: onWindows,
    },
    staged(async (stage) => {
      const folder = await stage.world.call('folder');
      const diary = `${folder}/diary`;
      const app = await stage.writeApp('app', 'one', '', { diary });
      const master = await stage.start({ app, workers: 2, keepAliveMs: 1_000, gracefulTimeoutMs: FAR_MS });
      const pids = await master.children();
      const held = await stage.hold(master.address, 'client in the middle of a request');
      const idle = await stage.visit(master.address, 'client whose connection is idle');
      await master.signal('SIGTERM');
      const sent = 'TERM while a request is in progress';
      await stage.untilGone(pids.filter((pid) => pid !== held.by.pid && pid !== idle.by.pid), { sent, expected: 'workers that have nothing to do end' });
      const report = await master.report();
      check(report.exit === null && !held.http.tcp.ended && !held.http.tcp.closed, { sent, received: `${showMaster(report)}; the client: ${held.http.tcp.describe()}`, expected: 'it waits for the request' });
      await held.finish(sent);
      await master.exits(0, { sent: `${sent}; then it is over`, expected: 'it ends' });
      await stage.expectNobodyLeft();
      const lines = await stage.world.call('readLines', diary);
      const stopped = lines.filter((line) => line.startsWith('lifespan.shutdown')).length;
      check(stopped === 2, { sent, received: `${stopped} of 2 workers have told the application (lifespan.shutdown)`, expected: 'each of them does, before it ends' });
    }),
  );

  rule(
    'term-takes-the-queue',
    'answers on TERM those that wait in the accept queue as well',
    {
      rule: 'who is in the queue is connected, as far as the client can see: if nobody else will, the last worker takes them before it goes',
      likely: 'a worker that drains stops to accept at once; with the last one of them the queue is thrown away (ECONNRESET)',
      skip: onWindows,
    },
    staged(async (stage) => {
      const master = await stage.start({ workers: 2, gracefulTimeoutMs: FAR_MS });
      const pids = await master.children();
      for (const pid of pids) await stage.world.call('signals', pid, 'SIGSTOP');
      const clients = [];
      for (let index = 1; index <= 6; index++) clients.push((await stage.world.http(master.address, { label: `client ${index} of 6 in the accept queue` })).send('GET', '/', closing()));
      await master.signal('SIGTERM');
      // Time for the master to tell them. If it is later, they find the queue first, which is easier.
      await stage.world.subject.pass(300);
      for (const pid of pids) await stage.world.call('signals', pid, 'SIGCONT');
      for (const http of clients) answererOf(await answer(http, 'an answer: the kernel had taken the connection'), 'GET /, and then TERM before anybody has accepted');
      await master.exits(0, { sent: 'TERM', expected: 'it ends' });
    }),
  );

  rule(
    'int-and-quit-are-fast',
    'stops at once on INT and on QUIT, and still tells the application',
    {
      rule: 'INT (Ctrl-C) and QUIT: connections are cut, and lifespan.shutdown is sent nevertheless, so that the application can put its things in order',
      likely: 'the workers are killed, or the stop is the graceful one of TERM',
      skip: onWindows,
    },
    staged(async (stage) => {
      const folder = await stage.world.call('folder');
      for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
        const diary = `${folder}/diary-${signal}`;
        const app = await stage.writeApp('app', 'one', '', { diary });
        const master = await stage.start({ app, workers: 1, gracefulTimeoutMs: FAR_MS });
        const unanswered = await stage.askTheDeaf(master.address);
        await master.signal(signal);
        const sent = `${signal.slice(3)} while a request is in progress`;
        await master.exits(0, { sent, expected: 'it ends at once' });
        await unanswered.expectCut(sent);
        const lines = await stage.world.call('readLines', diary);
        check(lines.some((line) => line.startsWith('lifespan.shutdown')), { sent, received: `the application was told: ${lines.join(', ')}`, expected: 'lifespan.shutdown' });
        await stage.expectNobodyLeft();
      }
    }),
  );

  rule(
    'second-term-is-fast',
    'stops at once on the second TERM',
    {
      rule: 'whoever sends TERM again does not want to wait any longer',
      likely: 'a stop that has begun ignores all signals',
      skip: onWindows,
    },
    staged(async (stage) => {
      const master = await stage.start({ workers: 1, gracefulTimeoutMs: FAR_MS });
      const unanswered = await stage.askTheDeaf(master.address);
      await master.signal('SIGTERM');
      await stage.world.settle();
      const { exit } = await master.report();
      check(exit === null, { sent: 'TERM while a request is in progress', received: 'it has ended', expected: 'it waits for the request' });
      await master.signal('SIGTERM');
      const sent = 'TERM twice, while a request is in progress';
      await master.exits(0, { sent, expected: 'it ends at once' });
      await unanswered.expectCut(sent);
    }),
  );

  rule(
    'says-what-was-running',
    'cuts what is still running after gracefulTimeoutMs, and says what it was',
    {
      rule: 'a stop has an end. A line for each request that was cut (`still running: GET /slow, 31 s`) tells people what to look at',
      likely: 'the master kills the worker when the time is up: the worker cannot say anything then. It has to know the time itself',
      skip: onWindows,
    },
    staged(async (stage) => {
      const master = await stage.start({ workers: 1, gracefulTimeoutMs: 600 });
      const { target, expectCut } = await stage.askTheDeaf(master.address);
      const startedMs = performance.now();
      await master.signal('SIGTERM');
      const sent = `TERM with gracefulTimeoutMs 600, while GET ${target} is in progress`;
      const { lines } = await master.exits(0, { sent, expected: 'it ends' });
      const tookMs = performance.now() - startedMs;
      check(tookMs >= 550, { sent, received: `it has ended after ${Math.round(tookMs)} ms`, expected: 'the request has its 600 ms' });
      check(lines.some((line) => line.includes(target)), { sent, received: lines.slice(-3).join(' | ') || 'nothing on stderr', expected: `a line like: still running: GET ${target}` });
      await expectCut(sent);
    }),
  );

  rule(
    'ttin-ttou',
    'has one worker more for each TTIN, one fewer for each TTOU, and never none',
    {
      rule: 'signals come as they like, also several at once: a handler only puts an event into the queue, and each event counts',
      likely: 'a signal that comes while another is handled is thrown away, or the number of workers is taken from those that run at the moment',
      skip: onWindows,
    },
    staged(async (stage) => {
      const master = await stage.start({ workers: 1 });
      const [first = 0] = await master.children();
      await master.signal('SIGTTIN', 'SIGTTIN', 'SIGTTOU', 'SIGTTIN');
      const sent = 'workers 1; TTIN, TTIN, TTOU, TTIN, one right after the other';
      const pids = await stage.untilServing(master, 3, sent);
      check(pids.includes(first), { sent, received: `worker ${first} is gone`, expected: 'it serves on: the others have come in addition' });
      await master.signal('SIGTTOU', 'SIGTTOU', 'SIGTTOU', 'SIGTTOU');
      await stage.untilServing(master, 1, `${sent}; then TTOU four times`);
      await stage.ask(master.address);
      await master.signal('SIGTTIN');
      await stage.untilServing(master, 2, `${sent}; then TTOU four times, and TTIN: from 1, not from less`);
    }),
  );

  rule(
    'winch-keeps-the-socket',
    'lets all workers go on WINCH, and keeps the socket',
    {
      rule: 'WINCH drains every worker; those who come now wait in the accept queue until there are workers again (TTIN)',
      likely: 'the socket is closed, or the workers are replaced as if they had died',
      skip: onWindows,
    },
    staged(async (stage) => {
      const master = await stage.start({ workers: 2, gracefulTimeoutMs: FAR_MS });
      const held = await stage.hold(master.address, 'client in the middle of a request');
      await master.signal('SIGWINCH');
      await held.finish('a request in progress, and then WINCH');
      await master.untilChildren(({ length }) => length === 0, { sent: 'WINCH', expected: 'no worker' });
      await stage.world.settle();
      const report = await master.report();
      check(report.exit === null && (await master.children()).length === 0, { sent: 'WINCH', received: `${showMaster(report)}; children: ${(await master.children()).length}`, expected: 'the master waits, without workers' });
      const waits = (await stage.world.http(master.address, { label: 'client that comes when there is no worker' })).send('GET', '/', closing());
      await master.signal('SIGTTIN');
      answererOf(await answer(waits), 'GET / when there is no worker, and then TTIN');
    }),
  );

  rule(
    'usr1-opens-no-inspector',
    'takes USR1 for itself: no port for debuggers, and nobody dies',
    {
      rule: 'USR1 tells the master to open its logs anew. To Node it means something else: start the inspector, which lets anyone on this machine do anything',
      likely: "the workers are started without `--disable-sigusr1`, or the master has no listener for 'SIGUSR1'",
      skip: onWindows,
    },
    staged(async (stage) => {
      const master = await stage.start({ workers: 2 });
      const pids = await master.children();
      await master.signal('SIGUSR1');
      for (const pid of pids) await stage.world.call('signals', pid, 'SIGUSR1');
      await stage.untilServedBy(master.address, pids, 'USR1 to the master and to each worker');
      const report = await master.report();
      const line = report.lines.find((text) => /debugger listening|inspector/i.test(text));
      check(line === undefined && report.exit === null, { sent: 'USR1 to the master and to each worker', received: line ?? showMaster(report), expected: 'no inspector, and everybody serves on' });
      check((await master.children()).join() === pids.join(), { sent: 'USR1 to the master and to each worker', received: `children ${(await master.children()).join(', ')}`, expected: `the same as before: ${pids.join(', ')}` });
    }),
  );

  rule(
    'term-to-a-worker',
    'replaces a worker that gets TERM, and loses nothing',
    {
      rule: 'TERM to one worker drains that one; the master sees that it has gone, and forks another',
      likely: "the worker has no listener for 'SIGTERM': Node's own one ends it at once",
      skip: onWindows,
    },
    staged(async (stage) => {
      const master = await stage.start({ workers: 2, gracefulTimeoutMs: FAR_MS });
      const pids = await master.children();
      const held = await stage.hold(master.address, 'client in the middle of a request');
      await stage.world.call('signals', held.by.pid, 'SIGTERM');
      const sent = `TERM to worker ${held.by.pid}, which is in the middle of a request`;
      const [next = 0] = (await master.untilChildren(({ length }) => length === 3, { sent, expected: 'another worker is started at once, while that one finishes', likely: 'the master learns of it only when the process has ended: the message `leaves` is not heard' })).filter((pid) => !pids.includes(pid));
      await stage.untilServedBy(master.address, [next], sent);
      await held.finish(sent);
      const after = await master.untilChildren((all) => all.length === 2 && !all.includes(held.by.pid), { sent, expected: 'another worker in its place' });
      const other = pids.find((pid) => pid !== held.by.pid)!;
      check(after.includes(other), { sent, received: `children ${after.join(', ')}`, expected: `${other} is still among them` });
      await stage.untilServedBy(master.address, after, sent);
    }),
  );

  rule(
    'int-to-the-group',
    'ends cleanly when the whole process group gets INT, as by Ctrl-C',
    {
      rule: 'a terminal sends INT to all processes of the group at once. Stopping is the master\'s business: its workers leave INT alone',
      likely: "a worker without a listener for 'SIGINT' dies of it, before it has told its application; the master may even replace it",
      skip: onWindows,
    },
    staged(async (stage) => {
      const diary = `${await stage.world.call('folder')}/diary`;
      const app = await stage.writeApp('app', 'one', '', { diary });
      const settings = { workers: 2 };
      const master = await stage.start({ app, ...settings }, { ownGroup: true });
      await stage.world.call('signals', -master.pid, 'SIGINT');
      const sent = `${describeSettings(settings)}; INT to the process group`;
      await master.exits(0, { sent, expected: 'it ends' });
      await stage.expectNobodyLeft();
      const lines = await stage.world.call('readLines', diary);
      const [started, stopped] = ['startup', 'shutdown'].map((what) => lines.filter((line) => line.startsWith(`lifespan.${what}`)).length) as [number, number];
      check(started === 2 && stopped === 2, { sent, received: `lifespan.startup ${started} times, lifespan.shutdown ${stopped} times`, expected: 'both twice: each worker tells its application, and none has been started in addition' });
    }),
  );
});
