/**
 * permessage-deflate's two halves: messages deflated and inflated (RFC 7692 §7.2).
 *
 * This is synchronous, on purpose. So the machine still does no I/O, and keeps frames in order by itself. A message of
 * a few kilobytes takes 20 µs, which is less than handing it to a thread and back. And the limit on a message also
 * limits how long it holds up the others (a megabyte: some milliseconds).
 *
 * A zlib stream cannot be driven synchronously and then kept for the next message. So we keep no stream. A context is
 * just the last bytes of the earlier messages, and each call gets them as its dictionary. An idle connection then holds
 * 40 KB at most, not the 236 KB of two streams. And one deflated message can be sent to many peers, because a message
 * that refers to nothing before it is right for all of them (see shared-message.ts).
 */

import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';

import { WebSocketError } from './websocket-error.ts';

export interface DeflateTuning {
  /** zlib's level, 1 to 9. */
  readonly level: number;
  /** zlib's memory level, 1 to 9. */
  readonly memoryLevel: number;
  /** How many bytes of earlier messages a message may refer to, even if the window is larger. Each of them costs time. */
  readonly historyBytesMax: number;
}

export const defaultDeflateTuning: DeflateTuning = Object.freeze({
  level: 6,
  memoryLevel: 7,
  historyBytesMax: 8 * 1024,
});

/** What every flushed block ends with. It is taken off each message, and put back (RFC 7692 §7.2.1, §7.2.2). */
const flushTail = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** RFC 7692 allows a window of 256 bytes; zlib cannot deflate with less than 512. */
const ZLIB_WINDOW_BITS_MIN = 9;

/** How many blocks in one message may be marked as final. After each, a new stream begins, and that costs time. */
const FINAL_BLOCKS_MAX = 16;

/**
 * Deflates one message. `history` ends with the byte before the message; if it is empty, the message refers to nothing
 * before it.
 */
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

  /** A deflated message that was not made here has been sent: our history is no longer what came last. */
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
   * @param bytesMax the limit after inflation; at most that and one of zlib's buffers are ever allocated
   * @throws WebSocketError 1009 beyond the limit, 1007 for what is not deflated
   */
  inflate(bytes: Uint8Array, bytesMax: number): Buffer {
    let input = Buffer.concat([bytes, flushTail]);
    const first = this.#inflate(input, bytesMax, this.#window.bytes);
    let message = first.bytes;
    // RFC 7692 §7.2.3.4: a block may be marked as final although others follow it. zlib stops there.
    for (let blocks = 1, { used } = first; used < input.length; blocks++) {
      if (blocks > FINAL_BLOCKS_MAX) throw new WebSocketError(1007, 'too many final blocks');
      input = input.subarray(used);
      const next = this.#inflate(input, bytesMax - message.length, Buffer.concat([this.#window.bytes, message]));
      used = next.used;
      if (next.bytes.length > 0) message = Buffer.concat([message, next.bytes]);
    }
    this.#window.append(message);
    return message;
  }

  #inflate(input: Buffer, bytesMax: number, window: Uint8Array): { bytes: Buffer; used: number } {
    try {
      const { buffer, engine } = inflateRawSync(input, {
        finishFlush: constants.Z_SYNC_FLUSH,
        // zlib checks the limit while it inflates. It does not take a zero.
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
    // Always a copy: the code that receives the message may change it.
    const next = Buffer.allocUnsafeSlow(kept + added);
    next.set(this.bytes.subarray(this.bytes.length - kept), 0);
    next.set(bytes.subarray(bytes.length - added), kept);
    this.bytes = next;
  }

  clear(): void {
    this.bytes = nothing;
  }
}
