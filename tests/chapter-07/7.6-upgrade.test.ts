/** Exercise 7.6: a second master on the same socket, and a socket that somebody else has bound. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { Load } from './load.ts';
import { describeSettings, onWindows, showMaster, staged, until } from './stage.ts';
import type { Master, Stage, StartSettings } from './stage.ts';
import type driver from './driver.ts';

exercise<typeof driver>('7.6', import.meta.url, (rule) => {
  rule(
    'listen-fds',
    'serves the socket that LISTEN_FDS hands over',
    {
      rule: 'LISTEN_FDS says how many sockets were handed over, from descriptor 3 on, and LISTEN_PID to whom: to this very process (sd_listen_fds(3))',
      likely: 'the environment is not looked at, or the socket is bound in addition',
      skip: onWindows,
    },
    staged(async (stage) => {
      const address = await stage.world.call('occupy');
      const master = await stage.launch({ workers: 1, bind: '127.0.0.1:0' }, { inherits: true, before: ['sh', '-c', 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', 'sh'] });
      await stage.world.call('leave');
      const sent = 'LISTEN_FDS=1 LISTEN_PID=the pid of the master, and a socket as descriptor 3';
      await master.listening(sent);
      const { pid } = await stage.ask(address);
      const pids = await master.children();
      check(pids.includes(pid), { sent, received: `an answer from ${pid}`, expected: `one from ${pids.join(', ')}` });
    }),
  );

  rule(
    'listen-pid-must-match',
    'leaves LISTEN_FDS alone if LISTEN_PID is somebody else',
    {
      rule: 'environments are inherited, and descriptors often are not: without its own pid in LISTEN_PID a process has nothing to do with LISTEN_FDS (sd_listen_fds(3))',
      likely: 'only LISTEN_FDS is looked at',
      skip: onWindows,
    },
    staged(async (stage) => {
      const master = await stage.start({ workers: 1, bind: '127.0.0.1:0' }, { env: { LISTEN_FDS: '1', LISTEN_PID: '1' } });
      await stage.ask(master.address);
    }),
  );

  rule(
    'takes-only-what-is-left',
    'takes over the name of a Unix domain socket that nobody answers at, and no other',
    {
      rule: 'a master that was killed leaves the name of its socket, and nobody answers there. A name at which somebody answers is theirs, and a file that is not a socket is not for us',
      likely: 'whatever is at the path is replaced; or nothing is, and after a kill -9 nothing starts any more',
      skip: onWindows,
    },
    staged(async (stage) => {
      const path = `${await stage.world.call('folder')}/app.sock`;
      const settings = { workers: 1, bind: `unix:${path}` };
      const first = await stage.start(settings);
      const workers = await first.children();
      const taken = `bind '${settings.bind}', where another master serves`;
      const second = await stage.launch(settings);
      await expectRefused(second, taken);
      await stage.untilServedBy(first.address, workers, taken);
      await first.signal('SIGKILL');
      await first.until(({ exit }) => exit !== null, { sent: 'SIGKILL', expected: 'it ends' });
      await stage.untilGone(workers, { sent: 'SIGKILL to the master', expected: 'its workers end' });
      const left = `bind '${settings.bind}', which a master has left that was killed`;
      const third = await stage.start(settings);
      await stage.untilServedBy(third.address, await third.children(), left);
      await third.signal('SIGTERM');
      await third.exits(0, { sent: `${left}; then SIGTERM`, expected: 'it ends' });
      check(!existsSync(path), { sent: `${left}; then SIGTERM`, received: 'the socket is still there', expected: 'it is removed' });
      writeFileSync(path, 'precious');
      const file = `bind '${settings.bind}', where there is a file that is not a socket`;
      const fourth = await stage.launch(settings);
      await expectRefused(fourth, file);
      check(readFileSync(path, 'utf8') === 'precious', { sent: file, received: 'it is gone', expected: 'it is left alone' });
    }),
  );

  rule(
    'both-serve',
    'starts a second master on USR2, and both serve from one socket',
    {
      rule: 'the second master is the same program anew (other code may lie there by now). It gets the socket and binds nothing, so nobody is refused',
      likely: 'the second master binds the address itself and finds it in use, or the first one stops when it starts',
      skip: onWindows,
    },
    staged(async (stage) => {
      const { master, second, old } = await upgrade(stage);
      const pids = await stage.world.call('children', second);
      await stage.untilServedBy(master.address, [...old, ...pids], 'USR2');
    }),
  );

  rule(
    'term-to-the-old-commits',
    'serves on with the second master when the first one gets TERM',
    {
      rule: 'TERM to the old master makes the upgrade final: its workers finish, the new ones take everything, and no request is lost. The name of a Unix domain socket stays: the second master serves there',
      likely: 'the first master ends the second one as if it were a worker, or takes the socket or its name with it',
      skip: onWindows,
    },
    staged(async (stage) => {
      const { master, second, old } = await upgrade(stage, { bind: `unix:${await stage.world.call('folder')}/app.sock` });
      const load = new Load(stage.world, master.address).start();
      await load.more(30, { sent: 'requests while both serve', expected: 'answers' });
      await master.signal('SIGTERM');
      const sent = 'USR2, and then TERM to the first master';
      await master.exits(0, { sent, expected: 'it ends' });
      await load.more(30, { sent, expected: 'answers of the new workers' }, ({ pid }) => !old.includes(pid));
      await load.stopAndExpectNoLoss(sent);
      const pids = await stage.world.call('children', second);
      check((await stage.world.call('running', [second])).length === 1 && pids.length === 1, { sent, received: `second master: ${pids.length} workers`, expected: 'one worker, as before' });
      await stage.untilGone(old, { sent, expected: 'the old workers go' });
      await stage.world.call('signals', second, 'SIGTERM');
      await stage.untilGone([second, ...pids], { sent: `${sent}; then TERM to the second one`, expected: 'it ends as well, with its workers' });
    }),
  );

  rule(
    'term-to-the-new-rolls-back',
    'serves on with the first master when the second one gets TERM, and can try again',
    {
      rule: 'TERM to the new master takes the upgrade back: nothing has happened, and the next USR2 starts another one',
      likely: 'the first master does not notice that the second one has gone, and refuses every further USR2',
      skip: onWindows,
    },
    staged(async (stage) => {
      const { master, second, old } = await upgrade(stage);
      const pids = await stage.world.call('children', second);
      const load = new Load(stage.world, master.address).start();
      await load.more(30, { sent: 'requests while both serve', expected: 'answers' });
      await stage.world.call('signals', second, 'SIGTERM');
      const sent = 'USR2, and then TERM to the second master';
      await stage.untilGone([second, ...pids], { sent, expected: 'it ends, with its workers' });
      await load.more(30, { sent, expected: 'answers of the old workers' }, ({ pid }) => old.includes(pid));
      await load.stopAndExpectNoLoss(sent);
      await master.signal('SIGUSR2');
      await secondOf(stage, master, old, `${sent}; then USR2 again`);
    }),
  );

  rule(
    'broken-upgrade',
    'serves on when the second master does not come up',
    {
      rule: 'an upgrade that fails is no more than a line in the log',
      likely: "the end of the second master is taken for a worker's, or for the end of all",
      skip: onWindows,
    },
    staged(async (stage) => {
      const app = await stage.writeApp('app', 'old');
      const master = await stage.start({ app, workers: 1 });
      const old = await master.children();
      const reason = `the lamp ${stage.world.random.integer(1000, 9999)} is broken`;
      await stage.writeApp('app', 'broken', `throw new Error(${JSON.stringify(reason)});`);
      await master.signal('SIGUSR2');
      const sent = 'USR2, with a version that throws when it is loaded';
      await master.untilLine(new RegExp(reason), { sent, expected: `a line with the reason: ${reason}` });
      const left = await master.untilChildren(({ length }) => length === 1, { sent, expected: 'the old worker alone' });
      check(left.join() === old.join(), { sent, received: `children ${left.join(', ')}`, expected: old.join(', ') });
      await stage.ask(master.address);
    }),
  );
});

/** A master that cannot have its address ends. If it serves instead, nobody has to wait to see that. */
async function expectRefused(master: Master, sent: string): Promise<void> {
  const report = await master.until(({ exit, stdout }) => exit !== null || stdout !== '', { sent, expected: 'it ends' });
  check(report.exit?.code === 1, { sent, received: showMaster(report), expected: 'it ends with exit code 1' });
}

