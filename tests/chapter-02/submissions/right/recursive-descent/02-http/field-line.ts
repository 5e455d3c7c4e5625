/** field-line = field-name ":" OWS field-value OWS */

import { Cursor, isValueCharacter } from './cursor.ts';
import { RemoteProtocolError } from './errors.ts';
import type { HeaderPair } from './headers.ts';

export function parseFieldLine(text: string, start: number, end: number, offsets: number[]): void {
  const cursor = new Cursor(text, start, end);
  cursor.token();
  const nameEnd = cursor.at;
  cursor.expect(':');
  cursor.whitespace();
  const valueStart = cursor.at;
  const value = cursor.many(isValueCharacter, 0).replace(/[ \t]+$/, '');
  cursor.expectEnd();
  offsets.push(start, nameEnd, valueStart, valueStart + value.length);
}

export function parseHeaderField(line: string): HeaderPair {
  const offsets: number[] = [];
  parseFieldLine(line, 0, line.length, offsets);
  return [line.slice(offsets[0], offsets[1]), line.slice(offsets[2], offsets[3])];
}

/** *( field-line CRLF ) CRLF */
export function parseFieldSection(
  text: string,
  start: number,
  bytesMax: number,
  countMax: number,
  offsets: number[],
): number {
  const cursor = new Cursor(text, start);
  for (let count = 0; !cursor.accept('\r\n'); count++) {
    if (cursor.peek() === '\n') cursor.refuse('a line without CRLF');
    if (cursor.done || (cursor.at + 1 === text.length && cursor.peek() === '\r')) return -1;
    const lineFeed = text.indexOf('\n', cursor.at);
    const next = lineFeed === -1 ? text.length : lineFeed + 1;
    if (next - start > bytesMax + (lineFeed === -1 ? 0 : 0)) throw new RemoteProtocolError(431, 'too many bytes');
    if (count >= countMax) throw new RemoteProtocolError(431, 'too many fields');
    if (lineFeed === -1) return -1;
    if (text[lineFeed - 1] !== '\r') cursor.refuse('a line without CRLF');
    parseFieldLine(text, cursor.at, lineFeed - 1, offsets);
    cursor.at = next;
  }
  return cursor.at;
}
