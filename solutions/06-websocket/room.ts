/**
 * A room: peers that are sent the same messages. Each message is encoded once for all of them.
 *
 * A member that reads too slowly must not cost the others anything: beyond a number of waiting bytes it misses messages,
 * or has to go.
 */

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
    const shared = new SharedMessage(message);
    let slow: WebSocketPeer[] | null = null;
    let count = 0;
    for (const peer of this.#members.keys()) {
      if (peer === except || peer.state !== 'open') continue;
      if (peer.bufferedBytes > this.#bufferedBytesMax) {
        (slow ??= []).push(peer);
        continue;
      }
      peer.send(shared);
      count++;
    }
    // Not within the loop: code that is told that a member has left may say so to the room.
    if (slow !== null && this.#options.slowReaders !== 'drop') this.#dismiss(slow);
    return count;
  }

  #dismiss(peers: readonly WebSocketPeer[]): void {
    // All are closed before the first one leaves: what the room is told about that must not be sent to the others, or
    // dismiss them again.
    for (const peer of peers) peer.close(closeCodes.tryAgainLater, 'reads too slowly');
    for (const peer of peers) this.leave(peer);
  }
}
