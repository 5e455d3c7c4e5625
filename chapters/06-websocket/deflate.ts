/**
 * permessage-deflate's two halves: messages deflated and inflated (RFC 7692 §7.2).
 *
 * Synchronous, on purpose. What a message is follows from the bytes alone, so the machine stays one that does no I/O and
 * keeps frames in order by itself; a message of a few kilobytes takes 20 µs, which is less than handing it to a thread
 * and back; and the limit on a message is one on how long it holds up the others (a megabyte: some milliseconds).
 *
 * A zlib stream cannot be driven synchronously and kept. So none is kept: a context is what it stands for, the last bytes
 * of the messages before, given to each call as its dictionary. An idle connection then holds 40 KB at most and not the
 * 236 KB of two streams, and one deflated message can be sent to many peers: to refer to nothing before is allowed to
 * all of them (see shared-message.ts).
 */

import { NotImplemented } from '#course/not-implemented.ts';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';

import { WebSocketError } from './websocket-error.ts';

export interface DeflateTuning {
  /** zlib's level, 1 to 9. */
  readonly level: number;
  /** zlib's memory level, 1 to 9. */
  readonly memoryLevel: number;
  /** How much of earlier messages a message may refer to, where the window is larger. Each of these bytes costs time. */
  readonly historyBytesMax: number;
}

export const defaultDeflateTuning: DeflateTuning = Object.freeze({
  level: 6,
  memoryLevel: 7,
  historyBytesMax: 8 * 1024,
});

/** What every flushed block ends with. It is taken off each message, and put back (RFC 7692 §7.2.1, §7.2.2). */
const flushTail = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** RFC 7692 allows a window of 256 bytes; zlib deflates into none below 512. */
const ZLIB_WINDOW_BITS_MIN = 9;

/** Deflate blocks that say of themselves to be the last, in one message. Each begins a new stream: they cost. */
const FINAL_BLOCKS_MAX = 16;

/** Deflates one message. `history` ends with the byte before it; empty, the message stands by itself. */
export function deflateMessage(bytes: Uint8Array, windowBits: number, tuning: DeflateTuning, history: Uint8Array): Buffer {
  // TODO 6.7  Deflate the message as RFC 7692 §7.2.1 says, with `deflateRawSync` and the settings in `tuning`.
  //           `history` is what zlib calls a dictionary. The result must not refer further back than the window allows.
  //           zlib has no window smaller than ZLIB_WINDOW_BITS_MIN, but it has a strategy that only ever refers to the
  //           byte just before, which is right for a window of any size.
  throw new NotImplemented('6.7');
}

/** The messages of one side, deflated one after the other. */
export class Deflater {
  readonly windowBits: number;
  readonly #tuning: DeflateTuning;
  readonly #history: History;

  /** @param takeover whether a message may refer to the ones before it */
  constructor(windowBits: number, takeover: boolean, tuning: DeflateTuning = defaultDeflateTuning) {
    this.windowBits = windowBits;
    this.#tuning = tuning;
    this.#history = new History(takeover ? Math.min(2 ** windowBits, tuning.historyBytesMax) : 0);
  }

  deflate(bytes: Uint8Array): Buffer {
    // TODO 6.7  Deflate the message in the context of the messages before it, and make it part of the context of the
    //           next (`#history`).
    throw new NotImplemented('6.7');
  }

  /** A deflated message has been sent that did not come from here: what came before it is no longer the last. */
  forget(): void {
    this.#history.clear();
  }
}

/** The messages of the other side, inflated one after the other. */
export class Inflater {
  readonly #window: History;

  constructor(windowBits: number, takeover: boolean) {
    this.#window = new History(takeover ? 2 ** windowBits : 0);
  }

  /**
   * Inflates one message.
   *
   * @param bytesMax the limit after inflation; no more than that, and one buffer of zlib's, is ever made
   * @throws WebSocketError 1009 beyond the limit, 1007 for what is not deflated
   */
  inflate(bytes: Uint8Array, bytesMax: number): Buffer {
    // TODO 6.7  Inflate the message as RFC 7692 §7.2.2 and §7.2.3.4 say. `#inflate` stops after a block that is marked
    //           as final, and says in `used` how many bytes of its input it has consumed. If input is left, another
    //           stream follows. Accept at most FINAL_BLOCKS_MAX further streams; more than that is a WebSocketError
    //           1007. A stream may refer to the `#window` and to what this message has been inflated to so far, and the
    //           next message may refer to this one. `bytesMax` is the limit for the whole message.
    throw new NotImplemented('6.7');
  }

  #inflate(input: Buffer, bytesMax: number, window: Uint8Array): { bytes: Buffer; used: number } {
    try {
      const { buffer, engine } = inflateRawSync(input, {
        finishFlush: constants.Z_SYNC_FLUSH,
        // The limit works while zlib inflates; it takes no zero.
        maxOutputLength: Math.max(1, bytesMax),
        dictionary: window.length === 0 ? undefined : window.subarray(-WINDOW_BYTES_MAX),
        info: true,
      }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
      if (buffer.length > bytesMax) throw new WebSocketError(1009, 'the message is too long');
      return { bytes: buffer, used: engine.bytesWritten };
    } catch (error) {
      if (error instanceof Error && 'code' in error) {
        if (error.code === 'ERR_BUFFER_TOO_LARGE') throw new WebSocketError(1009, 'the message is too long');
        if (error.code === 'Z_DATA_ERROR') throw new WebSocketError(1007, 'the message cannot be inflated');
      }
      throw error;
    }
  }
}

const WINDOW_BYTES_MAX = 2 ** 15;

const nothing: Uint8Array = new Uint8Array(0);

/** The last bytes of everything so far. */
class History {
  readonly #bytesMax: number;
  bytes: Uint8Array = nothing;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  append(bytes: Uint8Array): void {
    if (this.#bytesMax === 0 || bytes.length === 0) return;
    const kept = Math.max(0, Math.min(this.bytes.length, this.#bytesMax - bytes.length));
    const added = Math.min(bytes.length, this.#bytesMax);
    // A copy in any case: the message is its receiver's to change.
    const next = Buffer.allocUnsafeSlow(kept + added);
    next.set(this.bytes.subarray(this.bytes.length - kept), 0);
    next.set(bytes.subarray(bytes.length - added), kept);
    this.bytes = next;
  }

  clear(): void {
    this.bytes = nothing;
  }
}
