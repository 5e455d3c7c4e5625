export const LINE_BYTES_MAX = 8192;

export interface LineDecoderOptions {
  lineBytesMax?: number;
}

export type LineEvent =
  | { readonly type: 'line'; readonly line: string }
  | { readonly type: 'needData' }
  | { readonly type: 'end' };

export class LineTooLongError extends Error {
  readonly lineBytesMax: number;

  constructor(lineBytesMax: number) {
    super(`line longer than ${lineBytesMax} bytes`);
    this.name = 'LineTooLongError';
    this.lineBytesMax = lineBytesMax;
  }
}

export class LineDecoder {
  readonly #lineBytesMax: number;
  #pending: Buffer = Buffer.alloc(0);
  #eof = false;
  #error: LineTooLongError | undefined;

  constructor(options: LineDecoderOptions = {}) {
    this.#lineBytesMax = options.lineBytesMax ?? LINE_BYTES_MAX;
  }

  receiveData(bytes: Uint8Array): void {
    if (this.#error) return;
    this.#pending = Buffer.concat([this.#pending, bytes]);
  }

  receiveEof(): void {
    this.#eof = true;
  }

  nextEvent(): LineEvent {
    if (this.#error) throw this.#error;
    const lf = this.#pending.indexOf(0x0a);
    if (lf >= 0) return this.#take(lf, lf + 1);
    const { length } = this.#pending;
    const text = this.#pending.at(-1) === 0x0d ? length - 1 : length;
    if (text > this.#lineBytesMax) this.#fail();
    if (!this.#eof) return { type: 'needData' };
    return length > 0 ? this.#take(length, length) : { type: 'end' };
  }

  #take(end: number, next: number): LineEvent {
    const length = this.#pending[end - 1] === 0x0d ? end - 1 : end;
    if (length > this.#lineBytesMax) this.#fail();
    const line = this.#pending.toString('utf8', 0, length);
    this.#pending = this.#pending.subarray(next);
    return { type: 'line', line };
  }

  #fail(): never {
    this.#error = new LineTooLongError(this.#lineBytesMax);
    throw this.#error;
  }
}
