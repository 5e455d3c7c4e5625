/**
 * A thread beside a worker's main thread, which says where that is when it does not come back.
 *
 * A blocked event loop cannot say anything itself. This thread sees that the heartbeats no longer change, asks the
 * debugger of its own process to pause the main thread, and writes down its stack. It ends nobody: that is the master's
 * business, which does not depend on anything that runs in a worker.
 */

import { writeSync } from 'node:fs';
import { Session } from 'node:inspector';
import type { Debugger, InspectorNotification } from 'node:inspector';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

/** Shared with the thread: how many heartbeats there have been. */
export type Heartbeats = Int32Array<SharedArrayBuffer>;

const STDERR = 2;
const FRAMES_MAX = 20;
/** How often it looks in the time that it waits: the master waits twice as long. */
const LOOKS = 10;

/** Starts the thread. @param afterMs how long there may be no heartbeat before it writes the stack to stderr, once */
export function watchStack(afterMs: number): Heartbeats {
  const heartbeats = new Int32Array(new SharedArrayBuffer(4));
  const resourceLimits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 };
  new Worker(new URL(import.meta.url), { workerData: { heartbeats, afterMs }, resourceLimits }).unref();
  return heartbeats;
}

function watch({ heartbeats, afterMs }: { heartbeats: Heartbeats; afterMs: number }): void {
  let seen = 0;
  let sinceMs = performance.now();
  let told = -1;
  // Its own loop must go on while it waits for the debugger: so a timer, not `Atomics.wait`.
  setInterval(() => {
    const now = heartbeats[0]!;
    if (now !== seen) sinceMs = performance.now();
    else if (now !== told && performance.now() - sinceMs >= afterMs) {
      told = now;
      tellStack(afterMs);
    }
    seen = now;
  }, afterMs / LOOKS);
}

function tellStack(afterMs: number): void {
  const session = new Session();
  const urls = new Map<string, string>();
  session.connectToMainThread();
  session.on('Debugger.scriptParsed', ({ params }: InspectorNotification<Debugger.ScriptParsedEventDataType>) => urls.set(params.scriptId, params.url));
  session.on('Debugger.paused', ({ params }: InspectorNotification<Debugger.PausedEventDataType>) => {
    const frames = params.callFrames.slice(0, FRAMES_MAX).map(({ functionName, location }) =>
      `    at ${functionName || '<anonymous>'} (${urls.get(location.scriptId)}:${location.lineNumber + 1}:${(location.columnNumber ?? 0) + 1})`);
    writeSync(STDERR, `the event loop of ${process.pid} has been blocked for ${afterMs / 1000} s:\n${frames.join('\n')}\n`);
    session.disconnect();
  });
  session.post('Debugger.enable');
  session.post('Debugger.pause');
}

if (!isMainThread && workerData !== null && 'heartbeats' in workerData) watch(workerData);
