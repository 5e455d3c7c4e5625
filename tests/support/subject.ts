/**
 * The code under test, from outside: a process that is started, asked, watched
 * and killed.
 *
 * Time is measured in the server's own turns. A server on a busy machine is
 * slow, not silent, so silence counts only while its event loop is seen to turn
 * (it answers pings) and still nothing comes, and only while nobody waits for a
 * processor who may be the one to do something: the server, a process that it
 * started, or this one (own-time.ts). A loop that does not turn at all is
 * `blocked` after {@link BLOCKED_MS}.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Bell } from './bell.ts';
import { CheckFailure } from './failure.ts';
import type { FailureReport } from './failure.ts';
import type { DescribedError, FromHost, ToHost } from './messages.ts';
import { OwnTime, ThreadsOf } from './own-time.ts';
import type { ThreadSource } from './own-time.ts';
import { forgetProcess, killGroup, registerProcess } from './processes.ts';
import { StandStill } from './stand-still.ts';

/** How long a server may show nothing, in milliseconds of its own turning loop. */
export const PATIENCE_MS = 1000;

/** How long a call into the subject may take: starting a server is slower than answering. */
export const CALL_PATIENCE_MS = 2500;

/** How long a chapter may take to load, in the same measure. */
export const LOADING_MS = 3500;

/** How long its loop may stand still, in milliseconds; what it waits for a processor does not count. */
export const BLOCKED_MS = 4500;

/** However busy the machine: after this much of the wall clock, in milliseconds, a wait is over. */
export const WAIT_WALL_MS_MAX = 60_000;

const LAST_LINES = 12;
const hostFile = fileURLToPath(new URL('host.ts', import.meta.url));
const project = fileURLToPath(new URL('../../', import.meta.url));

export type WaitResult = 'met' | 'silent' | 'blocked' | 'exited';

export interface WaitOptions {
  /** Rings when something may have changed. */
  bell?: Bell;
  /** Grows when the server did something: patience starts anew. */
  progress?: () => number;
  /** Milliseconds of the server's own time without progress. Default {@link PATIENCE_MS}. */
  patienceMs?: number;
}

interface PendingCall {
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
}

/** What a `Subject` is started with. */
export interface SubjectOptions {
  /** The folder that holds `01-echo` and its siblings. */
  tree: string;
  /** The chapter's driver module. */
  driverFile: string;
  /** How its threads were scheduled, for tests of the measure itself. Default: as the system says. */
  threads?: ThreadSource;
  /** It is trusted, and may serve several rules: see {@link Subject.startOver}. */
  shared?: boolean;
}

export class Subject {
  readonly #child: ChildProcess;
  readonly #bell = new Bell();
  /** Rings when its loop has turned: nobody who waits for anything else may be woken by that, and ask for the next turn at once. */
  readonly #turnBell = new Bell();
  readonly #calls = new Map<number, PendingCall>();
  readonly #lines: string[] = [];
  #unfinishedLine = '';
  #nextId = 1;
  #pongs = 0;
  #pings = 0;
  /** How often it has said that it reads another file. */
  #loads = 0;
  #state: 'starting' | 'ready' | 'load-failed' | 'exited' = 'starting';
  #loadError: DescribedError | undefined;
  #uncaught: DescribedError | undefined;
  #exit: { code: number | null; signal: NodeJS.Signals | null } | undefined;
  #killed = false;
  #unwritten: string | undefined;
  readonly #threads: ThreadSource | undefined;
  #ownTime: OwnTime | undefined;
  #watch: NodeJS.Timeout | undefined;
  #tidy: boolean | undefined;
  /** Resident memory of the process at its last turn, in bytes. */
  rssBytes = 0;
  /** Another rule has used it before. */
  reused = false;

