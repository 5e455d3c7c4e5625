/**
 * Waiting until a deadline, however far off it is.
 *
 * `setTimeout` keeps its delay in 31 bits: 2³¹ ms (25 days) or more, and
 * `Infinity` too, become 1 ms. A server that was told to wait for ever would cut
 * everybody at once. So every deadline in every chapter is set here.
 */

/** The longest delay that one of Node's timers takes, in milliseconds: about 24.8 days. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

/** A deadline that has been set and may still be cleared. */
export interface Deadline {
  /** Cancels it. Does nothing if it has passed already. */
  clear(): void;
  /** Lets the process end before the deadline, as `unref` of Node's timers does. */
  unref(): this;
}

/**
 * Calls `onPassed` once, after `ms` milliseconds and never before.
 *
 * @param ms `Infinity` for a deadline that never comes and does not keep the process alive; below 0 counts as 0
 * @throws {RangeError} if `ms` is NaN
 */
export function startDeadline(onPassed: () => void, ms: number): Deadline {
  if (Number.isNaN(ms)) throw new RangeError('a deadline is a number of milliseconds, or Infinity');
  let timer: NodeJS.Timeout | undefined;
  let keepsAlive = true;
  const wait = (leftMs: number): void => {
    if (leftMs === Infinity) return;
    // Longer than one timer can wait: use several, one after the other.
    const delayMs = Math.min(leftMs, TIMER_MS_MAX);
    timer = setTimeout(() => (leftMs > delayMs ? wait(leftMs - delayMs) : onPassed()), delayMs);
    if (!keepsAlive) timer.unref();
  };
  wait(Math.max(0, ms));
  return {
    clear: () => clearTimeout(timer),
    unref() {
      keepsAlive = false;
      timer?.unref();
      return this;
    },
  };
}

/**
 * The argument for `socket.setTimeout`, which throws for `Infinity`. It is 0,
 * which means never, if the time is longer than one of Node's timers can wait.
 */
export function socketTimeoutMs(ms: number): number {
  return ms > TIMER_MS_MAX ? 0 : ms;
}
