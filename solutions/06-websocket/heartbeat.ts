/**
 * The heartbeat of one WebSocket: after a time of silence a ping, and after a longer one the end.
 *
 * A peer that has vanished sends no FIN: its cable was pulled, or its proxy forgot it. Anything at all that arrives
 * shows that it is there, a pong as much as a message; RFC 6455 §5.5.2 makes sure that a ping is answered.
 *
 * The silence is measured from tick to tick. `hear` notes that something has arrived, `dueMs` turns that into a new
 * deadline at the next tick of the group, and `expire` runs when a deadline has passed without it: the first time it
 * sends a ping, the second time it gives the peer up.
 */

import type { SessionGroup } from './session-group.ts';
import type { SocketBatch } from './socket-batch.ts';
import type { WebSocketConnection } from './websocket-connection.ts';

const noData = Buffer.alloc(0);

export class Heartbeat {
  readonly #machine: WebSocketConnection;
  readonly #batch: SocketBatch;
  readonly #group: SessionGroup;
  /** Something has arrived since the last look, by {@link Heartbeat.dueMs} or {@link Heartbeat.expire}. */
  #heard = true;
  /** How much the kernel had taken at the last look, and whether more was waiting for it. */
  #takenBytes = 0;
  #waited = false;
  /** A ping has been sent into the present silence. */
  #pinged = false;
  /** When to call {@link Heartbeat.expire} next, as far as is known: {@link Heartbeat.dueMs} brings it up to date. */
  deadlineMs: number;

  constructor(machine: WebSocketConnection, batch: SocketBatch, group: SessionGroup) {
    this.#machine = machine;
    this.#batch = batch;
    this.#group = group;
    this.deadlineMs = group.after(group.timeouts.heartbeatMs);
  }

  /**
   * Something has arrived. This runs every time, so it only sets a flag, and neither touches a timer nor looks at the
   * clock.
   */
  hear(): void {
    this.#heard = true;
  }

  /**
   * When the time is up. The group asks at every tick, and a peer that was heard since the last one gets its whole time
   * again.
   */
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
   * @returns false if the peer has been silent for too long
   */
  expire(listening: boolean): boolean {
    const { heartbeatMs, pongMs } = this.#group.timeouts;
    const silent = listening && !this.#heard;
    if (silent && this.#pinged) return false;
    this.#heard = false;
    this.#pinged = silent;
    if (silent) this.#batch.write(this.#machine.send({ type: 'ping', data: noData }));
    this.deadlineMs = this.#group.after(silent ? pongMs : heartbeatMs);
    return true;
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