interface Upgraded {
  readonly master: Master;
  /** The pid of the second master. */
  readonly second: number;
  /** The workers of the first one. */
  readonly old: readonly number[];
}

/** A master with one worker that has got USR2, and a second one whose worker serves. */
async function upgrade(stage: Stage, others: StartSettings = {}): Promise<Upgraded> {
  const settings = { workers: 1, ...others };
  const master = await stage.start(settings);
  const old = await master.children();
  await master.signal('SIGUSR2');
  const second = await secondOf(stage, master, old, `${describeSettings(settings)}; USR2`);
  return { master, second, old };
}

/** Waits until a second master has a worker that has answered. */
async function secondOf(stage: Stage, master: Master, old: readonly number[], sent: string): Promise<number> {
  const [second] = await until(
    stage.world,
    async () => {
      const others = (await master.children()).filter((pid) => !old.includes(pid));
      const found: number[] = [];
      for (const pid of others) if ((await stage.world.call('children', pid)).length > 0) found.push(pid);
      return found;
    },
    ({ length }) => length > 0,
    { sent, show: (pids) => `masters besides the first one: ${pids.join(', ') || 'none'}`, expected: 'a second master, which has started a worker' },
  );
  await stage.untilServedBy(master.address, await stage.world.call('children', second!), sent);
  return second!;
}
