import { StringDecoder } from 'node:string_decoder';

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
  readonly #utf8 = new StringDecoder('utf8');

  constructor(options: LineDecoderOptions = {}) {
    this.#lineBytesMax = options.lineBytesMax ?? LINE_BYTES_MAX;
  }

  receiveData(bytes: Uint8Array): void {
    if (this.#error) return;
    this.#rest += this.#utf8.write(bytes);
    for (let lf = this.#rest.indexOf('\n'); lf >= 0; lf = this.#rest.indexOf('\n')) {
      const line = this.#rest.slice(0, lf).replace(/\r$/, '');
      if (line.length > this.#lineBytesMax) break;
      this.#lines.push(line);
      this.#rest = this.#rest.slice(lf + 1);
    }
    if (this.#rest.replace(/\r$/, '').length > this.#lineBytesMax) this.#error = new LineTooLongError(this.#lineBytesMax);
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
