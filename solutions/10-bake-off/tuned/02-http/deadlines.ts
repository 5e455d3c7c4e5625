/**
 * The deadlines of many connections, on one timer.
 *
 * A timer for each request would cost more than parsing it. So a connection only notes when its time is up, on a clock
 * that stands still between two ticks, and each tick checks all connections. A deadline passes up to two ticks late,
 * never early.
 */

/** Something with a deadline, on the clock of {@link Deadlines.after}; Infinity for none. */
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

  /** @param shortestMs the shortest time that will be asked for: a tick is a quarter of it */
  constructor(shortestMs: number) {
    this.#tickMs = Math.min(TICK_MS_MAX, Math.max(TICK_MS_MIN, shortestMs / 4));
  }

  /** The deadline that is this many milliseconds ahead. */
  after(ms: number): number {
    // Without members nothing ticks, and the clock has stood still since the last one left.
    if (this.#timer === null) this.#nowMs = performance.now();
    return this.#nowMs + ms + this.#tickMs;
  }

  /** Watches a member. The timer runs while there are members, and does not keep the process alive. */
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
