/**
 * Writes messages: each in one frame (RFC 6455 §5.4 would allow fragments), deflated if that was agreed on and is worth
 * it.
 */

import type { Deflater } from './deflate.ts';
import { encodeFrame, encodeHead } from './frame-writer.ts';
import { BINARY, FIN, RSV1, TEXT } from './opcodes.ts';
import { SharedMessage } from './shared-message.ts';
import type { WebSocketRole } from './states.ts';

/** Copying a longer payload next to its head costs more than a second buffer does. */
const COPIED_BYTES_MAX = 16 * 1024;

/** Messages below this size are not deflated: little would be gained. */
const DEFLATE_FROM_BYTES = 1024;

export class MessageWriter {
  readonly #masked: boolean;
  readonly #deflater: Deflater | null;
  readonly #deflateFromBytes: number;

  /**
   * @param role our role: a client masks its frames, a server does not (RFC 6455 §5.1)
   * @param deflateFromBytes default 1024
   */
  constructor(role: WebSocketRole, deflater: Deflater | null, deflateFromBytes: number = DEFLATE_FROM_BYTES) {
    this.#masked = role === 'client';
    this.#deflater = deflater;
    this.#deflateFromBytes = deflateFromBytes;
  }

  encode(data: string | Uint8Array | SharedMessage): Buffer {
    if (data instanceof SharedMessage) return this.#encodeShared(data);
    const text = typeof data === 'string';
    const opcode = text ? TEXT : BINARY;
    if (this.#deflater === null || (text ? Buffer.byteLength(data) : data.length) < this.#deflateFromBytes) {
      return encodeFrame(FIN | opcode, data, this.#masked);
    }
    const bytes = text ? Buffer.from(data) : data;
    return encodeFrame(FIN | RSV1 | opcode, this.#deflater.deflate(bytes), this.#masked);
  }

  /** A long message of bytes is not copied: the parts are its head, and then the bytes themselves. */
  encodeParts(data: string | Uint8Array | SharedMessage): readonly Uint8Array[] {
    const long = data instanceof Uint8Array && data.length > COPIED_BYTES_MAX;
    if (!long || this.#deflater !== null || this.#masked) return [this.encode(data)];
    return [encodeHead(FIN | BINARY, data.length), data];
  }

  #encodeShared(message: SharedMessage): Buffer {
    // Each of a client's frames has a mask of its own.
    if (this.#masked) return this.encode(message.data);
    if (this.#deflater === null || message.byteLength < this.#deflateFromBytes) return message.frame();
    this.#deflater.forget();
    return message.deflatedFrame(this.#deflater.windowBits);
  }
}
