/**
 * Writes lines to a file descriptor and never blocks the loop. To a pipe, Node's own `process.stdout` writes
 * synchronously: a log that nobody reads would stop the server.
 */

import { write } from 'node:fs';

/** With this much waiting to be written, further lines are dropped, and counted. */
const WAITING_MAX = 1024 * 1024;

export class LineOutput {
  readonly #fd: number;
  #waiting = '';
  #dropped = 0;
  #writing = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** @param line without the newline */
  writeLine(line: string): void {
    if (this.#waiting.length > WAITING_MAX) this.#dropped++;
    else this.#waiting += line + '\n';
    if (!this.#writing) this.#write();
  }

  #write(): void {
    if (this.#waiting === '') return;
    const lost = this.#dropped === 0 ? '' : `# ${this.#dropped} lines were dropped: their reader is too slow\n`;
    const bytes = Buffer.from(this.#waiting + lost);
    this.#waiting = '';
    this.#dropped = 0;
    this.#writing = true;
    this.#writeFrom(bytes, 0);
  }

  #writeFrom(bytes: Buffer, start: number): void {
    write(this.#fd, bytes, start, bytes.length - start, null, (error, written) => {
      // Nobody reads any more, or the disk is full. Serving goes on.
      const gone = error !== null && !('code' in error && error.code === 'EAGAIN');
      const next = start + (error === null ? written : 0);
      if (!gone && next < bytes.length) {
        setImmediate(() => this.#writeFrom(bytes, next));
        return;
      }
      this.#writing = false;
      this.#write();
    });
  }
}
