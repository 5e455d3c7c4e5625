/** Fields as regular expressions over a complete section. */

import { RemoteProtocolError } from './errors.ts';
import type { HeaderPair } from './headers.ts';

const FIELD = /^([!#$%&'*+\-.^_`|~\dA-Za-z]+):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t \x21-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*$/d;

export function parseFieldLine(text: string, start: number, end: number, offsets: number[]): void {
  const match = FIELD.exec(text.slice(start, end));
  const [, name, value] = match?.indices ?? [];
  if (!name || !value) throw new RemoteProtocolError(400, 'no field line');
  offsets.push(start + name[0], start + name[1], start + value[0], start + value[1]);
}

export function parseHeaderField(line: string): HeaderPair {
  const offsets: number[] = [];
  parseFieldLine(line, 0, line.length, offsets);
  return [line.slice(offsets[0], offsets[1]), line.slice(offsets[2], offsets[3])];
}

export function parseFieldSection(
  text: string,
  start: number,
  bytesMax: number,
  countMax: number,
  offsets: number[],
): number {
  const empty = text.startsWith('\r\n', start) ? start : text.indexOf('\r\n\r\n', start) + 2;
  const complete = empty >= start + 2 || empty === start;
  const section = text.slice(start, complete ? empty : text.length);
  const lines = section.split('\r\n');
  if (section.length > bytesMax) throw new RemoteProtocolError(431, 'too many bytes');
  if (lines.length - 1 > countMax) throw new RemoteProtocolError(431, 'too many fields');
  // What can be refused is refused before all of it is here.
  if (/(^|[^\r])\n|\r[^\n]/.test(section)) throw new RemoteProtocolError(400, 'a line without CRLF');
  if (!complete) return -1;
  let at = start;
  for (const line of lines.slice(0, -1)) {
    parseFieldLine(text, at, at + line.length, offsets);
    at += line.length + 2;
  }
  return empty + 2;
}
