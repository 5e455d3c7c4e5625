/**
 * Header fields: the set of them, and their grammar (RFC 9110 §5, RFC 9112 §5).
 *
 * Works on latin1 text, where a character is a byte. A parser here returns, says "need more" (-1), or throws a
 * RemoteProtocolError. Which fields a message needs is none of its business.
 */

import { RemoteProtocolError } from './errors.ts';

/** A field name and its value. */
export type HeaderPair = readonly [name: string, value: string];

/** RFC 9110 §5.6.2: methods, field names and transfer codings are tokens. */
export const TOKEN = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;
/** RFC 9110 §5.5: CR, LF and NUL are dangerous in a value. We refuse every control but the tab. */
export const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** A set of fields: order and duplicates kept, names in upper or lower case. */
export class HttpHeaders implements Iterable<HeaderPair> {
  readonly #pairs: HeaderPair[] = [];

  /**
   * @param text that has been parsed; use {@link HttpHeaders.from} for pairs
   * @param offsets for each field: where its name begins and ends, where its value begins and ends
   */
  constructor(text = '', offsets: readonly number[] = []) {
    for (let at = 0; at < offsets.length; at += 4) {
      this.#pairs.push([text.slice(offsets[at], offsets[at + 1]), text.slice(offsets[at + 2], offsets[at + 3])]);
    }
  }

  /** The set that these pairs make. Nothing is checked. */
  static from(pairs: Iterable<HeaderPair>): HttpHeaders {
    const headers = new HttpHeaders();
    headers.#pairs.push(...pairs);
    return headers;
  }

  /** How many field lines there are. */
  get size(): number { return this.#pairs.length; }

  /** The value of a field; several lines are joined by a comma (RFC 9110 §5.3). `undefined` if there is none. */
  get(name: string): string | undefined { return this.has(name) ? this.getAll(name).join(', ') : undefined; }

  /** The values of a field, one for each line, in their order. */
  getAll(name: string): string[] {
    const wanted = name.toLowerCase();
    return this.#pairs.filter(([other]) => other.toLowerCase() === wanted).map(([, value]) => value);
  }

  /** Whether there is such a field, be it empty. */
  has(name: string): boolean { return this.getAll(name).length > 0; }

  /** Every field line, as a list of one's own. */
  pairs(): HeaderPair[] { return [...this.#pairs]; }

  /** Every field line, in the order and with the case of the wire. */
  [Symbol.iterator](): ArrayIterator<HeaderPair> { return this.#pairs.values(); }
}

/** Parses one field line into its name and value. @throws RemoteProtocolError 400 */
export function parseHeaderField(line: string): HeaderPair {
  const offsets: number[] = [];
  parseFieldLine(line, 0, line.length, offsets);
  return [line.slice(offsets[0], offsets[1]), line.slice(offsets[2], offsets[3])];
}

/** `field-line = field-name ":" OWS field-value OWS`: appends to `offsets` where its name and value begin and end. */
function parseFieldLine(text: string, start: number, end: number, offsets: number[]): void {
  const colon = text.indexOf(':', start);
  // A space before the colon (RFC 9112 §5.1: MUST 400), a folded line (§5.2), no colon, no name: none of them is a
  // token.
  const isNamed = colon !== -1 && colon < end && TOKEN.test(text.slice(start, colon));
  if (!isNamed) throw new RemoteProtocolError(400, 'invalid field name');
  const [valueStart, valueEnd] = withoutWhitespace(text, colon + 1, end);
  if (!FIELD_VALUE.test(text.slice(valueStart, valueEnd))) throw new RemoteProtocolError(400, 'invalid field value');
  offsets.push(start, colon, valueStart, valueEnd);
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
  let at = start;
  while (!text.startsWith('\r\n', at)) {
    // A CR on its own may be the beginning of the empty line.
    if (text.slice(at) === '\r') return -1;
    const lineEnd = endOfLine(text, at, start + bytesMax - at - 2, 431);
    if (lineEnd === -1) return -1;
    if (offsets.length >= countMax * 4) throw new RemoteProtocolError(431, 'too many fields');
    parseFieldLine(text, at, lineEnd, offsets);
    at = lineEnd + 2;
  }
  return at + 2;
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
  const lineFeed = text.indexOf('\n', start);
  const lineEnd = (lineFeed === -1 ? text.length : lineFeed) - 1;
  if (lineEnd - start > bytesMax) throw new RemoteProtocolError(status, 'line too long');
  if (lineFeed === -1) return -1;
  if (lineEnd < start || text[lineEnd] !== '\r') throw new RemoteProtocolError(400, 'line without CRLF');
  return lineEnd;
}

/** The members of a comma-separated list, in lower case; an empty member stays, as `''` (RFC 9110 §5.6.1). */
export function tokenList(value = ''): string[] {
  return value.toLowerCase().split(',').map((member) => member.slice(...withoutWhitespace(member, 0, member.length)));
}

/** Whether a comma-separated list has this member, in upper or lower case. `token` must be in lower case. */
export const listHas = (value: string | undefined, token: string): boolean => tokenList(value).includes(token);

/**
 * Where a part of a text begins and ends without the whitespace around it. Not trim(), which also removes vertical tabs
 * and no-break spaces (RFC 9110 §5.6.3: whitespace is SP and HTAB). Not `/[ \t]+$/`, whose time grows with the square
 * of the spaces.
 */
function withoutWhitespace(text: string, from: number, to: number): [start: number, end: number] {
  let [start, end] = [from, to];
  while (start < end && ' \t'.includes(text.charAt(start))) start++;
  while (end > start && ' \t'.includes(text.charAt(end - 1))) end--;
  return [start, end];
}
