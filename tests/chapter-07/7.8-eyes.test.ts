/**
 * Exercise 7.8: eyes. The logs, the control socket and the numbers of a service whose workers come and go.
 */
import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { closing } from '#support/http-exchange.ts';
import { fieldValue } from '#support/http-response.ts';
import type { HttpClient, RequestOptions } from '#support/http-client.ts';
import type { Random } from '#support/random.ts';
import type { Address } from '#support/tcp-client.ts';
import type { AccessFacts } from './door.ts';
import type driver from './driver.ts';
import { ControlPeer, getMetrics, isSettled, linesOf, metricsAddress, quotedValues, readMetrics, requestsTotal, shown, untilLogged } from './eyes.ts';
import type { Shown } from './eyes.ts';
import { answer, onWindows, PATIENT_MS, staged, until } from './stage.ts';
import type { Stage } from './stage.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** Descriptors are counted in /proc. */
const noProc = onWindows ?? (existsSync('/proc/self/fd') ? undefined : 'there is no /proc here, in which a process shows its descriptors');

/** `[30/Nov/2026:13:20:01 +0000]` as milliseconds. */
function timeOf(text: string): number {
  const found = /^\[(\d\d)\/(\w{3})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d\d)(\d\d)\]$/.exec(text);
  if (found === null || !MONTHS.includes(found[2]!)) return NaN;
  const [, day, month, year, clock, hours, minutes] = found as unknown as string[];
  return Date.parse(`${year}-${String(MONTHS.indexOf(month!) + 1).padStart(2, '0')}-${day}T${clock}${hours}:${minutes}`);
}

function someFacts(random: Random): AccessFacts & { path: string; query: string; word: string } {
  const [path, query, word] = [`/${random.word()}/${random.word()}`, random.boolean() ? `a=${random.word()}&b=${random.word()}` : '', random.word()];
  return {
    path,
    query,
    word,
    client: random.pick(['127.0.0.1', '192.0.2.7', '2001:db8::1']),
    user: random.boolean() ? random.word() : null,
    time: new Date(random.integer(0, 2_000_000) * 1000 + 500),
    method: random.pick(['GET', 'POST', 'DELETE', 'PURGE']),
    target: query === '' ? path : `${path}?${query}`,
    version: random.pick(['1.0', '1.1']),
    status: random.pick([200, 204, 304, 404, 500]),
    bytes: random.boolean() ? 0 : random.integer(1, 1e9),
    durationMs: random.integer(0, 90_000_000) / 1000,
    pid: random.integer(2, 4_000_000),
    requestHeaders: [['Host', 'x'], ['X-Word', word], ['referer', `http://${word}.example/`], ['User-Agent', `${word}/1.0 (${word}; ${word})`]],
    responseHeaders: [['content-type', 'text/plain'], ['X-Told', word]],
  };
}

const EYES = { workers: 2, gracefulTimeoutMs: 10_000 };

/** A connection to each of the workers, and how many requests that has taken. */
async function toEach(stage: Stage, address: Address, workers: number): Promise<{ clients: Map<number, HttpClient>; visits: number }> {
  const found = new Map<number, HttpClient>();
  let visits = 0;
  await until(
    stage.world,
    async () => {
      const { http, by } = await stage.visit(address, 'client that stays');
      visits++;
      if (found.has(by.pid)) http.tcp.destroy();
      else found.set(by.pid, http);
      return found.size;
    },
    (size) => size === workers,
    { sent: 'requests on new connections', expected: `answers from ${workers} workers`, show: (size) => `answers from ${size}` },
  );
  return { clients: found, visits };
}

async function ask(http: HttpClient, method: string, target: string, options: RequestOptions = {}) {
  http.send(method, target, options);
  return await answer(http);
}