  constructor(options: SubjectOptions) {
    this.#threads = options.threads;
    this.#child = spawn(process.execPath, ['--disable-sigusr1', hostFile, options.tree, options.driverFile, ...(options.shared ? ['shared'] : [])], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
      // A process group of its own, so that it can be ended with all its children.
      detached: true,
      windowsHide: true,
      cwd: project,
      env: environment(),
    });
    registerProcess(this.#child.pid);
    this.#child.on('message', (message) => this.#onMessage(message as FromHost));
    this.#child.on('error', () => this.#onExit(null, null));
    // `exit`, not `close`: a grandchild may hold the pipes open.
    this.#child.on('exit', (code, signal) => this.#onExit(code, signal));
    this.#child.stdout?.on('data', (chunk: Buffer) => this.#onOutput(chunk));
    this.#child.stderr?.on('data', (chunk: Buffer) => this.#onOutput(chunk));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The exercise that is not written yet, by what this process, or one that it started, has printed. */
  get unwritten(): string | undefined {
    return this.#unwritten;
  }

  get exited(): boolean {
    return this.#exit !== undefined;
  }

  /** The account of the time that was lost since this was first asked for. */
  get ownTime(): OwnTime {
    if (this.#ownTime === undefined) {
      const ownTime = (this.#ownTime = new OwnTime(this.#threads ?? new ThreadsOf(this.pid)));
      // Processes come and go: one that has gone since the last look is in no account.
      if (!this.#killed && !this.exited) this.#watch = setInterval(() => ownTime.look(WATCH_MS), WATCH_MS).unref();
    }
    return this.#ownTime;
  }

  /**
   * Milliseconds on a clock that stands while one of ours waits for a processor that somebody else has. For
   * differences: `subject.ownMs() - startedMs`.
   */
  ownMs(): number {
    return this.ownTime.ms();
  }

  /** Waits until the chapter is loaded; throws a CheckFailure where it does not load. */
  async ready(): Promise<void> {
    const result = await this.until(() => this.#state !== 'starting', { bell: this.#bell, patienceMs: LOADING_MS });
    if (result === 'silent') {
      throw this.failure(result, 'did not start', {
        received: 'the chapter did not finish loading: index.ts, or a file that it imports, waits for something',
        likely: 'an `await` at the top level of a file that never ends',
      });
    }
    if (this.#state === 'load-failed' && this.#loadError) throw new CheckFailure(loadFailure(this.#loadError));
    if (result !== 'met' || this.#state === 'exited') throw this.failure(result === 'met' ? 'exited' : result, 'did not start');
  }

  /**
   * Calls a function of the driver in the subject's process.
   *
   * @throws {CheckFailure} where the subject exits, blocks, does not answer in
   *   time, or throws something that is the learner's to mend.
   */
  async call(name: string, args: readonly unknown[], options: WaitOptions = {}): Promise<unknown> {
    await this.ready();
    const id = this.#nextId++;
    let settled = false;
    const outcome = new Promise<unknown>((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#send({ type: 'call', id, name, args });
    }).finally(() => {
      settled = true;
      this.#bell.ring();
    });
    outcome.catch(() => {});
    const result = await this.until(() => settled, { bell: this.#bell, patienceMs: CALL_PATIENCE_MS, ...options });
    if (result !== 'met') throw this.failure(result, 'did not start');
    return await outcome;
  }

  /** Resolves when the subject's event loop has turned; false where it has exited. */
  async turn(): Promise<boolean> {
    const ping = this.#ping();
    const still = new StandStill(this.#child.pid);
    const startedMs = performance.now();
    while (this.#pongs < ping && !this.exited) {
      if (performance.now() - startedMs > SUSPECT_MS) this.ownTime.ms();
      if (still.ms() > BLOCKED_MS && !(await this.#hasAnswered(ping))) return false;
      await this.#turnBell.wait(TURN_LOOK_MS);
    }
    return !this.exited;
  }

  /**
   * Resolves when the subject has had every chance to handle what was sent to it
   * before: its loop has turned three times since. In the first turn it may
   * accept the connection, in the second it begins to read, and either may come
   * after our ping in the same turn.
   */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 3; turn++) if (!(await this.turn())) return;
  }

  /** Waits for a condition, in the subject's own time. Never longer than it must. */
  async until(condition: () => boolean, options: WaitOptions = {}): Promise<WaitResult> {
    const { bell = this.#bell, progress = () => 0, patienceMs = PATIENCE_MS } = options;
    const { ownTime } = this;
    let seen = progress();
    let seenMs = performance.now();
    let [lookedMs, lostMs] = [seenMs, ownTime.lostMs];
    let still = new StandStill(this.#child.pid);
    let quietMs = 0;
    let ping = this.#ping();
    let loads = this.#loads;
    for (;;) {
      if (condition()) return 'met';
      if (this.exited) return await this.#untilAfterExit(condition, bell);
      if (this.#loads !== loads) {
        // It has not turned, but has got on with what it loads.
        loads = this.#loads;
        still = new StandStill(this.#child.pid);
      }
      if (this.#pongs >= ping) {
        // The loop has turned since the last look: the time that passed was its own, but for what was lost.
        const passedMs = performance.now() - lookedMs;
        if (quietMs + passedMs > SUSPECT_MS) ownTime.look(TICK_MS);
        quietMs += Math.min(Math.max(0, passedMs - (ownTime.lostMs - lostMs)), 2 * TICK_MS);
        [lookedMs, lostMs] = [performance.now(), ownTime.lostMs];
        still = new StandStill(this.#child.pid);
        ping = this.#ping();
      } else if (performance.now() - lookedMs > SUSPECT_MS) {
        // If it turns out to be blocked, the account must say what the machine had left for it.
        ownTime.ms();
      }
      if (progress() !== seen) {
        seen = progress();
        seenMs = performance.now();
        quietMs = 0;
      }
      if (quietMs >= patienceMs) return 'silent';
      const late = performance.now() - seenMs > Math.max(WAIT_WALL_MS_MAX, 2 * patienceMs);
      if ((late || still.ms() > BLOCKED_MS) && !(await this.#hasAnswered(ping))) return 'blocked';
      if (late) return 'silent';
      await bell.wait(TICK_MS);
    }
  }

  /** Lets time go by on the clock, for a timer of the server. Sooner over where it exits, or does not turn any more. */
  async pass(ms: number): Promise<void> {
    const startedMs = performance.now();
    await this.until(() => performance.now() - startedMs >= ms, { patienceMs: Infinity });
  }

  /** Whether a pong is here that we, on a busy machine, had no time to read. */
  async #hasAnswered(ping: number): Promise<boolean> {
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
    return this.#pongs >= ping;
  }

  /** The process is gone, but what it sent may still be on its way to us. */
  async #untilAfterExit(condition: () => boolean, bell: Bell): Promise<WaitResult> {
    for (let look = 0; look < 4; look++) {
      if (condition()) return 'met';
      await bell.wait(TICK_MS);
    }
    return condition() ? 'met' : 'exited';
  }

  /** The report for a wait that was not met. `silent` is what silence means here. */
  failure(result: WaitResult, silent: 'did not start' | 'silent', report: Partial<FailureReport> = {}): CheckFailure {
    return new CheckFailure({ ...this.#verdict(result, silent), ...report });
  }

  #verdict(result: WaitResult, silent: 'did not start' | 'silent'): FailureReport {
    // Node's own account of an uncaught error begins with the place; we have told it already.
    const account = this.#uncaught ? this.lastLines.findIndex((line) => /^(node:|file:|\/|[A-Z]:\\)\S*:\d+$/.test(line)) : -1;
    const lines = account < 0 ? this.lastLines : this.lastLines.slice(0, account);
    const printed = lines.length > 0 ? { lastLines: lines } : {};
    if (result === 'exited') {
      if (this.#uncaught?.exercise !== undefined) return errorFailure(this.#uncaught);
      const uncaught = this.#uncaught;
      return {
        kind: 'exited',
        received: uncaught
          ? `the server's process died of an uncaught ${uncaught.name}: ${uncaught.message}`
          : `the server's process ended by itself (${this.#exitText()})`,
        // The rule's own guess is about errors of the connection; these have another cause.
        ...(uncaught === undefined ? { likely: 'process.exit was called, or nothing was left to keep the process alive' } : {}),
        ...(uncaught !== undefined && uncaught.code === undefined ? { likely: 'an error that nothing catches ends the whole process' } : {}),
        ...(uncaught?.at === undefined ? {} : { at: uncaught.at }),
        ...printed,
      };
    }
    if (result === 'blocked') {
      return {
        kind: 'blocked',
        received: `the server's event loop has stood still for ${BLOCKED_MS / 1000} s`,
        likely: 'a loop that never ends, or a call that waits synchronously',
        ...printed,
      };
    }
    if (silent === 'did not start') {
      return {
        kind: 'did not start',
        received: 'the server did not begin to listen: the promise never settled',
        likely: 'resolve is never called, or an await waits for an event that does not come',
        ...printed,
      };
    }
    return { kind: 'silent', received: 'nothing', ...printed };
  }

  get lastLines(): readonly string[] {
    return [...this.#lines, ...(this.#unfinishedLine === '' ? [] : [this.#unfinishedLine])].slice(-LAST_LINES);
  }

  /**
   * Closes what a rule has left open, so that another one can use this process.
   * Resolves to false where it is not again as it was before.
   */
  async startOver(): Promise<boolean> {
    this.#tidy = undefined;
    this.#send({ type: 'start-over' });
    await this.until(() => this.#tidy !== undefined);
    this.#lines.length = 0;
    this.#unfinishedLine = '';
    clearInterval(this.#watch);
    this.#ownTime = undefined;
    this.reused = true;
    return this.#tidy === true && !this.exited;
  }

  /** Ends the process and all that it started. Resolves when it is gone. */
  async kill(): Promise<void> {
    // One that has exited was swept up then; by now its number may be somebody else's.
    if (!this.exited) {
      this.#killed = true;
      killGroup(this.#child.pid);
    }
    clearInterval(this.#watch);
    const started = performance.now();
    while (!this.exited && performance.now() - started < BLOCKED_MS) await this.#bell.wait(TICK_MS);
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  #ping(): number {
    const id = ++this.#pings;
    this.#send({ type: 'ping', id });
    return id;
  }

  #send(message: ToHost): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  #onMessage(message: FromHost): void {
    switch (message.type) {
      case 'ready':
        this.#state = 'ready';
        break;
      case 'load-failed':
        this.#state = 'load-failed';
        this.#loadError = message.error;
        break;
      case 'loading':
        this.#loads++;
        break;
      case 'pong':
        this.#pongs = Math.max(this.#pongs, message.id);
        this.rssBytes = message.rssBytes;
        this.#turnBell.ring();
        return;
      case 'started-over':
        this.#tidy = message.tidy;
        break;
      case 'uncaught':
        this.#uncaught = message.error;
        break;
      case 'result':
        this.#calls.get(message.id)?.resolve(message.result);
        this.#calls.delete(message.id);
        break;
      case 'error':
        this.#calls.get(message.id)?.reject(new CallError(message.error));
        this.#calls.delete(message.id);
        break;
      default:
        message satisfies never;
    }
    this.#bell.ring();
  }

  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#exit) return;
    this.#exit = { code, signal };
    this.#state = 'exited';
    forgetProcess(this.#child.pid);
    // What it started may outlive it.
    if (!this.#killed) killGroup(this.#child.pid);
    this.#bell.ring();
    this.#turnBell.ring();
  }

  #onOutput(chunk: Buffer): void {
    const lines = (this.#unfinishedLine + chunk.toString('utf8').slice(-8192)).split('\n');
    this.#unfinishedLine = (lines.pop() ?? '').slice(0, 400);
    this.#unwritten ??= lines.map((line) => /\bexercise (\d+\.\d+) is not written yet/.exec(line)?.[1]).find((id) => id !== undefined);
    this.#lines.push(...lines.map((line) => line.slice(0, 400)));
    this.#lines.splice(0, Math.max(0, this.#lines.length - LAST_LINES));
  }

  #exitText(): string {
    if (this.#exit?.signal) return `signal ${this.#exit.signal}`;
    return `exit code ${this.#exit?.code ?? 'unknown'}`;
  }
}

const TICK_MS = 50;
/** Quiet that is not looked at closely, in milliseconds: nearly all waits are over before. */
const SUSPECT_MS = 100;
/** How often the account of lost time is kept where nobody waits. */
const WATCH_MS = 250;
/** How often a loop that does not turn is looked at. */
const TURN_LOOK_MS = 250;

/** A driver's function threw: a CheckFailure that also keeps the error itself. */
export class CallError extends CheckFailure {
  readonly error: DescribedError;

  constructor(error: DescribedError) {
    super(errorFailure(error));
    this.error = error;
  }
}

function errorFailure(error: DescribedError): FailureReport {
  const at = error.at === undefined ? {} : { at: error.at };
  if (error.exercise !== undefined) {
    return { kind: 'not started', received: error.message, notImplemented: error.exercise, ...at };
  }
  if (error.name === 'MissingExport') return { kind: 'does not load', received: error.message, ...at };
  if (error.name === 'WrongResult') return { kind: 'wrong behaviour', received: error.message, likely: '', ...at };
  return { kind: 'wrong behaviour', received: `it threw ${error.name}: ${error.message}`, likely: '', ...at };
}

function loadFailure(error: DescribedError): FailureReport {
  if (error.exercise !== undefined) return errorFailure(error);
  const at = error.at === undefined ? {} : { at: error.at };
  const first = error.message.split('\n')[0] ?? '';
  if (error.code === 'ERR_MODULE_NOT_FOUND') {
    const missing = /Cannot find (?:module|package) '([^']+)'/.exec(first)?.[1];
    return {
      kind: 'does not load',
      received: missing ? `${missing.replace(project, '')} is missing` : first,
      likely: 'a file was moved or deleted, or an import is misspelt; `npm run reset` brings a starter back',
      ...at,
    };
  }
  if (error.code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return {
      kind: 'does not load',
      received: first,
      likely: 'enums, namespaces and parameter properties need a compiler; Node only strips types',
      ...at,
    };
  }
  return { kind: 'does not load', received: `${error.name}: ${first}`, ...at };
}

/** The environment of the subject: ours, without what belongs to the test runner. */
function environment(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  for (const name of Object.keys(env)) {
    if (/^(VITEST|TEN_(?!SELF_CHECK$)|NODE_OPTIONS$|NODE_ENV$|NODE_V8_COVERAGE$|TEST$|DEV$|PROD$|MODE$|SSR$|BASE_URL$|NODE_CHANNEL)/.test(name)) delete env[name];
  }
  env.NODE_COMPILE_CACHE = join(project, '.ten-servers', 'cache', 'compile');
  env.NO_COLOR = '1';
  // What it starts inherits this, so that the guard finds it wherever it hides.
  if (process.env.TEN_RUN !== undefined) env.TEN_RUN_NAME = basename(process.env.TEN_RUN);
  return env;
}
