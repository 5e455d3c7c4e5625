/**
 * A message that many peers are sent, encoded once for all of them: as it is, and deflated for each window size that
 * one of them has.
 *
 * A deflated message that refers to nothing before itself is right for a peer with context takeover, too: takeover
 * allows references and does not require them. So a thousand members of a room cost one deflation, or a few.
 */

import { defaultDeflateTuning, deflateMessage } from './deflate.ts';
import { encodeFrame } from './frame-writer.ts';
import { BINARY, FIN, RSV1, TEXT } from './opcodes.ts';

const noHistory = new Uint8Array(0);

export class SharedMessage {
  readonly data: string | Uint8Array;
  /** The message's length in bytes. */
  readonly byteLength: number;
  #plain: Buffer | null = null;
  /** Deflated frames by the size of their window, in bits. */
  #deflated: (Buffer | undefined)[] | null = null;

  constructor(data: string | Uint8Array) {
    this.data = data;
    this.byteLength = typeof data === 'string' ? Buffer.byteLength(data) : data.length;
  }

  /** The message in one frame, as a server sends it. */
  frame(): Buffer {
    return (this.#plain ??= encodeFrame(FIN | this.#opcode, this.data, false));
  }

  /** The message in one frame, deflated. */
  deflatedFrame(windowBits: number): Buffer {
    this.#deflated ??= [];
    return (this.#deflated[windowBits] ??= this.#deflate(windowBits));
  }

  get #opcode(): number {
    return typeof this.data === 'string' ? TEXT : BINARY;
  }

  #deflate(windowBits: number): Buffer {
    const bytes = typeof this.data === 'string' ? Buffer.from(this.data) : this.data;
    const deflated = deflateMessage(bytes, windowBits, defaultDeflateTuning, noHistory);
    return encodeFrame(FIN | RSV1 | this.#opcode, deflated, false);
  }
}
