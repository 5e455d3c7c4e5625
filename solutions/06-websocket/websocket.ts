/**
 * A WebSocket on a socket: the driver that stands between the socket and a WebSocketConnection.
 *
 * It reads, feeds, acts and writes; it answers pings and Close frames, keeps the heartbeat, and ends the connection. What
 * bytes mean is the machine's business, not ours.
 */

import type { Socket } from 'node:net';

import { closeCodes } from './close-codes.ts';
import type { CloseEvent } from './connection-events.ts';
import { Inbox } from './inbox.ts';
import { PingGuard } from './ping-guard.ts';
import { readSocket } from './read-socket.ts';
import type { SocketReader } from './read-socket.ts';
import type { GroupMember, SessionGroup } from './session-group.ts';
import type { SharedMessage } from './shared-message.ts';
import { SocketBatch } from './socket-batch.ts';
import type { WebSocketConnection } from './websocket-connection.ts';
import { WebSocketError } from './websocket-error.ts';
import type { WebSocketClosure, WebSocketMessage, WebSocketPeer } from './websocket-types.ts';

const noData = Buffer.alloc(0);

export class WebSocketSession implements WebSocketPeer, GroupMember, SocketReader {
  readonly subprotocol: string;
  readonly #socket: Socket;
  readonly #machine: WebSocketConnection;
  readonly #group: SessionGroup;
  readonly #batch: SocketBatch;
  readonly #inbox: Inbox;
  #pings: PingGuard | null = null;
  /** Made when it is first asked for. */
  #closed: Promise<WebSocketClosure> | null = null;
  #resolveClosed: ((closure: WebSocketClosure) => void) | null = null;
  /** How it has ended, as soon as that is known. */
  #closure: WebSocketClosure | null = null;
  #state: 'open' | 'closing' | 'closed' = 'open';
  /** Nothing is read any more; what still arrives is dropped. */
  #ending = false;
  #running = false;
  #pausedByApplication = false;
  /** Something has arrived since the heartbeat was last looked at. */
  #heard = true;
  #pinged = false;
  deadlineMs: number;

  /** @param socket without listeners; what it has brought already is for {@link WebSocketSession.receiveData} */
  constructor(socket: Socket, machine: WebSocketConnection, group: SessionGroup, subprotocol: string) {
    this.#socket = socket;
    this.#machine = machine;
    this.#group = group;
    this.subprotocol = subprotocol;
    this.#batch = new SocketBatch(socket);
    this.#inbox = new Inbox(machine.limits);
    // Frames are gathered here already: Nagle's algorithm would only hold them back.
    socket.setNoDelay(true);
    readSocket(socket, this);
    group.add(this);
    this.deadlineMs = group.after(group.timeouts.heartbeatMs);
  }

  // ── for applications ──

  get state(): 'open' | 'closing' | 'closed' {
    return this.#state;
  }

