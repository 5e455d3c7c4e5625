/**
 * A body being received, whatever its framing. No I/O: takes bytes from the connection's input, returns events.
 */

import type { BodyFraming } from './body-framing.ts';
import { ChunkedDecoder } from './chunked-decoder.ts';
import { RemoteProtocolError } from './errors.ts';
import { endOfMessage, needMoreData } from './events.ts';
import type { DataEvent, EndEvent, NeedMoreData } from './events.ts';
import type { InputBuffer } from './input-buffer.ts';
import type { HttpLimits } from './limits.ts';

export class BodyReader {
  readonly #framing: BodyFraming;
  readonly #input: InputBuffer;
  readonly #decoder: ChunkedDecoder | null;
  #bytesLeft: number;

  constructor(framing: BodyFraming, input: InputBuffer, limits: HttpLimits) {
    this.#framing = framing;
    this.#input = input;
    this.#decoder = framing.kind === 'chunked' ? new ChunkedDecoder(limits, input) : null;
    this.#bytesLeft = framing.kind === 'length' ? framing.length : Infinity;
  }

  /** Bytes still to come; Infinity if that is not known. */
  get bytesLeft(): number {
    return this.#bytesLeft;
  }

  /**
   * The next part of the body, or its end.
   *
   * @param ended whether the peer will send nothing more
   * @throws RemoteProtocolError 400 if the peer ends before the body does (RFC 9112 §8), and what ChunkedDecoder
   *   throws
   */
  next(ended: boolean): DataEvent | EndEvent | NeedMoreData {
    if (this.#decoder !== null) {
      const event = this.#decoder.nextEvent();
      if (event.type === 'need-more-data' && ended) throw incomplete();
      return event;
    }
    if (this.#bytesLeft === 0) return endOfMessage;
    if (this.#input.length === 0) {
      if (!ended) return needMoreData;
      if (this.#framing.kind === 'close') return endOfMessage;
      throw incomplete();
    }
    const data = this.#input.take(this.#bytesLeft);
    this.#bytesLeft -= data.length;
    return { type: 'data', data };
  }
}

function incomplete(): RemoteProtocolError {
  return new RemoteProtocolError(400, 'the connection ended within a body');
}
