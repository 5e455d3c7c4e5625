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
  #line: number[] = [];
  #cr = false;

  constructor(options: LineDecoderOptions = {}) {
    this.#lineBytesMax = options.lineBytesMax ?? LINE_BYTES_MAX;
  }

  receiveData(bytes: Uint8Array): void {
    if (this.#error) return;
    for (const byte of bytes) {
      if (byte === 0x0a) {
        this.#finish();
        continue;
      }
      // A CR that was held back, and no LF after it: it belongs to the line.
      if (this.#cr) this.#line.push(0x0d);
      this.#cr = byte === 0x0d;
      if (!this.#cr) this.#line.push(byte);
      if (this.#line.length > this.#lineBytesMax) {
        this.#error = new LineTooLongError(this.#lineBytesMax);
        return;
      }
    }
  }

  receiveEof(): void {
    if (!this.#eof && (this.#cr || this.#line.length > 0)) this.#finish();
    this.#eof = true;
  }

  nextEvent(): LineEvent {
    const line = this.#lines.shift();
    if (line !== undefined) return { type: 'line', line };
    if (this.#error) throw this.#error;
    return { type: this.#eof ? 'end' : 'needData' };
  }

  #finish(): void {
    this.#lines.push(Buffer.from(this.#line).toString('utf8'));
    this.#line = [];
    this.#cr = false;
  }
}
