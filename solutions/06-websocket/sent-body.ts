/**
 * A body that an application sends part by part, as an iterable that a server asks for parts: `send` on the one side
 * waits for `next()` on the other. So the application is as slow as its client.
 *
 * A server asks for a part when the previous one has gone to the kernel; at that moment the `send` of the previous one
 * resolves.
 */

import { GatewayError } from '../05-gateway/index.ts';
import { DisconnectError } from './disconnect-error.ts';

interface WaitingPart {
  readonly part: Uint8Array;
  readonly sent: () => void;
  readonly failed: (error: unknown) => void;
}

interface WaitingServer {
  readonly give: (result: IteratorResult<Uint8Array, undefined>) => void;
  readonly fail: (error: unknown) => void;
}

export class SentBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #bufferedBytesMax: number;
  /** Called once if the rest of the body will not be asked for: the client has gone. */
  readonly #onStopped: () => void;
  readonly #parts: WaitingPart[] = [];
  #bufferedBytes = 0;
  #underWay: WaitingPart | null = null;
  #server: WaitingServer | null = null;
  #error: { readonly value: unknown } | null = null;
  #ended = false;
  #stopped = false;

  /**
   * @param bufferedBytesMax how many bytes may already wait when an application that does not await `send` sends
   *   another part
   */
  constructor(bufferedBytesMax: number, onStopped: () => void) {
    this.#bufferedBytesMax = bufferedBytesMax;
    this.#onStopped = onStopped;
  }

  /** Whether so much waits that no other part is taken. */
  get full(): boolean {
    return this.#bufferedBytes > this.#bufferedBytesMax;
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
    return new Promise((sent, failed) => {
      this.#bufferedBytes += part.length;
      const waiting = { part, sent, failed };
      const server = this.#server;
      if (server === null) {
        this.#parts.push(waiting);
        return;
      }
      this.#server = null;
      this.#underWay = waiting;
      server.give({ done: false, value: part });
    });
  }

  /** The part that was pushed last is the last. */
  end(): void {
    this.#ended = true;
    this.#release();
  }

  /** The body breaks off: the reader that asks for the next part gets this error. */
  fail(error: unknown): void {
    this.#error = { value: error };
    this.#release();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#settle();
    const waiting = this.#parts.shift();
    if (waiting !== undefined) {
      this.#underWay = waiting;
      return Promise.resolve({ done: false, value: waiting.part });
    }
    if (this.#error !== null) return Promise.reject(this.#error.value);
    if (this.#ended || this.#stopped) return Promise.resolve(END);
    return new Promise((give, fail) => {
      this.#server = { give, fail };
    });
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.close();
    return Promise.resolve(END);
  }

  /** Nothing more will be asked for. Before the end of the body, that means that nobody is there. */
  close(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#server?.give(END);
    this.#server = null;
    const gone = !this.#ended || this.#parts.length > 0 || this.#underWay !== null;
    for (const { failed } of [this.#underWay, ...this.#parts].filter((part) => part !== null)) failed(new DisconnectError());
    this.#parts.length = 0;
    this.#underWay = null;
    if (gone) this.#onStopped();
  }

  /** The part that was given last has gone. */
  #settle(): void {
    const gone = this.#underWay;
    if (gone === null) return;
    this.#underWay = null;
    this.#bufferedBytes -= gone.part.length;
    gone.sent();
  }

  /** Answers a server that waits, when there is nothing more to wait for. */
  #release(): void {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    if (this.#error === null) server.give(END);
    else server.fail(this.#error.value);
  }
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };
