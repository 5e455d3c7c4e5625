/** Ten requests a second: counted by the second, and by a bucket. Time is a number here, so it is the same on every machine. */

const LIMIT = 10;

// #region window
/** Counts the requests of each second of the clock. */
function window(): (nowMs: number) => boolean {
  let second = 0;
  let count = 0;
  return (nowMs) => {
    if (Math.floor(nowMs / 1000) !== second) [second, count] = [Math.floor(nowMs / 1000), 0];
    return ++count <= LIMIT;
  };
}
// #endregion window

/** Gives back a token each tenth of a second, and asks its timer to do it. */
function bucket(): (nowMs: number) => boolean {
  let tokens = LIMIT;
  let timerMs = 0;
  return (nowMs) => {
    for (; timerMs + 1000 / LIMIT <= nowMs; timerMs += 1000 / LIMIT) tokens = Math.min(LIMIT, tokens + 1);
    if (tokens === 0) return false;
    tokens--;
    return true;
  };
}

for (const [name, mayAsk] of [['window', window()], ['bucket', bucket()]] as const) {
  const passed = [...Array<number>(20).fill(990), ...Array<number>(20).fill(1010)].filter((nowMs) => mayAsk(nowMs));
  console.log(`${name}: ${passed.filter((ms) => ms === 990).length} of 20 at 0.99 s, ${passed.filter((ms) => ms === 1010).length} of 20 at 1.01 s`);
}
