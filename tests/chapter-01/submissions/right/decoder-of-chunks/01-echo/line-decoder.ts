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

const LF = 0x0a;
const CR = 0x0d;

export class LineDecoder {
  readonly #lineBytesMax: number;
  readonly #lines: string[] = [];
  #eof = false;
  #error: LineTooLongError | undefined;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(options: LineDecoderOptions = {}) {
    this.#lineBytesMax = options.lineBytesMax ?? LINE_BYTES_MAX;
  }

  receiveData(bytes: Uint8Array): void {
    if (this.#error) return;
    let rest = Buffer.from(bytes);
    for (let lf = rest.indexOf(LF); lf >= 0 && !this.#error; lf = rest.indexOf(LF)) {
      this.#keep(rest.subarray(0, lf));
      this.#finish(true);
      rest = rest.subarray(lf + 1);
    }
    if (this.#error) return;
    this.#keep(rest);
    const mayBeCr = this.#chunks.at(-1)?.at(-1) === CR ? 1 : 0;
    if (this.#bytes - mayBeCr > this.#lineBytesMax) this.#error = new LineTooLongError(this.#lineBytesMax);
  }

  receiveEof(): void {
    this.#eof = true;
    if (this.#bytes > 0 && !this.#error) this.#finish(false);
  }

  nextEvent(): LineEvent {
    const line = this.#lines.shift();
    if (line !== undefined) return { type: 'line', line };
    if (this.#error) throw this.#error;
    return { type: this.#eof ? 'end' : 'needData' };
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
  }

  #finish(newline: boolean): void {
    let line = Buffer.concat(this.#chunks);
    if (newline && line.at(-1) === CR) line = line.subarray(0, -1);
    if (line.length > this.#lineBytesMax) this.#error = new LineTooLongError(this.#lineBytesMax);
    else this.#lines.push(line.toString('utf8'));
    this.#chunks = [];
    this.#bytes = 0;
  }
}
