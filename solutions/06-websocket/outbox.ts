/**
 * The messages that a WebSocket sends, and two marks on those that the kernel has not taken yet.
 *
 * Above the high-water mark `send` asks its caller to wait for `drained`. A caller that keeps sending fills the memory
 * that all connections share, so above the limit the connection is cut.
 */

import type { Socket } from 'node:net';

import { LocalProtocolError } from '../02-http/index.ts';
import type { SharedMessage } from './shared-message.ts';
import type { SocketBatch } from './socket-batch.ts';
import type { WebSocketConnection } from './websocket-connection.ts';

export class Outbox {
  readonly #socket: Socket;
  readonly #machine: WebSocketConnection;
  readonly #batch: SocketBatch;
  readonly #onError: (error: unknown) => void;

  constructor(
    socket: Socket,
    machine: WebSocketConnection,
    batch: SocketBatch,
    onError: (error: unknown) => void,
  ) {
    this.#socket = socket;
    this.#machine = machine;
    this.#batch = batch;
    this.#onError = onError;
  }

  /** Bytes that the kernel has not taken yet, Close frames and pongs among them. */
  get bufferedBytes(): number {
    return this.#batch.bufferedBytes;
  }

  /** @returns false when more waits than the high-water mark allows */
  send(message: string | Uint8Array | SharedMessage): boolean {
    const batch = this.#batch;
    const { highWaterBytes, bufferedBytesMax } = this.#machine.limits;
    // Only what already waits counts, not the message itself: a caller that waits its turn may send one of any size.
    if (batch.bufferedBytes > bufferedBytesMax) {
      this.#overflow();
      return false;
    }
    if (message instanceof Uint8Array) {
      for (const part of this.#machine.sendParts({ type: 'message', data: message })) batch.write(part);
    } else {
      batch.write(this.#machine.send({ type: 'message', data: message }));
    }
    return batch.bufferedBytes <= highWaterBytes;
  }

  /** True when no more waits than the high-water mark allows; false when nothing can be sent any more. */
  drained(): boolean | Promise<boolean> {
    if (this.#machine.state !== 'open' || this.#socket.destroyed) return false;
    if (this.#batch.bufferedBytes <= this.#machine.limits.highWaterBytes) return true;
    return this.#batch.sent().then((sent) => sent && this.drained());
  }

  /** The connection ends here by our doing, and not the peer's: the person who runs the server is told. */
  #overflow(): void {
    const message = `a WebSocket was cut, since ${this.bufferedBytes} bytes wait for its client: await drained()`;
    this.#onError(new LocalProtocolError(message));
    this.#socket.destroy();
  }
}
