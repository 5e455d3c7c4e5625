/**
 * What a supervisor decides: who is forked, who is drained, who is killed, and when to look again.
 *
 * There is one rule: N workers that are fit, and whatever is over goes, the least fit first. A crash, a reload, one worker
 * more or less, and a worker that has grown too old are only different reasons for not having N that are fit.
 *
 * No process, no signal, no timer: facts in, decisions out. So it can be read, and tried, without starting anything.
 */

import type { Settings } from './settings.ts';

export type WorkerState = 'booting' | 'serving' | 'draining' | 'killed';

/** What is known of one worker. Moments are milliseconds of `performance.now()`. */
export interface WorkerFacts {
  readonly state: WorkerState;
  /** How many reloads there had been when it was forked. */
  readonly generation: number;
  readonly forkedMs: number;
  /** Since when it has served; `Infinity` until then. */
  readonly servingMs: number;
  /** When it was last heard of. */
  readonly heardMs: number;
  /** When it must have booted, or have drained; `Infinity` while it serves. */
  readonly deadlineMs: number;
  readonly requests: number;
  /** The number of requests after which it is old: `maxRequests` with its jitter, or `Infinity`. */
  readonly requestsMax: number;
  /** How many heartbeats in a row have shown too much memory, and a loop that stands still. */
  readonly rssSamples: number;
  readonly loopDelaySamples: number;
}

/** What is wanted. */
export interface Goal {
  readonly workers: number;
  readonly generation: number;
  readonly stopping: boolean;
}

/** What is wanted now, and what was reached last. */
export class Aims {
  settings: Settings;
  goal: Goal;
  /** The last goal for which all workers have served; `null` until there is one. */
  good: { readonly goal: Goal; readonly settings: Settings } | null = null;
  #generations = 1;

  constructor(settings: Settings) {
    this.settings = settings;
    this.goal = { workers: settings.workers, generation: 1, stopping: false };
  }

  /** A reload: other settings, and all workers anew. A socket cannot be moved, so `bind` stays. */
  beginGeneration(settings: Settings, more = 0): void {
    this.settings = { ...settings, bind: this.settings.bind };
    this.goal = { ...this.goal, workers: Math.max(0, settings.workers + more), generation: ++this.#generations };
  }

  /** The reload did not work. */
  rollBack(): void {
    if (this.good === null) return;
    this.settings = this.good.settings;
    this.goal = { ...this.good.goal, stopping: this.goal.stopping };
  }

  setWorkers(workers: number): void {
    this.goal = { ...this.goal, workers };
  }

  stop(): void {
    this.goal = { ...this.goal, stopping: true };
  }

  /** Whether this many of the newest generation are what is wanted. Then it is what a failed reload comes back to. */
  isReached(workers: Iterable<WorkerFacts>): boolean {
    const serving = [...workers].filter(({ state, generation }) => state === 'serving' && generation === this.goal.generation);
    if (serving.length < this.goal.workers || (this.good === null && serving.length === 0)) return false;
    this.good = { goal: this.goal, settings: this.settings };
    return true;
  }
}

/** How often in a row a worker has ended before it had served for `SETTLED_MS`, and until when to wait because of that. */
export interface Failures {
  readonly inARow: number;
  readonly lastMs: number;
  readonly waitUntilMs: number;
}

export const noFailures: Failures = { inARow: 0, lastMs: -Infinity, waitUntilMs: -Infinity };

/** One failure in a row more: the next fork waits. */
export function oneMore({ inARow }: Failures, nowMs: number): Failures {
  return { inARow: inARow + 1, lastMs: nowMs, waitUntilMs: nowMs + backOffMs(inARow + 1) };
}

/**
 * What the end of a worker means: it was told to; the application does not start, or does not after a reload; it crashed,
 * and another takes its place; so have all the others.
 */
export type Verdict = 'as-told' | 'cannot-start' | 'cannot-reload' | 'crashed' | 'hopeless';

/** What follows from it, for the log. */
export const news: Readonly<Record<Exclude<Verdict, 'as-told'>, string>> = {
  'cannot-start': 'the application does not start',
  'cannot-reload': 'the reload has failed, and the old workers serve on',
  crashed: 'another takes its place',
  hopeless: 'gave up: too many in a row have ended soon after their start',
};

export type Decision<W> =
  | { readonly do: 'fork' }
  | Farewell<W>;

/** A worker that goes: after what it has in progress, or now. */
export interface Farewell<W> {
  readonly do: 'drain' | 'kill';
  readonly worker: W;
  readonly why: string;
}

/** A worker that has served for this long did not die of its boot. */
export const SETTLED_MS = 1_000;
const BACK_OFF_MS_MIN = 100;
const BACK_OFF_MS_MAX = 5_000;

/** How long to wait before the next fork when this many workers in a row have failed. */
export function backOffMs(failuresInARow: number): number {
  return failuresInARow === 0 ? 0 : Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS_MIN * 2 ** (failuresInARow - 1));
}

