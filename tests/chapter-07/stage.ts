/**
 * What the rules of chapter 07 share, outside: a master that is started and watched, and the end of everything.
 *
 *     rule('name', 'sentence', { … }, staged(async (stage) => {
 *       const master = await stage.start({ app: stage.fixture('async'), workers: 2 });
 *       …
 *     }));
 *
 * All waits are in the code's own time. Whatever a rule has started is gone when it is over; a process that outlives its
 * master is a failure of the rule.
 */
import { fileURLToPath } from 'node:url';
import type { World } from '#support/exercise.ts';
import { check, CheckFailure } from '#support/failure.ts';
import { HttpClient } from '#support/http-client.ts';
import { closing } from '#support/http-exchange.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Address } from '#support/tcp-client.ts';
import type { FixtureOptions } from './apps/fixture.ts';
import type { Settings } from './door.ts';
import type driver from './driver.ts';
import type { MasterReport, StartOptions } from './masters.ts';
import type { Setup } from './run-supervisor.ts';

export type TestWorld = World<typeof driver>;

/**
 * How long a master may show nothing new, in milliseconds of its own time: it starts processes, which load chapters, one
 * generation after the other.
 */
export const PATIENT_MS = 15_000;

/** A client of a busy machine may be late with its request. Where a connection stays idle on purpose, rules say less. */
const KEEP_ALIVE_MS = 30_000;

/** Signals, groups and descriptors that are handed on are Unix. */
export const onWindows = process.platform === 'win32' ? 'Windows has neither signals nor descriptors that are handed on' : undefined;

/** The exports of apps/fixture.ts. */
export type FixtureName = 'async' | 'gateway' | 'node' | 'fetch';

const APPS = fileURLToPath(new URL('./apps/', import.meta.url));

export type StartSettings = Partial<Settings>;

/** What is said when something is not seen in time. */
export interface WaitReport {
  sent: string;
  expected: string;
  likely?: string;
}

/** Who has answered: the fixture applications say so. */
export interface Answerer {
  pid: number;
  /** The name that the application was given, such as that of its version. */
  mark: string;
}

/** A master that runs, or has run. */
export class Master {
  readonly id: number;
  /** Of the process that was started. */
  readonly pid: number;
  readonly #world: TestWorld;
  #address: Address | undefined;

  constructor(world: TestWorld, id: number, pid: number) {
    this.#world = world;
    this.id = id;
    this.pid = pid;
  }

