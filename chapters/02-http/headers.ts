/**
 * Header fields: the set of them, and their grammar (RFC 9110 §5, RFC 9112 §5).
 *
 * Works on latin1 text, where a character is a byte. A parser here returns, says "need more" (-1), or throws a
 * RemoteProtocolError. Which fields a message needs is none of its business.
 */

import { NotImplemented } from '#course/not-implemented.ts';

/** A field name and its value. */
export type HeaderPair = readonly [name: string, value: string];

/** RFC 9110 §5.6.2: methods, field names and transfer codings are tokens. */
export const TOKEN = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;
/** RFC 9110 §5.5: CR, LF and NUL are dangerous in a value. We refuse every control but the tab. */
export const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

// TODO 2.2  Everything below is yours. What is exported is what the other files call; inside, build what you like.

/** A set of fields: order and duplicates kept, names in upper or lower case. */
export class HttpHeaders implements Iterable<HeaderPair> {
  /**
   * @param text that has been parsed; use {@link HttpHeaders.from} for pairs
   * @param offsets for each field: where its name begins and ends, where its value begins and ends
   */
  constructor(text = '', offsets: readonly number[] = []) {
    throw new NotImplemented('2.2');
  }

  /** The set that these pairs make. Nothing is checked. */
  static from(pairs: Iterable<HeaderPair>): HttpHeaders {
    throw new NotImplemented('2.2');
  }

  /** How many field lines there are. */
  get size(): number {
    throw new NotImplemented('2.2');
  }

  /** The value of a field; several lines are joined by a comma (RFC 9110 §5.3). `undefined` if there is none. */
  get(name: string): string | undefined {
    throw new NotImplemented('2.2');
  }

  /** The values of a field, one for each line, in their order. */
  getAll(name: string): string[] {
    throw new NotImplemented('2.2');
  }

  /** Whether there is such a field, be it empty. */
  has(name: string): boolean {
    throw new NotImplemented('2.2');
  }

  /** Every field line, as a list of one's own. */
  pairs(): HeaderPair[] {
    throw new NotImplemented('2.2');
  }

  /** Every field line, in the order and with the case of the wire. */
  [Symbol.iterator](): ArrayIterator<HeaderPair> {
    throw new NotImplemented('2.2');
  }
}

/**
 * Parses one field line into its name and value, without the spaces and tabs around the value.
 *
 * @throws RemoteProtocolError 400 for a name that is not a token, or a value with a control other than the tab
 */
export function parseHeaderField(line: string): HeaderPair {
  throw new NotImplemented('2.2');
}

/**
 * Parses field lines up to and including the empty line that ends them.
 *
 * @param start where the first field line begins
 * @param bytesMax all field lines together, with their CRLFs
 * @param countMax how many field lines there may be
 * @param offsets takes what {@link HttpHeaders} is made from
 * @returns the position after the empty line, or -1: need more
 * @throws RemoteProtocolError 431 beyond a limit, 400 for a line that is not a field line
 */
export function parseFieldSection(
  text: string, start: number, bytesMax: number, countMax: number, offsets: number[],
): number {
  throw new NotImplemented('2.2');
}

/**
 * Finds the CRLF that ends a line. RFC 9112 §2.2 lets a recipient take a bare LF for one. We refuse it: two servers in
 * a row that disagree about where a line ends are how requests are smuggled.
 *
 * @param bytesMax the longest line accepted, without its CRLF
 * @param status what a longer line is answered with
 * @returns the position of the CR, or -1: need more
 */
export function endOfLine(text: string, start: number, bytesMax: number, status: number): number {
  throw new NotImplemented('2.2');
}

/** The members of a comma-separated list, in lower case; an empty member stays, as `''` (RFC 9110 §5.6.1). */
export function tokenList(value = ''): string[] {
  // TODO 2.2  Whitespace around a member is spaces and tabs, nothing else, and so much of it may come that the time for
  //           it must not grow with its square.
  throw new NotImplemented('2.2');
}

/** Whether a comma-separated list has this member, in upper or lower case. `token` must be in lower case. */
export function listHas(value: string | undefined, token: string): boolean {
  throw new NotImplemented('2.2');
}
