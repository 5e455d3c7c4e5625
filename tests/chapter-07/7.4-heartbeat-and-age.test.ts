/** Exercise 7.4: workers that live and are not well. */
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { closing, expectStatus } from '#support/http-exchange.ts';
import { Load } from './load.ts';
import { answer, answererOf, describeSettings, onWindows, PATIENT_MS, staged, until } from './stage.ts';
import type driver from './driver.ts';

/** On a busy machine even a worker that is well is silent for a while: then a longer time decides. */
const TIMEOUTS_MS = [1_200, 4_000, 12_000];
const MIB = 1024 * 1024;

exercise<typeof driver>('7.4', import.meta.url, (rule) => {
  rule(
    'blocked-is-killed',
    'kills a worker whose event loop is blocked, with its stack in the log, and no other',
    {
      rule: 'a worker beats from its main loop. After timeoutMs without a heartbeat the stack of its main thread goes to the error log, and SIGKILL ends it',
      likely: 'the heartbeat comes from a thread, which beats on while the main loop is blocked; or the worker is sent TERM, which it cannot handle',
      skip: onWindows,
    },
    staged(async (stage) => {
      for (const [index, timeoutMs] of TIMEOUTS_MS.entries()) {
        const settings = { workers: 2, timeoutMs };
        const master = await stage.start(settings);
        const before = await master.children();
        const visits = [];
        for (const pid of before) visits.push(await stage.visitWorker(master.address, pid, `client of worker ${pid}`));
        const blocked = await stage.block(master.address);
        const sent = `${describeSettings(settings)}; the application blocks worker ${blocked}`;
        const other = before.find((pid) => pid !== blocked)!;
        // Somebody serves all the time.
        const load = new Load(stage.world, master.address, { keepAlive: 0, oneShot: 2 }).start();
        await stage.untilGone([blocked], { sent, expected: 'it is killed' });
        await load.stop();
        const after = await master.untilChildren((pids) => pids.length === 2 && !pids.includes(blocked), { sent, expected: 'another worker in its place' });
        const { lines } = await master.report();
        const told = lines.some((line) => line.includes('theBottomlessLoop'));
        if (!(told && after.includes(other)) && index < TIMEOUTS_MS.length - 1) {
          await stage.end();
          continue;
        }
        check(after.includes(other), { sent, received: `worker ${other} is gone as well`, expected: 'it serves on', timed: true });
        load.expectNoLoss(sent);
        for (const { http, by, again } of visits) {
          if (by.pid === other) await again();
          else await http.tcp.until(() => http.tcp.ended || http.tcp.closed, { sent, expected: 'the connections of the killed worker end' });
        }
        check(told, { sent, received: lines.slice(-3).join(' | '), expected: 'its stack in the error log, with the function that does not end: theBottomlessLoop', likely: 'watchStack of stack-watch.ts is not started, or the worker is killed before it has written the stack', timed: true });
        return;
      }
    }),
  );

  rule(
    'busy-is-not-blocked',
    'spares a worker that is busy or idle, and whose loop turns, also when the master has stood still',
    {
      rule: 'slow is not dead: a worker that beats is left alone, however long its requests take. If the master itself has stood still, the heartbeats wait for it unread: that is not the fault of its workers',
      likely: 'the time is counted from the last request or from the fork, or the heartbeat is not sent in regular intervals; or a timer of the master goes off before it has read what has come meanwhile',
      skip: onWindows,
    },
    staged(async (stage) => {
      for (const [index, timeoutMs] of TIMEOUTS_MS.entries()) {
        const settings = { workers: 1, timeoutMs };
        const master = await stage.start(settings);
        const [pid] = await master.children();
        const http = await stage.world.http(master.address);
        const sent = `${describeSettings(settings)}; GET /busy, which leaves its loop hardly any time for ${1.6 * timeoutMs} ms, and then nothing for as long`;
        http.send('GET', `/busy?ms=${1.6 * timeoutMs}&slice=20`);
        await http.tcp.until(() => http.tcp.receivedBytes > 0 || http.tcp.ended || http.tcp.closed, { sent, patienceMs: PATIENT_MS, expected: 'an answer' });
        await stage.world.subject.pass(1.6 * timeoutMs);
        const isLast = index === TIMEOUTS_MS.length - 1;
        const isTheSame = async (what: string): Promise<boolean> => {
          const after = await master.children();
          const same = after.length === 1 && after[0] === pid;
          check(same || !isLast, { sent: what, received: `worker ${pid} is gone; ${after.join(', ')} in its place`, expected: 'the same worker', timed: true });
          return same;
        };
        if (await isTheSame(sent)) {
          answererOf(await answer(http), sent);
          await master.signal('SIGSTOP');
          await stage.world.subject.pass(1.5 * timeoutMs);
          await master.signal('SIGCONT');
          // It has found out how late it is, and done what it does about it.
          await stage.world.subject.pass(250);
          if (await isTheSame(`${describeSettings(settings)}; the master is stopped for ${1.5 * timeoutMs} ms (SIGSTOP, and then SIGCONT)`)) return;
        }
        await stage.end();
      }
    }),
  );

  rule(
    'request-timeout',
    'answers a request that takes too long with 503, and keeps the worker',
    {
      rule: 'requestTimeoutMs is about one request: 503 if the response has not begun by then. The worker is well, and others are in it; a response that has begun goes on (RFC 9110 §15.6.4)',
      likely: 'the worker is ended, or the 503 is sent after a response has begun',
      skip: onWindows,
    },
    staged(async (stage) => {
      const settings = { workers: 1, requestTimeoutMs: 500 };
      const master = await stage.start(settings);
      const [pid] = await master.children();
      const held = await stage.hold(master.address, 'client whose response has begun');
      const sent = `${describeSettings(settings)}; POST /late, whose answer does not come`;
      const late = await stage.world.http(master.address, { label: 'client whose response does not begin' });
      const startedMs = performance.now();
      late.sendBytes('POST /late HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nhal', ['POST']);
      const response = await answer(late, '503');
      expectStatus(response, 503, sent);
      check(performance.now() - startedMs >= 450, { sent, received: `503 after ${Math.round(performance.now() - startedMs)} ms`, expected: 'not before 500 ms' });
      await held.finish('a response that has begun lasts longer than requestTimeoutMs');
      const { pid: after } = await stage.ask(master.address);
      check(after === pid, { sent, received: `then ${after} answers`, expected: `${pid}, the same worker as before` });
    }),
  );

  rule(
    'max-requests',
    'replaces workers after maxRequests requests, one at a time',
    {
      rule: 'a worker that has had its requests is replaced: another one serves first, and only one is replaced at a time. maxRequestsJitter adds up to as many',
      likely: 'the worker ends by itself when it has counted enough: nobody is there yet to take its place, and all have counted about the same',
      skip: onWindows,
    },
    staged(async (stage) => {
      const gate = await stage.gate('open');
      const app = await stage.writeApp('app', 'one', gate.code);
      const settings = { workers: 2, maxRequests: 30, maxRequestsJitter: 10 };
      const sent = describeSettings(settings);
      const master = await stage.start({ app, ...settings });
      const before = await master.children();
      await gate.shut();
      const load = new Load(stage.world, master.address).start();
      const enough = (): boolean => before.every((pid) => load.answers((by) => by.pid === pid) > 60);
      await load.until(enough, { sent, expected: 'more than maxRequests answers of each worker' });
      // Both are old by now. The next one is being loaded, and does not get on.
      await master.untilChildren(({ length }) => length > 2, { sent, expected: 'a new worker is started before an old one goes' });
      await load.more(20, { sent, expected: 'the old workers serve until another one does' });
      const during = await master.children();
      check(during.length === 3 && before.every((pid) => during.includes(pid)), { sent: `${sent}; the first new worker is still loading`, received: `children ${during.join(', ')}`, expected: `${before.join(', ')} and one more: one at a time` });
      await gate.open();
      await stage.untilGone(before, { sent, expected: 'both are replaced, one after the other' });
      // That none is lost when a worker goes is exercise 7.5.
      await load.stop();
      for (const pid of before) {
        const answers = load.answers((by) => by.pid === pid);
        check(answers >= settings.maxRequests, { sent, received: `worker ${pid} was replaced after ${answers} answers`, expected: `not before ${settings.maxRequests}` });
      }
    }),
  );

  rule(
    'jitter',
    'gives each worker up to maxRequestsJitter requests more, by chance',
    {
      rule: 'maxRequests is the least, and the jitter comes on top of it. It is drawn for each worker: those that have the same number of requests are not replaced together',
      likely: 'the jitter is taken off, or drawn once for all workers',
      skip: onWindows,
    },
    staged(async (stage) => {
      const settings = { workers: 1, maxRequests: 1, maxRequestsJitter: 2 };
      const { workers, maxRequests, maxRequestsJitter } = settings;
      const sent = `${describeSettings(settings)}; one request after the other`;
      const master = await stage.start(settings);
      const counts: number[] = [];
      // Two of three times, the second is another one: with 12, it is no chance.
      while (new Set(counts).size < 2 && counts.length < 12) {
        const [pid = 0] = await master.untilChildren(({ length }) => length === workers, { sent, expected: 'one worker' });
        let requests = 0;
        for (let pids = [pid]; pids.length === 1 && pids[0] === pid; requests++) {
          check(requests < maxRequests + maxRequestsJitter + 2, { sent, received: `worker ${pid} has had ${requests} requests, and is still alone`, expected: `another one is started after at most ${maxRequests + maxRequestsJitter}`, timed: true });
          // So long that there is a heartbeat in it.
          await stage.ask(master.address, '/peak?mib=0&ms=1100');
          pids = await master.children();
        }
        await stage.untilGone([pid], { sent, expected: 'it goes when another one serves' });
        counts.push(requests);
      }
      check(new Set(counts).size > 1, { sent, received: `each of ${counts.length} workers was replaced after ${counts[0]} requests`, expected: `by chance after ${maxRequests} to ${maxRequests + maxRequestsJitter}` });
    }),
  );

  rule(
    'memory',
    'replaces a worker that keeps too much memory, but not for peaks',
    {
      rule: 'rssMaxBytes counts if it is exceeded in unfitSamples heartbeats in a row: a peak is over before a new worker has booted',
      likely: 'one sample is enough, or the count does not begin anew when a sample is in order',
      skip: onWindows,
    },
    staged(async (stage) => {
      const settings = { workers: 1, rssMaxBytes: 240 * MIB, unfitSamples: 3 };
      const master = await stage.start(settings);
      const [first] = await master.children();
      const sent = describeSettings(settings);
      const http = (await stage.world.http(master.address)).send('GET', '/memory', closing());
      const mib = Math.ceil((settings.rssMaxBytes - Number((await answer(http)).body.toString())) / MIB) + 40;
      // There is a heartbeat each second: one or two see a peak, and at least one sees that it is over.
      for (let peak = 1; peak <= settings.unfitSamples; peak++) {
        await stage.ask(master.address, `/peak?mib=${mib}&ms=1100`);
        await stage.ask(master.address, '/peak?mib=0&ms=1100');
        const after = await master.children();
        check(after.length === 1 && after[0] === first, { sent: `${sent}; a peak of ${mib} MiB more for 1.1 s, and as long without it${peak === 1 ? '' : `, ${peak} times`}`, received: `children ${after.join(', ')}`, expected: `${first} alone`, timed: true });
      }
      await stage.ask(master.address, `/grow?mib=${mib}`);
      await stage.untilGone([first!], { sent: `${sent}; then ${mib} MiB more for good`, expected: 'the worker is replaced' });
      await stage.ask(master.address);
    }),
  );

  rule(
    'lifetime',
    'replaces a worker at the age of lifetimeMs',
    {
      rule: 'lifetimeMs counts from when it serves. What is new serves before what is old goes',
      likely: 'nothing looks at the age while no event comes: a timer has to be set for the moment at which the next worker is too old; or the age of the master counts',
      skip: onWindows,
    },
    staged(async (stage) => {
      const path = `${await stage.world.call('folder')}/diary`;
      // When its process began, and when it had loaded all but the application: it serves after that.
      const code = `import { appendFileSync } from 'node:fs';\nappendFileSync(${JSON.stringify(path)}, performance.timeOrigin + ' ' + Date.now() + '\\n');`;
      const app = await stage.writeApp('app', 'one', code);
      const settings = { workers: 1, lifetimeMs: 1_500, timeoutMs: 0 };
      const sent = describeSettings(settings);
      const master = await stage.start({ app, ...settings });
      const [first = 0] = await master.children();
      await stage.untilGone([first], { sent, expected: `worker ${first} goes` });
      const lives = await until(stage.world, () => stage.world.call('readLines', path), ({ length }) => length >= 3, { sent, show: ({ length }) => `${length} workers have been started`, expected: 'a third one, after the second' });
      const moments = lives.map((line) => line.split(' ').map(Number) as [number, number]);
      for (let index = 1; index < 3; index++) {
        const tookMs = moments[index]![0] - moments[index - 1]![1];
        check(tookMs >= 0.95 * settings.lifetimeMs, { sent, received: `worker number ${index + 1} was started ${Math.round(tookMs)} ms after the one before it had loaded the application`, expected: `not before that one has served for ${settings.lifetimeMs} ms` });
      }
      await stage.ask(master.address);
    }),
  );

  rule(
    'loop-delay',
    'replaces a worker whose event loop is late again and again',
    {
      rule: 'a loop that stands still for 150 ms again and again is busy for a small part of the time, and a bad server all the time: loopDelayMaxMs, in unfitSamples heartbeats in a row',
      likely: 'the mean is reported, or the delay of one moment: it is the longest since the last heartbeat that counts',
      skip: onWindows,
    },
    staged(async (stage) => {
      const settings = { workers: 1, loopDelayMaxMs: 120, unfitSamples: 3 };
      const master = await stage.start(settings);
      const sent = `${describeSettings(settings)}; the loop stands still for 200 ms every 400 ms`;
      const { pid } = await stage.ask(master.address, '/sluggish?stands=200&every=400');
      await stage.untilGone([pid], { sent, expected: `worker ${pid} is replaced` });
      await stage.ask(master.address);
    }),
  );

  rule(
    'hopeless-is-not-final',
    'forks on when all workers have been killed for hanging',
    {
      rule: 'a worker that has served for a while and then hangs is no failed start: the program does not give up because of it',
      likely: 'every death counts as a failure in a row',
      skip: onWindows,
    },
    staged(async (stage) => {
      const settings = { workers: 1, timeoutMs: 2_000, bootTries: 1 };
      const master = await stage.start(settings);
      await stage.world.subject.pass(1_200);
      const blocked = await stage.block(master.address);
      const sent = `${describeSettings(settings)}; the only worker is blocked after it has served for more than a second`;
      await stage.untilGone([blocked], { sent, expected: 'it is killed' });
      await master.untilChildren((pids) => pids.length === 1 && pids[0] !== blocked, { sent, expected: 'another one is started' });
      await stage.ask(master.address);
    }),
  );
});
