/**
 * How pings are answered: all of them, as long as the peer reads the answers and does not send too many in a second.
 *
 * An empty ping costs its sender six bytes, and costs us a pong. A peer that sends many and reads nothing must neither
 * fill our memory nor keep us from everybody else.
 */

import { reportDetached } from '../01-echo/index.ts';
import type { SocketBatch } from './socket-batch.ts';
import type { WebSocketConnection } from './websocket-connection.ts';
import { WebSocketError } from './websocket-error.ts';

export class PingGuard {
  readonly #machine: WebSocketConnection;
  readonly #batch: SocketBatch;
  #secondBeganMs = 0;
  /** How many have come since then. */
  #pings = 0;
  /** Pongs that were written while the output was blocked. */
  #pending = 0;
  /** The newest ping that has had to wait. */
  #newest: Buffer | null = null;

  constructor(machine: WebSocketConnection, batch: SocketBatch) {
    this.#machine = machine;
    this.#batch = batch;
  }

  /**
   * Answers a ping: now, or when the output has gone.
   *
   * @throws WebSocketError 1008 when too many come
   */
  receive(ping: Buffer, nowMs: number): void {
    // RFC 6455 §5.5.2: not after a Close frame.
    if (this.#machine.state !== 'open') return;
    this.#count(nowMs);
    this.#pending = this.#batch.blocked ? this.#pending + 1 : 0;
    if (this.#pending <= this.#machine.limits.pendingPongsMax) {
      this.#answer(ping);
      return;
    }
    if (this.#newest === null) this.#batch.sent().then(() => this.#answerNewest()).catch(reportDetached);
    // RFC 6455 §5.5.3: a side that has not answered yet may answer only the most recent ping. It is copied: a ping that
    // waits must not keep the chunk that it came in.
    this.#newest = Buffer.from(ping);
  }

  #count(nowMs: number): void {
    if (nowMs - this.#secondBeganMs >= 1000) {
      this.#secondBeganMs = nowMs;
      this.#pings = 0;
    }
    this.#pings++;
    if (this.#pings > this.#machine.limits.pingsPerSecondMax) throw new WebSocketError(1008, 'too many pings');
  }

  #answer(ping: Buffer): void {
    this.#batch.write(this.#machine.send({ type: 'pong', data: ping }));
  }

  #answerNewest(): void {
    const newest = this.#newest;
    this.#newest = null;
    this.#pending = 0;
    if (newest !== null && this.#machine.state === 'open') this.#answer(newest);
  }
}
