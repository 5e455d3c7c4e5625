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
  #rest: Buffer = Buffer.alloc(0);

  constructor(options: LineDecoderOptions = {}) {
    this.#lineBytesMax = options.lineBytesMax ?? LINE_BYTES_MAX;
  }

  receiveData(bytes: Uint8Array): void {
    if (this.#error) return;
    this.#rest = Buffer.concat([this.#rest, bytes]);
    for (;;) {
      const end = this.#rest.findIndex((byte) => byte === 0x0a || byte === 0x0d);
      if (end < 0 || (end === this.#rest.length - 1 && this.#rest[end] === 0x0d)) break;
      if (end > this.#lineBytesMax) break;
      this.#lines.push(this.#rest.toString('utf8', 0, end));
      this.#rest = this.#rest.subarray(this.#rest[end] === 0x0d && this.#rest[end + 1] === 0x0a ? end + 2 : end + 1);
    }
    const text = this.#rest.at(-1) === 0x0d ? this.#rest.length - 1 : this.#rest.length;
    if (text > this.#lineBytesMax) this.#error = new LineTooLongError(this.#lineBytesMax);
  }

  receiveEof(): void {
    this.#eof = true;
    if (this.#rest.length > 0) this.#lines.push(this.#rest.toString());
    this.#rest = Buffer.alloc(0);
  }

  nextEvent(): LineEvent {
    const line = this.#lines.shift();
    if (line !== undefined) return { type: 'line', line };
    if (this.#error) throw this.#error;
    return { type: this.#eof ? 'end' : 'needData' };
  }
}
