/**
 * The heartbeat of one WebSocket: after a time of silence a ping, and after a longer one the end.
 *
 * A peer that has vanished sends no FIN: its cable was pulled, or its proxy forgot it. Anything at all that arrives shows
 * that it is there, a pong like a message; RFC 6455 §5.5.2 makes sure that a ping is answered.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import type { SessionGroup } from './session-group.ts';
import type { SocketBatch } from './socket-batch.ts';
import type { WebSocketConnection } from './websocket-connection.ts';

const noData = Buffer.alloc(0);

export class Heartbeat {
  readonly #machine: WebSocketConnection;
  readonly #batch: SocketBatch;
  readonly #group: SessionGroup;
  /** Something has arrived since the silence was last asked for or looked at. */
  #heard = true;
  /** What the kernel had taken, and whether more waited for it, when it was last looked at. */
  #takenBytes = 0;
  #waited = false;
  /** A ping has been sent, and nothing has arrived since the deadline before. */
  #pinged = false;
  /** When to call {@link Heartbeat.expire} next. It may be asked for as {@link Heartbeat.dueMs}. */
  deadlineMs: number;

  constructor(machine: WebSocketConnection, batch: SocketBatch, group: SessionGroup) {
    this.#machine = machine;
    this.#batch = batch;
    this.#group = group;
    this.deadlineMs = group.after(group.timeouts.heartbeatMs);
  }

  /** Something has arrived. This is done for all that does, so it is a flag, and neither a timer nor a look at the clock. */
  hear(): void {
    this.#heard = true;
  }

  /** When the time is up. The group asks with every tick, and who has been heard since it last did has all its time anew. */
  dueMs(): number {
    if (this.#progressed()) this.#heard = true;
    if (this.#heard) {
      this.deadlineMs = this.#group.nowMs + this.#group.timeouts.heartbeatMs;
      this.#heard = false;
      this.#pinged = false;
    }
    return this.deadlineMs;
  }

  /**
   * The deadline has passed.
   *
   * @param listening whether the socket is being read: a peer that nobody listens to cannot be heard
   * @returns false where the peer has been silent for too long
   */
  expire(listening: boolean): boolean {
    // TODO 6.5  Send a silent peer one ping, without data, and give it `pongMs` to be heard. Look at any other peer
    //           again after `heartbeatMs` (timeouts.ts, `#group.after`). A peer that could not be heard does not count
    //           as silent.
    throw new NotImplemented('6.5');
  }

  /**
   * Whether the peer has read. Where output waits, the kernel takes more of it only when the peer's side has confirmed what
   * it was sent before: a peer that is slow, and has our ping far behind a long message, is there all the same. Where none
   * waits, the kernel takes whatever it is given, and that shows nothing.
   */
  #progressed(): boolean {
    const { takenBytes, blocked } = this.#batch;
    const progressed = this.#waited && takenBytes > this.#takenBytes;
    this.#takenBytes = takenBytes;
    this.#waited = blocked;
    return progressed;
  }
}
