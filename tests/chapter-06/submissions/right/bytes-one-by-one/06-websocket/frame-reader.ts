/** Frames in, by a machine that takes their heads byte by byte. */

import { applyMask } from './mask.ts';
import type { WebSocketRole } from './states.ts';
import { WebSocketError } from './websocket-error.ts';

const nothing: Buffer = Buffer.alloc(0);

/** What the next byte is. */
type Place = 'first' | 'second' | 'length' | 'key' | 'payload';

export class FrameReader {
  readonly #role: WebSocketRole;
  readonly #deflate: boolean;
  readonly #frameBytesMax: number;
  #at = 0;
  #place: Place = 'first';
  #missing = 0;
  #long = 0n;
  #longBytes = 0;
  #key = 0;
  #read = 0;

  bytes: Buffer = nothing;
  opcode = 0;
  fin = false;
  deflated = false;
  length = 0;
  left = 0;
  start = 0;
  end = 0;
  ascii = false;

  constructor(role: WebSocketRole, deflate: boolean, frameBytesMax: number) {
    this.#role = role;
    this.#deflate = deflate;
    this.#frameBytesMax = frameBytesMax;
  }

  get bufferedBytes(): number {
    return this.bytes.length - this.#at;
  }

  append(chunk: Uint8Array): void {
    this.bytes = Buffer.concat([this.bytes.subarray(this.#at), chunk]);
    this.#at = 0;
  }

  drop(): void {
    this.bytes = nothing;
    this.#at = 0;
  }

  readHead(): boolean {
    if (this.#place === 'payload') this.#place = 'first';
    while (this.#at < this.bytes.length) {
      this.#take(this.bytes[this.#at++]!);
      if (this.#whole) return true;
    }
    return false;
  }

  readPayload(): boolean {
    const size = Math.min(this.left, this.bufferedBytes);
    if (size === 0 && this.left > 0) return false;
    this.start = this.#at;
    this.end = this.#at + size;
    if (this.#role === 'server') applyMask(this.bytes, this.start, this.end, this.#key, this.#read);
    this.#read += size;
    this.left -= size;
    this.#at = this.end;
    return true;
  }

  get #whole(): boolean {
    return this.#place === 'payload';
  }

  #take(byte: number): void {
    switch (this.#place) {
      case 'first':
        this.#first(byte);
        this.#place = 'second';
        return;
      case 'second':
        this.#second(byte);
        return;
      case 'length':
        this.#long = (this.#long << 8n) | BigInt(byte);
        if (--this.#missing === 0) this.#measured();
        return;
      case 'key':
        this.#key = (this.#key << 8) | byte;
        if (--this.#missing === 0) this.#place = 'payload';
        return;
      case 'payload':
        throw new Error('a payload is not read byte by byte');
    }
  }

  #first(byte: number): void {
    this.opcode = byte % 16;
    this.fin = byte >= 128;
    this.deflated = (byte & 0x40) !== 0;
    if (![0, 1, 2, 8, 9, 10].includes(this.opcode)) throw new WebSocketError(1002, 'an opcode without a meaning');
    const reserved = (byte >> 4) & 7;
    const allowed = this.#deflate && (this.opcode === 1 || this.opcode === 2) ? [0, 4] : [0];
    if (!allowed.includes(reserved)) throw new WebSocketError(1002, 'a reserved bit');
    if (this.opcode >= 8 && !this.fin) throw new WebSocketError(1002, 'a control frame in fragments');
  }

  #second(byte: number): void {
    const masked = byte >= 128;
    if (masked !== (this.#role === 'server')) throw new WebSocketError(1002, 'the mask is missing, or should be');
    const short = byte % 128;
    if (this.opcode >= 8 && short > 125) throw new WebSocketError(1002, 'a long control frame');
    this.#long = BigInt(short);
    this.#longBytes = 0;
    if (short < 126) return this.#measured();
    this.#longBytes = short === 126 ? 2 : 8;
    this.#missing = this.#longBytes;
    this.#long = 0n;
    this.#place = 'length';
  }

  #measured(): void {
    const least = this.#longBytes === 0 ? 0n : this.#longBytes === 2 ? 126n : 65_536n;
    if (this.#long >= 1n << 63n) throw new WebSocketError(1002, 'a length beyond all lengths');
    if (this.#long < least) throw new WebSocketError(1002, 'a length in too long a form');
    if (this.#long > BigInt(this.#frameBytesMax)) throw new WebSocketError(1009, 'a frame that is too long');
    this.length = Number(this.#long);
    this.left = this.length;
    this.#read = 0;
    this.#key = 0;
    this.#missing = 4;
    this.#place = this.#role === 'server' ? 'key' : 'payload';
  }
}
