/**
 * Bodies that wrap bodies. Every middleware that does something while a body is sent, or at its end, does it with these
 * two, so that one rule is obeyed in one place: an inner body's `close()` is called once, however the response ends.
 */

import type { Body } from './gateway.ts';

/** What to do while a body is sent. */
export interface BodyHooks {
  /** A part has been sent: the next one is asked for, or there is none. */
  sent?(bytes: number): void;
  /** The body threw. Answers with the body that is sent instead of the rest, or throws. */
  failed?(error: unknown): Body;
  /** The response is over, well or badly. Called once, after the inner `close()`. */
  closed?(): void;
}

/** A body that behaves like the inner one and calls the hooks. A list of at most one part stays a list, so that its length is known. */
export function wrapBody(body: Body, hooks: BodyHooks): Body {
  if (Array.isArray(body) && body.length <= 1) {
    if (hooks.sent === undefined && hooks.closed === undefined) return body;
    return new KnownBody(body as readonly Uint8Array[], hooks).parts();
  }
  return Symbol.asyncIterator in body ? new WrappedAsync(body, hooks) : new WrappedSync(body, hooks);
}

/**
 * The body of an application that has to wait before it can call another one.
 *
 * @param start called when the first part is asked for; what it throws is what the body throws
 */
export function deferBody(start: () => Promise<Body>): Body {
  return new DeferredBody(start);
}

/** Closes a body for a caller that goes no further with it. */
class Closing {
  readonly #body: Body;
  readonly #closed: (() => void) | undefined;
  #over = false;

  constructor(body: Body, closed?: () => void) {
    this.#body = body;
    this.#closed = closed;
  }

  close(): void | Promise<void> {
    if (this.#over) return;
    this.#over = true;
    let waiting: void | Promise<void> = undefined;
    try {
      waiting = this.#body.close?.();
    } finally {
      if (waiting === undefined) this.#closed?.();
    }
    return waiting?.finally(this.#closed);
  }
}

class KnownBody extends Closing {
  readonly #body: readonly Uint8Array[];
  readonly #hooks: BodyHooks;

  constructor(body: readonly Uint8Array[], hooks: BodyHooks) {
    super(body as Body, () => hooks.closed?.());
    this.#body = body;
    this.#hooks = hooks;
  }

  /** A list again, so that a server sees its length. Its part is sent together with the head, and counts as sent. */
  parts(): Body {
    const parts: Uint8Array[] & { close?(): void | Promise<void> } = [...this.#body];
    let told = false;
    parts.close = () => {
      if (!told && parts.length > 0) this.#hooks.sent?.(parts[0]!.length);
      told = true;
      return this.close();
    };
    return parts;
  }
}

class WrappedSync extends Closing implements IterableIterator<Uint8Array> {
  readonly #hooks: BodyHooks;
  #iterator: Iterator<Uint8Array>;
  /** The part that is on its way counts when the next one is asked for. */
  #underWay = 0;

  constructor(body: Iterable<Uint8Array>, hooks: BodyHooks) {
    super(body, () => hooks.closed?.());
    this.#hooks = hooks;
    this.#iterator = body[Symbol.iterator]();
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Uint8Array, undefined> {
    if (this.#underWay > 0) this.#hooks.sent?.(this.#underWay);
    this.#underWay = 0;
    const { done, value } = this.#nextPart();
    if (done === true) return END;
    this.#underWay = value.length;
    return { done: false, value };
  }

  return(): IteratorResult<Uint8Array, undefined> {
    this.#iterator.return?.();
    return END;
  }

  #nextPart(): IteratorResult<Uint8Array, unknown> {
    try {
      return this.#iterator.next();
    } catch (error) {
      if (this.#hooks.failed === undefined) throw error;
      const instead = this.#hooks.failed(error);
      if (!(Symbol.iterator in instead)) throw error;
      this.#iterator = instead[Symbol.iterator]();
      return this.#iterator.next();
    }
  }
}

class WrappedAsync extends Closing implements AsyncIterableIterator<Uint8Array> {
  readonly #hooks: BodyHooks;
  #iterator: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  #underWay = 0;

  constructor(body: AsyncIterable<Uint8Array>, hooks: BodyHooks) {
    super(body, () => hooks.closed?.());
    this.#hooks = hooks;
    this.#iterator = body[Symbol.asyncIterator]();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#underWay > 0) this.#hooks.sent?.(this.#underWay);
    this.#underWay = 0;
    const { done, value } = await this.#nextPart();
    if (done === true) return END;
    this.#underWay = value.length;
    return { done: false, value };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    await this.#iterator.return?.();
    return END;
  }

  async #nextPart(): Promise<IteratorResult<Uint8Array, unknown>> {
    try {
      return await this.#iterator.next();
    } catch (error) {
      if (this.#hooks.failed === undefined) throw error;
      this.#iterator = iterate(this.#hooks.failed(error));
      return this.#iterator.next();
    }
  }
}

class DeferredBody implements AsyncIterableIterator<Uint8Array> {
  readonly #start: () => Promise<Body>;
  #body: Body | null = null;
  #iterator: AsyncIterator<Uint8Array> | Iterator<Uint8Array> | null = null;
  #over = false;

  constructor(start: () => Promise<Body>) {
    this.#start = start;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#iterator === null) {
      if (this.#over) return END;
      const body = await this.#start();
      // The client may have left while we waited: then nothing else will ever close the body.
      if (this.#over) {
        await body.close?.();
        return END;
      }
      this.#body = body;
      this.#iterator = iterate(body);
    }
    const { done, value } = await this.#iterator.next();
    return done === true ? END : { done: false, value };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    await this.#iterator?.return?.();
    return END;
  }

  close(): void | Promise<void> {
    if (this.#over) return;
    this.#over = true;
    return this.#body?.close?.();
  }
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

function iterate(body: Body): AsyncIterator<Uint8Array> | Iterator<Uint8Array> {
  return Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
}
