/** Messages out of data frames: their parts are kept in a list. */

import type { Inflater } from './deflate.ts';
import type { FrameReader } from './frame-reader.ts';
import type { WebSocketLimits } from './limits.ts';
import { Utf8Validator } from './utf8-validator.ts';
import { WebSocketError } from './websocket-error.ts';
import type { WebSocketMessage } from './websocket-types.ts';

/** A message that has begun. */
interface Begun {
  readonly text: boolean;
  readonly deflated: boolean;
  readonly utf8: Utf8Validator | null;
  readonly parts: Buffer[];
  frames: number;
  bytes: number;
}

export class MessageReader {
  readonly #limits: WebSocketLimits;
  readonly #inflater: Inflater | null;
  #message: Begun | null = null;

  constructor(limits: WebSocketLimits, inflater: Inflater | null) {
    this.#limits = limits;
    this.#inflater = inflater;
  }

  begin({ opcode, deflated, length }: FrameReader): void {
    if (opcode === 0) {
      if (this.#message === null) throw new WebSocketError(1002, 'a continuation of nothing');
    } else {
      if (this.#message !== null) throw new WebSocketError(1002, 'a message in the middle of another');
      const text = opcode === 1;
      this.#message = { text, deflated, utf8: text && !deflated ? new Utf8Validator() : null, parts: [], frames: 0, bytes: 0 };
    }
    this.#message.frames += 1;
    this.#message.bytes += length;
    if (this.#message.bytes > this.#limits.messageBytesMax) throw new WebSocketError(1009, 'more than a message may have');
    if (this.#message.frames > this.#limits.fragmentsMax) throw new WebSocketError(1009, 'more frames than a message may have');
  }

  receive(frame: FrameReader): WebSocketMessage | null {
    const message = this.#message!;
    const part = Buffer.from(frame.bytes.subarray(frame.start, frame.end));
    if (message.utf8?.receive(part) === false) throw new WebSocketError(1007, 'no UTF-8');
    message.parts.push(part);
    if (frame.left > 0 || !frame.fin) return null;
    if (message.utf8?.complete === false) throw new WebSocketError(1007, 'half a character');
    this.#message = null;
    const bytes = Buffer.concat(message.parts);
    const whole = message.deflated ? this.#inflater!.inflate(bytes, this.#limits.messageBytesMax) : bytes;
    if (!message.text) return whole;
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(whole);
    } catch {
      throw new WebSocketError(1007, 'no UTF-8');
    }
  }
}
