/**
 * A body that an application sends part by part: a queue with a mark. As long as less than that waits a send resolves at
 * once, and otherwise when there is room again.
 */

import { GatewayError } from '../05-gateway/index.ts';
import { DisconnectError } from './disconnect-error.ts';

const MARK_BYTES = 32 * 1024;

type Result = IteratorResult<Uint8Array, undefined>;

export class SentBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #most: number;
  readonly #onStopped: () => void;
  readonly #queue: Uint8Array[] = [];
  /** What waits and what is under way. */
  #bytes = 0;
  #underWay = 0;
  #state: 'open' | 'ended' | 'failed' | 'stopped' = 'open';
  #error: unknown;
  #room: (() => void)[] = [];
  #more: (() => void) | null = null;

  constructor(bufferedBytesMax: number, onStopped: () => void) {
    this.#most = bufferedBytesMax;
    this.#onStopped = onStopped;
  }

  get #stopped(): boolean {
    return this.#state === 'stopped';
  }

  get full(): boolean {
    return this.#bytes > this.#most;
  }

  async push(part: Uint8Array): Promise<void> {
    if (this.#stopped) throw new DisconnectError();
    if (part.length === 0) return;
    if (this.full) throw new GatewayError('A39', `${this.#bytes} bytes wait`);
    // A copy: the memory is the application's again before this has left.
    this.#queue.push(Uint8Array.from(part));
    this.#bytes += part.length;
    this.#wakeServer();
    while (this.#bytes > MARK_BYTES && !this.#stopped) await new Promise<void>((resolve) => this.#room.push(resolve));
    if (this.#bytes > 0 && this.#stopped) throw new DisconnectError();
  }

  end(): void {
    this.#state = 'ended';
    this.#wakeServer();
  }

  fail(error: unknown): void {
    this.#state = 'failed';
    this.#error = error;
    this.#wakeServer();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<Result> {
    this.#bytes -= this.#underWay;
    this.#underWay = 0;
    if (this.#bytes <= MARK_BYTES) this.#wakeSenders();
    for (;;) {
      const part = this.#queue.shift();
      if (part !== undefined) {
        this.#underWay = part.length;
        return { done: false, value: part };
      }
      if (this.#state === 'failed') throw this.#error;
      if (this.#state !== 'open') return { done: true, value: undefined };
      await new Promise<void>((resolve) => (this.#more = resolve));
    }
  }

  return(): Promise<Result> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  close(): void {
    if (this.#state === 'stopped') return;
    const gone = this.#state !== 'ended' || this.#bytes > 0;
    this.#state = 'stopped';
    this.#queue.length = 0;
    this.#wakeServer();
    this.#wakeSenders();
    if (gone) this.#onStopped();
  }

  #wakeServer(): void {
    this.#more?.();
    this.#more = null;
  }

  #wakeSenders(): void {
    const room = this.#room;
    this.#room = [];
    for (const wake of room) wake();
  }
}
