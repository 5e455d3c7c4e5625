/** One message for a thousand members: `npx tsx chapters/06-websocket/steps/broadcast.ts`. */
import { encodeFrame } from '../frame-writer.ts';

const MEMBERS = 1000;
const ROUNDS = 200;
const TEXT_FRAME = 0x81;
const message = { type: 'message', id: 'm3k2-17', name: 'ann', text: 'Has anybody seen the cat? '.repeat(8) };
let sink = 0;

// #region each
/** Each member gets a frame of its own. */
function forEach(): void {
  for (let member = 0; member < MEMBERS; member++) {
    sink += encodeFrame(TEXT_FRAME, JSON.stringify(message), false).length;
  }
}
// #endregion each

// #region all
/** All of them get the same bytes. */
function forAll(): void {
  const frame = encodeFrame(TEXT_FRAME, JSON.stringify(message), false);
  for (let member = 0; member < MEMBERS; member++) sink += frame.length;
}
// #endregion all

/** The median round, in microseconds. */
function measure(work: () => void): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const startMs = performance.now();
    work();
    return (performance.now() - startMs) * 1000;
  });
  return rounds.sort((a, b) => a - b)[ROUNDS / 2]!;
}

for (const work of [forEach, forAll]) measure(work);
console.log(`a frame for each:  ${measure(forEach).toFixed(0).padStart(5)} µs`);
console.log(`a frame for all:   ${measure(forAll).toFixed(0).padStart(5)} µs`);
if (sink === 0) throw new Error('nothing was made');
