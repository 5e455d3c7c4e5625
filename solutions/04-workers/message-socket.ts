/**
 * The thread's end of a connection whose socket belongs to another thread: as much of a `net.Socket` as chapter 02's
 * server uses, made of messages.
 */

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

import type { FromConnection, ToConnection } from './relay-messages.ts';

export class MessageSocket extends Duplex {
  readonly #tell: (message: FromConnection, transfer: ArrayBuffer[]) => void;
  #onWritten: (() => void) | null = null;

  /** @param tell sends a message to the thread that has the socket */
  constructor(tell: (message: FromConnection, transfer: ArrayBuffer[]) => void) {
    // Half-open: a client may end its side and still wait for its answer.
    super({ allowHalfOpen: true });
    this.#tell = tell;
  }

  /** The same, for code that wants a socket. That code does not use what is missing here (addresses, keep-alive probes, …). */
  asSocket(): Socket {
    return this as unknown as Socket;
  }

  /** Takes a message from the thread that has the socket. */
  receive(message: ToConnection): void {
    if (message.type === 'data') this.push(Buffer.from(message.bytes.buffer));
    else if (message.type === 'end') this.push(null);
    else if (message.type === 'written') {
      const onWritten = this.#onWritten;
      this.#onWritten = null;
      onWritten?.();
    }
  }

  override _read(): void {
    this.#tell({ type: 'read' }, []);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    // A copy: what is transferred must not be part of a buffer that others use.
    const bytes = Uint8Array.from(chunk);
    this.#onWritten = callback;
    this.#tell({ type: 'write', bytes }, [bytes.buffer]);
  }

  override _final(callback: () => void): void {
    this.#tell({ type: 'end' }, []);
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#onWritten = null;
    this.#tell({ type: 'destroy' }, []);
    callback(error);
  }

  /** Destroys it when everything has been written. */
  destroySoon(): void {
    if (this.writableFinished) this.destroy();
    else this.end(() => this.destroy());
  }

  setNoDelay(): this {
    return this;
  }
}
