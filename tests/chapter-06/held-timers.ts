/**
 * Timers that do not run out before a test lets them: those of one time, by which it knows them. All others run.
 *
 * So a test decides which of two timers runs out first, and how fast it is decides nothing.
 */

type Timer = (callback: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => NodeJS.Timeout;

export interface HeldTimers {
  /** Remembers those that are running. */
  mark(): void;
  /** Those that were running when they were marked run out now, but for those that have been cleared. */
  runOut(): void;
}

/** @param heldMs the time of those that are held */
export function holdTimers(heldMs: number): HeldTimers {
  const held = new Map<unknown, () => void>();
  let marked: unknown[] = [];
  const [start, clear] = [globalThis.setTimeout as Timer, globalThis.clearTimeout];
  const setTimeout: Timer = (callback, ms, ...args) => {
    const timer = start(callback, ms, ...args);
    if (ms === heldMs) held.set(timer, () => callback(...args));
    return timer;
  };
  const clearTimeout = (timer?: NodeJS.Timeout): void => {
    held.delete(timer);
    clear(timer);
  };
  Object.assign(globalThis, { setTimeout, clearTimeout });
  return {
    mark: () => {
      marked = [...held.keys()];
    },
    runOut: () => {
      for (const timer of marked) {
        const callback = held.get(timer);
        held.delete(timer);
        clear(timer as NodeJS.Timeout);
        callback?.();
      }
    },
  };
}
