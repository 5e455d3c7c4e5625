/**
 * Header fields: `field-line = field-name ":" OWS field-value OWS` (RFC 9112 §5), and the section they form.
 *
 * Takes a range of a latin1 text and records offsets into it; makes no strings. Returns, says "need more" (-1), or
 * throws a RemoteProtocolError. Used for the head and for the trailers of a chunked body.
 */

import { COLON, CR, LF, TOKEN, isWhitespace, spanOf, spanOfFieldValue } from './characters.ts';
import { RemoteProtocolError } from './errors.ts';
import type { HeaderPair } from './headers.ts';
import { endOfLine } from './lines.ts';

/**
 * Parses one complete field line, without its CRLF, and appends to `offsets` where the name begins and ends and
 * where the value begins and ends.
 *
 * @throws RemoteProtocolError 400
 */
export function parseFieldLine(text: string, start: number, end: number, offsets: number[]): void {
  const nameEnd = spanOf(TOKEN, text, start, end);
  // A space before the colon (RFC 9112 §5.1: MUST 400), a folded line (§5.2), no colon, no name: all stop here.
  if (nameEnd === start || nameEnd === end || text.charCodeAt(nameEnd) !== COLON) {
    throw new RemoteProtocolError(400, 'invalid field name');
  }
  let valueStart = nameEnd + 1;
  while (valueStart < end && isWhitespace(text.charCodeAt(valueStart))) valueStart++;
  // RFC 9110 §5.5: CR, LF and NUL within a value are dangerous; every control but HTAB is refused.
  if (spanOfFieldValue(text, valueStart, end) !== end) throw new RemoteProtocolError(400, 'invalid field value');
  let valueEnd = end;
  while (valueEnd > valueStart && isWhitespace(text.charCodeAt(valueEnd - 1))) valueEnd--;
  offsets.push(start, nameEnd, valueStart, valueEnd);
}

/** Parses one field line into its name and value: {@link parseFieldLine} for a line that is a string of its own. */
export function parseHeaderField(line: string): HeaderPair {
  const offsets: number[] = [];
  parseFieldLine(line, 0, line.length, offsets);
  return [line.substring(offsets[0]!, offsets[1]!), line.substring(offsets[2]!, offsets[3]!)];
}

/**
 * Parses field lines up to and including the empty line that ends them.
 *
 * @param start where the first field line begins
 * @param bytesMax all field lines together, with their CRLFs
 * @param countMax how many field lines there may be
 * @returns the position after the empty line, or -1: need more
 * @throws RemoteProtocolError 431 beyond a limit, 400 for a line that is not a field line
 */
export function parseFieldSection(
  text: string,
  start: number,
  bytesMax: number,
  countMax: number,
  offsets: number[],
): number {
  let at = start;
  for (;;) {
    if (text.charCodeAt(at) === CR && text.charCodeAt(at + 1) === LF) return at + 2;
    if (at === text.length || (at + 1 === text.length && text.charCodeAt(at) === CR)) return -1;
    const lineEnd = endOfLine(text, at, start + bytesMax - at - 2, 431);
    if (lineEnd === -1) return -1;
    if (offsets.length >= countMax * 4) throw new RemoteProtocolError(431, 'too many fields');
    parseFieldLine(text, at, lineEnd, offsets);
    at = lineEnd + 2;
  }
}
