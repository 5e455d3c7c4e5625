/**
 * Where the bytes of a representation are: in an open file, or in memory. What is sent is the same.
 */

import type { ResponseBody } from '../02-http/index.ts';
import type { BufferPool } from './buffer-pool.ts';
import { rangeLength } from './byte-range.ts';
import type { ByteRange } from './byte-range.ts';
import { FileBody } from './file-body.ts';
import type { OpenFile } from './open-file.ts';

/** The bytes of a representation. Either a body is made from it and sent, or it is closed. */
export interface Content {
  /** In bytes. */
  readonly size: number;
  /** A range of it as a body. A body that is read piece by piece closes the content when it is closed itself. */
  body(range: ByteRange): ResponseBody;
  /** Closing it again does nothing. */
  close(): void;
}

/** Content that is read while it is sent. */
export class FileContent implements Content {
  readonly size: number;
  readonly #file: OpenFile;
  readonly #pool: BufferPool;
  #closed = false;

  /** @param file closed together with the content */
  constructor(file: OpenFile, pool: BufferPool) {
    this.size = file.size;
    this.#file = file;
    this.#pool = pool;
  }

  body(range: ByteRange): FileBody {
    return new FileBody(this.#file, this.#pool, range, () => this.close());
  }

  close(): void {
    if (!this.#closed) this.#file.close();
    this.#closed = true;
  }
}

/** Content that is already in memory. */
export class MemoryContent implements Content {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#bytes.length;
  }

  body(range: ByteRange): Buffer {
    return rangeLength(range) === this.size ? this.#bytes : this.#bytes.subarray(range.firstPos, range.lastPos + 1);
  }

  close(): void {}
}
