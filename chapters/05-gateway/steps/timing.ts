/** What the time of a comparison tells about a secret: `npx tsx chapters/05-gateway/steps/timing.ts`. */
import { timingSafeEqual } from 'node:crypto';

const LENGTH = 32;
const ROUNDS = 201;
const COMPARISONS = 20_000;

// #region compare
/** As every loop over two strings does it: done at the first difference. */
function equal(given: Buffer, secret: Buffer): boolean {
  for (let i = 0; i < secret.length; i++) {
    if (given[i] !== secret[i]) return false;
  }
  return given.length === secret.length;
}
// #endregion compare

const secret = Buffer.alloc(LENGTH, 'x');
console.log('right characters       loop    timingSafeEqual');
const rows = [0, 8, 16, 24, 31].map((right) => {
  const given = Buffer.from(secret);
  given[right] = 0x2e;
  return { right, given, loop: [] as number[], safe: [] as number[] };
});
// In turns, so that what the machine does meanwhile falls on all of them.
for (let round = 0; round < ROUNDS; round++) {
  for (const { given, loop, safe } of rows) {
    loop.push(measure(() => equal(given, secret)));
    safe.push(measure(() => timingSafeEqual(given, secret)));
  }
}
for (const { right, loop, safe } of rows) {
  console.log(`${String(right).padStart(16)} ${median(loop).toFixed(1).padStart(7)} ns ${median(safe).toFixed(1).padStart(15)} ns`);
}

function measure(compare: () => boolean): number {
  let same = 0;
  const start = process.hrtime.bigint();
  for (let i = 0; i < COMPARISONS; i++) if (compare()) same++;
  if (same > 0) throw new Error('these are different');
  return Number(process.hrtime.bigint() - start) / COMPARISONS;
}

function median(numbers: number[]): number {
  return numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}
