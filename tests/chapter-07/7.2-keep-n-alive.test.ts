/** Exercise 7.2: N workers, whatever happens to them. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { asleepFor, describeSettings, onWindows, PATIENT_MS, showMaster, staged, until } from './stage.ts';
import type { Stage } from './stage.ts';
import type driver from './driver.ts';

/** A process that is PID 1 of a world of its own. */
const NAMESPACE = ['unshare', '-Urpf', '--kill-child', '--mount-proc'];

function noNamespaces(): string | undefined {
  if (process.platform !== 'linux') return 'only Linux has PID namespaces';
  return spawnSync(NAMESPACE[0]!, [...NAMESPACE.slice(1), 'true'], { stdio: 'ignore' }).status === 0 ? undefined : 'this system does not let us be PID 1 (unshare -Urpf --mount-proc)';
}

/** A module that writes down its birth and its death, in milliseconds of the clock: `born` is when its process began. */
function diary(path: string, rest: string): string {
  return (
    `import { appendFileSync } from 'node:fs';\n` +
    `const note = (what, ms) => appendFileSync(${JSON.stringify(path)}, what + ' ' + process.pid + ' ' + ms + '\\n');\n` +
    `note('born', performance.timeOrigin);\nprocess.on('exit', () => note('died', Date.now()));\n${rest}\n`
  );
}

interface Life {
  readonly pid: number;
  readonly bornMs: number;
  readonly diedMs: number;
}

async function livesIn(stage: Stage, path: string): Promise<Life[]> {
  const rows = (await stage.world.call('readLines', path)).map((line) => line.split(' '));
  const died = (pid: string): number => Number(rows.find(([what, its]) => what === 'died' && its === pid)?.[2] ?? Infinity);
  return rows.filter(([what]) => what === 'born').map(([, pid = '', ms]) => ({ pid: Number(pid), bornMs: Number(ms), diedMs: died(pid) }));
}

