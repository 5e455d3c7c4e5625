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

import { constants, deflateRawSync } from 'node:zlib';

import { Broken, Inflation, TooLong } from './inflate.ts';
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

/** Deflates one message. `history` ends with the byte before it; empty, the message stands by itself. */
export function deflateMessage(bytes: Uint8Array, windowBits: number, tuning: DeflateTuning, history: Uint8Array): Buffer {
  const small = windowBits < ZLIB_WINDOW_BITS_MIN;
  const deflated = deflateRawSync(bytes, {
    level: tuning.level,
    memLevel: tuning.memoryLevel,
    windowBits: small ? ZLIB_WINDOW_BITS_MIN : windowBits,
    // Run lengths refer to the byte just before and no further: right for a window of any size.
    strategy: small ? constants.Z_RLE : constants.Z_DEFAULT_STRATEGY,
    finishFlush: constants.Z_SYNC_FLUSH,
    dictionary: history.length === 0 || small ? undefined : history,
  });
  return deflated.subarray(0, deflated.length - flushTail.length);
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
    const deflated = deflateMessage(bytes, this.windowBits, this.#tuning, this.#history.bytes);
    this.#history.append(bytes);
    return deflated;
  }

  /** A deflated message has been sent that did not come from here: what came before it is no longer the last. */
  forget(): void {
    this.#history.clear();
  }
}

/** The messages of the other side. */
export class Inflater {
  readonly #keepBytes: number;
  #before: Uint8Array = new Uint8Array(0);

  constructor(windowBits: number, takeover: boolean) {
    this.#keepBytes = takeover ? 2 ** windowBits : 0;
  }

  inflate(bytes: Uint8Array, bytesMax: number): Buffer {
    try {
      const message = new Inflation(Buffer.concat([bytes, flushTail]), this.#before, bytesMax).run();
      if (this.#keepBytes > 0) this.#before = Buffer.concat([this.#before, message]).subarray(-this.#keepBytes);
      return message;
    } catch (error) {
      if (error instanceof TooLong) throw new WebSocketError(1009, 'too long');
      if (error instanceof Broken) throw new WebSocketError(1002, 'broken');
      throw error;
    }
  }
}

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
