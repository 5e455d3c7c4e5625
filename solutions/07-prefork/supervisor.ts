/**
 * The master: one loop that takes one event after another.
 *
 * Signals, messages and ended children only put an event into the queue. Each event changes what is wanted or what is
 * known; then plan.ts decides, and the decisions are carried out. Nothing in the loop waits: what takes time (reading the
 * settings anew) puts an event into the queue when it is done. So no signal is lost while another is handled.
 */

import { reportDetached, startDeadline } from '../01-echo/index.ts';
import type { Deadline } from '../01-echo/index.ts';
import { Child, forkMaster, isSuccessor } from './child.ts';
import type { FromWorker } from './child.ts';
import type { Loaded } from './configure.ts';
import { watchFolder } from './develop.ts';
import { openControl, serveMetrics } from './control.ts';
import type { Commands, SupervisorFacts } from './control.ts';
import { openListener, parseBind } from './listener.ts';
import type { Bind, Listener } from './listener.ts';
import { LogFile } from './logs.ts';
import { backOffMs, plan, SETTLED_MS } from './plan.ts';
import type { Decision, Goal } from './plan.ts';
import { callHook, Pidfile } from './service.ts';
import type { HookFacts, HookName, Hooks } from './service.ts';
import type { Settings } from './settings.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGTTIN', 'SIGTTOU', 'SIGWINCH'] as const;
/** The signals that the master obeys. */
export type Signal = (typeof SIGNALS)[number];

export interface SupervisorOptions {
  readonly hooks?: Hooks;
  /** Reads the settings anew, for a reload. Without it they stay. */
  readonly reread?: () => Promise<Loaded>;
}

/** Keeps a number of workers serving, for as long as it runs. */
export class Supervisor implements Commands {
  #settings: Settings;
  readonly #options: SupervisorOptions;
  readonly #log: LogFile;
  readonly #startedMs = performance.now();
  readonly #totals = { requests: 0, forks: 0, crashes: 0, hangs: 0, reloads: 0 };
  readonly #workers = new Set<Child>();
  readonly #events: (() => void)[] = [];
  #wake: () => void = () => undefined;
  #listener: Listener | null = null;
  #goal: { -readonly [Key in keyof Goal]: Goal[Key] };
  #generations = 1;
  /** What all workers of the last generation that has worked were started with. `null` until there is one. */
  #good: { readonly goal: Goal; readonly settings: Settings } | null = null;
  #failures = { inARow: 0, waitUntilMs: 0, atMs: 0 };
  #timer: Deadline | null = null;
  #stopMs = 0;
  #exitCode = 0;
  #successor = 0;

  constructor(settings: Settings, options: SupervisorOptions = {}) {
    this.#settings = settings;
    this.#options = options;
    this.#log = new LogFile(settings.errorLog);
    this.#goal = { workers: settings.workers, generation: 1, stopping: false };
  }