exercise<typeof driver>('7.2', import.meta.url, (rule) => {
  rule(
    'replaces-the-dead',
    'replaces a worker that dies, however it dies, and leaves the others alone',
    {
      rule: 'N workers serve: one that is gone, by a signal, an error, or process.exit(0), is replaced',
      likely: 'only exit codes other than 0 are taken for a death',
      skip: onWindows,
    },
    staged(async (stage) => {
      const master = await stage.start({ workers: 2 });
      const [first = 0, second = 0] = await master.children();
      const stays = await stage.visitWorker(master.address, second, 'client of the other worker');
      await stage.world.call('signals', first, 'SIGKILL');
      const [third = 0] = (await master.untilChildren((pids) => pids.length === 2 && !pids.includes(first), { sent: `kill -9 ${first}`, expected: 'another worker in its place' })).filter((pid) => pid !== second);
      await stage.untilServedBy(master.address, [second, third], `kill -9 ${first}`);
      const { http } = await stage.visitWorker(master.address, third, 'client that ends its worker');
      http.send('GET', '/exit?code=0');
      await http.tcp.until(() => http.tcp.ended || http.tcp.closed, { expected: 'the worker has ended', patienceMs: PATIENT_MS });
      const pids = await master.untilChildren((all) => all.length === 2 && !all.includes(third), { sent: 'a worker that calls process.exit(0)', expected: 'another worker in its place' });
      await stage.untilServedBy(master.address, pids, 'a worker that calls process.exit(0)');
      check(pids.includes(second), { sent: 'the deaths of other workers', received: `worker ${second} is gone, too`, expected: 'it serves on' });
      await stays.again();
    }),
  );

  rule(
    'boot-failure-is-3',
    'ends with 3 and one line with the reason when the application cannot be started',
    {
      rule: 'before all workers of the first generation serve, a failed start is final: nobody has relied on the program yet',
      likely: 'a worker that cannot start is replaced again and again, or the reason stays in the worker',
      skip: onWindows,
    },
    staged(async (stage) => {
      const reason = `the lamp ${stage.world.random.integer(1000, 9999)} is broken`;
      const throws = await stage.writeApp('throws', 'one', `throw new Error(${JSON.stringify(reason)});`);
      const refuses = await stage.writeApp('refuses', 'one', '', { startupFails: reason });
      for (const [app, sent] of [[throws, 'a module that throws'], [refuses, 'an application whose lifespan startup fails']] as const) {
        const master = await stage.launch({ app, workers: 1 });
        const { lines, stdout } = await master.exits(3, { sent, expected: 'it ends' });
        check(lines.some((line) => line.includes(reason)), { sent, received: lines.slice(-3).join(' | ') || 'nothing on stderr', expected: `a line with the reason: ${reason}` });
        check(stdout === '', { sent, received: stdout, expected: 'nothing on stdout: it never listened for anyone' });
        await stage.expectNobodyLeft();
      }
    }),
  );

  rule(
    'missing-is-4',
    'ends with 4 and names what is missing when there is no such module, export, or application',
    {
      rule: 'exit code 4: the name is wrong, and starting it again will not help',
      likely: 'a module that is not there is reported as one that has failed (3)',
      skip: onWindows,
    },
    staged(async (stage) => {
      const there = await stage.writeApp('there', 'one');
      const module = there.replace(/:app$/, '');
      const cases = [
        [`${module.replace('there', 'nowhere')}:app`, 'nowhere', 'a module that is not there'],
        [`${module}:nothing`, 'nothing', 'an export that is not there'],
      ] as const;
      for (const [app, name, sent] of cases) {
        const master = await stage.launch({ app, workers: 1 });
        const { lines } = await master.exits(4, { sent, expected: 'it ends' });
        check(lines.some((line) => line.includes(name)), { sent, received: lines.slice(-3).join(' | ') || 'nothing on stderr', expected: `a line that names ${name}` });
      }
    }),
  );

  rule(
    'waits-and-gives-up',
    'waits longer after each failure in a row, and at last gives up with the reason',
    {
      rule: 'a worker that has not served for a second has failed: being ready proves nothing yet. After the f-th failure in a row the next fork waits min(5 s, 100 ms · 2^(f-1)); after `bootTries` of them, with nobody serving, exit code 1 and the reason',
      likely: 'a worker is forked again the moment it has died, which keeps a whole machine busy; or the count begins anew whenever a worker is ready',
      skip: onWindows,
    },
    staged(async (stage) => {
      const path = `${await stage.world.call('folder')}/diary`;
      const code = stage.world.random.integer(20, 99);
      const app = await stage.writeApp('mayfly', 'one', diary(path, ''), { exitsWhenStarted: code });
      const settings = { workers: 1, bootTries: 4 };
      const sent = `${describeSettings(settings)}, with an application that ends its process with ${code} as soon as it serves`;
      const master = await stage.launch({ app, ...settings });
      const { lives, report } = await until(
        stage.world,
        // In this order: what has ended writes nothing more.
        async () => ({ report: await master.report(), lives: await livesIn(stage, path) }),
        (seen) => seen.report.exit !== null || seen.lives.length > settings.bootTries,
        { sent, show: (seen) => showMaster(seen.report), expected: 'it gives up' },
      );
      check(lives.length === settings.bootTries, { sent, received: `${lives.length} workers were started; ${showMaster(report)}`, expected: `${settings.bootTries}: bootTries` });
      check(report.exit?.code === 1, { sent, received: showMaster(report), expected: 'it gives up: exit code 1' });
      const { lines } = report;
      for (const [index, { bornMs }] of lives.entries()) {
        if (index === 0) continue;
        const waitMs = 100 * 2 ** (index - 1);
        const waitedMs = bornMs - lives[index - 1]!.diedMs;
        check(waitedMs >= 0.9 * waitMs, { sent, received: `${Math.round(waitedMs)} ms after failure ${index} the next worker was started`, expected: `at least ${waitMs} ms` });
      }
      check(lines.some((line) => line.includes(`${code}`)), { sent, received: lines.slice(-3).join(' | ') || 'nothing on stderr', expected: `a line with the reason: exit code ${code}` });
    }),
  );

  rule(
    'others-serve-on',
    'does not give up while somebody serves, and tries with one worker at a time',
    {
      rule: '`bootTries` ends the program only if nobody serves: one worker is better than none. After a failure one worker is forked at a time: its failure says as much as those of all',
      likely: 'the failures are counted, and nobody looks whether there is a worker that serves; or all that are missing are forked after each wait',
      skip: onWindows,
    },
    staged(async (stage) => {
      const folder = await stage.world.call('folder');
      const [lock, path] = [JSON.stringify(`${folder}/lock`), `${folder}/diary`];
      // Once there is one, all others fail, and take their time: two that were started together are seen together.
      const failing = `if (existsSync(${lock})) {\n${asleepFor(1000)}\nprocess.exit(24);\n}`;
      const app = await stage.writeApp('lonely', 'one', diary(path, `import { existsSync } from 'node:fs';\n${failing}`));
      const settings = { workers: 3, bootTries: 2 };
      const sent = `${describeSettings(settings)}; two workers die, and cannot be started again`;
      const master = await stage.start({ app, ...settings });
      // They have settled: their end is no failed start, and one of them is enough to go on.
      await stage.world.subject.pass(1_100);
      const begun = await master.children();
      const [stays = 0, ...die] = begun;
      await stage.world.call('writeFile', 'lock', '');
      for (const pid of die) await stage.world.call('signals', pid, 'SIGKILL');
      // It has been tried more often than is allowed if nobody serves.
      const { lives } = await until(
        stage.world,
        async () => ({ report: await master.report(), lives: (await livesIn(stage, path)).filter(({ pid }) => !begun.includes(pid)) }),
        ({ lives: tried }) => tried.length >= 2 + settings.bootTries,
        { sent, show: ({ report, lives: tried }) => `${tried.length} other workers were started; ${showMaster(report)}`, expected: 'it goes on trying' },
        ({ report }) => report.exit !== null,
      );
      const firstEndMs = Math.min(...lives.map(({ diedMs }) => diedMs));
      const later = lives.filter(({ bornMs }) => bornMs > firstEndMs).sort((one, other) => one.bornMs - other.bornMs);
      for (const [index, { bornMs }] of later.entries()) {
        check(index === 0 || bornMs >= later[index - 1]!.diedMs, { sent, received: 'after the first failure, a worker was started while another one was booting', expected: 'one at a time' });
      }
      const { pid } = await stage.ask(master.address);
      check(pid === stays, { sent, received: `an answer from ${pid}`, expected: `an answer from ${stays}` });
    }),
  );

  rule(
    'slow-boot-is-no-hang',
    'gives a worker that loads slowly its time',
    {
      rule: 'time to boot is not the time of a heartbeat: while it loads its modules, a process says nothing, however well it is',
      likely: 'a worker that has never been heard from counts as silent since its fork',
      skip: onWindows,
    },
    staged(async (stage) => {
      const path = `${await stage.world.call('folder')}/diary`;
      const slowMs = 2000;
      const app = await stage.writeApp('slow', 'one', diary(path, asleepFor(slowMs)));
      const settings = { workers: 1, timeoutMs: 400 };
      const sent = `${describeSettings(settings)}, with a module that takes ${slowMs} ms to load`;
      const master = await stage.launch({ app, ...settings });
      const [pid] = await until(stage.world, async () => (await livesIn(stage, path)).map((life) => life.pid), ({ length }) => length > 0, { sent, show: () => 'nothing', expected: 'the application is loaded' });
      await master.listening(sent);
      const lives = await livesIn(stage, path);
      check(lives.length === 1 && lives[0]!.pid === pid, { sent, received: `${lives.length} workers were started`, expected: 'one, which is given its time' });
    }),
  );

  rule(
    'boot-has-an-end',
    'ends a worker that never gets ready',
    {
      rule: 'a boot that is not over after bootTimeoutMs has failed; a process that is blocked can only be killed (SIGKILL)',
      likely: 'the worker is asked to end: it reads no message and handles no signal while it is blocked',
      skip: onWindows,
    },
    staged(async (stage) => {
      const woke = `${await stage.world.call('folder')}/woke`;
      const app = await stage.writeApp('stuck', 'one', `import { writeFileSync } from 'node:fs';\n${asleepFor(30_000)}\nwriteFileSync(${JSON.stringify(woke)}, '');`);
      // Time enough to get to the module that blocks: before that, any signal ends the process.
      const settings = { workers: 1, bootTimeoutMs: 4000, bootTries: 1 };
      const sent = `${describeSettings(settings)}, with a module that does not come to its end`;
      const master = await stage.launch({ app, ...settings });
      const startedMs = performance.now();
      const report = await master.until(({ exit }) => exit !== null, { sent, expected: 'it ends: the application cannot be started' });
      const tookMs = performance.now() - startedMs;
      check(!existsSync(woke), { sent, received: 'the module has come to its end', expected: 'its process is killed before' });
      // A failed boot is 3, and giving up is 1.
      check(report.exit?.code === 3 || report.exit?.code === 1, { sent, received: showMaster(report), expected: 'exit code 3, or 1 after some tries' });
      check(tookMs >= settings.bootTimeoutMs, { sent, received: `it has ended after ${Math.round(tookMs)} ms`, expected: 'the worker has its time' });
    }),
  );

  rule(
    'orphans-finish-and-go',
    'lets no worker outlive its master: each finishes what it is at, and ends',
    {
      rule: 'a master that is killed says nothing. Its workers notice (the IPC channel disconnects), finish what is in progress, and exit',
      likely: "nothing listens to 'disconnect', or it ends the process in the middle of a request",
      skip: onWindows,
    },
    staged(async (stage) => {
      const master = await stage.start({ workers: 2, keepAliveMs: 500 });
      const pids = await master.children();
      const held = await stage.hold(master.address, 'client in the middle of a request');
      const sent = `kill -9 for the master, while worker ${held.by.pid} is in the middle of a request`;
      await master.signal('SIGKILL');
      await master.until(({ exit }) => exit !== null, { sent, expected: 'the master is gone' });
      await stage.untilGone(pids.filter((pid) => pid !== held.by.pid), { sent, expected: 'the other worker ends', likely: "nothing listens to 'disconnect'" });
      await held.finish(sent);
      await stage.untilGone(pids, { sent: `${sent}; then the request is over`, expected: 'that worker ends as well' });
    }),
  );

  rule(
    'reaps-strangers',
    'reaps processes that are not its own when it is PID 1, and does not take their end for its own',
    {
      rule: 'PID 1 inherits every process that loses its parent. It must reap them, and their exit codes are not about the program',
      likely: 'Node reaps only the children that it has started itself: as PID 1, it needs a parent that does the rest',
      skip: onWindows ?? noNamespaces(),
    },
    staged(async (stage) => {
      const master = await stage.launch({ workers: 1 }, { before: NAMESPACE });
      await master.listening('a master that is PID 1');
      const sent = 'a worker starts a process that outlives its parent, and then ends with code 7';
      const [init = 0] = await master.children();
      for (let index = 0; index < 3; index++) await stage.ask(master.address, '/stranger?code=7');
      await until(stage.world, () => stage.world.call('zombiesBelow', master.pid), ({ length }) => length === 0, {
        sent, show: (zombies) => `zombies: ${zombies.join(', ')}`, expected: 'somebody has reaped it',
      });
      await stage.ask(master.address);
      const report = await master.report();
      check(report.exit === null, { sent, received: showMaster(report), expected: 'it serves on' });
      await stage.world.call('signals', init, 'SIGTERM');
      // What a master does on TERM is exercise 7.3. That it gets TERM is PID 1's business.
      await master.until(({ exit }) => exit !== null, { sent: 'TERM to PID 1', expected: 'the master has got it, and has ended' });
    }),
  );
});
