/**
 * Keeps a fixed number of workers running: one that dies is replaced, and one that keeps dying is replaced ever more
 * slowly.
 *
 * Whether a worker is a process or a thread is up to the code that starts it.
 */

import { startDeadline } from '../01-echo/index.ts';
import { endWithUs } from './end-with-us.ts';

/** One worker, as its starter describes it. */
export interface Member {
  readonly kind: 'process' | 'thread';
  /** A pid, or a thread's id. */
  readonly id: number;
  /** Resolves when it is ready for work. Rejects if it ends before that. */
  readonly ready: Promise<void>;
  /** Resolves when it is gone, to the reason. */
  readonly gone: Promise<string>;
  /** Ends it after what it has in progress. */
  finish(): void;
  /** Ends it now, whatever it is doing. */
  kill(): void;
}

export interface CrewOptions<M extends Member> {
  readonly size: number;
  /** Starts one, in place of the previous one. @param place 0 to size - 1 */
  readonly start: (place: number) => M;
  readonly onError: (error: unknown) => void;
  /** Called when a replacement is ready. */
  readonly onReady?: (member: M) => void;
  /** Called when a member is gone, before it is replaced. */
  readonly onGone?: (member: M) => void;
}

/** A worker that has lived this long did not die of a failed start. */
const SETTLED_MS = 1_000;
const BACK_OFF_MS_MIN = 50;
const BACK_OFF_MS_MAX = 5_000;

export class Crew<M extends Member> {
  readonly #options: CrewOptions<M>;
  readonly #members = new Set<M>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Until then no worker is replaced; the start fails instead. */
  #started = false;
  #closing = false;
  #failure: Error | null = null;
  #onEmpty: (() => void) | null = null;

  constructor(options: CrewOptions<M>) {
    this.#options = options;
  }

  /** Those that are alive, ready or not. */
  get members(): ReadonlySet<M> {
    return this.#members;
  }

  /** Starts them all. @throws Error if one of them does not start: then none is left running */
  async start(): Promise<void> {
    const { size } = this.#options;
    try {
      // One first: if the workers' code is broken, one failure says so as well as a hundred.
      await this.#fill(0, 0).ready;
      await Promise.all(Array.from({ length: size - 1 }, (_, index) => this.#fill(index + 1, 0).ready));
      if (this.#failure !== null) throw this.#failure;
      this.#started = true;
    } catch (error) {
      await this.close(0);
      throw error;
    }
  }

  /** Ends them all; kills what is left after the deadline. Resolves when all are gone. */
  async close(deadlineMs: number): Promise<void> {
    this.#closing = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const member of this.#members) member.finish();
    const deadline = startDeadline(() => {
      for (const member of this.#members) member.kill();
    }, deadlineMs);
    if (this.#members.size > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
    deadline.clear();
  }

  // region fill
  /** Starts a worker in a place, and another when that one is gone. */
  #fill(place: number, failures: number): M {
    const { start, onReady, onGone } = this.#options;
    const member = start(place);
    const startedAt = performance.now();
    this.#members.add(member);
    // A thread ends with its process; a blocked process has to be ended.
    const release = member.kind === 'process' ? endWithUs(() => member.kill()) : ignore;
    // A worker that cannot start says so by exiting.
    member.ready.then(() => onReady?.(member), ignore).catch(this.#options.onError);
    member.gone.then((reason) => {
      release();
      this.#members.delete(member);
      onGone?.(member);
      if (this.#members.size === 0) this.#onEmpty?.();
      if (this.#closing) return;
      const settled = performance.now() - startedAt >= SETTLED_MS;
      const what = `${member.kind} ${member.id} ${reason}`;
      if (this.#started) this.#replace(place, settled ? 0 : failures + 1, what);
      else this.#failure = new Error(`${what} while the others were starting`);
    }).catch(this.#options.onError);
    return member;
  }

  #replace(place: number, failures: number, reason: string): void {
    const waitMs = failures === 0 ? 0 : Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS_MIN * 2 ** (failures - 1));
    this.#options.onError(new Error(`${reason}; another takes its place${waitMs === 0 ? '' : ` in ${waitMs} ms`}`));
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#fill(place, failures);
    }, waitMs);
    this.#timers.add(timer);
  }
  // endregion
}

function ignore(): void {}
