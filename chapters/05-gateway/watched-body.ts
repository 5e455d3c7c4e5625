/**
 * A body as a validator passes it on: it behaves like the application's, and notices every breach, until its `close()`.
 */

import { NotImplemented } from '#course/not-implemented.ts';
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
    // TODO 5.3  The body may be iterated only once: a second time is a breach of G51 by the server.
    throw new NotImplemented('5.3');
  }

  /** The server asks for a part. */
  asked(): void {
    // TODO 5.3  No part may be asked for before the previous one has come, nor after the end, nor after `close()`: each
    //           is a breach of G51 by the server.
    throw new NotImplemented('5.3');
  }

  /** The application gives a part. */
  gave(part: unknown): void {
    // TODO 5.3  A part has come. If it is not a Uint8Array, that is a breach of G50, and nothing else is checked. An
    //           empty part does not count. The first part that is not empty sends the head: `#needsStart`, then set
    //           `headLeft` of `#start`, which also knows the status and the Content-Length. With 204, 205 or 304, the
    //           part is a breach of G57; otherwise, more bytes in all than Content-Length says are a breach of G55. The
    //           application commits all of these.
    throw new NotImplemented('5.3');
  }

  /** The body has ended by itself; `whole` is false if it threw, or was given up. */
  ended(whole: boolean, isHead: boolean): void {
    // TODO 5.3  No more parts will come: from here on `close()` is expected. A body that is whole must have been
    //           started by now (`#needsStart`), and it is too short (a breach of G56 by the application) if it has
    //           fewer bytes than Content-Length says. The latter does not hold for a HEAD, a 204 or a 304, whose length
    //           is that of a body that is not sent.
    throw new NotImplemented('5.3');
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
    // TODO 5.3  The server calls this once. A second call is a breach of G53 by the server, and does nothing else. Stop
    //           the `#timer` that waits for this call. Call the body's own `close()`, if it has one, and return what
    //           that returns. The response is then over (`#onOver`), even if `close()` throws.
    throw new NotImplemented('5.3');
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
