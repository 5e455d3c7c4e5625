/** A place in a text, and the smallest rules of RFC 9110 §5.6. */

import { RemoteProtocolError } from './errors.ts';

export class Cursor {
  at: number;
  readonly end: number;
  readonly text: string;

  constructor(text: string, start = 0, end: number = text.length) {
    this.text = text;
    this.at = start;
    this.end = end;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  peek(): string {
    return this.done ? '' : (this.text[this.at] as string);
  }

  /** Takes this text, or says no. */
  accept(wanted: string): boolean {
    if (this.at + wanted.length > this.end || !this.text.startsWith(wanted, this.at)) return false;
    this.at += wanted.length;
    return true;
  }

  expect(wanted: string): void {
    if (!this.accept(wanted)) this.refuse(`expected ${JSON.stringify(wanted)}`);
  }

  /** Takes characters as long as they are of this kind; at least this many. */
  many(kind: (character: string) => boolean, min = 1): string {
    const start = this.at;
    while (!this.done && kind(this.peek())) this.at++;
    if (this.at - start < min) this.refuse('expected another character');
    return this.text.slice(start, this.at);
  }

  token(): string {
    return this.many(isTokenCharacter);
  }

  whitespace(): void {
    this.many((character) => character === ' ' || character === '\t', 0);
  }

  expectEnd(): void {
    if (!this.done) this.refuse('expected the end');
  }

  refuse(why: string): never {
    throw new RemoteProtocolError(400, why);
  }
}

export function isTokenCharacter(character: string): boolean {
  return isDigit(character) || (character >= 'A' && character <= 'Z') || (character >= 'a' && character <= 'z') || "!#$%&'*+-.^_`|~".includes(character);
}

export function isDigit(character: string): boolean {
  return character >= '0' && character <= '9';
}

/** VCHAR, obs-text, SP and HTAB. */
export function isValueCharacter(character: string): boolean {
  return character === '\t' || (character >= ' ' && character !== '\x7f' && character <= '\xff');
}
