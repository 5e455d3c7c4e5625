/**
 * The chat's rooms. A room is made when somebody comes.
 */

import type { ChatLimits } from './chat-input.ts';
import { ChatRoom } from './chat-room.ts';

export class ChatRooms {
  readonly #limits: ChatLimits;
  readonly #rooms = new Map<string, ChatRoom>();

  constructor(limits: ChatLimits) {
    this.#limits = limits;
  }

  /** The room with this name, made now if there is none; `null` if there are too many rooms. */
  find(name: string): ChatRoom | null {
    const known = this.#rooms.get(name);
    if (known !== undefined) return known;
    if (this.#rooms.size >= this.#limits.roomsMax && !this.#forgetOne()) return null;
    const room = new ChatRoom(this.#limits);
    this.#rooms.set(name, room);
    return room;
  }

  /** Forgets the oldest room that nobody is in. */
  #forgetOne(): boolean {
    for (const [name, room] of this.#rooms) if (room.empty) return this.#rooms.delete(name);
    return false;
  }
}
