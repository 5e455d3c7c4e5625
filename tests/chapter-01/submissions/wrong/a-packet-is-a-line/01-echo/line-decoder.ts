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
  readonly #lines: string[] = [];
  #eof = false;
  #error: LineTooLongError | undefined;

  constructor(options: LineDecoderOptions = {}) {
    this.#lineBytesMax = options.lineBytesMax ?? LINE_BYTES_MAX;
  }

  receiveData(bytes: Uint8Array): void {
    const text = Buffer.from(bytes).toString();
    if (bytes.length > this.#lineBytesMax + 2) this.#error = new LineTooLongError(this.#lineBytesMax);
    else this.#lines.push(text.replace(/\r?\n$/, ''));
  }

  receiveEof(): void {
    this.#eof = true;
  }

  nextEvent(): LineEvent {
    const line = this.#lines.shift();
    if (line !== undefined) return { type: 'line', line };
    if (this.#error) throw this.#error;
    return { type: this.#eof ? 'end' : 'needData' };
  }
}
