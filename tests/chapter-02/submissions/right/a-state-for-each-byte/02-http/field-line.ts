/** Fields as a state machine over bytes. */

import { CR, HTAB, LF, SPACE, TOKEN, classOf, FIELD_VALUE } from './characters.ts';
import { RemoteProtocolError } from './errors.ts';
import type { HeaderPair } from './headers.ts';

type FieldState = 'line' | 'name' | 'before value' | 'value' | 'line feed' | 'last line feed' | 'end';

/** One section of fields, fed byte by byte. */
class FieldMachine {
  state: FieldState = 'line';
  readonly offsets: number[];
  #nameStart = 0;
  #nameEnd = 0;
  #valueStart = 0;
  #valueEnd = 0;

  constructor(offsets: number[]) {
    this.offsets = offsets;
  }

  byte(byte: number, at: number): void {
    switch (this.state) {
      case 'line':
        if (byte === CR) {
          this.state = 'last line feed';
          return;
        }
        this.#nameStart = at;
        this.state = 'name';
        this.byte(byte, at);
        return;
      case 'name':
        if (byte === 0x3a && at > this.#nameStart) {
          this.#nameEnd = at;
          this.state = 'before value';
          return;
        }
        if (((classOf[byte] ?? 0) & TOKEN) === 0) refuse();
        return;
      case 'before value':
        if (byte === SPACE || byte === HTAB) return;
        this.#valueStart = at;
        this.#valueEnd = at;
        this.state = 'value';
        this.byte(byte, at);
        return;
      case 'value':
        if (byte === CR) {
          this.state = 'line feed';
          return;
        }
        if (((classOf[byte] ?? 0) & FIELD_VALUE) === 0) refuse();
        if (byte !== SPACE && byte !== HTAB) this.#valueEnd = at + 1;
        return;
      case 'line feed':
        if (byte !== LF) refuse();
        this.offsets.push(this.#nameStart, this.#nameEnd, this.#valueStart, this.#valueEnd);
        this.state = 'line';
        return;
      case 'last line feed':
        if (byte !== LF) refuse();
        this.state = 'end';
        return;
      case 'end':
        throw new Error('nothing comes after the end');
    }
  }
}

function refuse(): never {
  throw new RemoteProtocolError(400, 'no field line');
}

export function parseFieldLine(text: string, start: number, end: number, offsets: number[]): void {
  const machine = new FieldMachine(offsets);
  // A single line may not begin with a line end.
  if (end === start || text.charCodeAt(start) === CR) refuse();
  for (let at = start; at < end; at++) {
    machine.byte(text.charCodeAt(at), at);
    if (machine.state === 'line feed') refuse();
  }
  machine.byte(CR, end);
  machine.byte(LF, end + 1);
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
  const machine = new FieldMachine(offsets);
  const before = offsets.length;
  for (let at = start; at < text.length; at++) {
    machine.byte(text.charCodeAt(at), at);
    if (machine.state === 'end') return at + 1;
    if (at + 1 - start > bytesMax && machine.state !== 'last line feed') throw new RemoteProtocolError(431, 'too many bytes');
    if (machine.state === 'name' && (offsets.length - before) / 4 >= countMax) throw new RemoteProtocolError(431, 'too many fields');
  }
  return -1;
}
