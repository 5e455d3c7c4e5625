/**
 * The messages that a WebSocket sends, and two marks on those that the kernel has not taken yet.
 *
 * Above the high-water mark `send` asks its caller to wait for `drained`. A caller that keeps sending fills the memory
 * that all connections share, so above the limit the connection is cut.
 */

import { NotImplemented } from '#course/not-implemented.ts';
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
    if (message instanceof Uint8Array) {
      for (const part of this.#machine.sendParts({ type: 'message', data: message })) batch.write(part);
    } else {
      batch.write(this.#machine.send({ type: 'message', data: message }));
    }
    // TODO 6.5  This takes whatever it is given and always returns true. The two marks are `highWaterBytes` and
    //           `bufferedBytesMax` (limits.ts). Cut the connection (`#overflow`) if more than the second was waiting
    //           before this message. The message itself does not count there, so a single message may be of any size.
    return true;
  }

  /** True when no more waits than the high-water mark allows; false when nothing can be sent any more. */
  drained(): boolean | Promise<boolean> {
    // TODO 6.5  Do what the comment above says. Messages that are sent in the meantime count, too. Nothing can be sent
    //           if the machine is not open or the socket is destroyed. `#batch.sent` tells you when everything written
    //           so far has gone.
    throw new NotImplemented('6.5');
  }

  /** The connection ends here by our doing, and not the peer's: the person who runs the server is told. */
  #overflow(): void {
    const message = `a WebSocket was cut, since ${this.bufferedBytes} bytes wait for its client: await drained()`;
    this.#onError(new LocalProtocolError(message));
    this.#socket.destroy();
  }
}
