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
    // TODO 6.5  This answers every Close frame. But each side sends only one (RFC 6455 §5.5.1), so the peer's may
    //           itself be the answer to ours. `#machine.state` tells you which it is (states.ts).
    this.#closure = { code, reason, clean: true };
    this.begin(code, '');
  }

  /**
   * RFC 6455 §7.1.7, "Fail the WebSocket Connection": sends a Close frame if that is still allowed, and does not wait
   * for an answer.
   */
  fail(code: number, reason: string): void {
    // TODO 6.5  This assumes that a Close frame may still be sent. In some states of the machine (states.ts) it may
    //           not. Then send nothing; the connection must still get its deadline.
    this.#closure ??= { code, reason, clean: false };
    this.begin(code, reason);
  }

  /** The connection has ended. */
  finish(): void {
    this.#finished = true;
    // RFC 6455 §7.1.5: without a Close frame the code is 1006.
    this.#closure ??= { code: closeCodes.abnormal, reason: '', clean: false };
    this.#resolveClosed?.(this.#closure);
  }

  #beginWaiting(): void {
    // TODO 6.5  The peer may never answer. Set `deadlineMs` to `closeMs` from now (`#group.after`). Once it is set,
    //           nothing that happens later may move it.
  }
}
