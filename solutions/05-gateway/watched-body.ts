/**
 * A body as a validator passes it on: it behaves like the application's, and notices every breach, until its `close()`.
 */

import { TIMER_MS_MAX } from '../01-echo/index.ts';
import type { Breaches } from './breaches.ts';
import type { Body } from './gateway.ts';
import type { WatchedStart } from './watched-start.ts';

/** What all kinds of watched body have in common: the parts are counted, and the end is noticed. */
export class BodyWatch {
  readonly #body: Body;
  readonly #start: WatchedStart;
  readonly #breaches: Breaches;
  readonly #closeMs: number;
  readonly #onOver: () => void;
  #bytes = 0;
  #asked = false;
  #iterations = 0;
  #ended = false;
  #closed = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(body: Body, start: WatchedStart, breaches: Breaches, closeMs: number, onOver: () => void) {
    this.#body = body;
    this.#start = start;
    this.#breaches = breaches;
    this.#closeMs = closeMs;
    this.#onOver = onOver;
  }

  /** The server begins to iterate. */
  iterated(): void {
    if (++this.#iterations > 1) this.#breaches.add('G51', 'server', 'the body was iterated twice');
  }

  /** The server asks for a part. */
  asked(): void {
    if (this.#asked) this.#breaches.add('G51', 'server', 'a part was asked for before the previous one had come');
    if (this.#ended) this.#breaches.add('G51', 'server', 'a part was asked for after the end');
    if (this.#closed) this.#breaches.add('G51', 'server', 'a part was asked for after close()');
    this.#asked = true;
  }

  /** The application gives a part. */
  gave(part: unknown): void {
    this.#asked = false;
    if (!(part instanceof Uint8Array)) {
      this.#breaches.add('G50', 'application', `a part of the body is a ${typeof part}`);
      return;
    }
    if (part.length === 0) return;
    this.#needsStart('the first part');
    this.#start.headLeft = true;
    this.#bytes += part.length;
    const { status, contentLength } = this.#start;
    if (status === 204 || status === 205 || status === 304) this.#breaches.add('G57', 'application', `a body with ${status}`);
    else if (contentLength !== null && this.#bytes > contentLength) {
      this.#breaches.add('G55', 'application', `${this.#bytes} bytes, and a Content-Length of ${contentLength}`);
    }
  }

  /** The body has ended by itself; `whole` is false if it threw, or was given up. */
  ended(whole: boolean, isHead: boolean): void {
    this.#asked = false;
    this.#ended = true;
    this.expectClose();
    if (!whole) return;
    this.#needsStart('the end');
    const { status, contentLength } = this.#start;
    const isEmpty = isHead || status === 204 || status === 304;
    if (contentLength !== null && this.#bytes < contentLength && !isEmpty) {
      this.#breaches.add('G56', 'application', `${this.#bytes} bytes, and a Content-Length of ${contentLength}`);
    }
  }

  /** The response is over, or its client has gone: the server has `closeMs` from now to close the body. */
  expectClose(): void {
    if (this.#closed || this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#breaches.add('G53', 'server', `close() was not called within ${this.#closeMs} ms of the end`);
      this.#onOver();
    }, Math.min(this.#closeMs, TIMER_MS_MAX));
    this.#timer.unref();
  }

  close(): void | Promise<void> {
    if (this.#closed) {
      this.#breaches.add('G53', 'server', 'close() was called twice');
      return;
    }
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    try {
      return this.#body.close?.();
    } finally {
      this.#onOver();
    }
  }

  #needsStart(what: string): void {
    if (!this.#start.called) this.#breaches.add('G47', 'application', `startResponse had not been called at ${what} of the body`);
  }
}

/** @param isHead the request is a HEAD, to which no body need be given */
export function watchBody(body: Body, watch: BodyWatch, isHead: boolean): Body {
  if (Array.isArray(body)) {
    // A list stays a list, since a server may use its length, so it is checked here and now.
    for (const part of body) watch.gave(part);
    watch.ended(true, isHead);
    return Object.assign([...body as Uint8Array[]], { close: () => watch.close() });
  }
  return Symbol.asyncIterator in body ? watchAsync(body, watch, isHead) : watchSync(body, watch, isHead);
}

function watchSync(body: Iterable<Uint8Array>, watch: BodyWatch, isHead: boolean): Body {
  const begin = (): Iterator<Uint8Array> => {
    watch.iterated();
    const iterator = body[Symbol.iterator]();
    return {
      next: () => {
        watch.asked();
        try {
          return told(iterator.next(), watch, isHead);
        } catch (error) {
          watch.ended(false, isHead);
          throw error;
        }
      },
      return: () => {
        watch.ended(false, isHead);
        return iterator.return?.() ?? END;
      },
    };
  };
  return { [Symbol.iterator]: begin, close: () => watch.close() };
}

function watchAsync(body: AsyncIterable<Uint8Array>, watch: BodyWatch, isHead: boolean): Body {
  const begin = (): AsyncIterator<Uint8Array> => {
    watch.iterated();
    const iterator = body[Symbol.asyncIterator]();
    return {
      next: async () => {
        watch.asked();
        try {
          return told(await iterator.next(), watch, isHead);
        } catch (error) {
          watch.ended(false, isHead);
          throw error;
        }
      },
      return: async () => {
        watch.ended(false, isHead);
        return await iterator.return?.() ?? END;
      },
    };
  };
  return { [Symbol.asyncIterator]: begin, close: () => watch.close() };
}

function told(result: IteratorResult<Uint8Array>, watch: BodyWatch, isHead: boolean): IteratorResult<Uint8Array> {
  if (result.done === true) watch.ended(true, isHead);
  else watch.gave(result.value);
  return result;
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };
