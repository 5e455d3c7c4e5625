/**
 * Writes lines to a file descriptor, for a log: serving does not wait for its reader, and nor does the end of the
 * process.
 *
 * A pipe that is full is left to the event loop, which says when it takes more: a blocking write would hold a thread of
 * the pool, and asking again and again a core. `process.stdout` will not do: to a pipe, Node writes synchronously.
 */

import { fstatSync, write } from 'node:fs';
import { Socket } from 'node:net';

import { startDeadline } from '../01-echo/index.ts';

/** With this much waiting to be written, further lines are dropped, and counted. */
const WAITING_MAX = 1024 * 1024;
/** How long the end of the process waits for the reader of a pipe. */
const CLOSE_MS = 500;
/** When to try again where a write would block and nothing tells when it would not: a terminal that has been stopped. */
const AGAIN_MS = 100;

export class LineOutput {
  readonly #pipe: Socket | null;
  readonly #write: (bytes: Buffer, written: () => void) => void;
  #waiting = '';
  #dropped = 0;
  #writing = false;

  constructor(fd: number) {
    this.#pipe = isPipe(fd) ? openPipe(fd) : null;
    this.#write = this.#pipe === null ? fileWriter(fd) : pipeWriter(this.#pipe);
  }

  /** @param line without the newline */
  writeLine(line: string): void {
    if (this.#waiting.length > WAITING_MAX) this.#dropped++;
    else this.#waiting += line + '\n';
    if (!this.#writing) this.#writeWaiting();
  }

  /** The process is to end: what the reader of a pipe does not take soon is dropped, since a write would keep it alive. */
  close(): void {
    startDeadline(() => this.#pipe?.destroy(), CLOSE_MS).unref();
  }

  #writeWaiting(): void {
    if (this.#waiting === '') return;
    const lost = this.#dropped === 0 ? '' : `# ${this.#dropped} lines were dropped: their reader is too slow\n`;
    const bytes = Buffer.from(this.#waiting + lost);
    this.#waiting = '';
    this.#dropped = 0;
    this.#writing = true;
    this.#write(bytes, () => {
      this.#writing = false;
      this.#writeWaiting();
    });
  }
}

function isPipe(fd: number): boolean {
  const stats = fstatSync(fd);
  return stats.isFIFO() || stats.isSocket();
}

function openPipe(fd: number): Socket {
  const pipe = new Socket({ fd, readable: false, writable: true });
  // Nobody reads any more. Serving goes on, and the lines go nowhere.
  return pipe.on('error', () => {}).unref();
}

function pipeWriter(pipe: Socket): (bytes: Buffer, written: () => void) => void {
  return (bytes, written) => {
    if (!pipe.destroyed) pipe.write(bytes, () => written());
  };
}

function fileWriter(fd: number): (bytes: Buffer, written: () => void) => void {
  const writeFrom = (bytes: Buffer, start: number, written: () => void): void => {
    write(fd, bytes, start, bytes.length - start, null, (error, count) => {
      if (error !== null && 'code' in error && error.code === 'EAGAIN') {
        setTimeout(() => writeFrom(bytes, start, written), AGAIN_MS).unref();
      } else if (error === null && start + count < bytes.length) {
        writeFrom(bytes, start + count, written);
      } else {
        // All of it is written, or the disk is full. Serving goes on.
        written();
      }
    });
  };
  return (bytes, written) => writeFrom(bytes, 0, written);
}
