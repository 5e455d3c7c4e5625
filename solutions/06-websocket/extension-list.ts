/**
 * Sec-WebSocket-Extensions, by its grammar (RFC 6455 §9.1):
 *
 * ```text
 * extension-list  = 1#extension
 * extension       = token *( ";" extension-param )
 * extension-param = token [ "=" ( token | quoted-string ) ]
 * ```
 *
 * What a parameter means is its extension's business.
 */

import type { ExtensionOffer } from './websocket-types.ts';

/** Sticky: each matches where the last one has ended, so the value is read only once. */
const space = /[ \t]*/y;
const token = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const quotedString = /"((?:[\t !#-[\]-~]|\\[\t !-~])*)"/y;
const wholeToken = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Whether the text is a token: one or more `tchar` (RFC 9110 §5.6.2). */
export function isToken(text: string): boolean {
  return wholeToken.test(text);
}

/** The extensions in their order, or `null` if the value breaks the grammar. Names and values are as they were sent. */
export function parseExtensions(value: string): ExtensionOffer[] | null {
  const scanner = new Scanner(value);
  const extensions: ExtensionOffer[] = [];
  do {
    // RFC 9110 §5.6.1.2: empty members of a list are to be accepted, and mean nothing.
    if (scanner.atEndOfMember) continue;
    const extension = readExtension(scanner);
    if (extension === null) return null;
    extensions.push(extension);
  } while (scanner.skip(','));
  return scanner.atEnd && extensions.length > 0 ? extensions : null;
}

function readExtension(scanner: Scanner): ExtensionOffer | null {
  const name = scanner.token();
  if (name === null) return null;
  const parameters: [string, string | true][] = [];
  while (scanner.skip(';')) {
    const parameter = scanner.token();
    if (parameter === null) return null;
    const value = scanner.skip('=') ? scanner.value() : true;
    if (value === null) return null;
    parameters.push([parameter, value]);
  }
  return { name, parameters };
}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#match(space);
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  get atEndOfMember(): boolean {
    return this.atEnd || this.#text[this.#at] === ',';
  }

  /** Passes over a character, and the white space around it, if it is the next. */
  skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    this.#match(space);
    return true;
  }

  token(): string | null {
    return this.#match(token)?.[0] ?? null;
  }

  /** A token, or a quoted-string that is one when it is unquoted (RFC 6455 §9.1). */
  value(): string | null {
    const quoted = this.#match(quotedString)?.[1]?.replace(/\\(.)/g, '$1');
    if (quoted === undefined) return this.token();
    return isToken(quoted) ? quoted : null;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return null;
    this.#at = pattern.lastIndex;
    if (pattern !== space) this.#match(space);
    return match;
  }
}
