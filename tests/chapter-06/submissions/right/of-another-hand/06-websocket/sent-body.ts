/**
 * A body that an application sends part by part, as an iterable that a server asks for parts: `send` on the one side
 * waits for `next()` on the other. So the application is as slow as its client.
 *
 * A server asks for a part when the one before has gone to the kernel; that is when the `send` of that one resolves.
 */

import { GatewayError } from '../05-gateway/index.ts';
import { DisconnectError } from './disconnect-error.ts';

type Settle = (error?: unknown) => void;

export class SentBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #bufferedBytesMax: number;
  /** Called once when nothing more will be asked for before the end: the client has gone. */
  readonly #onStopped: () => void;
  /** In their order; the first is under way when `#given`. */
  readonly #queue = new Map<{ readonly bytes: Uint8Array }, PromiseWithResolvers<void>>();
  #given = false;
  #asked: PromiseWithResolvers<IteratorResult<Uint8Array, undefined>> | null = null;
  #error: { readonly value: unknown } | null = null;
  #ended = false;
  #stopped = false;

  /** @param bufferedBytesMax how much may wait when another part is sent, for an application that awaits nothing */
  constructor(bufferedBytesMax: number, onStopped: () => void) {
    this.#bufferedBytesMax = bufferedBytesMax;
    this.#onStopped = onStopped;
  }

  /**
   * Sends a part. Resolves when it has gone to the kernel.
   *
   * @throws (by rejection) DisconnectError; GatewayError A39 when too much waits already
   */
  push(part: Uint8Array): Promise<void> {
    if (this.#stopped) return Promise.reject(new DisconnectError());
    if (part.length === 0) return Promise.resolve();
    if (this.full) {
      return Promise.reject(new GatewayError('A39', `more than ${this.#bufferedBytesMax} bytes wait: await what send returns`));
    }
    const sent = Promise.withResolvers<void>();
    this.#queue.set({ bytes: part }, sent);
    this.#serve();
    return sent.promise;
  }

  /** The part that was pushed last is the last. */
  end(): void {
    this.#ended = true;
    this.#serve();
  }

  /** The body breaks off: whoever asks for the next part is told so by this error. */
  fail(error: unknown): void {
    this.#error = { value: error };
    this.#serve();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#given) {
      const [part, sent] = this.#queue.entries().next().value!;
      this.#queue.delete(part);
      this.#given = false;
      queueMicrotask(sent.resolve);
    }
    const asked = Promise.withResolvers<IteratorResult<Uint8Array, undefined>>();
    this.#asked = asked;
    this.#serve();
    return asked.promise;
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.close();
    return Promise.resolve(END);
  }

  /** Nothing more is asked for. Before the end of the body it means that nobody is there. */
  close(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    const unsent = [...this.#queue.values()];
    this.#queue.clear();
    this.#given = false;
    this.#serve();
    for (const sent of unsent) sent.reject(new DisconnectError());
    if (!this.#ended || unsent.length > 0) this.#onStopped();
  }

  get full(): boolean {
    return this.#buffered() > this.#bufferedBytesMax;
  }

  #buffered(): number {
    let bytes = 0;
    for (const part of this.#queue.keys()) bytes += part.bytes.length;
    return bytes;
  }

  /** Answers a server that asks, if there is an answer. */
  #serve(): void {
    const asked = this.#asked;
    if (asked === null) return;
    const first = this.#queue.keys().next();
    if (!first.done) {
      this.#given = true;
      asked.resolve({ done: false, value: first.value.bytes });
    } else if (this.#error !== null) {
      asked.reject(this.#error.value);
    } else if (this.#ended || this.#stopped) {
      asked.resolve(END);
    } else {
      return;
    }
    this.#asked = null;
  }
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };
