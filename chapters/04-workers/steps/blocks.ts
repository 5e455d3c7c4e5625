/** How long the event loop stands still while something is done: `npx tsx chapters/04-workers/steps/blocks.ts`. */
import { pbkdf2, pbkdf2Sync } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

const json = JSON.stringify(Array.from({ length: 300_000 }, (_, id) => ({ id, name: `number ${id}` })));
const clock = new Int32Array(new SharedArrayBuffer(4));
const hash = promisify(pbkdf2);

// #region things
const things: Record<string, () => unknown> = {
  'await a timer of 500 ms': () => wait(500),
  'Atomics.wait for 500 ms': () => Atomics.wait(clock, 0, 0, 500),
  'await pbkdf2': () => hash('password', 'salt', 1_000_000, 32, 'sha256'),
  'pbkdf2Sync': () => pbkdf2Sync('password', 'salt', 1_000_000, 32, 'sha256'),
  'JSON.parse, 13 MB': () => JSON.parse(json),
  'an async function': async () => {
    for (let i = 0; i < 3_000_000; i++) await null;
  },
};
// #endregion things

for (const [name, run] of Object.entries(things)) {
  let lastMs = performance.now();
  let longestMs = 0;
  const look = (): void => {
    longestMs = Math.max(longestMs, performance.now() - lastMs);
    lastMs = performance.now();
  };
  const timer = setInterval(look, 1);
  await wait(50);
  longestMs = 0;
  const startMs = performance.now();
  await run();
  const tookMs = performance.now() - startMs;
  await wait(5);
  look();
  clearInterval(timer);
  console.log(`${name.padEnd(25)} took ${tookMs.toFixed(0).padStart(5)} ms   the loop stood still for ${longestMs.toFixed(0).padStart(5)} ms`);
}
