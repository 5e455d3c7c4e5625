/**
 * What a supervisor decides: who is forked, who is drained, who is killed, and when to look again.
 *
 * There is one rule: N workers that are fit, and whatever is over goes, the least fit first. A crash, a reload, one worker
 * more or less, and a worker that has grown too old are only different reasons for not having N that are fit.
 *
 * No process, no signal, no timer: facts in, decisions out. So it can be read, and tried, without starting anything.
 */

import { NotImplemented } from '#course/not-implemented.ts';
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
    // TODO 7.5  Do what the comment above says. The number of workers is one of the settings, and `more` is added to it. No
    //           two generations have the same number, even if one has not worked.
    throw new NotImplemented('7.5');
  }

  /** The reload did not work. */
  rollBack(): void {
    // TODO 7.5  What was wanted when a goal was reached last (`good`) is wanted again; a server that stops goes on stopping.
    throw new NotImplemented('7.5');
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
  // TODO 7.2  Nothing after none, BACK_OFF_MS_MIN after the first, twice as long after each further one, and at most
  //           BACK_OFF_MS_MAX.
  throw new NotImplemented('7.2');
}

// region plan
/** Decides what to do now. */
export function plan<W extends WorkerFacts>(
  workers: readonly W[],
  { goal, settings }: Pick<Aims, 'goal' | 'settings'>,
  failures: Failures,
  nowMs: number,
): readonly Decision<W>[] {
  // TODO 7.2  As many workers as `goal.workers` boot or serve: fork what is missing. After a failure, not before
  //           `waitUntilMs`, and one at a time: not while another one boots. A worker that has not booted by its
  //           `deadlineMs` is killed.

  // TODO 7.3  When the server stops, nobody is forked and everybody goes: one that serves is drained, one that boots is
  //           killed, since it has nothing to lose. When as many as are wanted serve, the same happens to all others: the
  //           newest that serve are kept. A worker that has not finished by its `deadlineMs` is killed. Nothing is decided
  //           twice: look at the states.

  // TODO 7.4  A worker that has sent no heartbeat for `timeoutMs` (0 is off) is killed, unless it boots: that has a
  //           deadline of its own. One that serves and has had `requestsMax` requests, has been too large or too slow in
  //           `unfitSamples` samples, or has served for `lifetimeMs` (0 is off), is unfit: another one is forked, and when
  //           `goal.workers` fit ones serve, it is drained. Only one at a time counts as unfit. `why` says what was wrong.

  // TODO 7.5  Workers of another generation than the goal's do not count. Until `goal.workers` of the goal's generation
  //           serve, as many others are kept: the newest that serve, and where these are too few, the first of those that
  //           boot. Then all others go. So it is after a roll-back, too.
  throw new NotImplemented('7.2');
}
// endregion

/** When to decide again even if nothing happens before. Ask when the decisions are carried out: they set deadlines. */
export function nextMoment(workers: readonly WorkerFacts[], { settings }: Pick<Aims, 'settings'>, { waitUntilMs }: Failures, nowMs: number): number {
  // TODO 7.2  The first moment after `nowMs` at which time alone changes what `plan` decides; Infinity if there is none.

  // TODO 7.4  More of what `plan` decides has a moment now.
  throw new NotImplemented('7.2');
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
  // TODO 7.2  Before all workers of a first goal have served (`good`), one that exits without having served ends the
  //           program: `cannot-start`. One that has served for SETTLED_MS has `crashed`, and nothing follows from it. Every
  //           other end is a failure in a row more (`oneMore`), after which the next fork waits: `crashed`, or
  //           `hopeless` if there have been `bootTries` of them and none of the others has served for SETTLED_MS.

  // TODO 7.3  A worker that was told to go ends `as-told`, whatever its exit code is: one that drains, one that was killed,
  //           and all of them when the server stops. Only one that was killed because it had not booted by its
  //           `deadlineMs` is judged as if nobody had told it.

  // TODO 7.5  A worker that has not served, of an older generation than the goal's, ends `as-told`: a reload has made it
  //           superfluous. One of a newer generation than the last goal that was reached means `cannot-reload`, if it has
  //           exited by itself, or has not booted in time.
  throw new NotImplemented('7.2');
}
// endregion
