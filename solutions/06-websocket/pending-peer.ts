/**
 * A WebSocket that was accepted and may not be open yet. Whatever is done with it before it is open waits for that, in
 * order.
 */

import { GatewayError } from '../05-gateway/index.ts';
import { DisconnectError } from './disconnect-error.ts';
import type { WebSocketMessage, WebSocketPeer } from './websocket-types.ts';

export class PendingPeer {
  /** Released when it is known whether there will be a WebSocket: it may stay open for days. */
  #opening: PromiseWithResolvers<WebSocketPeer | null> | null = Promise.withResolvers();
  #peer: WebSocketPeer | null = null;
  /** A message could not be sent, because nobody is there. This is known before the WebSocket has reported its end. */
  lost = false;

  /** The WebSocket, once it is open. */
  get peer(): WebSocketPeer | null {
    return this.#peer;
  }

  open(peer: WebSocketPeer): void {
    this.#peer = peer;
    this.#settle(peer);
  }

  /** It will not be opened. */
  abandon(): void {
    this.#settle(null);
  }

  /** @throws DisconnectError if it will not be opened */
  async whenOpen(): Promise<void> {
    if (await this.#opened() === null) throw new DisconnectError();
  }

  /**
   * Sends a message, and waits until there is room for more.
   *
   * @param bufferedBytesMax how much may wait already
   * @throws DisconnectError; GatewayError A39 when too much waits
   */
  async send(data: string | Uint8Array, bufferedBytesMax: number): Promise<void> {
    const peer = this.#peer ?? await this.#opened();
    if (peer === null || peer.state !== 'open') throw this.#lose();
    if (peer.bufferedBytes > bufferedBytesMax) {
      throw new GatewayError('A39', `more than ${bufferedBytesMax} bytes wait: await what send returns`);
    }
    if (!peer.send(data) && !await peer.drained()) throw this.#lose();
  }

  async close(code = 1000, reason = ''): Promise<void> {
    const peer = this.#peer ?? await this.#opened();
    peer?.close(code, reason);
  }

  /** The next message; `null` when there will be none. What the client sent before it closed is still given. */
  receive(): Promise<WebSocketMessage | null> {
    if (this.#peer !== null) return this.#peer.receive();
    return this.#opened().then((peer) => peer === null ? null : peer.receive());
  }

  /** The WebSocket once it is open; `null` if it never will be. */
  #opened(): Promise<WebSocketPeer | null> {
    return this.#opening?.promise ?? Promise.resolve(this.#peer);
  }

  #settle(peer: WebSocketPeer | null): void {
    this.#opening?.resolve(peer);
    this.#opening = null;
  }

  #lose(): DisconnectError {
    this.lost = true;
    return new DisconnectError();
  }
}
