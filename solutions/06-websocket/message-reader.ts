/**
 * Makes messages out of data frames (RFC 6455 §5.4): puts fragments together, within limits, and checks text as it
 * arrives.
 *
 * A message that arrives whole in one frame and one chunk, as nearly all do, is not copied. Any other is gathered in
 * memory that grows with what has really arrived. No memory is reserved for what a head merely announces.
 */

import type { Inflater } from './deflate.ts';
import type { FrameReader } from './frame-reader.ts';
import type { WebSocketLimits } from './limits.ts';
import { BINARY, CONTINUATION, TEXT } from './opcodes.ts';
import { Utf8Validator } from './utf8-validator.ts';
import { WebSocketError } from './websocket-error.ts';
import type { WebSocketMessage } from './websocket-types.ts';

const nothing: Buffer = Buffer.alloc(0);
/**
 * From this size on, a part is kept as it came, and copied once, when the message is whole. A smaller one is copied at
 * once: otherwise it would keep alive everything that came in the same chunk, which may be many times its size.
 */
const KEPT_FROM_BYTES = 16 * 1024;
const COLLECTED_BYTES_MIN = 256;

export class MessageReader {
  readonly #limits: WebSocketLimits;
  readonly #inflater: Inflater | null;
  /** Made for the first text that is not ASCII. */
  #utf8: Utf8Validator | null = null;
  /** The opcode of the current message; CONTINUATION if there is none. */
  #opcode = CONTINUATION;
  #deflated = false;
  #frames = 0;
  /** What the frames so far have announced. */
  #bytesAnnounced = 0;
  /** What has arrived of a message that did not come whole: large parts as they came, small ones collected. */
  #parts: Buffer[] = [];
  #gatheredBytes = 0;
  #collected: Buffer = nothing;
  #collectedBytes = 0;

  constructor(limits: WebSocketLimits, inflater: Inflater | null) {
    this.#limits = limits;
    this.#inflater = inflater;
  }

  /** A data frame begins: checks what its head says. */
  begin(frame: FrameReader): void {
    // RFC 6455 §5.4: a continuation continues something, and nothing else may come before it has ended.
    if ((frame.opcode === CONTINUATION) !== (this.#opcode !== CONTINUATION)) {
      const message = frame.opcode === CONTINUATION ? 'nothing to continue' : 'a new message within another one';
      throw new WebSocketError(1002, message);
    }
    if (frame.opcode !== CONTINUATION) {
      this.#opcode = frame.opcode;
      this.#deflated = frame.deflated;
    }
    this.#frames++;
    this.#bytesAnnounced += frame.length;
    if (this.#frames > this.#limits.fragmentsMax) throw new WebSocketError(1008, 'too many fragments');
    if (this.#bytesAnnounced > this.#limits.messageBytesMax) throw new WebSocketError(1009, 'the message is too long');
  }

  /** Takes the part of the payload that the frame has read. Returns the message if that was its last part, otherwise `null`. */
  receive(frame: FrameReader): WebSocketMessage | null {
    const ends = frame.fin && frame.left === 0;
    if (this.#opcode === TEXT && !this.#deflated) this.#check(frame, ends);
    if (ends && this.#gatheredBytes === 0) {
      const message = this.#message(frame.bytes, frame.start, frame.end, frame.ascii);
      this.#reset();
      return message;
    }
    this.#gather(frame);
    if (!ends) return null;
    const message = this.#message(this.#joined(), 0, this.#gatheredBytes, false);
    this.#reset();
    return message;
  }

  /** RFC 6455 §8.1: text that is not UTF-8 MUST fail the connection. */
  #check(frame: FrameReader, ends: boolean): void {
    if (frame.ascii && (this.#utf8 === null || this.#utf8.complete)) return;
    const utf8 = (this.#utf8 ??= new Utf8Validator());
    if (!utf8.receive(frame.bytes, frame.start, frame.end) || (ends && !utf8.complete)) {
      throw new WebSocketError(1007, 'the text is not UTF-8');
    }
  }

  #message(bytes: Buffer, start: number, end: number, ascii: boolean): WebSocketMessage {
    if (this.#deflated) return this.#inflated(bytes.subarray(start, end));
    if (this.#opcode === BINARY) return bytes.subarray(start, end);
    return bytes.toString(ascii ? 'latin1' : 'utf8', start, end);
  }

  /** A deflated text is inflated as a whole, so it is checked only when it has ended. */
  #inflated(deflated: Buffer): WebSocketMessage {
    const bytes = this.#inflater!.inflate(deflated, this.#limits.messageBytesMax);
    if (this.#opcode === BINARY) return bytes;
    const utf8 = (this.#utf8 ??= new Utf8Validator());
    if (!utf8.receive(bytes) || !utf8.complete) throw new WebSocketError(1007, 'the text is not UTF-8');
    return bytes.toString('utf8');
  }

  #gather(frame: FrameReader): void {
    const partBytes = frame.end - frame.start;
    this.#gatheredBytes += partBytes;
    if (partBytes >= KEPT_FROM_BYTES) {
      this.#keepCollected();
      this.#parts.push(frame.bytes.subarray(frame.start, frame.end));
    } else {
      this.#collect(frame, partBytes);
    }
  }

  /** Appends to the small parts before this one, in memory that doubles: bytes that arrive one by one are not copied over and over. */
  #collect(frame: FrameReader, partBytes: number): void {
    const bytes = this.#collectedBytes + partBytes;
    if (bytes > this.#collected.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(2 * bytes, COLLECTED_BYTES_MIN));
      larger.set(this.#collected.subarray(0, this.#collectedBytes), 0);
      this.#collected = larger;
    }
    frame.bytes.copy(this.#collected, this.#collectedBytes, frame.start, frame.end);
    this.#collectedBytes = bytes;
  }

  #keepCollected(): void {
    if (this.#collectedBytes > 0) this.#parts.push(this.#collected.subarray(0, this.#collectedBytes));
    this.#collected = nothing;
    this.#collectedBytes = 0;
  }

  /** Everything that was gathered, in one piece. */
  #joined(): Buffer {
    this.#keepCollected();
    return this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts, this.#gatheredBytes);
  }

  #reset(): void {
    this.#opcode = CONTINUATION;
    this.#frames = 0;
    this.#bytesAnnounced = 0;
    if (this.#parts.length > 0) this.#parts = [];
    this.#gatheredBytes = 0;
  }
}
