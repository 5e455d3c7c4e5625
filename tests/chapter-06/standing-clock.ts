/**
 * A clock of this process that stands still until it is moved: what is due when no longer depends on how fast a test is.
 *
 * Timers run on; code that looks at the clock when they fire sees the time that the test has set.
 */

/** Nobody who counts from 0 takes it for the beginning. In milliseconds. */
const LATER_MS = 1e6;

/** Stops the clocks. @returns moves them on, by milliseconds */
export function standStill(): (ms: number) => void {
  const [began, date] = [performance.now() + LATER_MS, Date.now() + LATER_MS];
  let movedMs = 0;
  performance.now = () => began + movedMs;
  Date.now = () => Math.floor(date + movedMs);
  return (ms) => {
    movedMs += ms;
  };
}
