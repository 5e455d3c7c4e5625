/**
 * Reads frames (RFC 6455 §5.2): heads, which are checked as soon as their bytes arrive, and payloads, in the parts in
 * which they arrive.
 *
 * `readHead` and `readPayload` consume and return true, or return false: need more bytes. A head that breaks a rule is
 * a WebSocketError. This file does not know what a frame means to its message.
 *
 * The current frame is kept in the reader's own fields, and payloads are unmasked in place, so no object is made for a
 * frame.
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { applyMask } from './mask.ts';
import {
  CLOSE, CONTINUATION, CONTROL_BYTES_MAX, FIN, FIRST_CONTROL, MASKED, BINARY, PONG, RSV, RSV1,
} from './opcodes.ts';
import type { WebSocketRole } from './states.ts';
import { WebSocketError } from './websocket-error.ts';

const nothing: Buffer = Buffer.alloc(0);

export class FrameReader {
  readonly #masked: boolean;
  readonly #deflate: boolean;
  readonly #frameBytesMax: number;
  #at = 0;
  #key = 0;

  /** The bytes into which {@link FrameReader.start} and {@link FrameReader.end} point. */
  bytes: Buffer = nothing;
  opcode = 0;
  fin = false;
  /** RSV1 is set: the message is deflated (RFC 7692 §6). */
  deflated = false;
  /** The payload's length. */
  length = 0;
  /** How much of the payload has not been read yet. */
  left = 0;
  /** Where the part is that {@link FrameReader.readPayload} has read. */
  start = 0;
  end = 0;
  /** Whether the part is ASCII. False if that is not known: unmasked payloads are not looked at. */
  ascii = false;

  /**
   * @param role our role: a server accepts only masked frames, a client only unmasked ones (RFC 6455 §5.1)
   * @param deflate whether permessage-deflate was agreed on
   */
  constructor(role: WebSocketRole, deflate: boolean, frameBytesMax: number) {
    this.#masked = role === 'server';
    this.#deflate = deflate;
    this.#frameBytesMax = frameBytesMax;
  }

  /** The number of bytes that have arrived and are not part of a frame yet. */
  get bufferedBytes(): number {
    return this.bytes.length - this.#at;
  }

  append(chunk: Uint8Array): void {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    // Frames are read as they arrive, so what is left over is part of a head: a few bytes.
    this.bytes = this.bufferedBytes === 0 ? bytes : Buffer.concat([this.bytes.subarray(this.#at), bytes]);
    this.#at = 0;
  }

  /** Lets go of everything that has arrived. */
  drop(): void {
    this.bytes = nothing;
    this.#at = 0;
  }

  readHead(): boolean {
    const { bytes } = this;
    const at = this.#at;
    const available = bytes.length - at;
    if (available < 2) {
      if (available === 0) this.drop();
      return false;
    }
    // TODO 6.4  Read the head of a frame. A head that breaks RFC 6455 §5.1, §5.2 or §5.5 is a WebSocketError 1002
    //           (`#checkFirst` knows some of these rules), and a length greater than `#frameBytesMax` is a 1009. Throw
    //           as soon as the bytes that show the fault have arrived. While a byte of the head is missing, return
    //           false and change nothing. Once the head is complete, call `#begin` and return true.
    throw new NotImplemented('6.4');
  }

  /** The head is valid and ends here: this is the current frame now. */
  #begin(first: number, length: number, headEnd: number): void {
    if (this.#masked) this.#key = word(this.bytes, headEnd - 4);
    this.opcode = first & 0x0f;
    this.fin = (first & FIN) !== 0;
    this.deflated = (first & RSV1) !== 0;
    this.length = length;
    this.left = length;
    this.#at = headEnd;
  }

  /** Reads what has arrived of the payload. False if nothing has. An empty payload is read as an empty part. */
  readPayload(): boolean {
    const { bytes } = this;
    const start = this.#at;
    const end = Math.min(start + this.left, bytes.length);
    if (start === end && this.left > 0) {
      this.drop();
      return false;
    }
    this.ascii = this.#masked && applyMask(bytes, start, end, this.#key, this.length - this.left);
    this.start = start;
    this.end = end;
    this.left -= end - start;
    this.#at = end;
    return true;
  }

  #checkFirst(first: number): void {
    const opcode = first & 0x0f;
    // RFC 6455 §5.2: what is reserved MUST fail the connection.
    if (opcode > BINARY && (opcode < CLOSE || opcode > PONG)) throw new WebSocketError(1002, 'a reserved opcode');
    const rsv = first & RSV;
    if (rsv === 0) return;
    // RFC 7692 §6.1: RSV1 is for the first frame of a message.
    const mayBeDeflated = this.#deflate && opcode !== CONTINUATION && opcode < FIRST_CONTROL;
    if (rsv !== RSV1 || !mayBeDeflated) throw new WebSocketError(1002, 'a reserved bit that no extension uses');
  }

  /** The length in the two or eight bytes after the second. RFC 6455 §5.2: the shortest form MUST be used. */
  #longLength(at: number, short: number): number {
    // TODO 6.4  `short` is 126 or 127, and the frame begins at index `at`. A length that would fit into a shorter form
    //           is a WebSocketError 1002, and so is an eight-byte length whose highest bit is set.
    throw new NotImplemented('6.4');
  }
}

/** Four bytes, the highest first, as a signed number. */
function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}