// region plan
/** Decides what to do now. */
export function plan<W extends WorkerFacts>(
  workers: readonly W[],
  { goal, settings }: Pick<Aims, 'goal' | 'settings'>,
  failures: Failures,
  nowMs: number,
): readonly Decision<W>[] {
  const kills = overdue(workers, settings, nowMs);
  const late = new Set(kills.map(({ worker }) => worker));
  const living = workers.filter((worker) => (worker.state === 'booting' || worker.state === 'serving') && !late.has(worker));
  const rest = goal.stopping ? living.map((worker) => goes(worker, 'the server stops')) : fill(living, goal, failures, settings, nowMs);
  return [...kills, ...rest];
}

/**
 * Forks what is missing; when N fit workers serve, the others go. A reload of two: both old ones are spare, and two are
 * forked; when one of these serves, it is fit, both old ones still are spare; when both serve, there is enough, and the old
 * ones go.
 */
function fill<W extends WorkerFacts>(living: readonly W[], goal: Goal, failures: Failures, settings: Settings, nowMs: number): Decision<W>[] {
  const current = living.filter(({ generation }) => generation === goal.generation);
  // One at a time: if all are old at once, most of them must go on serving.
  const unfit = current.find((worker) => whyUnfit(worker, settings, nowMs) !== null);
  const fit = current.filter((worker) => worker !== unfit);
  const serving = fit.filter(({ state }) => state === 'serving');
  // Until enough fit ones serve, as many others do: the newest that have booted, and where they are too few, the first that will.
  const others = living.filter((worker) => !fit.includes(worker));
  const spare = newest(others.filter(({ state }) => state === 'serving'), goal.workers);
  const soon = others.filter(({ state }) => state === 'booting').slice(0, Math.max(0, goal.workers - serving.length - spare.length));
  const enough = serving.length >= goal.workers;
  const kept = enough ? newest(serving, goal.workers) : [...fit, ...spare, ...soon];
  const leave = living.filter((worker) => !kept.includes(worker)).map((worker) => goes(worker, whyNot(worker, goal, settings, nowMs)));
  if (enough || nowMs < failures.waitUntilMs) return leave;
  const missing = goal.workers - fit.length;
  // While they fail, one at a time: its failure says as much as those of all.
  const forks = failures.inARow === 0 ? missing : Math.min(missing, fit.length > serving.length ? 0 : 1);
  return [...leave, ...Array.from({ length: Math.max(0, forks) }, () => ({ do: 'fork' as const }))];
}
// endregion

/** They are in the order in which they were forked. */
function newest<W>(workers: readonly W[], howMany: number): readonly W[] {
  return workers.slice(Math.max(0, workers.length - howMany));
}

/** One that serves is drained. One that does not has nothing to lose. */
function goes<W extends WorkerFacts>(worker: W, why: string): Farewell<W> {
  return { do: worker.state === 'serving' ? 'drain' : 'kill', worker, why };
}

function whyNot(worker: WorkerFacts, goal: Goal, settings: Settings, nowMs: number): string {
  if (worker.generation !== goal.generation) return `generation ${worker.generation} is replaced`;
  return whyUnfit(worker, settings, nowMs) ?? 'there is one too many';
}

