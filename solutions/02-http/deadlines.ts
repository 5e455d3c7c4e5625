/**
 * Deadlines of many connections on one timer.
 *
 * A timer for each request would cost more than parsing it. So a connection only notes when its time is up, in the
 * time of a clock that stands still between two ticks, and each tick looks at them all. A deadline is met late by up
 * to two ticks, never early.
 */

/** Something with a deadline, in the time of {@link Deadlines.after}; Infinity for none. */
export interface Expiring {
  readonly deadlineMs: number;
  expire(): void;
}

const TICK_MS_MIN = 10;
const TICK_MS_MAX = 1000;

export class Deadlines {
  readonly #tickMs: number;
  readonly #members = new Set<Expiring>();
  #timer: NodeJS.Timeout | null = null;
  #nowMs = 0;

  /** @param shortestMs the shortest time that will be asked for: a quarter of it is the tick */
  constructor(shortestMs: number) {
    this.#tickMs = Math.min(TICK_MS_MAX, Math.max(TICK_MS_MIN, shortestMs / 4));
  }

  /** The deadline that lies so many milliseconds ahead. */
  after(ms: number): number {
    // Without members nothing ticks, and the clock stands where the last one left it.
    if (this.#timer === null) this.#nowMs = performance.now();
    return this.#nowMs + ms + this.#tickMs;
  }

  /** Watches a member. The timer runs while there is one, and keeps no process alive. */
  add(member: Expiring): void {
    this.#members.add(member);
    if (this.#timer !== null) return;
    this.#timer = setInterval(() => this.#tick(), this.#tickMs).unref();
  }

  delete(member: Expiring): void {
    this.#members.delete(member);
    if (this.#members.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #tick(): void {
    this.#nowMs = performance.now();
    for (const member of this.#members) {
      if (member.deadlineMs <= this.#nowMs) member.expire();
    }
  }
}
