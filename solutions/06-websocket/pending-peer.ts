/**
 * A WebSocket that was agreed to and may not be open yet: what is done with it before waits for that, in its turn.
 */

import { GatewayError } from '../05-gateway/index.ts';
import { DisconnectError } from './disconnect-error.ts';
import type { WebSocketMessage, WebSocketPeer } from './websocket-types.ts';

export class PendingPeer {
  readonly #opened = Promise.withResolvers<WebSocketPeer | null>();
  #peer: WebSocketPeer | null = null;
  /** A message could not be sent, for nobody is there: known before the WebSocket has told its end. */
  lost = false;

  /** The WebSocket, once it is open. */
  get peer(): WebSocketPeer | null {
    return this.#peer;
  }

  open(peer: WebSocketPeer): void {
    this.#peer = peer;
    this.#opened.resolve(peer);
  }

  /** It will not be opened. */
  abandon(): void {
    this.#opened.resolve(null);
  }

  /** @throws DisconnectError where it will not be opened */
  async whenOpen(): Promise<void> {
    if (await this.#opened.promise === null) throw new DisconnectError();
  }

  /**
   * Sends a message, and waits until there is room for more.
   *
   * @param bufferedBytesMax how much may wait already
   * @throws DisconnectError; GatewayError A39 when too much waits
   */
  async send(data: string | Uint8Array, bufferedBytesMax: number): Promise<void> {
    const peer = this.#peer ?? await this.#opened.promise;
    if (peer === null || peer.state !== 'open') throw this.#lose();
    if (peer.bufferedBytes > bufferedBytesMax) {
      throw new GatewayError('A39', `more than ${bufferedBytesMax} bytes wait: await what send returns`);
    }
    if (!peer.send(data) && !await peer.drained()) throw this.#lose();
  }

  async close(code = 1000, reason = ''): Promise<void> {
    const peer = this.#peer ?? await this.#opened.promise;
    peer?.close(code, reason);
  }

  /** The next message; `null` when there will be none, after its end. */
  async receive(): Promise<WebSocketMessage | null> {
    const peer = this.#peer ?? await this.#opened.promise;
    if (peer === null) return null;
    // What the client sent before it closed is still given.
    const message = await peer.receive();
    if (message === null) await peer.closed;
    return message;
  }

  #lose(): DisconnectError {
    this.lost = true;
    return new DisconnectError();
  }
}