/** Why a worker should be replaced; null if it is fit. */
function whyUnfit(worker: WorkerFacts, settings: Settings, nowMs: number): string | null {
  const { unfitSamples, lifetimeMs } = settings;
  if (worker.state !== 'serving') return null;
  if (worker.requests >= worker.requestsMax) return `it has had ${worker.requests} requests`;
  if (worker.rssSamples >= unfitSamples) return `it has used too much memory ${unfitSamples} times in a row`;
  if (worker.loopDelaySamples >= unfitSamples) return `its event loop has stood still for too long ${unfitSamples} times in a row`;
  if (lifetimeMs > 0 && nowMs - worker.servingMs >= lifetimeMs) return `it has served for ${lifetimeMs / 1000} s`;
  return null;
}

/** Those that have not booted or drained in time, and those that are silent. */
function overdue<W extends WorkerFacts>(workers: readonly W[], settings: Settings, nowMs: number): Farewell<W>[] {
  return workers.filter(({ state }) => state !== 'killed').flatMap((worker): Farewell<W>[] => {
    if (nowMs >= worker.deadlineMs) {
      return [{ do: 'kill', worker, why: worker.state === 'booting' ? 'it did not boot in time' : 'it did not finish in time' }];
    }
    if (nowMs < silentAtMs(worker, settings)) return [];
    return [{ do: 'kill', worker, why: `its event loop has been blocked for ${settings.timeoutMs / 1000} s` }];
  });
}

/** When a worker that sends no more heartbeats counts as hung. A slow start is not a hang: booting has its own deadline. */
function silentAtMs(worker: WorkerFacts, { timeoutMs }: Settings): number {
  return timeoutMs === 0 || worker.state === 'booting' ? Infinity : worker.heardMs + timeoutMs;
}

/** When to decide again even if nothing happens before. Ask when the decisions are carried out: they set deadlines. */
export function nextMoment(workers: readonly WorkerFacts[], { settings }: Pick<Aims, 'settings'>, { waitUntilMs }: Failures, nowMs: number): number {
  const { lifetimeMs } = settings;
  const moments = workers.filter(({ state }) => state !== 'killed').flatMap((worker) => [
    worker.deadlineMs,
    silentAtMs(worker, settings),
    lifetimeMs > 0 && worker.state === 'serving' ? worker.servingMs + lifetimeMs : Infinity,
  ]);
  return Math.min(...[waitUntilMs, ...moments].filter((moment) => moment > nowMs));
}

// region end
/**
 * Judges the end of a worker.
 *
 * @param exited by itself, not by a signal
 * @param others those that are left
 */
export function judgeEnd(
  worker: WorkerFacts,
  exited: boolean,
  others: readonly WorkerFacts[],
  { goal, good, settings }: Aims,
  failures: Failures,
  nowMs: number,
): { readonly verdict: Verdict; readonly failures: Failures } {
  const { state, servingMs, generation, deadlineMs } = worker;
  const hasServed = servingMs < Infinity;
  const isTold = state === 'draining' || (state === 'killed' && (hasServed || nowMs < deadlineMs));
  if (goal.stopping || isTold) return { verdict: 'as-told', failures };
  // A reload that came after its own has made it superfluous.
  if (!hasServed && generation < goal.generation) return { verdict: 'as-told', failures };
  const itself = exited || nowMs >= deadlineMs;
  if (!hasServed && good === null && exited) return { verdict: 'cannot-start', failures };
  if (!hasServed && good !== null && generation > good.goal.generation && itself) return { verdict: 'cannot-reload', failures };
  if (nowMs - servingMs >= SETTLED_MS) return { verdict: 'crashed', failures };
  const more = oneMore(failures, nowMs);
  const someLast = others.some((other) => nowMs - other.servingMs >= SETTLED_MS);
  return { verdict: more.inARow >= settings.bootTries && !someLast ? 'hopeless' : 'crashed', failures: more };
}
// endregion
