/** Notes in memory, and what may be in one. Knows nothing about HTTP except its errors. */

import { HttpError } from '../02-http/index.ts';

export interface Note {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  /** When it was last changed, in ISO 8601. */
  readonly changed: string;
}

/** The parts of a note that a client may set. */
export type NoteChange = Partial<Pick<Note, 'title' | 'text'>>;

const CHARACTERS_MAX = { title: 200, text: 10_000 } as const;

export class Notebook {
  readonly #notes = new Map<string, Note>();
  readonly #notesMax: number;
  #lastId = 0;

  constructor(notesMax: number) {
    this.#notesMax = notesMax;
  }

  /** The newest first. */
  list(): Note[] {
    return [...this.#notes.values()].reverse();
  }

  read(id: string): Note | undefined {
    return this.#notes.get(id);
  }

  /** @throws HttpError 400 without a title, 507 when there is no room */
  create({ title, text = '' }: NoteChange): Note {
    if (title === undefined) throw new HttpError(400, 'a note has a title');
    if (this.#notes.size >= this.#notesMax) throw new HttpError(507, `there are ${this.#notesMax} notes already`);
    const note = { id: String(++this.#lastId), title, text, changed: new Date().toISOString() };
    this.#notes.set(note.id, note);
    return note;
  }

  /** Changes the parts that are given and leaves the rest. The note must exist. */
  change(id: string, change: NoteChange): Note {
    const note = { ...this.#notes.get(id)!, ...change, changed: new Date().toISOString() };
    this.#notes.set(id, note);
    return note;
  }

  delete(id: string): void {
    this.#notes.delete(id);
  }
}

/** Checks what a client has sent. @throws HttpError 400 with a sentence */
export function parseChange(value: unknown): NoteChange {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new HttpError(400, 'a note is an object');
  const change: { title?: string; text?: string } = {};
  for (const [name, content] of Object.entries(value)) {
    if (name !== 'title' && name !== 'text') throw new HttpError(400, 'a note has a title and a text, no more');
    if (typeof content !== 'string') throw new HttpError(400, `the ${name} is a string`);
    const max = CHARACTERS_MAX[name];
    if (content.length > max) throw new HttpError(400, `the ${name} has at most ${max} characters`);
    change[name] = content;
  }
  if (change.title?.trim() === '') throw new HttpError(400, 'the title is empty');
  return change;
}
