/**
 * Two ways to keep a thread busy: waiting without letting go of it, and computing.
 */

const never = new Int32Array(new SharedArrayBuffer(4));

/**
 * Waits as a synchronous database driver does: the whole thread is blocked, and its event loop with it. Nothing ever
 * notifies it, so the time always runs out.
 */
export function blockFor(ms: number): void {
  Atomics.wait(never, 0, 0, ms);
}

/**
 * Computes for this many milliseconds of this thread's own CPU time. Wall-clock time would be the wrong measure: ten
 * threads that share a core would all be done after the same five milliseconds, and would have done half a millisecond
 * of work each. And the clock of a thread's CPU time moves in steps of 4 ms on Linux. So this does an amount of work
 * that takes this long on an idle core, measured once in each thread.
 */
export function burnCpu(ms: number): void {
  blockMs ??= calibrate();
  for (let left = Math.round(ms / blockMs); left > 0; left--) computeBlock();
}

/** How long a block takes, in milliseconds; `null` until it has been measured. */
let blockMs: number | null = null;

const CALIBRATED_BLOCKS = 60;

/** The fastest of many: the others were interrupted, or are from before the code was compiled. */
function calibrate(): number {
  let fastest = Infinity;
  for (let i = 0; i < CALIBRATED_BLOCKS; i++) {
    const start = performance.now();
    computeBlock();
    fastest = Math.min(fastest, performance.now() - start);
  }
  // A clock may be coarser than a block is long.
  return Math.max(fastest, 0.001);
}

function computeBlock(): void {
  let x = 1;
  for (let i = 0; i < 5_000; i++) x = (x * 1_103_515_245 + 12_345) % 2_147_483_648;
  // The result is used, so that no compiler removes the loop.
  if (x < 0) throw new Error('a linear congruential generator went below zero');
}
