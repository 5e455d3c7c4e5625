/**
 * A room: peers that are sent the same messages. Each message is encoded once for all of them.
 *
 * A member that reads too slowly must not cost the others anything: beyond a number of waiting bytes it misses messages,
 * or has to go.
 */

import { closeCodes } from './close-codes.ts';
import { SharedMessage } from './shared-message.ts';
import type { WebSocketPeer } from './websocket-types.ts';

export interface RoomOptions<Presence> {
  /**
   * What happens to a member for which too much waits: `drop`, it misses this message; `close` (default), it is closed
   * with 1013 and may come again. Missing nothing is worth more than staying, for most of what is said in rooms.
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

  /** What is known of the members, in the order of their coming. */
  presences(): Presence[] {
    return [...this.#members.values()];
  }

  /** Adds a peer, until it leaves or its WebSocket ends. One that is a member already gets a new presence. */
  join(peer: WebSocketPeer, presence: Presence): void {
    const known = this.#members.has(peer);
    this.#members.set(peer, presence);
    if (known) return;
    void peer.closed.then(() => this.leave(peer));
    this.#options.onJoin?.(presence, peer);
  }

  /** Whether it was a member. */
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
   * @returns how many were sent it
   */
  broadcast(message: string | Uint8Array, except?: WebSocketPeer): number {
    const shared = new SharedMessage(message);
    const open = [...this.#members.keys()].filter((peer) => peer !== except && peer.state === 'open');
    const waits = new Map(open.map((peer) => [peer, peer.bufferedBytes > this.#bufferedBytesMax]));
    const quick = open.filter((peer) => !waits.get(peer));
    for (const peer of quick) peer.send(shared);
    if (this.#options.slowReaders !== 'drop') this.#dismiss(open.filter((peer) => waits.get(peer)));
    return quick.length;
  }

  #dismiss(peers: readonly WebSocketPeer[]): void {
    const gone = peers.map((peer) => [this.#members.get(peer) as Presence, peer] as const);
    for (const peer of peers) this.#members.delete(peer);
    for (const peer of peers) peer.close(closeCodes.tryAgainLater, 'you read too slowly');
    for (const [presence, peer] of gone) this.#options.onLeave?.(presence, peer);
  }
}
