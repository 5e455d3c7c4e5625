/**
 * Messages that have arrived, on the way to their application: handed over at once if it listens, kept up to a limit if
 * it asks for them one by one.
 */

import { LocalProtocolError } from '../02-http/index.ts';
import type { WebSocketLimits } from './limits.ts';
import type { WebSocketMessage } from './websocket-types.ts';

/** One array for all inboxes that are empty. */
const noMessages: WebSocketMessage[] = [];

export class Inbox {
  readonly #limits: WebSocketLimits;
  #queue = noMessages;
  /** How many of the queue's messages have been taken out already. */
  #taken = 0;
  #bytes = 0;
  #waiting: ((message: WebSocketMessage | null) => void) | null = null;
  #ended = false;
  /** The application wants nothing more for now. */
  paused = false;
  listener: ((message: WebSocketMessage) => void) | null = null;

  constructor(limits: WebSocketLimits) {
    this.#limits = limits;
  }

  /** Whether enough waits that no more should be read. */
  get full(): boolean {
    return this.paused || this.length >= this.#limits.queuedMessagesMax || this.#bytes >= this.#limits.queuedBytesMax;
  }

  get length(): number {
    return this.#queue.length - this.#taken;
  }

  push(message: WebSocketMessage): void {
    if (this.listener !== null && this.length === 0) {
      this.listener(message);
    } else if (this.#waiting !== null) {
      const waiting = this.#waiting;
      this.#waiting = null;
      waiting(message);
    } else {
      if (this.#queue === noMessages) this.#queue = [message];
      else this.#queue.push(message);
      this.#bytes += bytesOf(message);
    }
  }

  /** Gives everything that waits to the listener. */
  handOver(): void {
    while (this.listener !== null && this.length > 0) this.listener(this.shift()!);
  }

  /** The next one; `undefined` if none is here. */
  shift(): WebSocketMessage | undefined {
    if (this.length === 0) return undefined;
    const message = this.#queue[this.#taken++]!;
    this.#bytes -= bytesOf(message);
    if (this.length === 0) {
      this.#queue = noMessages;
      this.#taken = 0;
    }
    return message;
  }

  /**
   * Waits for a message; `null` when there will be none.
   *
   * @throws (by rejection) LocalProtocolError if somebody waits already
   */
  wait(): Promise<WebSocketMessage | null> {
    if (this.#waiting !== null) return Promise.reject(new LocalProtocolError('receive() was called while another call waits'));
    if (this.#ended) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  /** No more messages will come; those that are here may still be asked for. */
  end(): void {
    this.#ended = true;
    this.#waiting?.(null);
    this.#waiting = null;
  }
}

/**
 * The memory that a message takes at most, in bytes. A single character above U+00FF makes a string take two bytes for
 * every character, and only a look at all of them would tell whether it has one.
 */
function bytesOf(message: WebSocketMessage): number {
  return typeof message === 'string' ? 2 * message.length : message.length;
}
