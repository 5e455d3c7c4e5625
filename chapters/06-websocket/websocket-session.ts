/**
 * A WebSocket on a socket: the driver between the socket and a WebSocketConnection.
 *
 * It reads, feeds, acts and writes. What bytes mean is the machine's business; what to send when is decided by the
 * outbox, the heartbeat, the ping guard and the closing handshake. Here they meet the socket.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import type { Socket } from 'node:net';

import { closeCodes } from './close-codes.ts';
import { ClosingHandshake } from './closing-handshake.ts';
import { Heartbeat } from './heartbeat.ts';
import { Inbox } from './inbox.ts';
import { Outbox } from './outbox.ts';
import { PingGuard } from './ping-guard.ts';
import { readSocket } from './read-socket.ts';
import type { SocketReader } from './read-socket.ts';
import type { GroupMember, SessionGroup } from './session-group.ts';
import { SocketBatch } from './socket-batch.ts';
import type { WebSocketConnection } from './websocket-connection.ts';
import { WebSocketError } from './websocket-error.ts';
import type { WebSocketMessage } from './websocket-types.ts';

/** How many bytes of messages one WebSocket hands over in one turn of the event loop, give or take one message. */
const TURN_BYTES_MAX = 256 * 1024;

export class WebSocketSession implements GroupMember, SocketReader {
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  readonly closing: ClosingHandshake;
  readonly #socket: Socket;
  readonly #machine: WebSocketConnection;
  readonly #group: SessionGroup;
  readonly #batch: SocketBatch;
  readonly #heartbeat: Heartbeat;
  /** Made for the first ping. */
  #pings: PingGuard | null = null;
  /** Nothing is read any more; what still arrives is dropped. */
  #ending = false;
  #running = false;
  /** Bytes of the messages that were handed over in this turn of the event loop. */
  #turnBytes = 0;
  /** The rest of the input waits for the next turn. */
  #yielding = false;

  /** @param socket without listeners; pass bytes that have already arrived to `receiveData` */
  constructor(socket: Socket, machine: WebSocketConnection, group: SessionGroup) {
    this.#socket = socket;
    this.#machine = machine;
    this.#group = group;
    this.#batch = new SocketBatch(socket);
    this.#heartbeat = new Heartbeat(machine, this.#batch, group);
    this.inbox = new Inbox(machine.limits);
    this.outbox = new Outbox(socket, machine, this.#batch, group.onError);
    this.closing = new ClosingHandshake(machine, this.#batch, group);
    // Frames are gathered here already: Nagle's algorithm would only hold them back.
    socket.setNoDelay(true);
    readSocket(socket, this);
    group.add(this);
  }

  // ── what the socket tells ──

  /** Bytes from the socket; also those that came with the handshake. */
  receiveData(chunk: Buffer): void {
    this.#heartbeat.hear();
    if (this.#ending) return;
    this.#machine.receiveData(chunk);
    this.#run();
  }

  receiveEnd(): void {
    // When both Close frames are there and the peer has ended its side, there is nothing left to do.
    if (this.#ending) this.#batch.end();
    else this.#machine.receiveEof();
    this.#run();
  }

  socketClosed(): void {
    if (this.closing.state === 'closed') return;
    this.#ending = true;
    this.#group.delete(this);
    this.#batch.closed();
    this.closing.finish();
    this.inbox.end();
  }

  // ── the loop ──

  /** Acts on everything that has arrived, then writes the answers. */
  #run(): void {
    if (this.#running || this.#yielding) return;
    this.#running = true;
    this.#batch.hold();
    try {
      while (this.#turnBytes < TURN_BYTES_MAX && this.#step());
    } catch (error) {
      this.fail(error);
    }
    this.#running = false;
    this.#batch.release();
    if (this.#turnBytes >= TURN_BYTES_MAX) this.#yield();
    else if (this.#full && !this.#ending) this.#socket.pause();
  }

  /**
   * Lets everybody else have their turn. A read of 64 KiB may hold hundreds of messages of a megabyte each once they are
   * inflated, and to read them all at once would take seconds.
   */
  #yield(): void {
    if (!this.#ending) this.#socket.pause();
    this.#yielding = true;
    setImmediate(() => {
      this.#yielding = false;
      this.#turnBytes = 0;
      this.readOn();
    });
  }

  /** Acts on one event; false when there is nothing to do now. */
  #step(): boolean {
    if (this.#ending || this.#full) return false;
    const event = this.#machine.nextEvent();
    switch (event.type) {
      case 'message':
        this.#turnBytes += event.data.length;
        if (this.closing.state === 'open') this.inbox.push(event.data);
        return true;
      case 'ping':
        this.#pings ??= new PingGuard(this.#machine, this.#batch);
        this.#pings.receive(event.data, performance.now());
        return true;
      case 'pong': // That it has come is all that it says.
        return true;
      case 'close':
        this.closing.receive(event);
        // RFC 6455 §7.1.1: the server ends the connection first; a client waits for that.
        this.#end(this.#machine.role === 'server');
        return false;
      case 'end':
        this.#socket.destroy();
        return false;
      case 'need-more-data':
        return false;
      default:
        return event satisfies never;
    }
  }

  get #full(): boolean {
    return this.closing.state === 'open' && this.inbox.full;
  }

  pause(): void {
    this.inbox.paused = true;
    if (this.closing.state === 'open') this.#socket.pause();
  }

  resume(): void {
    this.inbox.paused = false;
    this.readOn();
  }

  /** Reads on, if nothing prevents it any more. */
  readOn(): void {
    if (this.#full || this.#ending || this.#yielding) return;
    this.#run();
    if (!this.#full && !this.#yielding && this.#socket.isPaused()) this.#socket.resume();
  }

  /** Messages go to the listener from now on, beginning with those that already wait. */
  listen(listener: ((message: WebSocketMessage) => void) | null): void {
    this.inbox.listener = listener;
    try {
      this.inbox.handOver();
    } catch (error) {
      this.fail(error);
    }
    if (listener !== null) this.readOn();
  }

  // ── the end ──

  /** When to call {@link WebSocketSession.expire}: for the closing handshake, or else for the heartbeat. */
  get deadlineMs(): number {
    return this.closing.state === 'open' ? this.#heartbeat.dueMs() : this.closing.deadlineMs;
  }

  expire(): void {
    const open = this.closing.state === 'open';
    if (!open || !this.#heartbeat.expire(!this.#socket.isPaused())) this.#socket.destroy();
  }

  close(code: number, reason: string): void {
    if (this.closing.state !== 'open') return;
    // TODO 6.5  Here our Close frame comes first (A84, `closing`). The peer's must be able to arrive, even if the
    //           application has paused reading.
    throw new NotImplemented('6.5');
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** The one place where errors become actions: the peer's faults close with their code, all others with 1011. */
  fail(error: unknown): void {
    if (error instanceof WebSocketError) {
      this.closing.fail(error.closeCode, error.message);
    } else {
      this.#group.onError(error);
      this.closing.fail(closeCodes.internalError, '');
    }
    this.#end(true);
  }

  /**
   * Nothing more is read or sent. What still arrives is dropped until the peer has ended its side: a socket that is
   * closed with unread input sends an RST, which can destroy the Close frame on its way.
   */
  #end(endSocket: boolean): void {
    this.#ending = true;
    this.inbox.end();
    if (endSocket) this.#batch.end();
    else this.#batch.flush();
    if (this.#socket.isPaused()) this.#socket.resume();
  }
}