exercise<typeof driver>('7.8', import.meta.url, (rule) => {
  rule(
    'atoms',
    'writes into a line of the access log what is known about the request',
    {
      rule: "the atoms are gunicorn's: %(h)s is the client, %(r)s the request line, %(D)s the microseconds, %({x}i)s a field of the request; what is not known is -",
      likely: 'names of fields are compared with upper and lower case, or the unit of a time is another one',
    },
    async ({ call, random }) => {
      for (let round = 0; round < 20; round++) {
        const facts = someFacts(random);
        const { path, query, word, client, user, time, method, target, version, status, bytes, durationMs, pid } = facts;
        const near = (expected: number, slack: number) => (text: string): boolean => /^\d+(\.\d+)?$/.test(text) && Math.abs(Number(text) - expected) <= slack;
        const atoms: [atom: string, expected: string | ((text: string) => boolean), text?: string][] = [
          ['h', client!], ['l', '-'], ['u', user ?? '-'], ['r', `${method} ${target} HTTP/${version}`], ['m', method], ['U', path],
          ['q', (text) => text === query || (query === '' && text === '-'), query], ['H', `HTTP/${version}`], ['s', String(status)], ['B', String(bytes)], ['b', bytes === 0 ? '-' : String(bytes)],
          ['f', `http://${word}.example/`], ['a', `${word}/1.0 (${word}; ${word})`],
          ['T', (text) => /^\d+$/.test(text) && near(durationMs / 1000, 1)(text), `${Math.floor(durationMs / 1000)}: whole seconds`], ['M', near(durationMs, 1), `${Math.round(durationMs)}: milliseconds`],
          ['D', near(durationMs * 1000, 1), `${Math.round(durationMs * 1000)}: microseconds`], ['L', near(durationMs / 1000, 0.001), `${(durationMs / 1000).toFixed(6)}: seconds, with decimals`],
          ['p', (text) => text === String(pid) || text === `<${pid}>`, `<${pid}>`], ['t', (text) => Math.abs(timeOf(text) - time.getTime()) <= 1000, `[DAY/MONTH/YEAR:HH:MM:SS ZONE] of ${time.toISOString()}`],
          ['{x-word}i', word], ['{X-WORD}i', word], ['{x-told}o', word], ['{X-Told}o', word], ['{x-told}i', '-'], ['{x-word}o', '-'], ['{x-nothing}i', '-'],
        ];
        for (const [atom, expected, text] of random.shuffle(atoms)) {
          const line = await call('accessLine', `%(${atom})s`, facts);
          const right = typeof expected === 'string' ? line === expected : expected(line);
          check(right, { sent: `the atom %(${atom})s of ${JSON.stringify(facts)}`, received: shown(line), expected: shown(text ?? String(expected)) });
        }
        const several = await call('accessLine', '<%(m)s>%(s)s "%(U)s" 100%% %(nothing)s', facts);
        check(several === `<${method}>${status} "${path}" 100% -`, { sent: '<%(m)s>%(s)s "%(U)s" 100%% %(nothing)s', received: shown(several), expected: shown(`<${method}>${status} "${path}" 100% -`) });
      }
    },
  );

  rule(
    'nothing-ends-the-line',
    'escapes what a client could forge a line with',
    {
      rule: 'whatever comes from a client may end neither the line nor the quotes, and may tell a terminal nothing: quotes, backslashes and control characters are escaped, as in Apache’s logs (CWE-117)',
      likely: 'only the newline is escaped, or only one of the atoms; backslashes must be escaped too, or the reader cannot tell an escaped quote from one that was sent',
    },
    async ({ call, random }) => {
      const pieces = ['\r\n', '\n', '"', '\\', '\\"', '\x1b[31m', '\x1b]0;x\x07', '\0', '\t', '\x7f', '\\x22', '%(s)s', ' ', 'word'];
      const hostile = (): string => Array.from({ length: random.integer(1, 6) }, () => random.pick(pieces)).join('') + random.word();
      for (let round = 0; round < 40; round++) {
        const [method, target, referer, agent, word, told] = [hostile(), `/${hostile()}?${hostile()}`, hostile(), hostile(), hostile(), hostile()];
        const facts: AccessFacts = { ...someFacts(random), method, target, requestHeaders: [['Referer', referer], ['User-Agent', agent], ['X-Word', word]], responseHeaders: [['X-Told', told]] };
        const format = '"%(m)s" "%(f)s" "%(a)s" "%({x-word}i)s" "%({x-told}o)s" "%(r)s" "%(U)s?%(q)s"';
        const line = await call('accessLine', format, facts);
        const report = { sent: `${format} where the method is ${shown(method)}, the target ${shown(target)}, Referer ${shown(referer)}, User-Agent ${shown(agent)}`, received: shown(line) };
        check(!/[\x00-\x1f\x7f]/.test(line), { ...report, expected: 'no control characters' });
        const values = quotedValues(line);
        const expected = [method, referer, agent, word, told, `${method} ${target} HTTP/${facts.version}`, target];
        check(values !== null && values.length === expected.length, { ...report, expected: 'seven values in quotes, and each quote in them escaped' });
        expected.forEach((value, index) => check(values[index] === value, { ...report, received: `${shown(line)}; value ${index + 1} reads as ${shown(values[index]!)}`, expected: `${shown(value)} once it is unescaped` }));
        const user = await call('accessLine', '%(u)s', { ...facts, user: hostile() });
        check(!/[\x00-\x1f\x7f]/.test(user) && !/(?:^|[^\\])"/.test(user.replaceAll('\\\\', '')), { sent: '%(u)s of a hostile name', received: shown(user), expected: 'no control characters and no bare quotes' });
      }
      for (const text of ['\x9b31m', '\x85']) {
        const line = await call('accessLine', '%(a)s', { ...someFacts(random), requestHeaders: [['User-Agent', text]] });
        check(!/[\x80-\x9f]/.test(line), { sent: `User-Agent ${shown(text)}`, received: shown(line), expected: 'no control characters: some terminals obey those from 0x80 to 0x9f, too' });
      }
    },
  );

  rule(
    'a-line-for-each-request',
    'logs each request once, whichever worker answers it',
    {
      rule: 'a line of the access log is about one response: its status, the bytes of its body that were sent (none for HEAD), the worker, the time',
      likely: 'workers overwrite each other’s lines (open the file for appending), or what is answered after an error is not logged',
      ...(onWindows === undefined ? {} : { skip: onWindows }),
    },
    staged(async (stage) => {
      const { world } = stage;
      const log = join(await world.call('folder'), 'access.log');
      const format = '%(p)s %(m)s %(U)s ?%(q)s %(H)s %(s)s %(B)s %(D)s %(h)s "%(a)s" "%({x-word}i)s" "%({x-told}o)s"';
      const master = await stage.start({ ...EYES, app: stage.app('eyes'), accessLog: log, accessLogFormat: format });
      const pids = await master.children();
      const asked = Array.from({ length: 24 }, (_, id) => {
        const [n, status, word] = [world.random.integer(0, 3000), world.random.pick([200, 201, 404, 503]), world.random.word()];
        const method = id === 0 ? 'HEAD' : world.random.pick(['GET', 'POST', 'HEAD', 'DELETE']);
        return { path: `/bytes/${id}`, query: `n=${n}&status=${status}&word=${word}`, method, n: method === 'HEAD' ? 0 : n, status, word, agent: `${world.random.words(2)} "${word}\\` };
      });
      const throwing = { path: '/throws/24', query: `text=${world.random.word()}`, method: 'GET', n: null, status: 500, word: '-', agent: 'thrower' };
      const all = world.random.shuffle([...asked, throwing]);
      await Promise.all(all.map(async ({ method, path, query, word, agent }) => {
        const http = await world.http(master.address);
        await ask(http, method, `${path}?${query}`, closing({ fields: [['User-Agent', agent], ['X-Word', word]] }));
      }));
      const lines = await untilLogged(stage, log, ({ length }) => length >= all.length, { sent: `${all.length} requests`, expected: `${all.length} lines in the access log` });
      for (const { path, query, method, n, status, word, agent } of all) {
        const own = lines.filter((line) => line.includes(` ${path} `));
        const sent = `${method} ${path}?${query} with User-Agent ${shown(agent)}, answered with ${status}`;
        check(own.length === 1, { sent, received: `${own.length} lines about it, of ${lines.length}`, expected: 'one line' });
        const found = /^<?(\d+)>? (\S+) (\S+) \?(\S*) HTTP\/1\.1 (\d+) (\d+) (\d+) (\S+) ("(?:[^"\\]|\\.)*" "(?:[^"\\]|\\.)*" "(?:[^"\\]|\\.)*")$/.exec(own[0]!);
        check(found !== null, { sent: `${sent}; format ${format}`, received: own[0]!, expected: 'a line of that format' });
        const [, pid, sawMethod, sawPath, sawQuery, sawStatus, bytes, , client, quoted] = found as unknown as string[];
        const [sawAgent, sawWord, told] = quotedValues(quoted!)!;
        const saw = [pids.includes(Number(pid)), sawMethod, sawPath, sawQuery, Number(sawStatus), client, sawAgent, sawWord];
        const expected = [true, method, path, query, status, '127.0.0.1', agent, word];
        check(JSON.stringify(saw) === JSON.stringify(expected), { sent, received: own[0]!, expected: `a worker’s pid, ${expected.slice(1).join(' ')}` });
        if (n !== null) check(Number(bytes) === n && told === word, { sent: `${sent}; ${n} bytes of the body were sent, with X-Told: ${word}`, received: own[0]!, expected: `${n} bytes, and "${word}"` });
      }
      check(linesOf(log).length === all.length, { sent: `${all.length} requests`, received: `${linesOf(log).length} lines`, expected: 'one line for each' });
      await master.signal('SIGTERM');
      await master.exits(0, { sent: 'SIGTERM', expected: 'it ends' });
    }),
  );

  rule(
    'rotates-under-load',
    'loses no line when its logs are renamed, and goes on in new files',
    {
      rule: 'SIGUSR1 means: the log files were renamed, open them anew. Every process that has one open does so, and a line is in one of the files',
      likely: 'only the master opens its log anew: workers have the access log open too, and must be told',
      ...(onWindows === undefined ? {} : { skip: onWindows }),
    },
    staged(async (stage) => {
      const folder = await stage.world.call('folder');
      const [log, errors] = [join(folder, 'access.log'), join(folder, 'error.log')];
      const master = await stage.start({ ...EYES, app: stage.app('eyes'), accessLog: log, accessLogFormat: '%(p)s %(U)s', errorLog: errors });
      const { clients, visits } = await toEach(stage, master.address, 2);
      const asked: string[] = [];
      let over = false;
      const load = Promise.all([...clients].map(async ([pid, http]) => {
        for (let id = 0; !over; id++) {
          await ask(http, 'GET', `/id/${pid}-${id}`);
          asked.push(`/id/${pid}-${id}`);
        }
      }));
      load.catch(() => {});
      const olds: string[] = [];
      try {
        for (const turn of [1, 2, 3]) {
          olds.push(`${log}.${turn}`);
          renameSync(log, `${log}.${turn}`);
          if (existsSync(errors)) renameSync(errors, `${errors}.${turn}`);
          await master.signal('SIGUSR1');
          const report = { sent: 'both logs were renamed, then SIGUSR1 to the master', expected: `lines of both workers in a new ${log}`, likely: 'the workers have not opened it anew' };
          await untilLogged(stage, log, (lines) => [...clients.keys()].every((pid) => lines.some((line) => line.includes(`-`) && line.includes(`/id/${pid}-`))), report);
          await until(stage.world, async () => await Promise.resolve(existsSync(errors)), (there) => there, { ...report, expected: `a new ${errors}`, show: (there) => (there ? 'it is there' : 'it is not there') });
        }
      } finally {
        over = true;
      }
      await load;
      await master.signal('SIGTERM');
      await master.exits(0, { sent: 'SIGTERM', expected: 'it ends' });
      const lines = [...olds, log].flatMap(linesOf).map((line) => line.split(' ')[1]);
      const times = new Map<string, number>();
      for (const path of lines) times.set(path!, (times.get(path!) ?? 0) + 1);
      for (const path of asked) check(times.get(path) === 1, { sent: `GET ${path}, while the log was rotated three times`, received: `${times.get(path) ?? 0} lines about it in all files`, expected: 'one line, in one of the files' });
      check(lines.length >= asked.length + visits, { sent: `${asked.length} requests`, received: `${lines.length} lines`, expected: 'a line for each' });
      check(linesOf(errors).length > 0, { sent: 'SIGTERM after the error log was rotated', received: `nothing in the new ${errors}`, expected: 'what the master says of its end', likely: 'the master still writes to the file that was renamed' });
    }),
  );

  rule(
    'keeps-a-log-that-it-has',
    'keeps the old file where the new one cannot be opened, and says so',
    {
      rule: 'a mistake in the rotation must not cost the service its log, nor the service itself',
      likely: 'the old file is closed before the new one is open',
      ...(onWindows === undefined ? {} : { skip: onWindows }),
    },
    staged(async (stage) => {
      const log = join(await stage.world.call('folder'), 'access.log');
      const master = await stage.start({ ...EYES, workers: 1, app: stage.app('eyes'), accessLog: log, accessLogFormat: '%(U)s' });
      await stage.ask(master.address, '/before');
      await untilLogged(stage, log, (lines) => lines.includes('/before'), { sent: 'GET /before', expected: 'a line about it' });
      renameSync(log, `${log}.1`);
      mkdirSync(log);
      await master.signal('SIGUSR1');
      await master.untilLine(/access\.log/, { sent: 'SIGUSR1, where a folder is in the way of the new log', expected: 'a line on stderr that names the file' });
      await stage.ask(master.address, '/after');
      await untilLogged(stage, `${log}.1`, (lines) => lines.includes('/after'), { sent: 'GET /after', expected: 'a line about it in the old file' });
      rmdirSync(log);
      await master.signal('SIGUSR1');
      await until(stage.world, async () => await stage.ask(master.address, '/new').then(() => linesOf(log).length), (length) => length > 0, { sent: 'SIGUSR1, and nothing in the way any more', expected: 'lines in the new file', show: (length) => `${length} lines` });
    }),
  );

  rule(
    'captures-output',
    'puts what workers print into the error log, line by line',
    {
      rule: 'captureOutput: each line of a worker’s stdout and stderr becomes one of the error log, with the pid of the worker: whole lines, and the last one of a worker even without a newline',
      likely: 'what one read brings is taken for lines: it may end in the middle of one, or of a character',
      ...(onWindows === undefined ? {} : { skip: onWindows }),
    },
    staged(async (stage) => {
      const { world } = stage;
      const master = await stage.start({ ...EYES, app: stage.app('eyes'), captureOutput: true });
      const { clients } = await toEach(stage, master.address, 2);
      const word = world.random.word(8, 12);
      await Promise.all([...clients].flatMap(([pid, http]) => [
        ask(http, 'GET', `/lines?n=60&text=${word}${pid}&to=${pid % 2 === 0 ? 'stderr' : 'stdout'}`),
      ]));
      const sent = '60 lines of each of two workers, each in three writes';
      const has = (pid: number, number: number) => (line: string): boolean => line.endsWith(` ${word}${pid} ${number} of ${word}${pid}`) && line.includes(`[${pid}]`);
      for (const pid of clients.keys()) {
        for (const number of [59, 0, 31]) {
          await master.until(({ lines }) => lines.some(has(pid, number)), { sent, expected: `a line \`TIME [${pid}] ${word}${pid} ${number} of ${word}${pid}\` in the error log` });
        }
      }
      const { lines, stdout } = await master.report();
      const about = lines.filter((line) => line.includes(word));
      check(about.length === 120, { sent, received: `${about.length} lines; one of them ${shown(about.find((line) => !/ \d+ of \w+$/.test(line)) ?? '')}`, expected: '120 lines' });
      check(!stdout.includes(word), { sent, received: 'some of it on stdout', expected: 'all of it in the error log' });
      const [[pid, http], [otherPid, other]] = [...clients] as [[number, HttpClient], [number, HttpClient]];
      // The ü is cut in two: half a line, another worker's line, the other half.
      const half = `${word}-half-${world.random.word()}`;
      await ask(http, 'GET', `/print?text=${half}-%C3%BC`);
      await ask(other, 'GET', `/print?text=${word}-whole%0A`);
      await ask(http, 'GET', `/print?text=-rest%0A${word}-long-${'x'.repeat(3000)}%0A`);
      await master.untilLine(new RegExp(`\\[${pid}\\].*${half}-ü-rest$`), { sent: `${half}-ü, a line of another worker, and then -rest and a newline`, expected: `one line of the error log: ${half}-ü-rest` });
      await master.untilLine(new RegExp(`\\[${otherPid}\\] ${word}-whole$`), { sent: 'a line of another worker meanwhile', expected: 'a line of its own' });
      await master.untilLine(new RegExp(`${word}-long-x{1000}`), { sent: 'a line of 3,000 characters', expected: 'it is in the error log' });
      http.send('GET', `/last-words?text=${word}-last`);
      await master.untilLine(new RegExp(`\\[${pid}\\] ${word}-last$`), { sent: `${word}-last without a newline, and the end of the worker`, expected: 'a line of the error log' });
    }),
  );

  rule(
    'a-child-that-keeps-the-output',
    'replaces a worker whose output is kept open by a process that it has started',
    {
      rule: 'a worker has ended when its process has. Its stdout may be open for longer: a process that it has started may have inherited it',
      likely: 'the end of the output is taken for the end of the worker (`close` instead of `exit`)',
      ...(onWindows === undefined ? {} : { skip: onWindows }),
    },
    staged(async (stage) => {
      const master = await stage.start({ ...EYES, workers: 1, app: stage.app('eyes'), captureOutput: true });
      const first = await stage.ask(master.address, '/leaves-a-child');
      try {
        const http = await stage.world.http(master.address);
        http.send('GET', '/exit');
        const next = await master.untilChildren((pids) => pids.some((pid) => pid !== first.pid), { sent: 'a worker that has started a process, which keeps its stdout open, ends', expected: 'another worker' });
        await stage.untilServedBy(master.address, next, 'the same');
        await stage.world.call('signals', master.pid, 'SIGTERM');
        await master.exits(0, { sent: 'SIGTERM', expected: 'it ends' });
      } finally {
        await stage.world.call('signals', Number(first.mark), 'SIGKILL');
      }
    }),
  );

  rule(
    'control-socket',
    'has a control socket that nobody else can open, and that goes when it goes',
    {
      rule: 'anyone who can open the socket can stop workers: mode 0600. One that a dead master has left is replaced, one that answers is not, and a file that is not a socket is not touched',
      likely: 'the mode depends on the umask of the shell; or the path is removed without a look at what is there',
      ...(onWindows === undefined ? {} : { skip: onWindows }),
    },
    staged(async (stage) => {
      const { world } = stage;
      const path = join(await world.call('folder'), 'control.sock');
      const settings = { ...EYES, workers: 1, app: stage.app('eyes'), controlSocket: path };
      const before = ['sh', '-c', 'umask 000; exec "$@"', 'sh'];
      const sent = `controlSocket: ${path}, with umask 000`;
      const look = (where: string): void => {
        const stats = lstatSync(path, { throwIfNoEntry: false });
        check(stats?.isSocket() === true, { sent: where, received: stats === undefined ? 'nothing at that path' : 'something other than a socket', expected: 'a socket' });
        check((stats.mode & 0o777) === 0o600, { sent: where, received: `mode 0${(stats.mode & 0o777).toString(8)}`, expected: 'mode 0600' });
      };
      const first = await stage.start(settings, { before });
      look(sent);
      const peer = await ControlPeer.connect(stage, path);
      check((await peer.show()).pid === first.pid, { sent: 'show', received: 'another pid', expected: `pid ${first.pid}` });
      // A second one that wants the same path.
      const second = await stage.launch(settings);
      await second.exits(1, { sent: 'a second master with the same control socket', expected: 'it ends' });
      check((await peer.show()).pid === first.pid, { sent: 'show, after a second master was refused', received: 'another pid', expected: `pid ${first.pid}` });
      look('a second master was refused');
      check((await (await ControlPeer.connect(stage, path)).show()).pid === first.pid, { sent: 'show on a new connection', received: 'another pid', expected: `pid ${first.pid}` });
      // A dead one leaves its socket behind.
      const children = await first.children();
      await first.signal('SIGKILL');
      await first.until(({ exit }) => exit !== null, { sent: 'SIGKILL', expected: 'it ends' });
      await stage.untilGone(children, { sent: 'SIGKILL to the master', expected: 'its workers end' });
      const third = await stage.start(settings);
      look('a master that was killed left its socket; a new one took the path');
      check((await (await ControlPeer.connect(stage, path)).show()).pid === third.pid, { sent: 'show', received: 'another pid', expected: `pid ${third.pid}` });
      await third.signal('SIGTERM');
      await third.exits(0, { sent: 'SIGTERM', expected: 'it ends' });
      check(!existsSync(path), { sent: 'SIGTERM', received: 'the socket is still there', expected: 'it is removed' });
      writeFileSync(path, 'precious');
      const fourth = await stage.launch(settings);
      await fourth.exits(1, { sent: 'a file that is not a socket at that path', expected: 'it ends' });
      check(readFileSync(path, 'utf8') === 'precious', { sent: 'a file that is not a socket at that path', received: 'it is gone', expected: 'it is left alone' });
    }),
  );

  rule(
    'commands',
    'does what it is told over the control socket, and says what it has',
    {
      rule: 'a line of JSON for a command, a line of JSON for its answer: show, add, remove, reload, stop with a pid, metrics',
      likely: 'a command changes the workers instead of the number that there should be',
      ...(onWindows === undefined ? {} : { skip: onWindows }),
    },
    staged(async (stage) => {
      const path = join(await stage.world.call('folder'), 'control.sock');
      const master = await stage.start({ ...EYES, app: stage.app('eyes'), controlSocket: path });
      const peer = await ControlPeer.connect(stage, path);
      const samePids = (workers: Shown['workers'], pids: readonly number[]): boolean => JSON.stringify(workers.map(({ pid }) => pid).sort()) === JSON.stringify([...pids].sort());
      const begun = await peer.untilShown(stage, isSettled, { sent: 'show', expected: 'two workers that serve' });
      const children = await master.children();
      check(begun.pid === master.pid && samePids(begun.workers, children) && begun.goal === 2, { sent: 'show', received: JSON.stringify(begun), expected: `pid ${master.pid}, goal 2, workers ${children.join(' and ')}` });
      check(begun.address.includes(String(master.address.port)) && begun.totals.forks >= 2, { sent: 'show', received: JSON.stringify(begun), expected: `the address, with port ${master.address.port}, and totals.forks 2` });
      check(begun.workers.every(({ rssBytes, ageMs }) => typeof rssBytes === 'number' && ageMs >= 0), { sent: 'show', received: JSON.stringify(begun.workers), expected: 'rssBytes and ageMs of each' });
      await peer.order('add');
      const more = await peer.untilShown(stage, (now) => now.goal === 3 && isSettled(now), { sent: 'add', expected: 'three workers' });
      check(begun.workers.every(({ pid }) => more.workers.some((one) => one.pid === pid)), { sent: 'add', received: 'workers were replaced', expected: 'the two that there were, and another' });
      await peer.order('remove');
      const less = await peer.untilShown(stage, (now) => now.goal === 2 && isSettled(now), { sent: 'remove', expected: 'two workers' });
      const victim = stage.world.random.pick(less.workers).pid;
      await peer.order('stop', victim);
      const stopped = await peer.untilShown(stage, (now) => isSettled(now) && !now.workers.some(({ pid }) => pid === victim), { sent: `stop ${victim}`, expected: 'two workers, and another in its place' });
      check(stopped.workers.some(({ pid }) => less.workers.some((one) => one.pid === pid)), { sent: `stop ${victim}`, received: 'the other one is gone, too', expected: 'only that one is replaced' });
      await peer.order('reload');
      await peer.untilShown(stage, (now) => now.generation > stopped.generation && isSettled(now) && now.workers.every(({ pid }) => !stopped.workers.some((one) => one.pid === pid)), { sent: 'reload', expected: 'two workers of a new generation' });
      const { text } = await peer.order('metrics');
      check(typeof text === 'string' && requestsTotal(text) >= 0, { sent: 'metrics', received: JSON.stringify(text), expected: '"text": the numbers for Prometheus' });
      for (const [command, pid] of [['stop', master.pid], ['stop', 999_999_999], ['stop', undefined], ['nonsense', undefined], ['toString', undefined], ['', undefined]] as const) {
        const reply = await peer.ask(command, pid);
        check(reply.ok === false && typeof reply.error === 'string' && reply.error !== '', { sent: JSON.stringify({ command, pid }), received: JSON.stringify(reply), expected: '{"ok":false,"error":"…"}' });
      }
      await stage.ask(master.address);
    }),
  );

  rule(
    'rubbish',
    'is disturbed by no client of the control socket',
    {
      rule: 'what is not a command gets an error and the connection lives; a line of more than 64 KiB closes it; nobody else notices',
      likely: '`JSON.parse` throws, and null is JSON, too; or what one read brings is taken for a line',
      ...(onWindows === undefined ? {} : { skip: onWindows }),
    },
    staged(async (stage) => {
      const { world } = stage;
      const path = join(await world.call('folder'), 'control.sock');
      const master = await stage.start({ ...EYES, workers: 1, app: stage.app('eyes'), controlSocket: path });
      const bystander = await ControlPeer.connect(stage, path);
      await bystander.show();
      const peer = await ControlPeer.connect(stage, path);
      for (const line of ['rubbish', '', 'null', '7', '"show"', '[]', '{}', '{"command":null}', '{"command":{"show":1}}', '{"command":"stop","pid":"x"}', '{"command":"stop","pid":-1}', '{"command":"stop","pid":0}', `{"command":"${'x'.repeat(20_000)}"}`, '\x00\x01', '{"__proto__":{"command":"show"}}'.slice(0, 9)]) {
        peer.tcp.write(`${line}\n`);
        const reply = await peer.reply(shown(line.slice(0, 60)));
        check(reply.ok === false && typeof reply.error === 'string', { sent: shown(line.slice(0, 60)), received: JSON.stringify(reply).slice(0, 200), expected: '{"ok":false,"error":"…"}' });
      }
      await peer.show();
      // Commands cut anywhere, and two in one write.
      const two = Buffer.from('{"command":"show"}\r\n{"command":"metrics"}\n');
      await peer.tcp.writePieces(world.random.pieces(two, 5));
      check((await peer.reply('show, in pieces')).ok === true && (await peer.reply('metrics, in pieces')).ok === true, { sent: 'two commands in pieces', received: 'an error', expected: 'two answers' });
      peer.tcp.write(two);
      check((await peer.reply('show and metrics in one write')).ok === true && (await peer.reply('metrics, in the same write')).ok === true, { sent: 'two commands in one write', received: 'an error', expected: 'two answers' });
      // A last line without a newline, as `printf | nc -U` sends it.
      peer.tcp.write('{"command":"show"}').end();
      check((await peer.reply('show without a newline, and the end')).ok === true, { sent: 'show without a newline, and the end', received: 'an error', expected: 'an answer' });
      const endless = await ControlPeer.connect(stage, path);
      const chunk = Buffer.alloc(16 * 1024, 'x');
      for (let sent = 0; sent < 20 && !endless.tcp.closed && !endless.tcp.ended; sent++) {
        endless.tcp.write(chunk);
        await world.settle();
      }
      await endless.tcp.until(() => endless.tcp.closed || endless.tcp.ended, { sent: '320 KiB without a newline', expected: 'the connection is closed', patienceMs: PATIENT_MS });
      for (let gone = 0; gone < 30; gone++) {
        const client = await world.connect({ path } as unknown as Address);
        client.write(world.random.pick(['{"comm', '{"command":"show"}\n', '']));
        client.destroy();
      }
      check((await bystander.show()).pid === master.pid, { sent: 'show, by a client that was there all the time', received: 'another pid', expected: String(master.pid) });
      const after = await ControlPeer.connect(stage, path);
      await after.show();
      await stage.ask(master.address);
    }),
  );

  rule(
    'control-client',
    'has a client for the control socket that scripts can use',
    {
      rule: 'controlClient prints the answer as JSON and resolves to 0 if the command was carried out, otherwise to 1',
      likely: 'the exit code says only whether there was an answer',
      ...(onWindows === undefined ? {} : { skip: onWindows }),
    },
    staged(async (stage) => {
      const { world } = stage;
      const path = join(await world.call('folder'), 'control.sock');
      const master = await stage.start({ ...EYES, workers: 1, app: stage.app('eyes'), controlSocket: path });
      const patient = { patienceMs: PATIENT_MS };
      const run = async (command: string, pid?: number) => {
        const { code, stdout, stderr } = await world.callPatiently(patient, 'controlClient', path, command, ...(pid === undefined ? [] : [pid]));
        let printed: unknown;
        try {
          printed = JSON.parse(stdout);
        } catch {
          printed = undefined;
        }
        return { code, printed: printed as Record<string, unknown> | undefined, seen: `exit code ${code}, stdout ${shown(stdout.slice(0, 200))}, stderr ${shown(stderr.slice(0, 200))}` };
      };
      const shownFacts = await run('show');
      const facts = (shownFacts.printed?.['facts'] ?? shownFacts.printed) as Shown | undefined;
      check(shownFacts.code === 0 && facts?.pid === master.pid, { sent: 'controlClient(path, "show")', received: shownFacts.seen, expected: 'exit code 0, and what show says as JSON on stdout' });
      const [one] = await master.children();
      const stopped = await run('stop', one);
      check(stopped.code === 0, { sent: `controlClient(path, "stop", ${one})`, received: stopped.seen, expected: 'exit code 0' });
      await stage.untilGone([one!], { sent: `controlClient(path, "stop", ${one})`, expected: 'that worker ends' });
      for (const [command, pid] of [['stop', 999_999_999], ['nonsense', undefined]] as const) {
        const refused = await run(command, pid);
        check(refused.code === 1, { sent: `controlClient(path, "${command}"${pid === undefined ? '' : `, ${pid}`})`, received: refused.seen, expected: 'exit code 1' });
      }
      const nobody = await world.callPatiently(patient, 'controlClient', `${path}.nobody`, 'show');
      check(nobody.code === 1 && nobody.stdout + nobody.stderr !== '', { sent: 'controlClient where there is no socket', received: `exit code ${nobody.code}, ${shown(nobody.stderr)}`, expected: 'exit code 1, and why' });
    }),
  );

  rule(
    'no-descriptor-leaks',
    'has as many descriptors after some reloads and rotations as before',
    {
      rule: 'a supervisor runs for years: what a worker, a client or a log had open is closed when it is over',
      likely: 'the old log is not closed when it is opened anew, or a pipe to a worker that has gone is kept',
      ...(noProc === undefined ? {} : { skip: noProc }),
    },
    staged(async (stage) => {
      const { world } = stage;
      const folder = await world.call('folder');
      const path = join(folder, 'control.sock');
      const master = await stage.start({ ...EYES, workers: 1, app: stage.app('eyes'), controlSocket: path, errorLog: join(folder, 'error.log'), accessLog: join(folder, 'access.log'), captureOutput: true });
      const sent = 'reloads, each with three times SIGUSR1 and with clients of the control socket';
      let generation = 0;
      const reload = async (): Promise<void> => {
        for (let client = 0; client < 3; client++) (await ControlPeer.connect(stage, path)).tcp.destroy();
        const peer = await ControlPeer.connect(stage, path);
        await peer.order('reload');
        await master.signal('SIGUSR1', 'SIGUSR1', 'SIGUSR1');
        ({ generation } = await peer.untilShown(stage, (now) => now.generation > generation && isSettled(now), { sent: 'reload', expected: 'a new worker in the place of the old one' }));
        peer.tcp.destroy();
      };
      const count = async (): Promise<number> => (await world.call('descriptors', master.pid))!;
      await reload();
      const before = await count();
      for (let turn = 0; turn < 5; turn++) await reload();
      // What has just gone may take a moment longer.
      await until(world, count, (now) => now <= before + 2, { sent: `5 ${sent}`, expected: `about ${before} descriptors, as before`, show: (now) => `${now} descriptors; there were ${before}` });
    }),
  );

  rule(
    'metrics',
    'adds up the numbers of all workers, of those that have gone too',
    {
      rule: 'a counter never goes down (Prometheus takes that for a restart and counts wrong): what a worker has done stays done when it has gone',
      likely: 'the sum is over the workers that there are now',
      ...(onWindows === undefined ? {} : { skip: onWindows }),
    },
    staged(async (stage) => {
      const { world } = stage;
      const path = join(await world.call('folder'), 'control.sock');
      const master = await stage.start({ ...EYES, app: stage.app('eyes'), controlSocket: path, metricsBind: '127.0.0.1:0', timeoutMs: 2000 });
      const address = await metricsAddress(master);
      const peer = await ControlPeer.connect(stage, path);
      let highest = 0;
      const total = async (): Promise<number> => {
        const { response, text } = await getMetrics(stage, address);
        check(response.status === 200, { sent: 'GET /metrics', received: String(response.status), expected: '200' });
        const now = requestsTotal(text);
        check(now >= highest, { sent: 'GET /metrics, again and again while workers are replaced', received: `requests_total ${now} after ${highest}`, expected: 'it never goes down' });
        return (highest = now);
      };
      const first = await getMetrics(stage, address);
      const type = fieldValue(first.response, 'Content-Type') ?? '';
      check(type.startsWith('text/plain') || type.startsWith('application/openmetrics-text'), { sent: 'GET /metrics', received: `Content-Type: ${type}`, expected: 'text/plain; version=0.0.4' });
      const other = await world.http(address);
      other.send('GET', '/elsewhere', closing());
      const status = (await answer(other)).status;
      check(status === 404, { sent: 'GET /elsewhere', received: String(status), expected: '404' });
      let asked = 0;
      const work = async (): Promise<void> => {
        const { clients, visits } = await toEach(stage, master.address, 2);
        asked += visits;
        for (const http of clients.values()) {
          const number = world.random.integer(3, 30);
          for (let at = 0; at < number; at++) await ask(http, 'GET', '/');
          asked += number;
          http.tcp.destroy();
        }
      };
      const untilTold = async (sent: string): Promise<number> =>
        await until(world, total, (now) => now >= asked, { sent, expected: `requests_total ${asked}`, show: (now) => `requests_total ${now}` });
      await work();
      check((await untilTold(`${asked} requests to two workers`)) === asked, { sent: `${asked} requests to two workers`, received: `requests_total ${highest}`, expected: String(asked) });
      const { samples } = readMetrics((await getMetrics(stage, address)).text);
      const pids = await master.children();
      for (const pid of pids) {
        check(samples.some(({ labels, name }) => labels.includes(`pid="${pid}"`) && !name.endsWith('_info')), { sent: 'GET /metrics', received: 'nothing about that worker', expected: `samples with the label pid="${pid}"` });
      }
      const delays = samples.filter(({ name }) => /delay/.test(name));
      check(delays.length > 0 && delays.every(({ name, value }) => /_seconds(_|$)/.test(name) && value < 60), { sent: 'GET /metrics', received: delays.map(({ name, value }) => `${name} ${value}`).join(', ') || 'nothing about the delay of the event loop', expected: 'the delay of the event loop, in seconds' });
      // Both are replaced; all that they have answered still counts.
      const [stopped, killed] = pids as [number, number];
      await peer.order('stop', stopped);
      await until(world, async () => (await total(), await peer.show()), (now) => isSettled(now) && !now.workers.some((one) => one.pid === stopped), { sent: `stop ${stopped}`, expected: 'another in its place', show: ({ workers }) => workers.map((one) => `${one.pid} ${one.state}`).join(', ') });
      check((await total()) === asked, { sent: 'a worker was replaced, and nothing was asked', received: `requests_total ${highest}`, expected: String(asked) });
      await world.call('signals', killed, 'SIGKILL');
      await until(world, async () => (await total(), await peer.show()), (now) => isSettled(now) && now.totals.crashes > 0, { sent: 'SIGKILL to a worker', expected: 'another in its place, and totals.crashes 1', show: ({ totals }) => JSON.stringify(totals) });
      await work();
      check((await untilTold('more requests, to the new workers')) === asked, { sent: `${asked} requests in all, to workers of which two have gone`, received: `requests_total ${highest}`, expected: String(asked) });
    }),
  );
});
