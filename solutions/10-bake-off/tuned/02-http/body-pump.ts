/**
 * Moves the parts of a response's body to the client, each one when the part before it has gone (backpressure), and
 * ends the iterator whatever happens.
 */

import type { BodyIterable, BodyPart } from './response.ts';

/** Where the parts go. */
export interface BodySink {
  /** Sends a part; returns a promise if it did not go out at once. False when no more of the body is to be read. */
  sendPart(part: BodyPart): boolean | Promise<boolean>;
}

/** After this many parts that were ready at once, other connections get their turn. */
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

  /** Ends the iterator and closes the body, once. Used when the client leaves, and for bodies that are never sent. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    // A generator that is waiting for something ends only when that wait does; the body is closed before that.
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

/** Node's streams have no `close` that would end one that nobody has begun to read. */
function isDestroyable(body: object): body is { destroy(): void } {
  return 'destroy' in body && typeof body.destroy === 'function';
}
