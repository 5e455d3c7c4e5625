/** Exercise 7.5: another version takes over, and no client notices. */
import { rmSync } from 'node:fs';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { closing } from '#support/http-exchange.ts';
import { readResponse, saysClose } from '#support/http-response.ts';
import { WsClient } from '../chapter-06/ws-client.ts';
import { Load } from './load.ts';
import { answer, answererOf, describeSettings, onWindows, PATIENT_MS, showMaster, staged, until } from './stage.ts';
import type { Master, Stage } from './stage.ts';
import type driver from './driver.ts';

exercise<typeof driver>('7.5', import.meta.url, (rule) => {
  rule(
    'new-before-old',
    'starts new workers on HUP, and lets the old ones go when the new ones serve',
    {
      rule: 'HUP begins a new generation. Until N of it serve, the old one does; then it drains',
      likely: 'the old workers are drained first: until the application has been loaded, nobody answers',
      skip: onWindows,
    },
    staged(async (stage) => {
      const gate = await stage.gate('open');
      const app = await stage.writeApp('app', 'old', gate.code);
      const master = await stage.start({ app, workers: 2 });
      const old = await master.children();
      await gate.shut();
      await stage.writeApp('app', 'new', gate.code);
      await master.signal('SIGHUP');
      const sent = 'HUP, with another version of the application';
      // One of the new ones is enough to see; that there are two at once is not asked for.
      await gate.reached(3, sent);
      await stage.untilServedBy(master.address, old, `${sent}, which is still loading`);
      const during = await master.children();
      check(old.every((pid) => during.includes(pid)), { sent: `${sent}, which is still loading`, received: `children ${during.join(', ')}`, expected: `the old workers, ${old.join(', ')}, are among them` });
      await gate.open();
      await stage.untilGone(old, { sent, expected: 'the old workers go when the new ones serve' });
      await stage.untilMark(master, 'new', sent);
      const after = await master.children();
      check(after.length === 2, { sent, received: `children ${after.join(', ')}`, expected: 'two new ones' });
    }),
  );

  rule(
    'keep-alive-is-told',
    'answers a client with an open connection once more, with `Connection: close`',
    {
      rule: 'a connection that is idle may have a request on its way. It gets its answer, whose `Connection: close` says that it was the last (RFC 9112 §9.6)',
      likely: 'idle connections are closed at once: a request that is on its way then is answered with a reset',
      skip: onWindows,
    },
    staged(async (stage) => {
      const app = await stage.writeApp('app', 'old');
      const settings = { workers: 1, keepAliveMs: 60_000 };
      const master = await stage.start({ app, ...settings });
      const { http, again } = await stage.visit(master.address, 'client with an open connection');
      await stage.writeApp('app', 'new');
      await master.signal('SIGHUP');
      await stage.untilMark(master, 'new', 'HUP');
      // The old one has been told to go by now, and could have closed the connection.
      await stage.world.settle();
      const sent = `${describeSettings(settings)}; HUP; then GET / on a connection from before`;
      check(!http.tcp.ended && !http.tcp.closed, { sent, received: http.tcp.describe(), expected: 'the connection is still open' });
      const { response, by } = await again();
      check(by.mark === 'old' && saysClose(response), { sent, received: `an answer of the ${by.mark} version${saysClose(response) ? '' : ' without `Connection: close`'}`, expected: 'an answer of the old version with `Connection: close`' });
      await http.tcp.until(() => http.tcp.ended || http.tcp.closed, { sent, expected: 'the connection is closed after it', patienceMs: PATIENT_MS });
      await master.untilChildren(({ length }) => length === 1, { sent, expected: 'the old worker is gone' });
    }),
  );

  rule(
    'loses-nothing',
    'loses no request when it reloads under load',
    {
      rule: 'no client may notice: neither one that comes anew for each request nor one that keeps its connection',
      likely: 'a worker closes its socket or its connections while something is on the way',
      skip: onWindows,
    },
    staged(async (stage) => {
      const app = await stage.writeApp('app', 'version 1');
      const master = await stage.start({ app, workers: 2 });
      const load = new Load(stage.world, master.address).start();
      for (let version = 2; version <= 3; version++) {
        const old = await master.children();
        await load.more(30, { sent: 'requests', expected: 'answers' });
        await stage.writeApp('app', `version ${version}`);
        await master.signal('SIGHUP');
        await load.more(30, { sent: `HUP, with version ${version}`, expected: `answers of version ${version}` }, ({ mark }) => mark === `version ${version}`);
        await stage.untilGone(old, { sent: `HUP, with version ${version}`, expected: 'the old workers go' });
      }
      await load.stopAndExpectNoLoss('HUP twice');
    }),
  );

  rule(
    'full-queue',
    'loses no connection that waits to be accepted, even if the queue is full',
    {
      rule: 'the queue is the socket\'s and not a worker\'s: the new workers take what the old ones have left',
      likely: 'each generation has a socket of its own, or a reload waits for the old workers, which may be in no state to answer',
      skip: onWindows,
    },
    staged(async (stage) => {
      const app = await stage.writeApp('app', 'old');
      const settings = { workers: 1, backlog: 8 };
      const master = await stage.start({ app, ...settings });
      const [old = 0] = await master.children();
      await stage.world.call('signals', old, 'SIGSTOP');
      const sent = `${describeSettings(settings)}; the worker is stopped (SIGSTOP), and its accept queue is full; HUP`;
      const clients = [];
      for (let index = 1; index <= settings.backlog; index++) clients.push((await stage.world.http(master.address, { label: `client ${index} in the accept queue` })).send('GET', '/', closing()));
      await stage.writeApp('app', 'new');
      await master.signal('SIGHUP');
      for (const http of clients) {
        const { mark } = answererOf(await answer(http, 'an answer of the new version: the old worker is still stopped'), sent);
        check(mark === 'new', { sent, received: `an answer of the ${mark} version`, expected: 'one of the new version' });
      }
      await stage.world.call('signals', old, 'SIGCONT');
      await stage.untilGone([old], { sent, expected: 'the old worker goes' });
    }),
  );

  rule(
    'broken-app-keeps-the-old',
    'keeps the old workers and settings if the new version does not start, and says why',
    {
      rule: 'a failed reload changes nothing: the old workers serve on, and the next HUP may do better',
      likely: 'exit code 3 of a worker ends the master, as it does in the first generation; or new workers are forked again and again; or the settings of the version that has failed are kept',
      skip: onWindows,
    },
    staged(async (stage) => {
      const [loads, tries] = [await stage.gate('open'), await stage.gate('open')];
      const app = await stage.writeApp('app', 'old', loads.code);
      const rereadFile = await stage.world.call('writeFile', 'settings.json', '{}');
      const master = await stage.start({ app, workers: 1 }, { rereadFile });
      const [old = 0] = await master.children();
      const reason = `the lamp ${stage.world.random.integer(1000, 9999)} is broken`;
      const other = await stage.writeApp('other', 'broken', `${tries.code}\nthrow new Error(${JSON.stringify(reason)});`);
      await stage.world.call('writeFile', 'settings.json', JSON.stringify({ workers: 2, app: other }));
      const sent = 'HUP, with 2 workers instead of 1 in the settings, and another application, which throws when it is loaded';
      await master.signal('SIGHUP');
      await master.untilLine(new RegExp(reason), { sent, expected: `a line with the reason: ${reason}` });
      await stage.untilServing(master, 1, sent);
      await stage.world.subject.pass(1_000);
      const after = await master.children();
      check(after.length === 1 && after[0] === old, { sent, received: `children ${after.join(', ')}`, expected: `the old one: ${old}` });
      const tried = (await tries.visitors()).length;
      check(tried <= 2, { sent, received: `${tried} workers have tried to load it`, expected: 'at most two: it has failed, and nothing is gained by trying again' });
      await stage.world.call('signals', old, 'SIGKILL');
      const killed = `${sent}; then kill -9 for the old worker`;
      const [, broken] = await until(
        stage.world,
        async () => [(await loads.visitors()).length, (await tries.visitors()).length] as const,
        ([ofOld, ofBroken]) => ofOld > 1 || ofBroken > tried,
        { sent: killed, show: ([ofOld]) => `${ofOld} workers have loaded the old application`, expected: 'another worker in its place' },
      );
      check(broken === tried, { sent: killed, received: 'the worker in its place loads the application of the reload that has failed', expected: 'the old one: the settings are as before, too' });
      await stage.untilMark(master, 'old', killed);
      const [next = 0] = await master.untilChildren(({ length }) => length === 1, { sent: killed, expected: 'one worker, as before' });
      await stage.world.call('writeFile', 'settings.json', JSON.stringify({ app: other }));
      await stage.writeApp('other', 'mended');
      await master.signal('SIGHUP');
      await stage.untilMark(master, 'mended', `${sent}; then it is mended, and HUP again`);
      await stage.untilGone([next], { sent: `${sent}; then it is mended, and HUP again`, expected: 'the old worker goes' });
    }),
  );

  rule(
    'settings-are-read-anew',
    'reads the settings anew on HUP, and keeps the old ones if they are wrong',
    {
      rule: 'HUP means: read the configuration again. A file that cannot be read changes nothing, and the log says why',
      likely: 'the settings of the start are used for ever, an error in the file ends the master, or what two reloads read is added up',
      skip: onWindows,
    },
    staged(async (stage) => {
      const rereadFile = await stage.world.call('writeFile', 'settings.json', '{}');
      const app = await stage.writeApp('app', 'one');
      const other = await stage.writeApp('other', 'two');
      const master = await stage.start({ app, workers: 1 }, { rereadFile });
      await stage.world.call('writeFile', 'settings.json', JSON.stringify({ workers: 2, app: other }));
      // The second comes while the settings are read for the first.
      await master.signal('SIGHUP', 'SIGHUP');
      const sent = 'HUP twice, with `workers` 2 instead of 1 and another application in the settings';
      await stage.untilMark(master, 'two', sent);
      const pids = await stage.untilServing(master, 2, sent);
      const { lines: before } = await master.report();
      await stage.world.call('writeFile', 'settings.json', '{ "workers": 3, ');
      await master.signal('SIGHUP');
      const bad = 'then HUP with a file that is not JSON';
      await master.until(({ lines }) => lines.length > before.length, { sent: `${sent}; ${bad}`, expected: 'a line that says so' });
      await stage.untilServing(master, 2, bad);
      const after = await master.children();
      // It may have begun a new generation with the old settings, or have left all as it was.
      const report = await master.report();
      check(report.exit === null && after.length === 2, { sent: bad, received: `${showMaster(report)}; children ${after.join(', ')}`, expected: `two workers, such as ${pids.join(', ')}` });
    }),
  );

  rule(
    'websockets-get-1001',
    'closes the WebSockets of old workers with 1001, after streamCloseDelayMs',
    {
      rule: 'a WebSocket has no last answer: 1001 (going away, RFC 6455 §7.4.1) tells its client to connect anew. streamCloseDelayMs keeps all of them from coming back in the same moment',
      likely: 'the connections are cut (1006), or the delay is not waited for',
      skip: onWindows,
    },
    staged(async (stage) => {
      const app = await stage.writeApp('app', 'old');
      const rereadFile = await stage.world.call('writeFile', 'settings.json', '{ "streamCloseDelayMs": 2000 }');
      const master = await stage.start({ app, workers: 1, streamCloseDelayMs: 0 }, { rereadFile });
      // Those that were started before the reload have 0, and those of the reload have 2000.
      for (const streamCloseDelayMs of [0, 2_000]) {
        const old = await master.children();
        const socket = await WsClient.open(stage.world, master.address);
        await socket.message({ patienceMs: PATIENT_MS });
        const gate = await stage.gate('shut');
        await stage.writeApp('app', 'new', gate.code);
        await master.signal('SIGHUP');
        const sent = `${describeSettings({ workers: 1, streamCloseDelayMs })}; an open WebSocket; HUP`;
        await gate.reached(1, sent);
        // The old one goes when the new one serves, which is after this.
        const startedMs = performance.now();
        await gate.open();
        const { code } = await socket.closeFrame({ sent, patienceMs: PATIENT_MS });
        const tookMs = performance.now() - startedMs;
        check(code === 1001, { sent, received: `a Close frame with ${code}`, expected: '1001' });
        check(tookMs >= 0.9 * streamCloseDelayMs, { sent, received: `it came ${Math.round(tookMs)} ms after the new version began to start`, expected: `at least ${streamCloseDelayMs} ms after it` });
        socket.send({ opcode: 8, payload: Buffer.from([0x03, 0xe9]) });
        socket.tcp.end();
        await stage.untilGone(old, { sent, expected: 'the old worker goes' });
      }
    }),
  );

  rule(
    'event-streams-end-whole',
    'ends event streams after a whole event, in the way that bodies end',
    {
      rule: 'the application is told that its server stops (scope.stopping), and ends its stream: a last event, and the last chunk (RFC 9112 §7.1). Its client sees an end and no error',
      likely: 'the connection is cut at once, or the application is never told',
      skip: onWindows,
    },
    staged(async (stage) => {
      const app = await stage.writeApp('app', 'old');
      const master = await stage.start({ app, workers: 1 });
      const old = await master.children();
      const http = (await stage.world.http(master.address, { label: 'client of an event stream' })).send('GET', '/events');
      await http.tcp.until(() => http.tcp.received.includes('data: {'), { expected: 'the first event', patienceMs: PATIENT_MS });
      await stage.writeApp('app', 'new');
      await master.signal('SIGHUP');
      const sent = 'an event stream; HUP';
      await http.tcp.until(() => http.tcp.ended || http.tcp.closed || !('incomplete' in readResponse(http.tcp.received, 0, 'GET', false)), { sent, expected: 'the stream ends', patienceMs: PATIENT_MS });
      const stream = await http.response({ sent, expected: 'the whole body, with its last chunk' });
      check(stream.body.toString('utf8').endsWith('event: last\ndata: goodbye\n\n'), { sent, received: JSON.stringify(stream.body.toString('utf8').slice(-60)), expected: "the application's last event at the end" });
      http.tcp.end();
      await stage.untilGone(old, { sent, expected: 'the old worker goes' });
    }),
  );

  rule(
    'no-signal-is-lost',
    'takes HUP and TTIN at the same time',
    {
      rule: 'a reload takes its time. What is asked for in the meantime counts as well',
      likely: 'the settings are read, which takes a moment, and then the number of workers is theirs: what has come in that moment is forgotten',
      skip: onWindows,
    },
    staged(async (stage) => {
      const app = await stage.writeApp('app', 'old');
      const master = await stage.start({ app, workers: 1 });
      const old = await master.children();
      await stage.writeApp('app', 'new');
      await master.signal('SIGHUP', 'SIGTTIN');
      const sent = 'workers 1; HUP, and TTIN right after it';
      await stage.untilGone(old, { sent, expected: 'the old worker goes' });
      const last = await stage.untilServing(master, 2, sent);
      await stage.untilMark(master, 'new', sent);
      check(!last.some((pid) => old.includes(pid)), { sent, received: `workers ${last.join(', ')}`, expected: 'two new ones' });
    }),
  );

  rule(
    'reads-once-more',
    'takes a HUP that comes while the settings are read',
    {
      rule: 'what was read is old by the time of the second HUP: something has been changed since',
      likely: 'as long as a reload is under way, another one is ignored',
      skip: onWindows,
    },
    staged(async (stage) => {
      const rereadFile = await stage.world.call('writeFile', 'settings.json', '{}');
      const master = await stage.start({ workers: 1 }, { rereadFile });
      await stage.world.call('writeFile', 'settings.json.held', '');
      await stage.world.call('writeFile', 'settings.json', '{ "workers": 2 }');
      await master.signal('SIGHUP');
      const sent = 'HUP, with `workers` 2 instead of 1 in the settings; while they are read, `workers` becomes 3, and HUP comes again';
      const untilSeen = (line: string, expected: string): Promise<unknown> =>
        until(stage.world, () => stage.world.call('readLines', `${rereadFile}.seen`), (lines) => lines.includes(line), {
          sent, show: (lines) => lines.join(', ') || 'nothing', expected,
        });
      await untilSeen('read', '`reread` is called');
      await stage.world.call('writeFile', 'settings.json', '{ "workers": 3 }');
      await master.signal('SIGHUP');
      await untilSeen('HUP', 'the master is running');
      rmSync(`${rereadFile}.held`);
      await stage.untilServing(master, 3, sent);
    }),
  );

  rule(
    'ten-reloads',
    'is as it was after ten reloads in a row',
    {
      rule: 'a reload that comes during a reload replaces it: in the end there are N workers of the last generation, and the master has no more descriptors open than before',
      likely: 'workers that were still booting are forgotten, or the descriptors of their channels stay open',
      skip: onWindows,
    },
    staged(async (stage) => {
      const app = await stage.writeApp('app', 'old');
      const master = await stage.start({ app, workers: 1 });
      await reload(stage, master, 'second');
      const before = await stage.world.call('descriptors', master.pid);
      const gate = await stage.gate('shut');
      await stage.writeApp('app', 'overtaken', gate.code);
      await master.signal('SIGHUP');
      await gate.reached(1, 'HUP');
      await stage.writeApp('app', 'last');
      await master.signal(...Array.from({ length: 9 }, () => 'SIGHUP' as const));
      await gate.open();
      const sent = 'HUP ten times: the second comes while the first new worker is loading another version';
      await stage.untilServing(master, 1, sent);
      await stage.untilMark(master, 'last', sent);
      await stage.untilServing(master, 1, sent);
      if (before === undefined) return;
      await until(stage.world, () => stage.world.call('descriptors', master.pid), (now) => now !== undefined && now <= before, {
        sent, show: (now) => `${now} descriptors are open`, expected: `${before}, as before`,
      });
    }),
  );
});

/** Reloads once, and waits until it is over. */
async function reload(stage: Stage, master: Master, mark: string): Promise<void> {
  const old = await master.children();
  await stage.writeApp('app', mark);
  await master.signal('SIGHUP');
  await stage.untilGone(old, { sent: 'HUP', expected: 'the old workers go' });
  await stage.untilMark(master, mark, 'HUP');
}
