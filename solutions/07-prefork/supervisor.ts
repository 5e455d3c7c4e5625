/**
 * The master: one loop that takes one event after another.
 *
 * Signals, messages and ended children only put an event into the queue. Each event changes what is wanted or what is
 * known; then plan.ts decides, and the decisions are carried out on the processes of child.ts. Nothing in the loop waits:
 * what takes time (reading the settings anew) puts an event into the queue when it is done. So no signal is lost while
 * another is handled.
 */

import { reportDetached, startDeadline } from '../01-echo/index.ts';
import { Child, SecondMaster } from './child.ts';
import type { FromWorker } from './child.ts';
import { watchFolder } from './develop.ts';
import { openEyes } from './control.ts';
import type { Commands, SupervisorFacts } from './control.ts';
import { openListener, parseBind } from './listener.ts';
import type { Listener } from './listener.ts';
import { LogFile } from './logs.ts';
import { Aims, judgeEnd, news, nextMoment, noFailures, oneMore, plan, SETTLED_MS } from './plan.ts';
import type { Decision, Failures } from './plan.ts';
import { callHook } from './service.ts';
import type { HookFacts, HookName, Hooks } from './service.ts';
import type { Settings } from './settings.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGTTIN', 'SIGTTOU', 'SIGWINCH'] as const;
/** The signals that the master obeys. */
export type Signal = (typeof SIGNALS)[number];

export interface SupervisorOptions {
  readonly hooks?: Hooks;
  /** Reads the settings, and the hooks, anew for a reload. Without it they stay. */
  readonly reread?: () => Promise<{ readonly settings: Settings; readonly hooks?: Hooks }>;
}

/** The longest that a timer can wait. */
const FAR_MS = 2 ** 31 - 1;

/** Keeps a number of workers serving, for as long as it runs. */
export class Supervisor implements Commands {
  readonly #aims: Aims;
  #options: SupervisorOptions;
  readonly #log: LogFile;
  readonly #totals = { requests: 0, forks: 0, crashes: 0, hangs: 0, reloads: 0 };
  readonly #workers = new Set<Child>();
  readonly #events: (() => void)[] = [];
  #wake: () => void = () => undefined;
  #listener: Listener | null = null;
  #failures: Failures = noFailures;
  #timer = startDeadline(() => undefined, Infinity);
  #lookMs = Infinity;
  #readings = 0;
  #stopMs = 0;
  #exitCode = 0;
  #successor: SecondMaster | null = null;

  constructor(settings: Settings, options: SupervisorOptions = {}) {
    this.#aims = new Aims(settings);
    this.#options = options;
    this.#log = new LogFile(settings.errorLog);
  }

