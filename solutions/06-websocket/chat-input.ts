/**
 * What people type into the chat, checked: names, rooms, messages. Nothing else of what clients send is believed.
 */

export interface ChatLimits {
  /** Characters of a name. */
  readonly nameLengthMax: number;
  /** Characters of a message. */
  readonly textLengthMax: number;
  /** Messages that a room remembers. */
  readonly historyMax: number;
  /** Members of a room, and readers of its events. */
  readonly membersMax: number;
  readonly roomsMax: number;
  /** Messages that a member may send within {@link ChatLimits.talkMs}. */
  readonly talkMax: number;
  readonly talkMs: number;
}

export const defaultChatLimits: ChatLimits = Object.freeze({
  nameLengthMax: 24,
  textLengthMax: 2000,
  historyMax: 100,
  membersMax: 200,
  roomsMax: 100,
  talkMax: 20,
  talkMs: 10_000,
});

/** A name without what cannot be seen, in one form for what looks the same; `null` for none. */
export function parseName(text: string, { nameLengthMax }: ChatLimits): string | null {
  const name = text.normalize('NFC').replace(/\s+/g, ' ').trim();
  return name === '' || [...name].length > nameLengthMax || INVISIBLE.test(name) ? null : name;
}

/** A room's name: only what a URL can carry unescaped. */
export function parseRoomName(text: string): string | null {
  return /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/.test(text) ? text : null;
}

/** What is said; `null` where it is nothing, or too much. */
export function parseText(value: unknown, { textLengthMax }: ChatLimits): string | null {
  if (typeof value !== 'string') return null;
  const text = value.replace(/\r\n?/g, '\n').trimEnd();
  return text.trim() === '' || text.length > textLengthMax ? null : text;
}

/** Controls, and what turns the direction of the text around it. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/u;
