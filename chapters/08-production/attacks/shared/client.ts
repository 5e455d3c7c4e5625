/** One connection of an attack. It counts what came, keeps the beginning of it, and knows whether the server has ended it. */

import type { Socket } from 'node:net';

/** A status line and some fields, and no more of what a server sends. */
const KEPT_BYTES = 4096;

export class Client {
  readonly socket: Socket;
  receivedBytes = 0;
  /** The beginning of what came. */
  received = '';
  /** When the first byte came, by `performance.now()`. */
  respondedAtMs = 0;
  /** False as soon as the server has ended or reset the connection. */
  isOpen = true;

  /** @param reads false for one that takes nothing by itself */
  constructor(socket: Socket, reads = true) {
    this.socket = socket;
    const over = (): void => {
      this.isOpen = false;
      socket.destroy();
    };
    socket.on('end', over).on('close', over).on('error', over);
    if (reads) socket.on('data', (bytes) => this.take(bytes));
  }

  /** Some of the bytes have come. */
  take(bytes: Uint8Array): void {
    if (this.receivedBytes === 0) this.respondedAtMs = performance.now();
    this.receivedBytes += bytes.length;
    if (this.received.length < KEPT_BYTES) this.received += Buffer.from(bytes).toString('latin1').slice(0, KEPT_BYTES);
  }

  /** The status of the first response; `null` while there is none. */
  get status(): number | null {
    const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(this.received) ?? [];
    return status === undefined ? null : Number(status);
  }

  write(bytes: string | Uint8Array): this {
    if (this.isOpen) this.socket.write(bytes);
    return this;
  }
}
