/**
 * Moves the parts of a response's body to the client, each when the one before has gone (backpressure), and ends the
 * iterator whatever happens.
 */

import type { BodyIterable, BodyPart } from './response.ts';

/** Where the parts go. */
export interface BodySink {
  /** Sends a part; a promise if it did not go out at once. False when the body is to be read no further. */
  sendPart(part: BodyPart): boolean | Promise<boolean>;
}

/** After so many parts that were there at once, other connections have their turn. */
const PARTS_IN_A_ROW = 16;

export class BodyPump {
  readonly #body: BodyIterable;
  #iterator: Iterator<BodyPart> | AsyncIterator<BodyPart> | null = null;
  #stopped = false;

  constructor(body: BodyIterable) {
    this.#body = body;
  }

  /** Sends the body. Resolves at its end, or when it was stopped. @throws what the body throws */
  async run(sink: BodySink): Promise<void> {
    const iterator = iterate(this.#body);
    this.#iterator = iterator;
    try {
      for (let parts = 1; !this.#stopped; parts++) {
        const { done, value } = await iterator.next();
        if (done === true) {
          this.#iterator = null;
          break;
        }
        if (this.#stopped) break;
        const sent = sink.sendPart(value);
        if (!(typeof sent === 'boolean' ? sent : await sent)) break;
        if (parts % PARTS_IN_A_ROW === 0) await new Promise(setImmediate);
      }
    } catch (error) {
      this.#iterator = null;
      throw error;
    } finally {
      await this.stop();
    }
  }

  /** Ends the iterator and closes the body; does so once. Used when the client leaves, and for bodies never sent. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    // A generator that waits within itself ends when its wait does; the body is closed without waiting for that.
    const returned = this.#iterator?.return?.();
    try {
      await this.#body.close?.();
    } finally {
      if (this.#iterator === null && isDestroyable(this.#body)) this.#body.destroy();
      await returned;
    }
  }
}

function iterate(body: BodyIterable): Iterator<BodyPart> | AsyncIterator<BodyPart> {
  return Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
}

/** Node's streams have no `close` of their own that ends them before they were read. */
function isDestroyable(body: object): body is { destroy(): void } {
  return 'destroy' in body && typeof body.destroy === 'function';
}
