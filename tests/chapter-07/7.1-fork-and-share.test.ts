/** Exercise 7.1: N processes that accept from one socket. */
import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { check } from '#support/failure.ts';
import { exercise } from '#support/exercise.ts';
import { answererOf, answer, describeSettings, onWindows, PATIENT_MS, showMaster, staged, until } from './stage.ts';
import type { FixtureName, Stage } from './stage.ts';
import type driver from './driver.ts';
import { WsClient } from '../chapter-06/ws-client.ts';

const NO_IPV6 = Object.values(networkInterfaces()).flat().some((address) => address?.address === '::1') ? undefined : 'this machine has no ::1';

exercise<typeof driver>('7.1', import.meta.url, (rule) => {
  rule(
    'reads-binds',
    'parseBind tells the kinds of addresses apart',
    {
      rule: 'bind is host:port, [v6]:port, unix:path or fd://N; an IPv6 address is in brackets, since it has colons of its own (RFC 3986 §3.2.2)',
      likely: 'the text is split at its first colon',
    },
    async ({ call, random }) => {
      const port = random.integer(1, 65_535);
      const fd = random.integer(3, 200);
      const cases = [
        [`127.0.0.1:${port}`, { kind: 'tcp', host: '127.0.0.1', port }],
        [`localhost:${port}`, { kind: 'tcp', host: 'localhost', port }],
        ['127.0.0.1:0', { kind: 'tcp', host: '127.0.0.1', port: 0 }],
        [`[::1]:${port}`, { kind: 'tcp', host: '::1', port }],
        ['unix:/run/a b:1.sock', { kind: 'unix', path: '/run/a b:1.sock' }],
        ['unix:app.sock', { kind: 'unix', path: 'app.sock' }],
        [`fd://${fd}`, { kind: 'fd', fd }],
      ] as const;
      const parsed = await call('parseBinds', cases.map(([text]) => text));
      for (const [index, [text, wanted]] of cases.entries()) {
        const got = parsed[index]!;
        const same = 'bind' in got && Object.entries(wanted).every(([name, value]) => (got.bind as unknown as Record<string, unknown>)[name] === value);
        check(same, { sent: `parseBind('${text}')`, received: 'bind' in got ? JSON.stringify(got.bind) : `${got.refused}: ${got.message}`, expected: JSON.stringify(wanted) });
      }
    },
  );

  rule(
    'refuses-garbage',
    'parseBind refuses what is not an address',
    {
      rule: 'a mistake in a setting is said when the program starts, as a SettingsError, and not guessed around',
      likely: 'Number() takes more than digits, and parseInt stops at the first letter: look at the whole text',
    },
    async ({ call }) => {
      const garbage = [
        '', 'localhost', '127.0.0.1', '127.0.0.1:', '127.0.0.1:http', '127.0.0.1:-1', '127.0.0.1:65536', '127.0.0.1:80x', '127.0.0.1: 80',
        '127.0.0.1:1e3', '127.0.0.1:0x50', '127.0.0.1:80:80', '::1:8000', '[::1]', '[::1]:', '[::1:80', '[nonsense]:80', 'unix:', 'fd://', 'fd://x', 'fd://-1', 'fd://3x',
        'http://shop:80',
      ];
      const parsed = await call('parseBinds', garbage);
      for (const [index, text] of garbage.entries()) {
        const got = parsed[index]!;
        check('refused' in got && got.refused === 'SettingsError', {
          sent: `parseBind('${text}')`,
          received: 'bind' in got ? JSON.stringify(got.bind) : `${got.refused}: ${got.message}`,
          expected: 'a SettingsError that says what is allowed',
        });
      }
    },
  );

  rule(
    'all-of-them-serve',
    'forks `workers` processes that serve from one socket, and says so when all of them do',
    {
      rule: 'the master binds the socket and hands it to each worker; `listening on ADDRESS` goes to stdout once all workers serve',
      likely: 'the line is written when the socket is bound, or when the first worker serves',
      skip: onWindows,
    },
    staged(async (stage) => {
      const workers = stage.world.random.integer(2, 3);
      const gate = await stage.gate('shut', 1);
      const diary = `${await stage.world.call('folder')}/diary`;
      const app = await stage.writeApp('app', 'one', gate.code, { diary });
      const master = await stage.launch({ app, workers });
      const sent = describeSettings({ workers });
      // One of them serves, and another one does not get on. Whether the others are forked meanwhile is not asked for.
      await gate.reached(2, sent);
      await until(stage.world, () => stage.world.call('readLines', diary), ({ length }) => length > 0, { sent, show: () => 'nothing', expected: 'the application of one worker is started' });
      await stage.world.subject.pass(200);
      const early = await master.report();
      check(early.stdout === '', { sent: `${sent}; one of them serves, and for another one the application is still being loaded`, received: showMaster(early), expected: 'nothing on stdout yet' });
      await gate.open();
      await master.listening(sent);
      const pids = await master.children();
      check(pids.length === workers, { sent, received: `children of the master: ${pids.join(', ') || 'none'}`, expected: `${workers} processes` });
      await stage.untilServedBy(master.address, pids, sent);
      const { stdout } = await master.report();
      check(/^listening on http:\/\/127\.0\.0\.1:\d+\n$/.test(stdout), { sent, received: stdout, expected: 'one line: listening on http://127.0.0.1:PORT, with the port that is really taken' });
    }),
  );

  rule(
    'serves-beside-the-busy',
    'answers a client while a worker is blocked and others are in the middle of requests',
    {
      rule: 'each worker accepts for itself: a worker that does not come back takes no connection away from the others',
      likely: 'the master accepts and deals the connections out, one to each in turn',
      skip: onWindows,
    },
    staged(async (stage) => {
      const master = await stage.start({ workers: 2 });
      const held = [];
      for (let index = 1; index <= 4; index++) held.push(await stage.hold(master.address, `client ${index} in the middle of a request`));
      await stage.ask(master.address);
      for (const { finish } of held) await finish();
      const blocked = await stage.block(master.address);
      for (let index = 0; index < 8; index++) {
        const { pid } = await stage.ask(master.address);
        check(pid !== blocked, { sent: `GET / while worker ${blocked} is blocked`, received: `an answer from ${pid}`, expected: 'an answer from the other worker' });
      }
    }),
  );

  rule(
    'queue-outlives-workers',
    'keeps connections that wait to be accepted when all workers die',
    {
      rule: 'the accept queue belongs to the socket. As long as the master has it open, it lasts',
      likely: 'the master closes its own descriptor after the fork, or each worker binds a socket of its own: with it, its queue goes (ECONNRESET)',
      skip: onWindows,
    },
    staged(async (stage) => {
      const master = await stage.start({ workers: 2 });
      const pids = await master.children();
      for (const pid of pids) await stage.world.call('signals', pid, 'SIGSTOP');
      const clients = [];
      for (let index = 1; index <= 5; index++) {
        const http = await stage.world.http(master.address, { label: `client ${index} that waits to be accepted` });
        clients.push(http.send('GET', '/'));
      }
      for (const pid of pids) await stage.world.call('signals', pid, 'SIGKILL');
      const sent = 'five clients connect; then kill -9 for all workers';
      await stage.untilGone(pids, { sent, expected: 'they are gone' });
      await stage.world.settle();
      // Others may have been started by now, and have answered.
      for (const { tcp } of clients) {
        check(!tcp.reset && (tcp.receivedBytes > 0 || !(tcp.ended || tcp.closed)), { sent, received: tcp.describe(), expected: 'the connections are open still' });
      }
      const late = stage.world.client(master.address, { label: 'client that comes when nobody is there' });
      await late.connected();
    }),
  );

  rule(
    'binds-ipv6',
    'listens on [::1]:port',
    { rule: 'an IPv6 address is written in brackets, also in what the program says', skip: onWindows ?? NO_IPV6 },
    staged(async (stage) => {
      const master = await stage.start({ bind: '[::1]:0', workers: 1 });
      check(master.address.host === '::1', { sent: "bind '[::1]:0'", received: `listening on ${JSON.stringify(master.address)}`, expected: 'http://[::1]:PORT' });
      await stage.ask(master.address);
    }),
  );

  rule(
    'binds-unix',
    'listens on unix:path',
    { rule: 'a Unix domain socket is shared like any other', likely: 'the path is taken for a host', skip: onWindows },
    staged(async (stage) => {
      const path = `${await stage.world.call('folder')}/app.sock`;
      const master = await stage.start({ bind: `unix:${path}`, workers: 1 });
      check(existsSync(path), { sent: `bind 'unix:${path}'`, received: 'there is no such file', expected: 'the socket' });
      await stage.untilServedBy(master.address, await master.children(), `bind 'unix:${path}'`);
    }),
  );

  rule(
    'binds-fd',
    'serves a socket that it was handed as fd://3',
    {
      rule: 'a descriptor that is there already is used as it is: whoever started the program has bound it',
      likely: 'descriptor 3 is closed, or taken by something else, before the workers get it',
      skip: onWindows,
    },
    staged(async (stage) => {
      const address = await stage.world.call('occupy');
      const master = await stage.start({ bind: 'fd://3', workers: 1 }, { inherits: true });
      const pids = await master.children();
      await stage.world.call('leave');
      await stage.untilServedBy(address, pids, "bind 'fd://3'");
    }),
  );

  rule(
    'waits-for-the-address',
    'tries again when the address is in use',
    {
      rule: 'the program that had the address may be about to end: five tries, a second apart',
      likely: 'EADDRINUSE ends the program at once',
      skip: onWindows,
    },
    staged(async (stage) => {
      const { host, port } = await stage.world.call('occupy');
      const master = await stage.launch({ bind: `${host}:${port}`, workers: 1 });
      // It says that it tries again, or it takes its time.
      const startedMs = stage.world.subject.ownMs();
      await until(stage.world, () => master.report(), ({ lines, exit }) => lines.length > 0 || exit !== null || stage.world.subject.ownMs() - startedMs > 1500, {
        sent: `bind '${host}:${port}', which is in use`, expected: 'a line about it', show: showMaster,
      });
      await stage.world.call('leave');
      await master.listening(`bind '${host}:${port}', which is in use at first, and then no longer`);
      await stage.ask(master.address);
    }),
  );

  rule(
    'says-in-use',
    'gives up on an address that stays in use, and names it',
    {
      rule: 'exit code 1, and one line with the address: whoever reads it must know what to look for',
      likely: 'the error is thrown away, or only its stack is printed',
      skip: onWindows,
    },
    staged(async (stage) => {
      const { host, port } = await stage.world.call('occupy');
      const sent = `bind '${host}:${port}', which is in use`;
      const master = await stage.launch({ bind: `${host}:${port}`, workers: 1 });
      const { lines, stdout } = await master.exits(1, { sent, expected: 'it ends after some tries' });
      check(lines.some((line) => line.includes(`${port}`)), { sent, received: lines.slice(-3).join(' | ') || 'nothing on stderr', expected: `a line with ${host}:${port}` });
      check(stdout === '', { sent, received: stdout, expected: 'nothing on stdout' });
    }),
  );

  rule(
    'serves-every-interface',
    'runs a gateway application and a node handler as well',
    {
      rule: 'app.ts makes every kind of application an asynchronous one: the worker hands it `interface`',
      likely: "the worker imports the export by itself and takes it for an asynchronous application",
      skip: onWindows,
    },
    staged(async (stage) => {
      for (const name of ['gateway', 'node'] satisfies FixtureName[]) {
        const master = await stage.start({ app: stage.fixture(name), interface: name, workers: 1 });
        await stage.ask(master.address);
        await stage.end();
      }
    }),
  );

  rule(
    'serves-frameworks',
    'runs Express, Koa, Hono and Fastify applications that know nothing of it',
    {
      rule: 'MODULE:EXPORT is what the framework gives: an application, not a server',
      skip: onWindows,
    },
    staged(async (stage) => {
      for (const name of ['express', 'koa', 'hono', 'fastify']) await expectFramework(stage, name);
    }),
  );

  rule(
    'serves-websockets',
    'speaks WebSocket with an asynchronous application, from every worker',
    {
      rule: 'a worker serves with serveAsync of chapter 06: what that can, a worker can',
      likely: 'the worker serves the application with serveHttp',
      skip: onWindows,
    },
    staged(async (stage) => {
      const master = await stage.start({ workers: 1 });
      const socket = await WsClient.open(stage.world, master.address);
      const { data } = await socket.message({ patienceMs: PATIENT_MS });
      const { pid } = JSON.parse(data.toString()) as { pid: number };
      const children = await master.children();
      check(children.includes(pid), { sent: 'a WebSocket', received: `served by ${pid}`, expected: `one of the workers: ${children.join(', ')}` });
      const message = stage.world.random.integer(0, 1e9).toString(36);
      socket.send({ opcode: 1, payload: message });
      const reply = await socket.message({ patienceMs: PATIENT_MS });
      check(reply.data.toString() === message, { sent: `the message ${message}`, received: reply.data.toString(), expected: 'the same' });
    }),
  );
});

async function expectFramework(stage: Stage, name: string): Promise<void> {
  const master = await stage.start({ app: stage.app(name), workers: 1 });
  const http = await stage.world.http(master.address);
  http.send('GET', '/');
  const { mark, pid } = answererOf(await answer(http), `GET / of the ${name} application`);
  check(mark === name && pid !== master.pid, { sent: `GET / of the ${name} application`, received: `mark ${mark}, pid ${pid}`, expected: `mark ${name}, and the pid of a worker` });
  const body = stage.world.random.bytes(300);
  http.send('POST', '/echo', { body, fields: [['Content-Type', 'application/octet-stream']] });
  const echoed = await answer(http);
  check(echoed.status === 200 && echoed.body.equals(body), { sent: `POST /echo of the ${name} application, 300 bytes`, received: `${echoed.status} with ${echoed.body.length} bytes`, expected: '200 with the same bytes' });
  await stage.end();
}
