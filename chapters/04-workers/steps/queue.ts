/** Three clients come each second, two can be served: `npx tsx chapters/04-workers/steps/queue.ts`. Arithmetic, without a clock. */

/** A client that has waited this long has gone away, in seconds. */
const PATIENCE_S = 10;

// #region queue
interface Outcome {
  /** Got an answer while they were still there. */
  glad: number;
  /** Were served when they had gone. */
  late: number;
  refused: number;
}

/** What becomes of those who come in each minute. */
function simulate(queueMax: number, minutes: number): Outcome[] {
  const outcomes = Array.from({ length: minutes }, () => ({ glad: 0, late: 0, refused: 0 }));
  const starts: number[] = []; // When each one who was let in is served.
  for (let client = 0; client < minutes * 180; client++) {
    const comesAt = client / 3;
    const outcome = outcomes[Math.floor(comesAt / 60)]!;
    if (starts.filter((start) => start > comesAt).length >= queueMax) {
      outcome.refused++;
      continue;
    }
    const start = Math.max(comesAt, (starts.at(-1) ?? -1) + 0.5);
    starts.push(start);
    if (start + 0.5 - comesAt <= PATIENCE_S) outcome.glad++;
    else outcome.late++;
  }
  return outcomes;
}
// #endregion queue

for (const queueMax of [Infinity, 8]) {
  console.log(queueMax === Infinity ? 'no limit' : `at most ${queueMax} may wait`);
  for (const [minute, { glad, late, refused }] of simulate(queueMax, 4).entries()) {
    console.log(`  minute ${minute + 1}: ${String(glad).padStart(3)} answered, ${String(late).padStart(3)} answered too late, ${String(refused).padStart(3)} refused at once`);
  }
}
