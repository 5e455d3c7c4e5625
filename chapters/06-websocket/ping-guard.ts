/**
 * How pings are answered: all of them, as long as the peer reads the answers and does not send too many in a second.
 *
 * An empty ping costs its sender six bytes, and costs us a pong. A peer that sends many and reads nothing must neither
 * fill our memory nor keep us from everybody else.
 */

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
    // TODO 6.5  This answers every ping and counts none (`#count`). While the output is `blocked`, at most
    //           `pendingPongsMax` pongs may wait with it. Of the pings after those, answer only the newest, when
    //           everything that waits has gone (`#batch.sent`, `#answerNewest`). A ping that waits must not keep alive
    //           the chunk that it came in.
    if (this.#machine.state === 'open') this.#answer(ping);
  }

  #count(nowMs: number): void {
    // TODO 6.5  More than `pingsPerSecondMax` pings within a second are a WebSocketError 1008. The second begins with
    //           the first of these pings.
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
