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

/** A name that can be seen, in the same form as others that look the same; `null` if it is not a name. */
export function parseName(text: string, { nameLengthMax }: ChatLimits): string | null {
  const name = text.normalize('NFC').replace(/\s+/g, ' ').trim();
  if ([...name].length > nameLengthMax) return null;
  // Some characters are invisible by themselves and still belong in a name: in an emoji, and between letters of scripts
  // that need them.
  const visible = name.replace(EMOJI, '*').replace(JOINED, '');
  return INVISIBLE.test(visible) || !/[^\s\p{M}]/u.test(visible) ? null : name;
}

/** The same text for two names that people take for one: without case, and without what cannot be seen. */
export function sameName(name: string): string {
  return name.toLowerCase().replace(/\p{Default_Ignorable_Code_Point}/gu, '');
}

/** A room's name: only what a URL can carry unescaped. */
export function parseRoomName(text: string): string | null {
  return /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/.test(text) ? text : null;
}

/** The text of a message; `null` if it is empty or too long. */
export function parseText(value: unknown, { textLengthMax }: ChatLimits): string | null {
  if (typeof value !== 'string') return null;
  const text = value.replace(/\r\n?/g, '\n').trimEnd();
  return text.trim() === '' || text.length > textLengthMax ? null : text;
}

/** Families are several people and joiners (U+200D), hearts a sign and a selector (U+FE0F), flags of regions are tags. */
const EMOJI = /\p{RGI_Emoji}/gv;

/**
 * Persian separates letters with U+200C; Indian scripts ask for another shape with it or with U+200D. Each is between
 * two letters.
 */
const JOINING = '\\p{scx=Arab}\\p{scx=Syrc}\\p{scx=Mong}\\p{scx=Nkoo}\\p{scx=Deva}\\p{scx=Beng}\\p{scx=Guru}\\p{scx=Gujr}\\p{scx=Orya}'
  + '\\p{scx=Taml}\\p{scx=Telu}\\p{scx=Knda}\\p{scx=Mlym}\\p{scx=Sinh}\\p{scx=Khmr}\\p{scx=Mymr}';
const JOINED = new RegExp(`(?<=[${JOINING}])[\\u200c\\u200d](?=[${JOINING}])`, 'gu');

/**
 * Controls, characters that turn the direction of the text around them, those that Unicode says are not shown (fillers,
 * joiners, selectors), and signs that are shown as nothing: a blank Braille pattern, a note without a head.
 */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\u{1d159}]/u;
