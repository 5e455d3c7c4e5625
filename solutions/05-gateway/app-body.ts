/**
 * An application's body, as it is sent: part by part, checked, and closed once (the rules G50 to G53).
 *
 * It knows nothing of heads, framing and sockets.
 */

import { GatewayError } from './gateway-error.ts';
import type { Body } from './gateway.ts';

type PartIterator = Iterator<Uint8Array> | AsyncIterator<Uint8Array>;

export class AppBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #body: Body;
  readonly #check: () => void;
  readonly #onError: (error: unknown) => unknown;
  #iterator: PartIterator | null = null;
  /** A part that was asked for in advance, to see whether there is one. */
  #first: Uint8Array | null = null;
  #ended = false;
  #closed = false;

  /**
   * @param check called with each part; it may throw
   * @param onError told what the body throws, and what closing it throws; returns what to throw instead
   */
  constructor(body: Body, check: () => void, onError: (error: unknown) => unknown) {
    this.#body = body;
    this.#check = check;
    this.#onError = onError;
  }

  /**
   * Asks for parts until one is not empty. False if the body has ended without one. A promise only if the body gives
   * promises, so that a synchronous body is answered at once.
   *
   * @throws what the body throws; the body is closed then. An AbortError if it was closed before there was a part
   */
  begin(): boolean | Promise<boolean> {
    try {
      this.#checkOpen();
      const iterator = iterate(this.#body);
      this.#iterator = iterator;
      for (;;) {
        const result = iterator.next();
        if ('then' in result) return this.#beginLater(iterator, result);
        if (this.#take(result)) return this.#first !== null;
      }
    } catch (error) {
      throw this.#fail(error);
    }
  }

  async #beginLater(iterator: PartIterator, result: Promise<IteratorResult<Uint8Array>>): Promise<boolean> {
    try {
      if (this.#take(await result)) return this.#first !== null;
      while (!this.#take(await iterator.next()));
      return this.#first !== null;
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** Notes a part that is not empty, or the end; false if there is more to ask for. */
  #take({ done, value }: IteratorResult<Uint8Array>): boolean {
    if (done === true) this.#ended = true;
    this.#checkOpen();
    if (done === true) return true;
    checkPart(value);
    if (value.length === 0) return false;
    this.#first = value;
    return true;
  }

  /** The body was closed before there was a response, since its client has gone. No part is asked for then (G51). */
  #checkOpen(): void {
    if (this.#closed) throw new DOMException('the client has gone', 'AbortError');
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#ended || this.#closed) return END;
    const first = this.#first;
    this.#first = null;
    if (first !== null) return { done: false, value: first };
    try {
      const { done, value } = await this.#iterator!.next();
      if (done === true) this.#ended = true;
      this.#check();
      if (done !== true) {
        checkPart(value);
        return { done: false, value };
      }
    } catch (error) {
      throw this.#fail(error);
    }
    // A caller that asks for more has sent the last part. A loop calls `return()` only when it is left before the end.
    this.close();
    return END;
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.close();
    return Promise.resolve(END);
  }

  /**
   * Ends the iteration, if it has not ended by itself, and calls the body's `close()`; does so once. By now the
   * response is settled, so an error is reported and changes nothing, and a promise is not awaited.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#ended) this.#attempt(() => this.#iterator?.return?.());
    this.#attempt(() => this.#body.close?.());
  }

  #attempt(act: () => unknown): void {
    try {
      const result = act();
      if (result instanceof Promise) result.catch(this.#onError);
    } catch (error) {
      this.#onError(error);
    }
  }

  /** The body has thrown, or has given something that is not a part: no more is asked of it. */
  #fail(error: unknown): unknown {
    const told = this.#onError(error);
    this.close();
    this.#ended = true;
    return told;
  }
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** @throws GatewayError G50 */
export function checkPart(part: unknown): void {
  if (part instanceof Uint8Array) return;
  throw new GatewayError('G50', `a part of the body is ${nameOf(part)}; it is a Uint8Array, as Buffer.from(text) gives one`);
}

/** @throws GatewayError G1, G50 for anything that is not a body */
export function checkBody(body: unknown): void {
  if (typeof body !== 'object' || body === null || body instanceof Uint8Array) {
    throw new GatewayError('G50', `the body is ${nameOf(body)}; it is a list of parts, or another iterable of them`);
  }
  if (Symbol.iterator in body || Symbol.asyncIterator in body) return;
  if (!('then' in body)) throw new GatewayError('G50', 'the body is an object that cannot be iterated; it is a list of parts');
  // The promise will not be awaited: if it rejects, that must not end the process.
  if (body instanceof Promise) body.catch(() => undefined);
  throw new GatewayError('G1', 'the application returned a promise: make it an async generator, `async function* (…)`');
}

function iterate(body: Body): Iterator<Uint8Array> | AsyncIterator<Uint8Array> {
  return Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
}

function nameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === 'object' ? `of class ${value.constructor?.name ?? 'null'}` : `a ${typeof value}`;
}
