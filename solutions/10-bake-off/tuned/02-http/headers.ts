/**
 * A set of header fields: order and duplicates kept, names in upper or lower case (RFC 9110 §5).
 *
 * It holds the text of the head and four offsets for each field; a name or value becomes a string when it is asked
 * for. Most handlers ask for none of a request's twelve fields, and slicing them all would cost more than parsing them.
 */

import { equalsIgnoringCase } from './characters.ts';
import { lowerCaseFieldName } from './field-name.ts';

/** A field name and its value. */
export type HeaderPair = readonly [name: string, value: string];

export class HttpHeaders implements Iterable<HeaderPair> {
  readonly #text: string;
  /** For each field: where its name begins and ends, where its value begins and ends. */
  readonly #offsets: readonly number[];

  /** From text that has been parsed; use {@link HttpHeaders.from} for pairs. */
  constructor(text = '', offsets: readonly number[] = []) {
    this.#text = text;
    this.#offsets = offsets;
  }

  /** The headers that these pairs make. Nothing is checked. */
  static from(pairs: Iterable<HeaderPair>): HttpHeaders {
    const offsets: number[] = [];
    let text = '';
    for (const [name, value] of pairs) {
      const start = text.length;
      text += name + value;
      offsets.push(start, start + name.length, start + name.length, text.length);
    }
    return new HttpHeaders(text, offsets);
  }

  /** How many field lines there are. */
  get size(): number {
    return this.#offsets.length / 4;
  }

  /** The value of a field; several lines are joined by a comma (RFC 9110 §5.3). `undefined` if there is none. */
  get(name: string): string | undefined {
    const first = this.#find(name, 0);
    if (first === -1) return undefined;
    const second = this.#find(name, first + 4);
    return second === -1 ? this.#value(first) : this.getAll(name).join(', ');
  }

  /** The values of a field, one for each line, in their order. */
  getAll(name: string): string[] {
    const values: string[] = [];
    for (let at = this.#find(name, 0); at !== -1; at = this.#find(name, at + 4)) values.push(this.#value(at));
    return values;
  }

  has(name: string): boolean {
    return this.#find(name, 0) !== -1;
  }

  /** Every field line, in the order and with the case of the wire. */
  *[Symbol.iterator](): IterableIterator<HeaderPair> {
    for (let at = 0; at < this.#offsets.length; at += 4) yield [this.#name(at), this.#value(at)];
  }

  /** Like {@link HttpHeaders[Symbol.iterator]}, as a list. */
  pairs(): HeaderPair[] {
    const pairs: HeaderPair[] = [];
    for (let at = 0; at < this.#offsets.length; at += 4) pairs.push([this.#name(at), this.#value(at)]);
    return pairs;
  }

  /** One value for each lower-case name, in an object without a prototype; several lines are joined by a comma. */
  toObject(): Record<string, string> {
    const object: Record<string, string> = Object.create(null);
    for (let at = 0; at < this.#offsets.length; at += 4) {
      const name = lowerCaseFieldName(this.#name(at));
      const before = object[name];
      object[name] = before === undefined ? this.#value(at) : `${before}, ${this.#value(at)}`;
    }
    return object;
  }

  #find(name: string, from: number): number {
    const offsets = this.#offsets;
    for (let at = from; at < offsets.length; at += 4) {
      const start = offsets[at]!;
      if (offsets[at + 1]! - start === name.length && equalsIgnoringCase(this.#text, start, name)) return at;
    }
    return -1;
  }

  #name(at: number): string {
    return this.#text.substring(this.#offsets[at]!, this.#offsets[at + 1]!);
  }

  #value(at: number): string {
    return this.#text.substring(this.#offsets[at + 2]!, this.#offsets[at + 3]!);
  }
}

/** No fields at all. */
export const noHeaders: HttpHeaders = new HttpHeaders();
