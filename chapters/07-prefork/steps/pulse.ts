/** Two heartbeats of one process whose main loop is blocked: `npx tsx chapters/07-prefork/steps/pulse.ts`. */
import { fork } from 'node:child_process';
import { writeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker } from 'node:worker_threads';

const PULSE_FD = 3;
const BEATS = 10;

// #region beats
const beat = (from: string): unknown => setInterval(() => writeSync(PULSE_FD, from), 100);

if (!isMainThread) beat('thread ');
else if (process.send !== undefined) {
  beat('loop ');
  new Worker(new URL(import.meta.url));
  process.once('message', () => {
    writeSync(PULSE_FD, 'blocked ');
    for (;;);
  });
}
// #endregion beats

if (isMainThread && process.send === undefined) {
  const child = fork(fileURLToPath(import.meta.url), { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'ipc'] });
  let text = '';
  for await (const bytes of child.stdio[PULSE_FD] as Readable) {
    text += String(bytes);
    const words = text.split(' ');
    if (child.connected && words.includes('thread') && words.includes('loop')) child.send('block', () => undefined);
    const after = words.slice(words.indexOf('blocked') + 1);
    const count = (word: string): number => after.filter((one) => one === word).length;
    if (!words.includes('blocked') || count('thread') < BEATS) continue;
    console.log(`while the loop was blocked: ${count('thread')} heartbeats from the thread, ${count('loop')} from the loop`);
    child.kill('SIGKILL');
    break;
  }
}
