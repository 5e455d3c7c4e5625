/**
 * `gateway.input` and `gateway.errors` as a validator passes them on: they behave like the server's, and notice every
 * breach.
 */

import type { Breaches, RuleId, Side } from './breaches.ts';
import { show } from './check-environ.ts';
import type { GatewayErrors, GatewayInput } from './gateway.ts';

const LF = 0x0a;

export class WatchedInput implements GatewayInput {
  readonly #input: GatewayInput;
  readonly #breaches: Breaches;
  readonly #length: number;
  /** Whether the response is over. */
  readonly #over: () => boolean;
  #bytes = 0;
  #ended = false;
  #reading = false;

  /** @param length what CONTENT_LENGTH says; Infinity if there is none */
  constructor(input: GatewayInput, length: number, breaches: Breaches, over: () => boolean) {
    this.#input = input;
    this.#length = length;
    this.#breaches = breaches;
    this.#over = over;
  }

  async read(size?: number): Promise<Buffer> {
    const bytes = await this.#watch('G31', size, () => this.#input.read(size));
    const wanted = size ?? Infinity;
    if (bytes.length > wanted) this.#complain('G31', 'server', `read(${wanted}) gave ${bytes.length} bytes`);
    if (bytes.length < wanted) this.#ended = true;
    return bytes;
  }

  async readline(size?: number): Promise<Buffer> {
    const line = await this.#watch('G32', size, () => this.#input.readline(size));
    const lineFeed = line.indexOf(LF);
    if (lineFeed !== -1 && lineFeed !== line.length - 1) this.#complain('G32', 'server', 'readline() gave more than a line');
    if (lineFeed === -1 && line.length < (size ?? Infinity)) this.#ended = true;
    return line;
  }

  async *lines(): AsyncGenerator<Buffer, void, undefined> {
    for (let line = await this.readline(); line.length > 0; line = await this.readline()) yield line;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    const iterator = this.#input[Symbol.asyncIterator]();
    for (;;) {
      const part = await this.#watch('G31', undefined, async () => {
        const { done, value } = await iterator.next();
        return done === true ? null : value;
      });
      if (part === null) return;
      yield part;
    }
  }

  async #watch<T extends Buffer | null>(rule: RuleId, size: unknown, read: () => Promise<T>): Promise<T> {
    if (size !== undefined && size !== Infinity && !(Number.isSafeInteger(size) && (size as number) >= 0)) {
      this.#complain('G31', 'application', `the size is ${show(size)}`);
    }
    if (this.#reading) this.#complain('G36', 'application', 'gateway.input was read while it was being read');
    if (this.#over()) this.#complain('G37', 'application', 'gateway.input was read after the response');
    this.#reading = true;
    try {
      const bytes = await read();
      if (bytes !== null && !Buffer.isBuffer(bytes)) this.#complain(rule, 'server', 'gateway.input gave something that is not a Buffer');
      this.#count(bytes?.length ?? 0);
      if (bytes === null) this.#ended = true;
      return bytes;
    } finally {
      this.#reading = false;
    }
  }

  #count(bytes: number): void {
    if (bytes > 0 && this.#ended) this.#complain('G30', 'server', 'gateway.input went on after its end');
    this.#bytes += bytes;
    if (this.#bytes > this.#length) this.#complain('G30', 'server', `gateway.input gave ${this.#bytes} bytes of ${this.#length}`);
  }

  #complain(rule: RuleId, side: Side, what: string): void {
    this.#breaches.add(rule, side, what);
  }
}

/** `gateway.errors` that takes nothing but text. */
export function watchedErrors(errors: GatewayErrors, breaches: Breaches): GatewayErrors {
  return {
    write(text: unknown) {
      if (typeof text !== 'string') breaches.add('G38', 'application', `gateway.errors was given ${show(text)}`);
      errors.write(String(text));
    },
  };
}