  get closed(): Promise<WebSocketClosure> {
    return (this.#closed ??= new Promise((resolve) => {
      if (this.#state === 'closed') resolve(this.#closure!);
      else this.#resolveClosed = resolve;
    }));
  }

  get bufferedBytes(): number {
    return this.#batch.bufferedBytes;
  }

  get onMessage(): ((message: WebSocketMessage) => void) | null {
    return this.#inbox.listener;
  }

  set onMessage(listener: ((message: WebSocketMessage) => void) | null) {
    this.#inbox.listener = listener;
    if (listener !== null) this.#handOver(listener);
  }

  send(message: string | Uint8Array | SharedMessage): boolean {
    if (this.#state !== 'open') return false;
    const batch = this.#batch;
    if (message instanceof Uint8Array) {
      for (const part of this.#machine.sendParts({ type: 'message', data: message })) batch.write(part);
    } else {
      batch.write(this.#machine.send({ type: 'message', data: message }));
    }
    const { bufferedBytes } = batch;
    if (bufferedBytes <= this.#machine.limits.highWaterBytes) return true;
    if (bufferedBytes > this.#machine.limits.bufferedBytesMax) this.destroy();
    return false;
  }

  drained(): boolean | Promise<boolean> {
    if (this.#state !== 'open') return false;
    if (this.#batch.bufferedBytes <= this.#machine.limits.highWaterBytes) return true;
    return this.#batch.sent().then((sent) => (sent ? this.drained() : false));
  }

  async receive(): Promise<WebSocketMessage | null> {
    const message = this.#inbox.shift();
    if (message === undefined) return this.#inbox.wait();
    if (this.#inbox.length === 0) this.#readOn();
    return message;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WebSocketMessage, void> {
    for (;;) {
      const message = await this.receive();
      if (message === null) return;
      yield message;
    }
  }

  pause(): void {
    this.#pausedByApplication = true;
    if (this.#state === 'open') this.#socket.pause();
  }

  resume(): void {
    this.#pausedByApplication = false;
    this.#readOn();
  }

  close(code: number = closeCodes.normal, reason = ''): void {
    if (this.#state !== 'open') return;
    this.#batch.write(this.#machine.send({ type: 'close', code, reason }));
    this.#beginClosing();
    // The peer's Close frame has to be read, whoever had stopped the reading; messages before it are dropped.
    this.#readOn();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  // ── what the socket tells ──

  /** For the socket, and for bytes that came with the handshake. @internal */
  receiveData(chunk: Buffer): void {
    this.#heard = true;
    if (this.#ending) return;
    this.#machine.receiveData(chunk);
    this.#run();
  }

  /** For the socket. @internal */
  receiveEnd(): void {
    if (this.#ending) {
      // Both Close frames are there, and the peer has ended its side: nothing is left to do.
      if (!this.#socket.writableEnded) this.#socket.end();
      return;
    }
    this.#machine.receiveEof();
    this.#run();
  }

  /** For the socket. @internal */
  socketClosed(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#ending = true;
    this.#group.delete(this);
    this.#batch.closed();
    this.#inbox.end();
    this.#closure ??= { code: closeCodes.abnormal, reason: '', clean: false };
    this.#resolveClosed?.(this.#closure);
  }

  // ── the loop ──

  /** Acts on everything that has arrived, then writes what that gave. */
  #run(): void {
    if (this.#running) return;
    this.#running = true;
    this.#batch.hold();
    try {
      while (this.#step());
    } catch (error) {
      this.fail(error);
    }
    this.#running = false;
    this.#batch.release();
    if (this.#full && !this.#ending) this.#socket.pause();
  }

  /** Acts on one event; false when there is nothing to do now. */
  #step(): boolean {
    if (this.#ending || this.#full) return false;
    const event = this.#machine.nextEvent();
    switch (event.type) {
      case 'message':
        if (this.#state === 'open') this.#inbox.push(event.data);
        return true;
      case 'ping':
        this.#answer(event.data);
        return true;
      case 'pong':
        // That it has come is all that it says.
        return true;
      case 'close':
        this.#onCloseFrame(event);
        return false;
      case 'end':
        // RFC 6455 §7.1.5: without a Close frame the code is 1006.
        this.#socket.destroy();
        return false;
      case 'need-more-data':
        return false;
      default:
        return event satisfies never;
    }
  }

  get #full(): boolean {
    return this.#state === 'open' && (this.#pausedByApplication || this.#inbox.full);
  }

  /** Reads on, if nothing stands against it any more. */
  #readOn(): void {
    if (this.#full || this.#ending) return;
    this.#run();
    if (!this.#full && this.#socket.isPaused()) this.#socket.resume();
  }

  #handOver(listener: (message: WebSocketMessage) => void): void {
    try {
      for (let message = this.#inbox.shift(); message !== undefined; message = this.#inbox.shift()) listener(message);
    } catch (error) {
      this.fail(error);
    }
    this.#readOn();
  }

  // ── control frames ──

  #answer(ping: Buffer): void {
    // RFC 6455 §5.5.2: not after a Close frame.
    if (this.#state !== 'open') return;
    this.#pings ??= new PingGuard(this.#machine.limits);
    const waited = this.#pings.waiting;
    if (this.#pings.received(ping, performance.now(), this.#batch.blocked)) {
      this.#batch.write(this.#machine.send({ type: 'pong', data: ping }));
    } else if (!waited) {
      void this.#batch.sent().then(() => this.#answerNewest());
    }
  }

  #answerNewest(): void {
    const newest = this.#pings?.takeNewest() ?? null;
    if (newest !== null && this.#state === 'open') this.#batch.write(this.#machine.send({ type: 'pong', data: newest }));
  }

  #onCloseFrame({ code, reason }: CloseEvent): void {
    this.#closure = { code, reason, clean: true };
    if (this.#machine.state === 'close-received') {
      // RFC 6455 §5.5.1: it is answered, typically by the same code.
      this.#batch.write(this.#machine.send({ type: 'close', code }));
      this.#beginClosing();
    }
    // RFC 6455 §7.1.1: the server ends the connection first; a client waits for that.
    this.#end(this.#machine.role === 'server');
  }

  // ── the end ──

  /**
   * The one place where errors become actions: the peer's faults close with their code, all others with 1011.
   *
   * @internal
   */
  fail(error: unknown): void {
    const ours = !(error instanceof WebSocketError);
    if (ours) this.#group.onError(error);
    const code = ours ? closeCodes.internalError : error.closeCode;
    const reason = ours ? '' : error.message;
    if (this.#machine.state === 'open' || this.#machine.state === 'failed') {
      this.#batch.write(this.#machine.send({ type: 'close', code, reason }));
    }
    this.#closure ??= { code, reason, clean: false };
    this.#beginClosing();
    this.#end(true);
  }

  #beginClosing(): void {
    if (this.#state === 'open') this.#state = 'closing';
    this.deadlineMs = this.#group.after(this.#group.timeouts.closeMs);
  }

  /**
   * Nothing more is read or sent. What still arrives is dropped until the peer has ended its side, for a socket that is
   * closed with unread input answers by RST, which can destroy the Close frame on its way.
   */
  #end(endSocket: boolean): void {
    this.#ending = true;
    this.#inbox.end();
    this.#batch.flush();
    if (endSocket) this.#socket.end();
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  // ── deadlines ──

  /** The deadline has passed: of the closing handshake, or of the peer's silence. */
  expire(): void {
    const { heartbeatMs, pongMs } = this.#group.timeouts;
    if (this.#state !== 'open' || (this.#pinged && !this.#heard && !this.#socket.isPaused())) {
      this.#socket.destroy();
      return;
    }
    // Whoever is not read from cannot be heard.
    this.#pinged = !this.#heard && !this.#socket.isPaused();
    this.#heard = false;
    if (this.#pinged) this.#batch.write(this.#machine.send({ type: 'ping', data: noData }));
    this.deadlineMs = this.#group.after(this.#pinged ? pongMs : heartbeatMs);
  }
}
