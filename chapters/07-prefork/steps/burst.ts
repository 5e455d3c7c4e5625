/** Two signals, one right after the other, and handlers that wait: `npx tsx chapters/07-prefork/steps/burst.ts`. */
import { setImmediate as turn } from 'node:timers/promises';

let workers = 2;
let changes = 0;

/** Stands in for the start or the end of a worker, which takes some turns of the loop. */
async function change(): Promise<void> {
  for (let turns = 0; turns < 10; turns++) await turn();
  changes++;
}

// #region careless
async function add(number: number): Promise<void> {
  const before = workers;
  await change();
  workers = before + number;
}

process.on('SIGTTIN', () => { add(1).catch(console.error); });
process.on('SIGTTOU', () => { add(-1).catch(console.error); });
process.kill(process.pid, 'SIGTTIN');
process.kill(process.pid, 'SIGTTOU');
// #endregion careless

while (changes < 2) await turn();
await turn();
console.log(`2 workers, one more, one fewer: ${workers}`);
process.removeAllListeners();
