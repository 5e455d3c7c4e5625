/**
 * A room of the chat: who is there, what was said last, and who hears it: members through their WebSockets, readers
 * through server-sent events. Both get the same events.
 */

import { sameName } from './chat-input.ts';
import type { ChatLimits } from './chat-input.ts';
import { EventSourceSender } from './event-source.ts';
import { encodeEvent } from './event-stream.ts';
import { Room } from './room.ts';
import type { WebSocketPeer } from './websocket-types.ts';

export interface ChatMessage {
  readonly type: 'message';
  /** A client that comes back names the last one that it saw. */
  readonly id: string;
  readonly name: string;
  readonly text: string;
  /** ISO 8601. */
  readonly time: string;
}

/** Somebody has come or gone, and who is there now. */
export interface ChatPresence {
  readonly type: 'joined' | 'left';
  readonly name: string;
  readonly names: readonly string[];
}

/** The first thing that a member hears. */
export interface ChatWelcome {
  readonly type: 'welcome';
  readonly name: string;
  readonly names: readonly string[];
  /** The messages after the one that was seen last, or as many of them as are remembered. */
  readonly history: readonly ChatMessage[];
}

interface Member {
  readonly name: string;
}

/** A member's place. A page that has the key, which no other page knows, may take it over. */
interface Place {
  readonly peer: WebSocketPeer;
  readonly key: string;
}

/** After a restart, earlier ids mean nothing: new ones begin differently. */
const EPOCH = Date.now().toString(36);

export class ChatRoom {
  readonly #limits: ChatLimits;
  readonly #members: Room<Member>;
  readonly #places = new Map<string, Place>();
  readonly #readers = new Set<EventSourceSender>();
  readonly #history: ChatMessage[] = [];
  #said = 0;

  constructor(limits: ChatLimits) {
    this.#limits = limits;
    this.#members = new Room<Member>({ onLeave: ({ name }, peer) => this.#left(name, peer) });
  }

  get names(): string[] {
    return this.#members.presences().map(({ name }) => name);
  }

  get empty(): boolean {
    return this.#members.size === 0 && this.#readers.size === 0;
  }

  get full(): boolean {
    return this.#members.size + this.#readers.size >= this.#limits.membersMax;
  }

  /** Adds a member. False if somebody else has the name: case does not matter, as it does not to people. */
  join(peer: WebSocketPeer, name: string, key: string, since: string): boolean {
    const before = this.#places.get(sameName(name));
    if (before !== undefined && before.key !== key) return false;
    // The earlier connection, which nobody has noticed is dead. The others need not hear of it.
    this.#places.set(sameName(name), { peer, key });
    if (before !== undefined) this.#dismiss(before.peer);
    this.#members.join(peer, { name });
    const welcome: ChatWelcome = { type: 'welcome', name, names: this.names, history: this.since(since) };
    peer.send(JSON.stringify(welcome));
    if (before === undefined) this.#tell({ type: 'joined', name, names: this.names });
    return true;
  }

  leave(peer: WebSocketPeer): void {
    this.#members.leave(peer);
  }

  say(name: string, text: string): void {
    const id = `${EPOCH}-${++this.#said}`;
    const message: ChatMessage = { type: 'message', id, name, text, time: new Date().toISOString() };
    this.#history.push(message);
    if (this.#history.length > this.#limits.historyMax) this.#history.shift();
    this.#tell(message);
  }

  /** The messages after this one, or as many of them as are remembered. */
  since(id: string): ChatMessage[] {
    const at = this.#history.findIndex((message) => message.id === id);
    // Not remembered: it was too long ago, or before a restart.
    return this.#history.slice(at + 1);
  }

  /** A stream of the room's events, beginning with the messages after this one. Call {@link ChatRoom.unread} when it ends. */
  read(lastEventId: string): EventSourceSender {
    const reader = new EventSourceSender({ retryMs: 2000 });
    for (const message of this.since(lastEventId)) reader.push(encoded(message));
    this.#readers.add(reader);
    return reader;
  }

  unread(reader: EventSourceSender): void {
    this.#readers.delete(reader);
  }

  #dismiss(peer: WebSocketPeer): void {
    this.#members.leave(peer);
    peer.close(4000, 'you have joined from another page');
  }

  #left(name: string, peer: WebSocketPeer): void {
    // Not if the place has been taken over.
    if (this.#places.get(sameName(name))?.peer !== peer) return;
    this.#places.delete(sameName(name));
    this.#tell({ type: 'left', name, names: this.names });
  }

  #tell(event: ChatMessage | ChatPresence): void {
    this.#members.broadcast(JSON.stringify(event));
    if (this.#readers.size === 0) return;
    const bytes = encoded(event);
    for (const reader of this.#readers) reader.push(bytes);
  }
}

function encoded(event: ChatMessage | ChatPresence): Buffer {
  const data = JSON.stringify(event);
  return encodeEvent(event.type === 'message' ? { event: event.type, data, id: event.id } : { event: event.type, data });
}
