/**
 * A WebSocket as an application holds it: what arrives, whether it asks or listens; what it sends; and the end.
 *
 * It knows no socket. Everything here is passed on to its session, or to a part of the session.
 */

import { closeCodes } from './close-codes.ts';
import type { SharedMessage } from './shared-message.ts';
import type { WebSocketSession } from './websocket-session.ts';
import type { WebSocketClosure, WebSocketMessage, WebSocketPeer } from './websocket-types.ts';

export class OpenWebSocket implements WebSocketPeer {
  readonly subprotocol: string;
  readonly #session: WebSocketSession;

  constructor(session: WebSocketSession, subprotocol: string) {
    this.#session = session;
    this.subprotocol = subprotocol;
  }

  get state(): 'open' | 'closing' | 'closed' {
    return this.#session.closing.state;
  }

  get closed(): Promise<WebSocketClosure> {
    return this.#session.closing.closed;
  }

  get bufferedBytes(): number {
    return this.#session.outbox.bufferedBytes;
  }

  get onMessage(): ((message: WebSocketMessage) => void) | null {
    return this.#session.inbox.listener;
  }

  set onMessage(listener: ((message: WebSocketMessage) => void) | null) {
    this.#session.listen(listener);
  }

  send(message: string | Uint8Array | SharedMessage): boolean {
    return this.#session.closing.state === 'open' && this.#session.outbox.send(message);
  }

  drained(): boolean | Promise<boolean> {
    return this.#session.outbox.drained();
  }

  /** Not an async function: each of ten thousand that wait would keep its frame. */
  receive(): Promise<WebSocketMessage | null> {
    const { inbox } = this.#session;
    const message = inbox.shift();
    if (message === undefined) return inbox.wait();
    if (inbox.length === 0) this.#session.readOn();
    return Promise.resolve(message);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WebSocketMessage, void> {
    for (;;) {
      const message = await this.receive();
      if (message === null) return;
      yield message;
    }
  }

  pause(): void {
    this.#session.pause();
  }

  resume(): void {
    this.#session.resume();
  }

  close(code: number = closeCodes.normal, reason = ''): void {
    this.#session.close(code, reason);
  }

  destroy(): void {
    this.#session.destroy();
  }
}
