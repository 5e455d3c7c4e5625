/**
 * The messages that a WebSocket sends, and two marks on those that the kernel has not taken yet.
 *
 * Above the high-water mark `send` asks its caller to wait for `drained`. A caller that sends on all the same fills the memory of
 * everybody: above the limit the connection is cut.
 */

import type { Socket } from 'node:net';

import type { SharedMessage } from './shared-message.ts';
import type { SocketBatch } from './socket-batch.ts';
import type { WebSocketConnection } from './websocket-connection.ts';

export class Outbox {
  readonly #socket: Socket;
  readonly #machine: WebSocketConnection;
  readonly #batch: SocketBatch;

  constructor(socket: Socket, machine: WebSocketConnection, batch: SocketBatch) {
    this.#socket = socket;
    this.#machine = machine;
    this.#batch = batch;
  }

  /** Bytes that the kernel has not taken yet, Close frames and pongs among them. */
  get bufferedBytes(): number {
    return this.#batch.bufferedBytes;
  }

  /** @returns false when more waits than the high-water mark allows */
  send(message: string | Uint8Array | SharedMessage): boolean {
    const batch = this.#batch;
    if (message instanceof Uint8Array) {
      for (const part of this.#machine.sendParts({ type: 'message', data: message })) batch.write(part);
    } else {
      batch.write(this.#machine.send({ type: 'message', data: message }));
    }
    const { bufferedBytes } = batch;
    if (bufferedBytes <= this.#machine.limits.highWaterBytes) return true;
    if (bufferedBytes > this.#machine.limits.bufferedBytesMax) this.#socket.destroy();
    return false;
  }

  /** True when no more waits than the high-water mark allows; false when nothing can be sent any more. */
  drained(): boolean | Promise<boolean> {
    if (this.#machine.state !== 'open' || this.#socket.destroyed) return false;
    if (this.#batch.bufferedBytes <= this.#machine.limits.highWaterBytes) return true;
    return this.#batch.sent().then((sent) => sent && this.drained());
  }
}
