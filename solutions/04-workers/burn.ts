/**
 * Two ways to keep a thread busy: waiting without letting go of it, and computing.
 */

const never = new Int32Array(new SharedArrayBuffer(4));

/**
 * Waits as a synchronous database driver does: the whole thread stands still, its event loop with it. Nobody ever
 * notifies, so the time always runs out.
 */
export function blockFor(ms: number): void {
  Atomics.wait(never, 0, 0, ms);
}

/**
 * Computes for so many milliseconds of this thread's own CPU time. A clock on the wall would be the wrong measure: ten
 * threads that share a core would all be done after the same five milliseconds, and would have done half a millisecond
 * of work each.
 */
export function burnCpu(ms: number): void {
  const startUs = cpuUs();
  let x = 1;
  while (cpuUs() - startUs < ms * 1000) {
    for (let i = 0; i < 5_000; i++) x = (x * 1_103_515_245 + 12_345) % 2_147_483_648;
  }
  // Used, so that no compiler leaves the loop out.
  if (x < 0) throw new Error('a linear congruential generator went below zero');
}

function cpuUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
