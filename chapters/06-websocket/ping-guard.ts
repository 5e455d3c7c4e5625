/**
 * How pings are answered: all of them, while somebody reads the answers; and not at any rate.
 *
 * An empty ping costs its sender six bytes, and us a pong. Who sends many and reads nothing must neither fill our memory nor keep
 * us from everybody else.
 */

import type { SocketBatch } from './socket-batch.ts';
import type { WebSocketConnection } from './websocket-connection.ts';
import { WebSocketError } from './websocket-error.ts';

export class PingGuard {
  readonly #machine: WebSocketConnection;
  readonly #batch: SocketBatch;
  #secondBeganMs = 0;
  /** Since then. */
  #pings = 0;
  /** Pongs that were written since the kernel took none. */
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
    // TODO 6.5  This answers every ping at once. It has to be counted first (`#count`). Then: as long as the output is
    //           not `blocked`, nothing is pending. Where it is, each ping more is one pending, and beyond
    //           `pendingPongsMax` they are not answered one by one any more: keep the newest alone, as a copy, and
    //           answer that when what is written now has gone (`#batch.sent`, `#answerNewest`), which is asked for
    //           once.
    if (this.#machine.state === 'open') this.#answer(ping);
  }

  #count(nowMs: number): void {
    // TODO 6.5  More than `pingsPerSecondMax` within a second are a WebSocketError 1008. A second begins with the first
    //           ping that comes when the one before is over.
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
