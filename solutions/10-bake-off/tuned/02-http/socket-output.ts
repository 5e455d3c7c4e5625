/**
 * What a connection writes to its socket: text is gathered until a batch of input is answered, so that a head and its
 * body, and the responses to pipelined requests, leave in one write.
 */

import type { Socket } from 'node:net';

import type { WireData } from './body-writer.ts';

/** Text beyond this is written before the batch has ended. */
const GATHERED_MAX = 64 * 1024;

export class SocketOutput {
  readonly #socket: Socket;
  #gathered = '';
  #full = false;
  #onSent: ((sent: boolean) => void) | null = null;
  #flushScheduled = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Whether the peer reads too slowly: true until the socket's `drain`. */
  get full(): boolean {
    return this.#full;
  }

  /** Whether somebody is waiting for {@link SocketOutput.sent}. */
  get waiting(): boolean {
    return this.#onSent !== null;
  }

  /** Text waits for {@link SocketOutput.flush}; bytes leave at once, after any text that is waiting. */
  write(data: WireData): void {
    if (typeof data === 'string') {
      this.#gathered += data;
      if (this.#gathered.length > GATHERED_MAX) this.flush();
      return;
    }
    this.#socket.cork();
    this.flush();
    if (!this.#socket.write(data, this.#checkSent)) this.#full = true;
    this.#socket.uncork();
  }

  flush(): void {
    if (this.#gathered === '') return;
    const text = this.#gathered;
    this.#gathered = '';
    if (!this.#socket.write(text, 'latin1', this.#onSent === null ? undefined : this.#checkSent)) this.#full = true;
  }

  /** Flushes once the current work is done, so that a head is not held back for a body that has not begun. */
  flushSoon(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => {
      this.#flushScheduled = false;
      if (!this.#socket.destroyed) this.flush();
    });
  }

  /** Flushes; true once everything has gone to the kernel, false if it never will. */
  sent(): true | Promise<boolean> {
    if (this.#gathered !== '') this.#writeText();
    if (this.#socket.writableLength === 0 && !this.#socket.destroyed) return true;
    return new Promise((resolve) => {
      this.#onSent = resolve;
    });
  }

  /** The socket has drained. */
  drained(): void {
    this.#full = false;
    this.#checkSent();
  }

  /** The socket has closed: nothing will be sent any more. */
  closed(): void {
    this.#onSent?.(false);
    this.#onSent = null;
  }

  #writeText(): void {
    const text = this.#gathered;
    this.#gathered = '';
    if (!this.#socket.write(text, 'latin1', this.#checkSent)) this.#full = true;
  }

  readonly #checkSent = (error?: Error | null): void => {
    if (this.#onSent === null || this.#socket.writableLength > 0) return;
    // After a failure nothing is left to write either, but not because it was sent: `closed` reports that.
    if (error || this.#socket.destroyed) return;
    const onSent = this.#onSent;
    this.#onSent = null;
    onSent(true);
  };
}
