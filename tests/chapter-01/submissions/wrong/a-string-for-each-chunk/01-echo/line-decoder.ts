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
  #rest = '';

  constructor(options: LineDecoderOptions = {}) {
    this.#lineBytesMax = options.lineBytesMax ?? LINE_BYTES_MAX;
  }

  receiveData(bytes: Uint8Array): void {
    if (this.#error) return;
    this.#rest += Buffer.from(bytes).toString('utf8');
    for (let lf = this.#rest.indexOf('\n'); lf >= 0; lf = this.#rest.indexOf('\n')) {
      const line = this.#rest.slice(0, lf).replace(/\r$/, '');
      if (Buffer.byteLength(line) > this.#lineBytesMax) break;
      this.#lines.push(line);
      this.#rest = this.#rest.slice(lf + 1);
    }
    if (Buffer.byteLength(this.#rest.replace(/\r$/, '')) > this.#lineBytesMax) this.#error = new LineTooLongError(this.#lineBytesMax);
  }

  receiveEof(): void {
    this.#eof = true;
    if (this.#rest !== '') this.#lines.push(this.#rest);
    this.#rest = '';
  }

  nextEvent(): LineEvent {
    const line = this.#lines.shift();
    if (line !== undefined) return { type: 'line', line };
    if (this.#error) throw this.#error;
    return { type: this.#eof ? 'end' : 'needData' };
  }
}