  // region loop
  /** Serves until it is told to stop, or cannot. Resolves to the exit code of the program. */
  async run(): Promise<number> {
    const { bind, reload, accessLog, errorLog, pidfile } = this.#aims.settings;
    const closers: { close(): unknown }[] = [];
    try {
      if (!this.#hook('onStarting')) return 1;
      this.#listener = await openListener(parseBind(bind), { log: (text) => this.#log.report(text) });
      closers.push(await openEyes(this.#aims.settings, this, (line) => this.#log.report(line)));
      if (reload) closers.push(watchFolder(process.cwd(), () => this.signal('SIGHUP'), { ignore: [accessLog, errorLog, pidfile] }));
    } catch (error) {
      this.#log.report(error instanceof Error ? error.message : String(error));
      this.#listener?.close({ remove: true });
      for (const closer of closers) await closer.close();
      return 1;
    }
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
    // Without a worker (WINCH) nothing else would keep this process alive: listeners for signals do not.
    const alive = setInterval(() => undefined, FAR_MS);
    closers.push({ close: () => clearInterval(alive) });
    this.#act();
    while (!this.#aims.goal.stopping || this.#workers.size > 0) {
      const event = this.#events.shift();
      if (event === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
      else {
        event();
        this.#act();
      }
    }
    this.#timer.clear();
    for (const closer of closers) await closer.close();
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    this.#successor?.takesOver();
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
    // The time has come to look, and that event is on its way: after the sockets have been read, since a heartbeat that has
    // come in time must not be found unread. If this process has stood still, what it has not heard is nobody's fault.
    if (nowMs >= this.#lookMs) return;
    for (const decision of plan([...this.#workers], this.#aims, this.#failures, nowMs)) this.#carryOut(decision);
    this.#tellIfReached();
    this.#lookMs = nextMoment([...this.#workers], this.#aims, this.#failures, nowMs);
    this.#timer.clear();
    this.#timer = startDeadline(() => setImmediate(() => this.#enqueue(() => {
      for (const worker of this.#workers) worker.heardMs += performance.now() - this.#lookMs;
      this.#lookMs = Infinity;
    })), this.#lookMs - nowMs);
  }
  // endregion

  // region signals
  readonly #signals: Readonly<Record<Signal, () => void>> = {
    SIGTERM: () => this.#stop(this.#aims.goal.stopping ? 0 : this.#aims.settings.gracefulTimeoutMs),
    SIGINT: () => this.#stop(0),
    SIGQUIT: () => this.#stop(0),
    SIGHUP: () => this.#reload(),
    SIGUSR1: () => this.#reopen(),
    SIGUSR2: () => this.#upgrade(),
    SIGTTIN: () => this.#aims.setWorkers(this.#aims.goal.workers + 1),
    SIGTTOU: () => this.#aims.setWorkers(Math.max(1, this.#aims.goal.workers - 1)),
    // A terminal sends it whenever its window changes.
    SIGWINCH: () => [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY) ? undefined : this.#aims.setWorkers(0),
  };
  // endregion

  #carryOut(decision: Decision<Child>): void {
    if (decision.do === 'fork') return this.#tryToFork();
    const { worker, why } = decision;
    this.#log.report(`worker ${worker.pid} ${decision.do === 'drain' ? 'finishes' : 'is killed'}: ${why}`);
    if (decision.do === 'drain') return this.#drain(worker);
    if (worker.state === 'serving') this.#totals.hangs++;
    worker.kill();
  }

  #drain(worker: Child): void {
    const { goal: { stopping }, settings } = this.#aims;
    // A second master has the socket too: its workers take what waits there.
    worker.drain(stopping ? this.#stopMs : settings.gracefulTimeoutMs, stopping && this.#successor === null);
  }

  #tryToFork(): void {
    try {
      this.#fork();
    } catch (error) {
      // No memory is left, or the user has gone. That may pass, as a boot that fails may.
      this.#log.report(`no worker could be started: ${error instanceof Error ? error.message : String(error)}`);
      this.#failures = oneMore(this.#failures, performance.now());
    }
  }

  // region fork
  #fork(): void {
    this.#hook('preFork');
    const worker = new Child(this.#aims, this.#options.hooks?.module, this.#listener!.fd, {
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
    else if (message.type === 'leaves') worker.leaves(this.#aims.settings.gracefulTimeoutMs);
    else if (message.type === 'ready') worker.isReady();
    else {
      worker.hear(message.beat, this.#aims.settings);
      if (worker.heardMs - worker.servingMs >= SETTLED_MS && worker.forkedMs >= this.#failures.lastMs) this.#failures = noFailures;
    }
  }

  #tellIfReached(): void {
    const isFirst = this.#aims.good === null;
    if (!this.#aims.isReached(this.#workers) || !isFirst) return;
    console.log(`listening on ${this.#listener!.address}`);
    this.#hook('whenReady');
  }

  // region ended
  #ended(worker: Child, code: number | null, signal: string | null, how: string): void {
    const nowMs = performance.now();
    this.#workers.delete(worker);
    this.#totals.requests += worker.requests;
    this.#hook('workerExit', { workerPid: worker.pid, generation: worker.generation, exitCode: code, signal });
    const { verdict, failures } = judgeEnd(worker, code !== null, [...this.#workers], this.#aims, this.#failures, nowMs);
    this.#failures = failures;
    if (verdict === 'as-told') return;
    this.#totals.crashes++;
    this.#log.report(`${worker.failure?.reason ?? `worker ${worker.pid} ended with ${how}`}; ${news[verdict]}`);
    if (verdict === 'cannot-start') this.#stop(0, worker.failure?.code ?? 3);
    else if (verdict === 'cannot-reload') this.#aims.rollBack();
    else if (verdict === 'hopeless') this.#stop(0, 1);
  }
  // endregion

  // region stop
  #stop(withinMs: number, exitCode = 0): void {
    this.#exitCode ||= exitCode;
    this.#aims.stop();
    this.#stopMs = withinMs;
    // From now on the queue is only where a worker still takes from it. Nobody may wait in one that nobody looks at.
    this.#listener?.close({ remove: this.#successor === null });
    this.#listener = null;
    // Those that serve are told when the plan is carried out. These have been told: they get a new deadline.
    for (const worker of this.#workers) {
      if (worker.state === 'draining') this.#drain(worker);
    }
  }
  // endregion

  // region reload
  #reload(): void {
    const { hooks: old = {}, reread = () => Promise.resolve({ settings: this.#aims.settings, hooks: old }) } = this.#options;
    const { workers } = this.#aims.goal;
    const reading = ++this.#readings;
    this.#hook('onReload');
    reread().then(
      ({ settings, hooks = old }) => this.#enqueue(() => {
        // A later reload reads what is newer.
        if (reading < this.#readings) return;
        this.#options = { ...this.#options, hooks };
        this.#beginGeneration(settings, this.#aims.goal.workers - workers);
      }),
      (error: unknown) => this.#log.report(`reload refused: ${error instanceof Error ? error.message : String(error)}; the old settings stay`),
    ).catch(reportDetached);
  }

  /** @param more workers that were asked for (TTIN, TTOU) while the settings were read */
  #beginGeneration(settings: Settings, more: number): void {
    const { bind } = this.#aims.settings;
    if (settings.bind !== bind) this.#log.report(`bind stays ${bind}: a reload cannot change it`);
    this.#aims.beginGeneration(settings, more);
    this.#failures = noFailures;
    this.#totals.reloads++;
  }
  // endregion

  #reopen(): void {
    this.#log.reopen();
    for (const worker of this.#workers) worker.tell({ type: 'reopen' });
  }

  // region upgrade
  #upgrade(): void {
    if (this.#successor !== null || this.#listener === null) return this.#log.report('there is a second master already');
    const successor = new SecondMaster(this.#listener.fd, this.#aims.settings.pidfile, (how) => this.#enqueue(() => {
      this.#log.report(`master ${successor.pid} has ended with ${how}; this one goes on`);
      this.#successor = null;
      successor.gone();
    }));
    this.#successor = successor;
    this.#log.report(`master ${successor.pid} serves beside this one: end one of them`);
  }
  // endregion

  /** A signal that has come by another way: over the control socket. */
  signal(signal: Signal): void {
    this.#enqueue(this.#signals[signal]);
  }

  /** Lets a worker finish; another takes its place. @returns false if there is no such worker */
  stopWorker(pid: number): boolean {
    const worker = [...this.#workers].find((one) => one.pid === pid && one.state === 'serving');
    if (worker !== undefined) this.#enqueue(() => this.#carryOut({ do: 'drain', worker, why: 'it was told to stop' }));
    return worker !== undefined;
  }

  show(): SupervisorFacts {
    const nowMs = performance.now();
    const workers = [...this.#workers].map((worker) => worker.report(nowMs));
    const requests = workers.reduce((sum, worker) => sum + worker.requests, this.#totals.requests);
    const { workers: goal, generation } = this.#aims.goal;
    const address = this.#listener?.address ?? '';
    return { pid: process.pid, address, generation, uptimeMs: process.uptime() * 1000, goal, workers, totals: { ...this.#totals, requests } };
  }

  #hook(name: HookName, facts: Partial<HookFacts> = {}): boolean {
    return callHook(this.#options.hooks ?? {}, name, { pid: process.pid, settings: this.#aims.settings, ...facts }, (text) => this.#log.report(text));
  }
}
