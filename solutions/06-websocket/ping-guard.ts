/**
 * How pings are answered: all of them, while somebody reads the answers; and not at any rate.
 */

import type { WebSocketLimits } from './limits.ts';
import { WebSocketError } from './websocket-error.ts';

export class PingGuard {
  readonly #limits: WebSocketLimits;
  #secondBeganMs = 0;
  #pings = 0;
  #pending = 0;
  /** The newest ping that has had to wait. */
  #newest: Buffer | null = null;

  constructor(limits: WebSocketLimits) {
    this.#limits = limits;
  }

  /** Whether a ping waits to be answered. */
  get waiting(): boolean {
    return this.#newest !== null;
  }

  /**
   * A ping has come.
   *
   * @param blocked whether output waits for the kernel
   * @returns whether to answer it now; if not, {@link PingGuard.takeNewest} has it when the output has gone
   * @throws WebSocketError 1008 when too many come
   */
  received(data: Buffer, nowMs: number, blocked: boolean): boolean {
    if (nowMs - this.#secondBeganMs >= 1000) {
      this.#secondBeganMs = nowMs;
      this.#pings = 0;
    }
    this.#pings++;
    if (this.#pings > this.#limits.pingsPerSecondMax) throw new WebSocketError(1008, 'too many pings');
    this.#pending = blocked ? this.#pending + 1 : 0;
    if (this.#pending <= this.#limits.pendingPongsMax) return true;
    // RFC 6455 §5.5.3: who has not answered yet may answer the most recent ping alone. It is copied: a ping that waits
    // must not keep the chunk that it came in.
    this.#newest = Buffer.from(data);
    return false;
  }

  /** The output has gone: the ping that is still to be answered, if there is one. */
  takeNewest(): Buffer | null {
    const newest = this.#newest;
    this.#newest = null;
    this.#pending = 0;
    return newest;
  }
}