  // region loop
  /** Serves until it is told to stop, or cannot. Resolves to the exit code of the program. */
  async run(): Promise<number> {
    const { bind, controlSocket, metricsBind, reload } = this.#settings;
    const closers: { close(): unknown }[] = [];
    try {
      if (!this.#hook('onStarting')) return 1;
      this.#listener = await openListener(parseBind(bind), { log: (text) => this.#say(text) });
      if (controlSocket !== '') closers.push(await openControl(controlSocket, this, { takeOver: isSuccessor() }));
      if (metricsBind !== '') closers.push(await serveMetrics(parseBind(metricsBind) as Bind & { kind: 'tcp' }, () => this.show()));
      if (reload) closers.push(watchFolder(process.cwd(), () => this.signal('SIGHUP')));
    } catch (error) {
      this.#say(error instanceof Error ? error.message : String(error));
      return 1;
    }
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
    this.#act();
    while (!this.#goal.stopping || this.#workers.size > 0) {
      const event = this.#events.shift();
      if (event === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
      else {
        event();
        this.#act();
      }
    }
    for (const closer of closers) await closer.close();
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    if (this.#settings.pidfile !== '') new Pidfile(`${this.#settings.pidfile}.oldbin`).remove();
    this.#hook('onExit', { exitCode: this.#exitCode });
    return this.#exitCode;
  }

  #enqueue(event: () => void): void {
    this.#events.push(event);
    this.#wake();
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => this.signal(signal as Signal);

  #act(): void {
    const nowMs = performance.now();
    const { decisions, lookAgainMs } = plan([...this.#workers], this.#goal, this.#failures, this.#settings, nowMs);
    for (const decision of decisions) this.#carryOut(decision);
    this.#timer?.clear();
    // After the sockets have been read: a heartbeat that has come in time must not be found unread.
    this.#timer = startDeadline(() => setImmediate(() => this.#enqueue(() => this.#awake(performance.now() - lookAgainMs))), lookAgainMs - nowMs);
  }
  // endregion

  // region signals
  readonly #signals: Readonly<Record<Signal, () => void>> = {
    SIGTERM: () => this.#stop(this.#goal.stopping ? 0 : this.#settings.gracefulTimeoutMs),
    SIGINT: () => this.#stop(0),
    SIGQUIT: () => this.#stop(0),
    SIGHUP: () => this.#reload(),
    SIGUSR1: () => this.#reopen(),
    SIGUSR2: () => this.#upgrade(),
    SIGTTIN: () => void this.#goal.workers++,
    SIGTTOU: () => void (this.#goal.workers = Math.max(1, this.#goal.workers - 1)),
    // A terminal sends it whenever its window changes.
    SIGWINCH: () => void (process.stdin.isTTY || (this.#goal.workers = 0)),
  };
  // endregion

  #carryOut(decision: Decision<Child>): void {
    if (decision.do === 'fork') return this.#fork();
    const { worker, why } = decision;
    this.#say(`worker ${worker.pid} ${decision.do === 'drain' ? 'finishes' : 'is killed'}: ${why}`);
    if (decision.do === 'drain') return worker.drain(this.#goal.stopping ? this.#stopMs : this.#settings.gracefulTimeoutMs, this.#goal.stopping);
    if (worker.state === 'serving') this.#totals.hangs++;
    worker.kill();
  }

  // region fork
  #fork(): void {
    this.#hook('preFork');
    const { hooks } = this.#options;
    const worker = new Child({ settings: this.#settings, generation: this.#goal.generation, hooksModule: hooks?.module, fd: this.#listener!.fd }, {
      onMessage: (message) => this.#enqueue(() => this.#heard(worker, message)),
      onEnd: (code, signal, how) => this.#enqueue(() => this.#ended(worker, code, signal, how)),
      onLine: (line) => this.#log.report(line, worker.pid),
    });
    this.#workers.add(worker);
    this.#totals.forks++;
    this.#hook('postFork', { workerPid: worker.pid, generation: worker.generation });
  }
  // endregion

  #heard(worker: Child, message: FromWorker): void {
    worker.heardMs = performance.now();
    if (message.type === 'failed') worker.failure = message;
    else if (message.type === 'ready') {
      worker.isReady();
      this.#someoneIsReady();
    } else {
      worker.hear(message.beat, this.#settings);
      if (worker.heardMs - worker.servingMs >= SETTLED_MS && worker.forkedMs >= this.#failures.atMs) this.#failures.inARow = 0;
    }
  }

  /** When all of a generation serve, it is the one to come back to. */
  #someoneIsReady(): void {
    const { workers, generation } = this.#goal;
    const serving = [...this.#workers].filter((one) => one.state === 'serving' && one.generation === generation);
    if (serving.length < workers) return;
    if (this.#good === null) {
      console.log(`listening on ${this.#listener!.address}`);
      this.#hook('whenReady');
    }
    this.#good = { goal: { ...this.#goal }, settings: this.#settings };
  }

  // region ended
  #ended(worker: Child, code: number | null, signal: string | null, how: string): void {
    const nowMs = performance.now();
    const hasServed = worker.servingMs < Infinity;
    this.#workers.delete(worker);
    this.#totals.requests += worker.requests;
    this.#hook('workerExit', { workerPid: worker.pid, generation: worker.generation, exitCode: code, signal });
    // It was told to go, and has gone.
    if (this.#goal.stopping || worker.state === 'draining' || (worker.state === 'killed' && nowMs < worker.deadlineMs)) return;
    const reason = worker.failure?.reason ?? `worker ${worker.pid} ended with ${how}`;
    this.#totals.crashes++;
    this.#say(reason);
    if (!hasServed && this.#good === null && code !== null) return this.#giveUp(worker.failure?.code ?? 3);
    if (!hasServed && this.#good !== null && worker.generation > this.#good.goal.generation) return this.#rollBack(reason);
    if (nowMs - worker.servingMs >= SETTLED_MS) return;
    const inARow = this.#failures.inARow + 1;
    this.#failures = { inARow, atMs: nowMs, waitUntilMs: nowMs + backOffMs(inARow) };
    const someServe = [...this.#workers].some(({ servingMs }) => nowMs - servingMs >= SETTLED_MS);
    if (inARow < this.#settings.bootTries || someServe) return;
    this.#say(`gave up: ${inARow} workers in a row did not last for ${SETTLED_MS / 1000} s; the last: ${reason}`);
    this.#giveUp(1);
  }
  // endregion

  #giveUp(exitCode: number): void {
    this.#exitCode = exitCode;
    this.#stop(0);
  }

  // region stop
  #stop(withinMs: number): void {
    this.#goal.stopping = true;
    this.#stopMs = withinMs;
    // From now on the queue is only where a worker still takes from it. Nobody may wait in one that nobody looks at.
    this.#listener?.close({ remove: this.#successor === 0 });
    this.#listener = null;
    for (const worker of this.#workers) {
      if (worker.state === 'draining') worker.drain(withinMs, true);
    }
  }
  // endregion

  #stopWorker(worker: Child): void {
    if (worker.state === 'serving') this.#carryOut({ do: 'drain', worker, why: 'it was told to stop' });
  }

  // region reload
  #reload(): void {
    const { reread } = this.#options;
    this.#hook('onReload');
    if (reread === undefined) return this.#beginGeneration(this.#settings);
    reread().then(
      ({ settings }) => this.#enqueue(() => this.#beginGeneration(settings)),
      (error: unknown) => this.#say(`reload refused: ${error instanceof Error ? error.message : String(error)}; the old settings stay`),
    ).catch(reportDetached);
  }

  #beginGeneration(settings: Settings): void {
    const { bind } = this.#settings;
    if (settings.bind !== bind) this.#say(`bind stays ${bind}: it cannot be changed by a reload`);
    this.#settings = { ...settings, bind };
    this.#goal = { ...this.#goal, workers: settings.workers, generation: ++this.#generations };
    this.#failures = { inARow: 0, waitUntilMs: 0, atMs: 0 };
    this.#totals.reloads++;
  }

  #rollBack(reason: string): void {
    const { goal, settings } = this.#good!;
    this.#goal = { ...goal, stopping: this.#goal.stopping };
    this.#settings = settings;
    this.#say(`reload failed: ${reason}; the old workers serve on`);
  }
  // endregion

  /** If this process itself has stood still, it has not heard what was said meanwhile: that is nobody's fault. */
  #awake(lateMs: number): void {
    for (const worker of this.#workers) worker.heardMs += lateMs;
  }

  #reopen(): void {
    this.#log.reopen();
    for (const worker of this.#workers) worker.tell({ type: 'reopen' });
  }

  // region upgrade
  #upgrade(): void {
    if (this.#successor !== 0 || this.#listener === null) return this.#say('there is a second master already');
    const { pidfile } = this.#settings;
    if (pidfile !== '') new Pidfile(pidfile).rename(`${pidfile}.oldbin`);
    this.#successor = forkMaster(this.#listener.fd, (how) => this.#enqueue(() => this.#successorEnded(how)));
    this.#say(`master ${this.#successor} serves beside this one: end one of them`);
  }

  #successorEnded(how: string): void {
    this.#say(`master ${this.#successor} has ended with ${how}; this one goes on`);
    this.#successor = 0;
    const { pidfile } = this.#settings;
    if (pidfile !== '') new Pidfile(`${pidfile}.oldbin`).rename(pidfile);
  }
  // endregion

  /** A signal that has come by another way: over the control socket. */
  signal(signal: Signal): void {
    this.#enqueue(this.#signals[signal]);
  }

  /** Lets a worker finish; another takes its place. @returns false if there is no such worker */
  stopWorker(pid: number): boolean {
    const worker = [...this.#workers].find((one) => one.pid === pid);
    if (worker !== undefined) this.#enqueue(() => this.#stopWorker(worker));
    return worker !== undefined;
  }

  show(): SupervisorFacts {
    const nowMs = performance.now();
    const workers = [...this.#workers].map(({ pid, state, generation, forkedMs, beat }) => ({ pid, state, generation, ageMs: nowMs - forkedMs, ...beat }));
    const requests = workers.reduce((sum, worker) => sum + worker.requests, this.#totals.requests);
    const { workers: goal, generation } = this.#goal;
    const address = this.#listener?.address ?? '';
    return { pid: process.pid, address, generation, uptimeMs: nowMs - this.#startedMs, goal, workers, totals: { ...this.#totals, requests } };
  }

  #say(text: string): void {
    this.#log.report(text);
  }

  #hook(name: HookName, facts: Partial<HookFacts> = {}): boolean {
    return callHook(this.#options.hooks ?? {}, name, { pid: process.pid, settings: this.#settings, ...facts }, (text) => this.#say(text));
  }
}
