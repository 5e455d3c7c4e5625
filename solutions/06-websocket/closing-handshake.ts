/**
 * The closing handshake of one WebSocket (RFC 6455 §7): which Close frames are sent, how long the peer then has, and
 * how it all ended.
 *
 * Each side sends one Close frame. Ours is the first (`begin`), or the answer to the peer's (`receive`), or says why we
 * fail the connection (`fail`). The two may cross on the way, in which case neither is answered, and the peer may never
 * answer at all. So there is one deadline, which starts with our frame and is never moved.
 *
 * The owner of the socket ends the connection; this file only remembers how it ended.
 */

import { closeCodes } from './close-codes.ts';
import type { CloseEvent } from './connection-events.ts';
import type { SessionGroup } from './session-group.ts';
import type { SocketBatch } from './socket-batch.ts';
import type { WebSocketConnection } from './websocket-connection.ts';
import type { WebSocketClosure } from './websocket-types.ts';

export class ClosingHandshake {
  readonly #machine: WebSocketConnection;
  readonly #batch: SocketBatch;
  readonly #group: SessionGroup;
  /** Made when it is first asked for. */
  #closed: Promise<WebSocketClosure> | null = null;
  #resolveClosed: ((closure: WebSocketClosure) => void) | null = null;
  /** How it has ended, as soon as that is known. */
  #closure: WebSocketClosure | null = null;
  #finished = false;
  /** When the connection is to be cut. */
  deadlineMs = Infinity;

  constructor(machine: WebSocketConnection, batch: SocketBatch, group: SessionGroup) {
    this.#machine = machine;
    this.#batch = batch;
    this.#group = group;
  }

  /**
   * Worked out from the machine and the socket whenever it is asked for. A copy could say `open` for a turn longer than
   * the machine does, and sending anything then would be an error.
   */
  get state(): 'open' | 'closing' | 'closed' {
    if (this.#finished) return 'closed';
    return this.#machine.state === 'open' && !this.#batch.cut ? 'open' : 'closing';
  }

  get closed(): Promise<WebSocketClosure> {
    return (this.#closed ??= new Promise((resolve) => {
      if (this.#finished) resolve(this.#closure!);
      else this.#resolveClosed = resolve;
    }));
  }

  /** Sends our Close frame. @throws LocalProtocolError for a code that must not be sent, or for a reason too long */
  begin(code: number, reason: string): void {
    this.#batch.write(this.#machine.send({ type: 'close', code, reason }));
    this.#beginWaiting();
  }

  /** The peer's Close frame has come. */
  receive({ code, reason }: CloseEvent): void {
    this.#closure = { code, reason, clean: true };
    // RFC 6455 §5.5.1: unless it is itself an answer, it is answered, typically with the same code.
    if (this.#machine.state === 'close-received') this.begin(code, '');
  }

  /**
   * RFC 6455 §7.1.7, "Fail the WebSocket Connection": sends a Close frame if that is still allowed, and does not wait
   * for an answer.
   */
  fail(code: number, reason: string): void {
    const { state } = this.#machine;
    this.#closure ??= { code, reason, clean: false };
    if (state === 'open' || state === 'failed') this.begin(code, reason);
    else this.#beginWaiting();
  }

  /** The connection has ended. */
  finish(): void {
    this.#finished = true;
    // RFC 6455 §7.1.5: without a Close frame the code is 1006.
    this.#closure ??= { code: closeCodes.abnormal, reason: '', clean: false };
    this.#resolveClosed?.(this.#closure);
  }

  #beginWaiting(): void {
    // Nothing that arrives after our Close frame, not even a broken frame, buys the peer more time.
    if (this.deadlineMs === Infinity) this.deadlineMs = this.#group.after(this.#group.timeouts.closeMs);
  }
}
