/** What it costs to have a worker: `npx tsx chapters/04-workers/steps/cost.ts`. Memory of processes: on Linux only. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

const MIB = 2 ** 20;
const THIS = import.meta.filename;
const WORKERS = 10;
const MESSAGES = 2_000;

// Our own loader is not handed on: workers are started as plain Node starts them.
const options = { execArgv: [] };

if (isMainThread && process.send === undefined) {
  await measure('a process', () => fork(THIS, options), (child) => child.send('hello'), privateMemory);
  const before = process.memoryUsage().rss;
  await measure('a thread', () => new Worker(THIS, options), (thread) => thread.postMessage('hello'), () => (process.memoryUsage().rss - before) / WORKERS);
  process.exit();
}

// #region worker
await import('../../02-http/index.ts'); // What any worker of ours needs.
if (parentPort === null) {
  process.on('message', (message) => process.send!(message));
  process.send!('ready');
} else {
  parentPort.on('message', (message) => parentPort!.postMessage(message));
  parentPort.postMessage('ready');
}
// #endregion worker

async function measure<W extends ChildProcess | Worker>(name: string, start: () => W, send: (worker: W) => void, memoryOf: (worker: W) => number): Promise<void> {
  const workers: W[] = [];
  const starts: number[] = [];
  for (let i = 0; i < WORKERS; i++) {
    const startMs = performance.now();
    workers.push(start());
    await once(workers[i]!, 'message');
    starts.push(performance.now() - startMs);
  }
  const worker = workers[0]!;
  const startMs = performance.now();
  for (let i = 0; i < MESSAGES; i++) {
    const back = once(worker, 'message');
    send(worker);
    await back;
  }
  const tripMs = (performance.now() - startMs) / MESSAGES;
  const memory = Math.round(memoryOf(worker) / MIB);
  console.log(`${name.padEnd(10)} start ${Math.min(...starts).toFixed(0).padStart(4)} ms   message and answer ${tripMs.toFixed(2)} ms   memory ${memory} MiB`);
  for (const each of workers) if (each instanceof Worker) await each.terminate(); else each.kill();
}

/** What a process shares with no other, in bytes. */
function privateMemory({ pid }: ChildProcess): number {
  const file = `/proc/${pid}/smaps_rollup`;
  if (!existsSync(file)) return NaN;
  const lines = readFileSync(file, 'utf8').matchAll(/^Private_\w+:\s+(\d+) kB/gm);
  return [...lines].reduce((sum, [, kib]) => sum + Number(kib) * 1024, 0);
}
