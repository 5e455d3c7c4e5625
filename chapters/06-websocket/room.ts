/**
 * A room: peers that are sent the same messages. Each message is encoded once for all of them.
 *
 * A member that reads too slowly must not cost the others anything: beyond a number of waiting bytes it misses messages,
 * or has to go.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { reportDetached } from '../01-echo/index.ts';
import { closeCodes } from './close-codes.ts';
import { SharedMessage } from './shared-message.ts';
import type { WebSocketPeer } from './websocket-types.ts';

export interface RoomOptions<Presence> {
  /**
   * What happens to a member for which too much waits: `drop`, it misses this message; `close` (default), it is closed
   * with 1013 and may come again. In most rooms it is better to leave and come again than to miss something.
   */
  readonly slowReaders?: 'drop' | 'close';
  /** Bytes that may wait for a member. Default 1 MiB. */
  readonly bufferedBytesMax?: number;
  /** A member has come; it is among the members already. */
  readonly onJoin?: (presence: Presence, peer: WebSocketPeer) => void;
  /** A member has gone; it is not among the members any more. */
  readonly onLeave?: (presence: Presence, peer: WebSocketPeer) => void;
}

/** `Presence` is what the others may know of a member: a name, a colour. */
export class Room<Presence = string> {
  readonly #options: RoomOptions<Presence>;
  readonly #bufferedBytesMax: number;
  readonly #members = new Map<WebSocketPeer, Presence>();

  constructor(options: RoomOptions<Presence> = {}) {
    this.#options = options;
    this.#bufferedBytesMax = options.bufferedBytesMax ?? 1024 * 1024;
  }

  get size(): number {
    return this.#members.size;
  }

  has(peer: WebSocketPeer): boolean {
    return this.#members.has(peer);
  }

  /** What is known about the members, in the order in which they came. */
  presences(): Presence[] {
    return [...this.#members.values()];
  }

  /** Adds a peer, until it leaves or its WebSocket ends. One that is a member already gets a new presence. */
  join(peer: WebSocketPeer, presence: Presence): void {
    const known = this.#members.has(peer);
    this.#members.set(peer, presence);
    if (known) return;
    // What `onLeave` throws must not end the process: nobody has called us here.
    peer.closed.then(() => this.leave(peer)).catch(reportDetached);
    this.#options.onJoin?.(presence, peer);
  }

  /** Removes a peer. Returns whether it was a member. */
  leave(peer: WebSocketPeer): boolean {
    const presence = this.#members.get(peer);
    if (!this.#members.delete(peer)) return false;
    this.#options.onLeave?.(presence as Presence, peer);
    return true;
  }

  /**
   * Sends a message to every member whose WebSocket is open.
   *
   * @param except a member that is left out: the one that said it
   * @returns to how many members it was sent
   */
  broadcast(message: string | Uint8Array, except?: WebSocketPeer): number {
    // TODO 6.6  Make one SharedMessage for all members. A member for which more than `#bufferedBytesMax` bytes wait is
    //           not sent it. `slowReaders` says what else happens to that member, but only after everybody else has
    //           been sent the message.
    throw new NotImplemented('6.6');
  }

  #dismiss(peers: readonly WebSocketPeer[]): void {
    // TODO 6.6  Close these members with 1013 and let them leave, without waiting for their answer. What `onLeave` says
    //           to the room must not reach any of them.
    throw new NotImplemented('6.6');
  }
}