  /** Where it listens. */
  get address(): Address {
    if (this.#address === undefined) throw new Error('the master does not listen yet');
    return this.#address;
  }

  async report(): Promise<MasterReport> {
    return await this.#world.call('master', this.id);
  }

  /** Waits until the report says so, or fails. A master that has ended says nothing more. */
  async until(holds: (report: MasterReport) => boolean, wait: WaitReport, show: (report: MasterReport) => string = showMaster): Promise<MasterReport> {
    return await until(this.#world, () => this.report(), holds, { ...wait, show }, ({ exit }) => exit !== null);
  }

  /** Waits for `listening on …`. */
  async listening(sent: string): Promise<this> {
    const report = await this.until(({ stdout }) => /^listening on .*\n/m.test(stdout), {
      sent,
      expected: 'the line `listening on ADDRESS` on stdout, once all workers serve',
    });
    const text = /^listening on (.*)$/m.exec(report.stdout)![1]!;
    this.#address = readAddress(text);
    return this;
  }

  /** Waits for a line of the error log. */
  async untilLine(pattern: RegExp, wait: WaitReport): Promise<string> {
    const found = ({ lines }: MasterReport): string | undefined => lines.find((line) => pattern.test(line));
    return found(await this.until((report) => found(report) !== undefined, wait))!;
  }

  /** Waits until it has ended, and looks at the exit code. */
  async exits(code: number, wait: WaitReport): Promise<MasterReport> {
    const report = await this.until(({ exit }) => exit !== null, wait);
    check(report.exit?.code === code, { ...wait, received: showMaster(report), expected: `${wait.expected}: exit code ${code}` });
    return report;
  }

  /** Sends it signals, one right after the other. */
  async signal(...signals: NodeJS.Signals[]): Promise<void> {
    await this.#world.call('signals', this.pid, ...signals);
  }

  /** The pids of the processes that it has as children. */
  async children(): Promise<number[]> {
    return await this.#world.call('children', this.pid);
  }

  /** Waits until its children are as they should be. */
  async untilChildren(holds: (pids: readonly number[]) => boolean, wait: WaitReport): Promise<number[]> {
    return await until(this.#world, () => this.children(), holds, { ...wait, show: (pids) => `children of the master: ${pids.join(', ') || 'none'}` });
  }
}

/** A file: while it is there, modules wait. */
export class Gate {
  readonly #world: TestWorld;
  readonly #name: string;
  /** To be put before the rest of a module. Each process that comes by leaves a line. */
  code = '';

  readonly #free: number;

  constructor(world: TestWorld, name: string, free: number) {
    this.#world = world;
    this.#name = name;
    this.#free = free;
  }

  async set(state: 'open' | 'shut'): Promise<this> {
    const folder = await this.#world.call('folder');
    const path = JSON.stringify(`${folder}/${this.#name}`);
    this.code = [
      `import { appendFileSync, existsSync, readFileSync } from 'node:fs';`,
      `appendFileSync(${path} + '.visitors', process.pid + '\\n');`,
      `const before = readFileSync(${path} + '.visitors', 'utf8').split('\\n').indexOf(String(process.pid));`,
      `while (before >= ${this.#free} && existsSync(${path})) await new Promise((resolve) => setTimeout(resolve, 10));`,
    ].join('\n');
    await (state === 'shut' ? this.#world.call('writeFile', this.#name, '') : this.#world.call('removeFile', this.#name));
    return this;
  }

  async shut(): Promise<void> {
    await this.set('shut');
  }

  async open(): Promise<void> {
    await this.set('open');
  }

  /** The pids of all processes that have come by. */
  async visitors(): Promise<number[]> {
    const folder = await this.#world.call('folder');
    return (await this.#world.call('readLines', `${folder}/${this.#name}.visitors`)).map(Number);
  }

  /** Waits until this many processes have come by. */
  async reached(count: number, sent: string): Promise<number[]> {
    return await until(this.#world, () => this.visitors(), ({ length }) => length >= count, {
      sent, show: (pids) => `the application is being loaded by ${pids.join(', ') || 'nobody'}`, expected: `it is loaded by ${count} processes`,
    });
  }
}

/** A request that is in progress. */
export interface Held {
  readonly http: HttpClient;
  /** Which worker has it. */
  readonly by: Answerer;
  /** Sends the rest of the request, and waits for the rest of the answer. */
  finish(sent?: string): Promise<HttpTestResponse>;
}

/** A request that stays without an answer. */
export interface Unanswered {
  readonly target: string;
  /** The connection is over, and the application has not answered. */
  expectCut(sent: string): Promise<void>;
}

/** A client that has been answered, and stays. */
export interface Visit {
  readonly http: HttpClient;
  /** Which worker has it. */
  readonly by: Answerer;
  /** Asks again on the same connection. */
  again(): Promise<{ by: Answerer; response: HttpTestResponse }>;
}

export class Stage {
  readonly world: TestWorld;
  #gates = 0;

  constructor(world: TestWorld) {
    this.world = world;
  }

  /** MODULE:EXPORT of a fixture application. */
  fixture(name: FixtureName = 'async'): string {
    return `${APPS}fixture.ts:${name}Fixture`;
  }

  /** MODULE:EXPORT of another one of apps/. */
  app(name: string, exported = 'app'): string {
    return `${APPS}${name}.ts:${exported}`;
  }

  /**
   * Writes a module that exports the fixture application as `app`, by the name of `mark`, and returns MODULE:EXPORT.
   *
   * @param first lines to run before
   */
  async writeApp(name: string, mark: string, first = '', options: FixtureOptions = {}): Promise<string> {
    const text = `import { fixture } from ${JSON.stringify(`${APPS}fixture.ts`)};\n${first}\nexport const app = fixture(${JSON.stringify(mark)}, ${JSON.stringify(options)});\n`;
    return `${await this.world.call('writeFile', `${name}.mjs`, text)}:app`;
  }

  /**
   * A gate at which a module waits while it is loaded, if its `code` is among the first lines. It is open at first
   * unless it is made `shut`. The first `free` processes do not wait.
   */
  async gate(state: 'open' | 'shut' = 'open', free = 0): Promise<Gate> {
    return await new Gate(this.world, `gate-${++this.#gates}`, free).set(state);
  }

  /** A request that is in progress until it is finished: its answer has begun, and its body is not all there. */
  async hold(address: Address, label: string): Promise<Held> {
    const http = await this.world.http(address, { label });
    http.sendBytes('POST /hold HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nhal', ['POST']);
    await http.tcp.until(() => http.tcp.received.includes('}\n'), { expected: 'the first part of the answer', patienceMs: PATIENT_MS });
    const by = JSON.parse(/\{.*\}/.exec(http.tcp.received.toString('latin1'))![0]) as Answerer;
    const finish = async (sent = 'POST /hold, and then the rest of its body'): Promise<HttpTestResponse> => {
      http.tcp.write('f');
      const response = await answer(http, 'the rest of the answer');
      check(response.status === 200 && response.body.toString('utf8').endsWith('over\n'), { sent, received: `${response.status} ${response.body.toString('latin1')}`, expected: 'the whole answer' });
      http.tcp.end();
      return response;
    };
    return { http, by, finish };
  }

  /** A request that the application of the only worker does not answer in the time that a test has. */
  async askTheDeaf(address: Address): Promise<Unanswered> {
    const target = `/deaf/${this.world.random.integer(1000, 9999)}`;
    const { tcp } = (await this.world.http(address, { label: 'client in the middle of a request' })).send('GET', target);
    // A request on the worker's other connection is answered: the first one was read before.
    await this.ask(address);
    const expectCut = async (sent: string): Promise<void> => {
      await tcp.until(() => tcp.ended || tcp.closed, { sent, expected: 'the connection is cut' });
      // The application answers long after the test should be over.
      check(!tcp.received.includes('"pid"'), { sent, received: `${tcp.describe()}: the stop has waited until the application was done`, expected: 'the connection is cut' });
    };
    return { target, expectCut };
  }

  /** Blocks the event loop of a worker, and resolves with its pid when it does not turn any more. */
  async block(address: Address, ms?: number): Promise<number> {
    const note = `${await this.world.call('folder')}/blocked-${++this.#gates}`;
    const { tcp } = new HttpClient(await this.world.connect(address, { label: 'client whose worker is blocked' }))
      .send('GET', `/block?note=${encodeURIComponent(note)}${ms === undefined ? '' : `&ms=${ms}`}`);
    const noted = await until(this.world, () => this.world.call('readLines', note), ({ length }) => length > 0, {
      sent: tcp.describeSent(), show: () => tcp.describe(), expected: 'the application is called',
    });
    return Number(noted[0]);
  }

  /** Ends all that runs, in the middle of a rule. */
  async end(): Promise<void> {
    await this.world.call('endMasters');
  }

  /** Starts a master and does not wait for it. */
  async launch(settings: StartSettings, options: Omit<StartOptions, 'setup'> & Pick<Setup, 'rereadFile'> = {}): Promise<Master> {
    const { rereadFile, ...rest } = options;
    const setup: Setup = {
      settings: { app: this.fixture(), bind: '127.0.0.1:0', workers: 2, keepAliveMs: KEEP_ALIVE_MS, ...settings },
      ...(rereadFile === undefined ? {} : { rereadFile }),
    };
    return await this.launchProgram({ setup, ...rest });
  }

  /** Starts a program of another kind as a master. */
  async launchProgram(options: StartOptions): Promise<Master> {
    const id = await this.world.call('startMaster', options);
    const { pid } = await this.world.call('master', id);
    return new Master(this.world, id, pid);
  }

  /** Starts a master and waits until it listens. */
  async start(settings: StartSettings = {}, options: Omit<StartOptions, 'setup'> & Pick<Setup, 'rereadFile'> = {}): Promise<Master> {
    return await (await this.launch(settings, options)).listening(describeSettings(settings));
  }

  /** Waits until the master has this many workers, no more and no fewer, and all of them have answered. */
  async untilServing(master: Master, count: number, sent: string): Promise<number[]> {
    const served = new Set<number>();
    const { pids } = await until(
      this.world,
      async () => {
        const round = await Promise.all(Array.from({ length: 2 * count }, () => this.ask(master.address)));
        for (const { pid } of round) served.add(pid);
        const all = await master.children();
        return { pids: all, silent: all.filter((pid) => !served.has(pid)) };
      },
      ({ pids: all, silent }) => all.length === count && silent.length === 0,
      {
        sent,
        show: ({ pids: all, silent }) => `children of the master: ${all.join(', ') || 'none'}${silent.length === 0 ? '' : `; no answer yet from ${silent.join(', ')}`}`,
        expected: `${count === 1 ? 'one worker, which answers' : `${count} workers, all of which answer`}`,
      },
    );
    return pids;
  }

  /** Waits until all answers are by the application of this name. */
  async untilMark(master: Master, mark: string, sent: string): Promise<void> {
    await until(
      this.world,
      async () => {
        const round = await Promise.all(Array.from({ length: 4 }, () => this.ask(master.address)));
        return [...new Set(round.map((by) => by.mark))];
      },
      (marks) => marks.length === 1 && marks[0] === mark,
      { sent, show: (marks) => `answers of ${marks.join(', ')}`, expected: `answers of ${mark}` },
    );
  }

  /** Waits until none of these processes runs. */
  async untilGone(pids: readonly number[], wait: WaitReport): Promise<void> {
    await until(this.world, () => this.world.call('running', pids), (running) => running.length === 0, {
      ...wait,
      show: (running) => `still running: ${running.join(', ')}`,
    });
  }

  /** Asks on a new connection who answers. */
  async ask(address: Address, target = '/'): Promise<Answerer> {
    const http = await this.world.http(address);
    http.send('GET', target, closing());
    return answererOf(await answer(http), `GET ${target}`);
  }

  /** A connection on which one request was answered, by whom it says, and which stays open. */
  async visit(address: Address, label: string): Promise<Visit> {
    const http = await this.world.http(address, { label });
    const again = async (): Promise<{ by: Answerer; response: HttpTestResponse }> => {
      http.send('GET', '/');
      const response = await answer(http);
      return { by: answererOf(response, 'GET /'), response };
    };
    const { by } = await again();
    return { http, by, again };
  }

  /** As {@link visit}, until it is this worker that has answered. */
  async visitWorker(address: Address, pid: number, label: string): Promise<Visit> {
    return await until(this.world, () => this.visit(address, label), ({ by }) => by.pid === pid, {
      sent: 'GET / on new connections', show: ({ by }) => `an answer from ${by.pid}`, expected: `an answer from worker ${pid}`,
    });
  }

  /** Asks on new connections until all of these have answered. */
  async untilServedBy(address: Address, pids: readonly number[], sent: string): Promise<void> {
    const missing = new Set(pids);
    await until(
      this.world,
      async () => {
        const round = await Promise.all(Array.from({ length: 2 * pids.length }, () => this.ask(address)));
        for (const { pid } of round) missing.delete(pid);
        return [...missing];
      },
      ({ length }) => length === 0,
      { sent, show: (silent) => `no answer from ${silent.join(', ')}`, expected: `answers from each of ${pids.join(', ')}` },
    );
  }

  /** Fails if a process has outlived its master. */
  async expectNobodyLeft(): Promise<void> {
    await until(this.world, () => this.world.call('leftBehind'), ({ length }) => length === 0, {
      sent: 'the master has ended',
      show: (left) => `still running: ${left.flatMap(({ pids }) => pids).join(', ')}`,
      expected: 'none of the processes that it has started is left',
      likely: 'the master ends before its workers have ended, or without ending them',
    });
  }
}

/** Makes a rule of a function that is given a stage, and clears up after it. */
export function staged(run: (stage: Stage) => Promise<void>): (world: TestWorld) => Promise<void> {
  return async (world) => {
    const stage = new Stage(world);
    try {
      await run(stage);
      await stage.expectNobodyLeft();
    } finally {
      world.disconnect();
      if (!world.subject.exited) await world.call('endMasters').catch(() => {});
    }
  };
}

/** Looks again and again until it is so, in the code's own time. Each change starts the patience anew. */
export async function until<Value>(
  world: TestWorld,
  look: () => Promise<Value>,
  holds: (value: Value) => boolean,
  report: WaitReport & { show: (value: Value) => string },
  isLast: (value: Value) => boolean = () => false,
): Promise<Value> {
  const { show, ...rest } = report;
  let startedMs = world.subject.ownMs();
  let seen = '';
  for (let looks = 1; ; looks++) {
    const value = await look();
    if (holds(value)) return value;
    const shown = show(value);
    if (shown !== seen) [seen, startedMs] = [shown, world.subject.ownMs()];
    check(!isLast(value), { ...rest, received: shown });
    check(world.subject.ownMs() - startedMs < PATIENT_MS, { ...rest, received: shown, timed: true });
    await breath(world, looks < 10 ? 25 : 60);
  }
}

/** Time for whatever is under way to go on. */
export async function breath(world: TestWorld, ms = 25): Promise<void> {
  await world.subject.until(() => false, { patienceMs: ms });
}

/** The next response, for which a worker may have to be started. */
export async function answer(http: HttpClient, expected = 'a response'): Promise<HttpTestResponse> {
  return await http.response({ patienceMs: PATIENT_MS, expected });
}

/** Who has given this response of a fixture application. */
export function answererOf(response: HttpTestResponse, sent: string): Answerer {
  const text = response.body.toString('utf8');
  check(response.status === 200, { sent, received: `${response.status} ${text.slice(0, 200)}`, expected: '200, from the application' });
  try {
    return JSON.parse(text.split('\n')[0]!) as Answerer;
  } catch {
    throw new CheckFailure({ kind: 'wrong behaviour', sent, received: text.slice(0, 200), expected: "the application's answer" });
  }
}

/** `it has ended with exit code 1; its last lines: …`. */
export function showMaster({ exit, stdout, lines }: MasterReport): string {
  const state = exit === null ? 'it runs' : exit.signal === null ? `it has ended with exit code ${exit.code}` : `it has ended by ${exit.signal}`;
  const said = [...(stdout === '' ? [] : [`stdout: ${stdout.trim()}`]), ...(lines.length === 0 ? ['nothing on stderr'] : [`stderr: ${lines.slice(-3).join(' | ')}`])];
  return `the master: ${state}; ${said.join('; ')}`;
}

/** `new Supervisor({ workers: 2, … }).run()`. */
export function describeSettings(settings: StartSettings): string {
  const shown = Object.entries(settings).map(([name, value]) => `${name}: ${JSON.stringify(value).replaceAll(APPS, '')}`);
  return `new Supervisor({ ${shown.join(', ')} }).run()`;
}

/** `http://127.0.0.1:8000`, `http://[::1]:8000` or `unix:/path`. */
function readAddress(text: string): Address {
  // A client takes a path in the place of both.
  if (text.startsWith('unix:')) return { path: text.slice('unix:'.length) } as unknown as Address;
  const { hostname, port } = new URL(text);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** Source that holds up a module for that many milliseconds: its thread does nothing, and takes no processor from others. */
export function asleepFor(ms: number): string {
  return `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${ms});`;
}
