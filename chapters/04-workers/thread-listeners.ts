/**
 * A fixed set of threads that each accept for themselves: no connection crosses from one to another.
 *
 * Each thread has a listening socket of its own, and all are bound to one port (SO_REUSEPORT): the kernel distributes
 * the connections. They cannot share one descriptor, as processes that inherit it can: the threads of a process have
 * one table of descriptors, so the first that closes "its" number closes it for all.
 */

import type { AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';

import { TIMER_MS_MAX } from '../01-echo/index.ts';
import { Crew } from './crew.ts';
import type { Member } from './crew.ts';
import { CLOSE_DEADLINE_MS } from './design.ts';
import type { Design, RunningServer, Stats } from './design.ts';
import type { FromListener, ListenerData, ToListener } from './listener-thread.ts';
import { BEATS, COUNTERS, OPEN, SERVED } from './listener-thread.ts';
import { settingsOf } from './settings.ts';
import type { Settings } from './settings.ts';

const SCRIPT = new URL('./listener-thread.ts', import.meta.url);

interface Listener extends Member {
  /** Shared with the thread: what it has served, and how many connections it has open. */
  readonly counters: Int32Array;
  /** The last beat that was seen, and when, by `performance.now()`. */
  beats: number;
  seenMs: number;
}

export const threadListeners: Design = async (options) => {
  const listeners = new ThreadListeners(settingsOf(options));
  await listeners.start();
  return listeners;
};

class ThreadListeners implements RunningServer {
  readonly #settings: Settings;
  readonly #crew: Crew<Listener>;
  #address: AddressInfo | null = null;
  #servedByThoseGone = 0;
  readonly #beatMs: number;
  #watch: NodeJS.Timeout | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#beatMs = Math.min(TIMER_MS_MAX, Math.max(10, settings.taskTimeoutMs / 4));
    this.#crew = new Crew({
      size: settings.workers,
      start: () => this.#startThread(),
      onGone: ({ counters }) => void (this.#servedByThoseGone += Atomics.load(counters, SERVED)),
      onError: settings.onError,
    });
  }

  /** The first thread chooses the port, unless one was given; the others take the same. */
  async start(): Promise<void> {
    await this.#crew.start();
    this.#watch = setInterval(() => this.#watchOver(), this.#beatMs).unref();
  }

  get address(): AddressInfo {
    return this.#address!;
  }

  async stats(): Promise<Stats> {
    const workers = [...this.#crew.members].map(({ kind, id, counters }) => ({ kind, id, served: Atomics.load(counters, SERVED) }));
    const open = [...this.#crew.members].reduce((sum, { counters }) => sum + Atomics.load(counters, OPEN), 0);
    return { open, served: workers.reduce((sum, { served }) => sum + served, this.#servedByThoseGone), refused: 0, queued: 0, workers };
  }

  async close({ deadlineMs = CLOSE_DEADLINE_MS } = {}): Promise<void> {
    clearInterval(this.#watch);
    await this.#crew.close(deadlineMs);
  }

  /** Ends any thread whose loop has been blocked for too long: it hangs, or computes for ever. */
  #watchOver(): void {
    const { taskTimeoutMs, onError } = this.#settings;
    for (const listener of this.#crew.members) {
      const beats = Atomics.load(listener.counters, BEATS);
      if (beats !== listener.beats) {
        listener.beats = beats;
        listener.seenMs = performance.now();
      } else if (performance.now() - listener.seenMs > taskTimeoutMs) {
        onError(new Error(`thread ${listener.id} has been blocked for ${taskTimeoutMs} ms: it is ended`));
        listener.kill();
      }
    }
  }

  #startThread(): Listener {
    const { host, port, app } = this.#settings;
    const counters = new Int32Array(new SharedArrayBuffer(COUNTERS * Int32Array.BYTES_PER_ELEMENT));
    const workerData: ListenerData = { host, port: this.#address?.port ?? port, settings: app, counters, beatMs: this.#beatMs };
    const thread = new Worker(SCRIPT, { workerData });
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
    let why = 'ended';
    thread.once('error', (error) => {
      why = `died of ${error instanceof Error ? error.message : String(error)}`;
      reject(error);
    });
    const gone = new Promise<string>((settle) => thread.once('exit', (code) => settle(`${why} (exit code ${code})`)));
    gone.then((reason) => reject(new Error(`a thread ${reason} before it was ready`))).catch(reject);
    const tell = (message: ToListener): void => thread.postMessage(message);
    thread.on('message', (message: FromListener) => {
      if (message.type === 'stats') this.stats().then((stats) => tell({ type: 'stats', stats })).catch(this.#settings.onError);
      else {
        this.#address ??= message.address;
        resolve();
      }
    });
    return {
      kind: 'thread', id: thread.threadId, ready, gone, counters, beats: 0, seenMs: performance.now(),
      finish: () => tell({ type: 'finish' }),
      kill: () => void thread.terminate().catch(this.#settings.onError),
    };
  }
}
